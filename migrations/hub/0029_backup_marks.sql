-- Copies of this database that an operator has tried and found whole. Edges keep what they brought until two of them hold it: whichever of
-- the two a hub is restored from, they can bring it again.
CREATE TABLE backup_marks (
    taken_at  timestamptz PRIMARY KEY,                  -- when the copy was taken
    marked_at timestamptz NOT NULL DEFAULT now(),
    note      text NOT NULL DEFAULT ''                  -- where it is, in the operator's words
);
