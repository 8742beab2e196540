-- How the last exchanges went: for whoever looks how things stand, and for the pace of the next one. One row.
CREATE TABLE sync_state (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    up_bytes_s     INTEGER,             -- measured speed of the link
    down_bytes_s   INTEGER,
    attempt_at_s   INTEGER,             -- by this box's clock
    error_code     TEXT,                -- why the last attempt did not come to its end; NULL when it did
    error_text     TEXT,
    is_complete    INTEGER NOT NULL DEFAULT 0,  -- every bucket was whole and at its head when last compared
    digests_equal  INTEGER,             -- NULL until compared
    recounted_at_s INTEGER,             -- when the rows on disk were last added up anew, by this box's clock
    mended_rows    INTEGER NOT NULL DEFAULT 0
);
INSERT INTO sync_state (one) VALUES (1);
