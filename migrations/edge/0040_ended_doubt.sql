-- A count by which its product had to be counted no more, after a box was in doubt: taken back or refused, the product has to be counted again.
ALTER TABLE command ADD COLUMN ended_doubt INTEGER NOT NULL DEFAULT 0;
