-- What people call a box, such as the place where it stands: several of one cooperative are told apart by it.
ALTER TABLE edges ADD COLUMN name text NOT NULL DEFAULT '';
