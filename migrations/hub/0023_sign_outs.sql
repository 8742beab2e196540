-- How often an account was signed out everywhere. Access tokens say how often it had been when they were issued, so that "signed out"
-- is true at once and not a quarter of an hour later.
ALTER TABLE users ADD COLUMN sign_outs int NOT NULL DEFAULT 0;
