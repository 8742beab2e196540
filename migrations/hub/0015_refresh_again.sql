-- A phone on a bad line loses the answer to a refresh. For a minute the same refresh token is answered with the same pair again, by
-- any hub. What is kept of the next token is sealed with the one that was used: the database alone opens neither.
ALTER TABLE refresh_tokens
    ADD COLUMN successor             bytea,     -- the next token's 32 bytes, sealed
    ADD COLUMN successor_issued_at_s bigint;    -- by the clock of the hub that answered; the access token says it
