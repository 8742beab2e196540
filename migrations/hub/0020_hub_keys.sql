-- Which keys this database's edges trust: a fingerprint, not the keys. NULL until the first hub that knows of it has come.
ALTER TABLE hub ADD COLUMN keys_fingerprint text;
