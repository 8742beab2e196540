-- The replica: what the hub sent and nothing else. Rows are numbered fields in canonical bytes (sync-protocol, value.rs), so an
-- entity or a field of a newer hub is kept and counted like any other, and a new entity needs no step here.

CREATE TABLE bucket (
    number   INTEGER PRIMARY KEY,           -- short local number, used in the tables below
    name     TEXT NOT NULL UNIQUE,          -- 'coop:12'
    position INTEGER NOT NULL,              -- place in the scope, the order of cursors on the wire
    rank     INTEGER NOT NULL,              -- where one id stands in several buckets, the lowest is read
    upto     INTEGER NOT NULL DEFAULT 0,
    reached  INTEGER,                       -- set while a first snapshot walks down
    verified INTEGER NOT NULL DEFAULT 0     -- last version at which the digests were equal
);

CREATE TABLE replica (
    bucket  INTEGER NOT NULL,
    entity  INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    version INTEGER NOT NULL,
    payload BLOB,                           -- NULL: gone; kept only while a first snapshot is under way
    PRIMARY KEY (bucket, entity, id)
) WITHOUT ROWID;

-- Entries for the fields that an entity declares as indexed.
CREATE TABLE replica_index (
    entity INTEGER NOT NULL,
    field  INTEGER NOT NULL,
    value  BLOB    NOT NULL,
    bucket INTEGER NOT NULL,
    id     BLOB    NOT NULL,
    PRIMARY KEY (entity, field, value, bucket, id)
) WITHOUT ROWID;

-- Sums over the live rows, kept in the transaction that writes them.
CREATE TABLE digest (
    bucket INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    sum    BLOB    NOT NULL,                -- 24 bytes: sum and count
    PRIMARY KEY (bucket, entity)
) WITHOUT ROWID;
