-- A database that was restored from a backup, noticed by the first edge that comes with a later link.

-- Where each bucket stood in the backup, by the epoch that began with it: what edges have above that was forgotten here.
CREATE TABLE restored_heads (
    epoch   int NOT NULL,
    bucket  text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (epoch, bucket)
);

-- Rows that edges had and this database had forgotten, whole, for an operator; `stands` says whether they stand here again.
CREATE TABLE salvaged_rows (
    epoch       int NOT NULL,
    bucket      text COLLATE "C" NOT NULL,
    entity      int NOT NULL,
    id          bytea NOT NULL,
    version     bigint NOT NULL,
    payload     bytea NOT NULL,
    edge_id     int NOT NULL REFERENCES edges,
    received_at timestamptz NOT NULL DEFAULT now(),
    stands      boolean NOT NULL,
    PRIMARY KEY (epoch, bucket, entity, id)
);

-- Offices that have not come since: of what lies in their stores the hub sells nothing until they have. Mostly empty.
CREATE TABLE awaited_offices (
    edge_id        int PRIMARY KEY REFERENCES edges,
    cooperative_id int NOT NULL REFERENCES cooperatives
);
