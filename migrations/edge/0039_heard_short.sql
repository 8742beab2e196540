-- An order may become short after it was sure, and be covered again: its buyer is told of each, once.
ALTER TABLE command ADD COLUMN heard_short INTEGER NOT NULL DEFAULT 0;      -- whether the last that its buyer heard of an order is that there is not enough for it
ALTER TABLE command ADD COLUMN standing_words INTEGER NOT NULL DEFAULT 0;   -- how often he was told how it stands after the hub's first word
UPDATE command SET heard_short = 1 WHERE kind = 5 AND verdict = 'applied' AND short = 1 AND told_at_s IS NOT NULL;
CREATE INDEX command_heard_short ON command (seq) WHERE heard_short = 1;
