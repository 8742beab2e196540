-- What a command asked for, and ids of commands that have left the log: the same request again, under the same key, is the same act
-- however long ago the first was. Bounded by count, so that no clock is asked.
ALTER TABLE command ADD COLUMN asked BLOB;      -- 16 bytes of BLAKE3; NULL before this step

CREATE TABLE known_command (
    number INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE,
    asked  BLOB
);
CREATE TRIGGER command_pruned BEFORE DELETE ON command BEGIN
    INSERT OR IGNORE INTO known_command (id, asked) VALUES (old.id, old.asked);
    DELETE FROM known_command WHERE number <= (SELECT max(number) FROM known_command) - 200000;
END;
