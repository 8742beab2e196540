-- Cooperatives, people with accounts at the hub, and their refresh tokens.
CREATE TABLE cooperatives (
    id                int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name              text NOT NULL,
    country           text NOT NULL CHECK (length(country) = 3),
    region_id         int REFERENCES regions,
    currency          text NOT NULL CHECK (length(currency) = 3),
    hub_share_percent int NOT NULL DEFAULT 50 CONSTRAINT cooperatives_share_check CHECK (hub_share_percent BETWEEN 0 AND 100),
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cooperatives_name_key UNIQUE (country, name)
);

CREATE TABLE users (
    id                   uuid PRIMARY KEY,
    phone                bigint NOT NULL CONSTRAINT users_phone_key UNIQUE,   -- E.164 without the plus sign
    name                 text NOT NULL,
    role                 text NOT NULL CHECK (role IN ('buyer', 'farmer', 'clerk', 'admin')),
    cooperative_id       int REFERENCES cooperatives,
    language             text NOT NULL DEFAULT 'en',
    password_hash        text NOT NULL,                                       -- argon2id, PHC string
    office_password_hash text NOT NULL DEFAULT '',                            -- the only one that edges get
    disabled             boolean NOT NULL DEFAULT false,
    created_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_clerk_cooperative_check CHECK (role <> 'clerk' OR cooperative_id IS NOT NULL)
);
CREATE INDEX users_cooperative ON users (cooperative_id) WHERE cooperative_id IS NOT NULL;

-- A refresh token is used once; its use by a thief and by its owner both end the family.
CREATE TABLE refresh_tokens (
    hash       bytea PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    family     uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);

CREATE TABLE members (
    id              uuid PRIMARY KEY,
    cooperative_id  int NOT NULL REFERENCES cooperatives,
    name            text NOT NULL,
    phone           bigint NOT NULL,
    language        text NOT NULL,
    registered_at_s bigint NOT NULL,                                          -- as claimed by the node
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT members_phone_key UNIQUE (cooperative_id, phone)
);

-- An id that was registered offline for somebody whom the hub already knew.
CREATE TABLE member_aliases (
    from_id        uuid PRIMARY KEY,
    to_id          uuid NOT NULL REFERENCES members,
    cooperative_id int NOT NULL REFERENCES cooperatives
);
