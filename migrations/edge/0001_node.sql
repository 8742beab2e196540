-- What the box knows about itself: identity, link, epoch, counters. One row per key, small values only.
CREATE TABLE node (
    key   TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) WITHOUT ROWID;
