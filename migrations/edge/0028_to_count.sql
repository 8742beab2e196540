-- While the data of this box is in doubt: the products that a person has counted since, and, once everything of the hub is here, those
-- that are still to be counted. Without a row a product is still to be counted as long as that list is not made.
CREATE TABLE to_count (
    listing BLOB PRIMARY KEY NOT NULL,
    counted INTEGER NOT NULL
) WITHOUT ROWID;
