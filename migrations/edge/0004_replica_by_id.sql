-- Reads look a thing up by its id in whatever bucket it stands, and a national node has thousands of buckets: the id comes before
-- the bucket in the key, so that a look-up is one seek and a price history one range.
ALTER TABLE replica RENAME TO replica_by_bucket;
CREATE TABLE replica (
    entity  INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    bucket  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    payload BLOB,                           -- NULL: gone; kept only while a first snapshot is under way
    PRIMARY KEY (entity, id, bucket)
) WITHOUT ROWID;
INSERT INTO replica (entity, id, bucket, version, payload)
    SELECT entity, id, bucket, version, payload FROM replica_by_bucket ORDER BY entity, id, bucket;
DROP TABLE replica_by_bucket;
CREATE INDEX replica_gone ON replica (bucket) WHERE payload IS NULL;
