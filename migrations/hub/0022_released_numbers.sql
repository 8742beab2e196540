-- A number that a stranger registered can be taken from the account and given free. The account stays, closed and without a number,
-- for what it did.
ALTER TABLE users ALTER COLUMN phone DROP NOT NULL;
ALTER TABLE users ADD CONSTRAINT users_released_check CHECK (phone IS NOT NULL OR disabled);
