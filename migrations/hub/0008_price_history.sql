-- How many months of each price series the feed keeps, counted from the series' own newest. In the database, so that every
-- hub that shares it projects alike.
ALTER TABLE hub ADD COLUMN price_history_months int NOT NULL DEFAULT 36 CHECK (price_history_months > 0);
