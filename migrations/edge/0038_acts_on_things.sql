-- Whether something was taken back is asked for each refusal, of the kinds of commands that put something up and take it back: listing.post,
-- listing.withdraw, order.cancel. Not one IN: SQLite sees that a statement's "kind = 6" is within this only where the kinds are alternatives.
CREATE INDEX command_taking_back ON command (kind, seq) WHERE kind = 2 OR kind = 4 OR kind = 6;
