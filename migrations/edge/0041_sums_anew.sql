-- What takes an entry back counts only beside that entry. Sums that an earlier version kept may count it alone: they are added up anew.
DELETE FROM stock_sum;
