-- An office that has come since a restore has brought its rows. Until what it offers again has been taken too, something may be unknown here
-- that it knows: what is about that waits. What lies in its store is sold again at once.
ALTER TABLE awaited_offices ADD COLUMN rows_came boolean NOT NULL DEFAULT false;
