-- The feed: latest state only, by bucket and version. Written and read by hub/src/feed alone.
CREATE TABLE buckets (
    name    text COLLATE "C" PRIMARY KEY,               -- 'coop:12'
    version bigint NOT NULL DEFAULT 0,                  -- advanced under this row's lock: commit order is version order
    digests bytea NOT NULL DEFAULT ''                   -- 26 bytes an entity: number (2, LE), sum (16, LE), count (8, LE)
);

CREATE TABLE sync_rows (
    bucket  text COLLATE "C" NOT NULL,
    entity  smallint NOT NULL,
    id      bytea NOT NULL,                             -- sync-protocol Key bytes
    version bigint NOT NULL,
    deleted boolean NOT NULL,
    hash    bytea NOT NULL,                             -- 16 bytes; empty when deleted
    payload bytea NOT NULL,                             -- canonical bytes; empty when deleted
    PRIMARY KEY (bucket, entity, id)
);
CREATE UNIQUE INDEX sync_rows_version ON sync_rows (bucket, version);

-- How far each job that feeds shared buckets has read each bucket.
CREATE TABLE job_cursors (
    job     text NOT NULL,
    bucket  text COLLATE "C" NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (job, bucket)
);
