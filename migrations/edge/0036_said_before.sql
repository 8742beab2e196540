-- A hub that was restored may have forgotten its word on a command, and say another when it is offered again: what was said before stands
-- beside it, and whoever was told of that is told of the other word, once.
ALTER TABLE command ADD COLUMN said_before TEXT;    -- applied, or short; NULL: nothing was said before, or the same
