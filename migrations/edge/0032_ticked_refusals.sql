-- What the hub refused is ticked off by whoever at the office has dealt with it; it stays in the log, and can be put back.
ALTER TABLE command ADD COLUMN ticked INTEGER NOT NULL DEFAULT 0;
