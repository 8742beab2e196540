-- For pruning: tombstones of a bucket by version. Few rows have one.
CREATE INDEX sync_rows_tombstones ON sync_rows (bucket, version) WHERE deleted;
