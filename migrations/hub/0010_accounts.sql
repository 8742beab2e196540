-- Wrong passwords by phone number, also for numbers without an account. Rows older than a day are forgotten.
CREATE TABLE login_attempts (
    phone         bigint PRIMARY KEY,
    failures      int NOT NULL,
    blocked_until timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL
);
CREATE INDEX login_attempts_age ON login_attempts (changed_at);

-- Whether an operator vouched that the number is the person's own. Only then do orders made by phone under that number, and
-- the membership of the member with that number, belong to the account: anybody can type a number when they register.
ALTER TABLE users ADD COLUMN phone_confirmed boolean NOT NULL DEFAULT false;

CREATE INDEX refresh_tokens_age ON refresh_tokens (expires_at);
