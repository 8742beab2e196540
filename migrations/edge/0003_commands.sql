-- The command log and what its commands do here before the hub has answered.

CREATE TABLE command (
    seq            INTEGER PRIMARY KEY,     -- place in the stream, without gaps
    id             BLOB    NOT NULL UNIQUE,
    made_at_s      INTEGER NOT NULL,
    actor_kind     INTEGER NOT NULL,
    actor_id       BLOB,
    actor_phone    INTEGER NOT NULL,
    kind           INTEGER NOT NULL,
    body           BLOB    NOT NULL,
    record         INTEGER NOT NULL,        -- 1: it says what happened; 0: it asks
    sent           INTEGER NOT NULL DEFAULT 0,
    verdict_number INTEGER,
    verdict        TEXT,                    -- applied, rejected, dismissed, held, quarantined, unsupported
    code           TEXT,
    args           TEXT,                    -- JSON array of strings
    alias          BLOB,
    conflicts      TEXT,                    -- JSON
    short          INTEGER NOT NULL DEFAULT 0,
    stands_at      TEXT,                    -- JSON: [["coop:12", 7], ...]
    settled_at_s   INTEGER,                 -- when the final verdict came
    told_at_s      INTEGER                  -- when the person was told
);
CREATE INDEX command_open ON command (seq) WHERE verdict IS NULL;
CREATE INDEX command_untold ON command (seq) WHERE settled_at_s IS NOT NULL AND told_at_s IS NULL;

CREATE TABLE local_row (
    seq     INTEGER NOT NULL,
    entity  INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    payload BLOB    NOT NULL,
    at_once INTEGER NOT NULL,               -- an increase of stock counts before the hub has answered
    PRIMARY KEY (seq, entity, id)
) WITHOUT ROWID;
CREATE INDEX local_row_id ON local_row (entity, id, seq);

CREATE TABLE local_index (
    entity INTEGER NOT NULL,
    field  INTEGER NOT NULL,
    value  BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    id     BLOB    NOT NULL,
    PRIMARY KEY (entity, field, value, seq, id)
) WITHOUT ROWID;
