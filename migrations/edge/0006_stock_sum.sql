-- What each holder may spend of a listing, as last added up from its entries. No row: add up again. It only saves work: every
-- change of an entry or an order takes the row away or brings it up to date in the same transaction.
CREATE TABLE stock_sum (
    listing BLOB PRIMARY KEY NOT NULL,
    sums    BLOB NOT NULL                   -- for each holder 13 bytes: 1 where an order it filled is short, then little-endian its number and thousandths of a unit
) WITHOUT ROWID;
