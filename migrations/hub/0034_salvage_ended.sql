-- What was brought after a restore and will never stand, because what was done here since stays instead, or because an operator has seen to
-- it: nobody tries it again, and nothing waits for it.
ALTER TABLE salvaged_rows ADD COLUMN ended text CONSTRAINT salvaged_rows_ended_check CHECK (ended IN ('gave_way', 'dismissed'));
