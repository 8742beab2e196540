-- Offices list orders as the hub recorded them, not by the clock of whoever made them: from now on an order's row tells them when
-- that was. Rows that offices have already stay as they are there, or all of them would go out anew.
ALTER TABLE orders ADD COLUMN says_recorded boolean NOT NULL DEFAULT false;
ALTER TABLE orders ALTER COLUMN says_recorded SET DEFAULT true;
