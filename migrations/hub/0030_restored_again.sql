-- What a restore from a backup has to remember while offices bring back what was forgotten over lines that are cut.

-- The stream began with a restore, for the box that held this link. The answer that said so may have been lost: that box gets it again.
ALTER TABLE edge_streams ADD COLUMN begun_after_link bigint;

-- How far each office has brought the rows of its cooperative since a restore: a line that is cut does not make it begin again.
CREATE TABLE brought_rows (
    epoch   int NOT NULL,
    edge_id int NOT NULL REFERENCES edges,
    upto    bigint NOT NULL,
    PRIMARY KEY (epoch, edge_id)
);

-- Up to which version the row that stood here was the backup's own, and under which one a salvaged row stands: whatever else stands
-- there was done here since, and stays.
ALTER TABLE salvaged_rows ADD COLUMN unchanged_upto bigint, ADD COLUMN published bigint;
