-- What was taken back here after it was asked for, an order or an offer, has no end of its own to tell of: whoever was told that it is off hears
-- no more, and nobody at the office has to look at its refusal. Noted with the hub's word on it, and looked at again where taking it
-- back is refused.
ALTER TABLE command ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0;
CREATE INDEX command_taken_back ON command (seq) WHERE taken_back = 1;
