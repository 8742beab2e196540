-- Ages without a clock. A box may start in 1970 or in 2040, and its wall clock may jump at any moment, so nothing is aged by it: this is
-- what the machine counted while it ran, and what the hub's word has let pass. One row.
CREATE TABLE lived (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    lived_ms     INTEGER NOT NULL DEFAULT 0,    -- counted so far: the machine's runs, put forward by the hub's word
    boot         BLOB,                          -- the machine's run when this was written
    uptime_ms    INTEGER NOT NULL DEFAULT 0,    -- how long that run had lasted then
    heard_ms     INTEGER NOT NULL DEFAULT 0,    -- counted by the hub's word alone
    hub_s        INTEGER,                       -- the hub's clock when it spoke last, seconds since 1970 UTC
    hub_lived_ms INTEGER NOT NULL DEFAULT 0,    -- the count then
    hub_boot     BLOB,                          -- the machine's run then
    hub_ahead_s  INTEGER NOT NULL DEFAULT 0     -- by how much that clock was ahead of this box's
);
INSERT INTO lived (one, hub_s, hub_ahead_s)
    SELECT 1, max(CASE key WHEN 'last_contact_s' THEN value END) + coalesce(max(CASE key WHEN 'clock_offset_s' THEN value END), 0),
           coalesce(max(CASE key WHEN 'clock_offset_s' THEN value END), 0)
    FROM node;
DELETE FROM node WHERE key IN ('last_contact_s', 'clock_offset_s');

-- What was settled before begins to count now.
ALTER TABLE command ADD COLUMN settled_hub_s INTEGER;           -- the hub's clock when its final verdict came
ALTER TABLE command ADD COLUMN settled_heard_s INTEGER;         -- the count of the hub's word then; NULL until that answer has ended
UPDATE command SET settled_heard_s = 0 WHERE settled_at_s IS NOT NULL;
DROP INDEX command_refused;
DROP INDEX command_settled;
CREATE INDEX command_refused ON command (verdict_number) WHERE verdict IN ('rejected', 'dismissed');
CREATE INDEX command_in_part ON command (verdict_number) WHERE conflicts IS NOT NULL;
CREATE INDEX command_settled ON command (settled_heard_s) WHERE settled_heard_s IS NOT NULL;
CREATE INDEX command_undated ON command (seq) WHERE settled_at_s IS NOT NULL AND settled_heard_s IS NULL;

ALTER TABLE sync_state RENAME COLUMN recounted_at_s TO recounted_lived_s;
UPDATE sync_state SET recounted_lived_s = NULL;
