-- An order's end that came from elsewhere, such as from the hub, is told once: how it was, beside the command that placed the order.
ALTER TABLE command ADD COLUMN end_said TEXT;       -- told; or nothing, nobody, stop, as in unsaid; NULL: it has not ended, or nobody heard
-- What took effect is told when its rows are here: it may have been undone since.
DROP INDEX command_untold;
CREATE INDEX command_untold ON command (seq)
    WHERE settled_at_s IS NOT NULL AND told_at_s IS NULL AND unsaid IS NULL AND (local = 0 OR verdict <> 'applied');
