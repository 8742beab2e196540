-- What the log is asked often, without reading all of it: what waits, what may be dropped beside the replica, what was refused,
-- what is old enough to go.
ALTER TABLE command ADD COLUMN local INTEGER NOT NULL DEFAULT 0;    -- 1: its local rows are still here
UPDATE command SET local = 1 WHERE seq IN (SELECT seq FROM local_row);
CREATE INDEX command_waiting ON command (seq) WHERE settled_at_s IS NULL;
CREATE INDEX command_droppable ON command (seq) WHERE local = 1 AND settled_at_s IS NOT NULL;
CREATE INDEX command_refused ON command (settled_at_s) WHERE verdict IN ('rejected', 'dismissed');
CREATE INDEX command_settled ON command (settled_at_s) WHERE settled_at_s IS NOT NULL;
