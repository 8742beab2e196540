-- A command keeps what its words need, for the listing may leave this node before the hub has answered. It counts as told only by the
-- message that says it; why there is none, where there is none, is a word of its own.
ALTER TABLE command ADD COLUMN thing TEXT;          -- JSON: name, unit, currency and the like, as they were when it was made
ALTER TABLE command ADD COLUMN unsaid TEXT;         -- nothing: it only confirms what was said; nobody: no number to tell; stop: wants no SMS
DROP INDEX command_untold;
CREATE INDEX command_untold ON command (seq) WHERE settled_at_s IS NOT NULL AND told_at_s IS NULL AND unsaid IS NULL;
