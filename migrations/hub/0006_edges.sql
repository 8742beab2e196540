-- Edges, their codes and sessions, their command streams and verdicts.
CREATE TABLE hub (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch int NOT NULL DEFAULT 1                        -- rises when the database was restored
);
INSERT INTO hub DEFAULT VALUES;

CREATE TABLE edges (
    id              int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cooperative_id  int NOT NULL REFERENCES cooperatives,
    national        boolean NOT NULL DEFAULT false,
    public_key      bytea,                              -- Ed25519; set by enrolment
    bundle_key      bytea,                              -- X25519; set by enrolment
    incarnation     int NOT NULL DEFAULT 0,             -- the living one; 0 before enrolment
    software        text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    enrolled_at     timestamptz,
    revoked_at      timestamptz,
    last_contact_at timestamptz,
    clock_offset_s  bigint                              -- edge's clock less the hub's
);
CREATE INDEX edges_cooperative ON edges (cooperative_id);

CREATE TABLE enrolment_codes (
    edge_id     int PRIMARY KEY REFERENCES edges,
    code_hash   bytea NOT NULL CONSTRAINT enrolment_codes_hash_key UNIQUE,
    expires_at  timestamptz NOT NULL,
    wrong_tries int NOT NULL DEFAULT 0,
    used_at     timestamptz
);

CREATE TABLE edge_sessions (
    token_hash  bytea PRIMARY KEY,
    edge_id     int NOT NULL REFERENCES edges,
    incarnation int NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX edge_sessions_edge ON edge_sessions (edge_id);

CREATE TABLE edge_streams (
    edge_id           int NOT NULL REFERENCES edges,
    incarnation       int NOT NULL,
    applied_seq       bigint NOT NULL DEFAULT 0,        -- taken, with whatever verdict
    link_number       bigint NOT NULL DEFAULT 0,
    link_random       bytea NOT NULL,
    previous_number   bigint,
    previous_random   bytea,
    last_verdict      bigint NOT NULL DEFAULT 0,        -- highest verdict number given
    verdicts_acked    bigint NOT NULL DEFAULT 0,
    exchange          bigint NOT NULL DEFAULT 0,        -- the newest exchange; an older one is fenced
    heard_scope       int,                              -- scope hash of the cursors below
    heard_cursors     bytea,                            -- last cursors heard
    frozen_at         timestamptz,                      -- restored or cloned: nothing more is taken
    halted_reason     text,                             -- waits for an operator
    PRIMARY KEY (edge_id, incarnation)
);

CREATE TABLE commands (
    edge_id        int NOT NULL,
    incarnation    int NOT NULL,
    seq            bigint NOT NULL,
    id             uuid NOT NULL CONSTRAINT commands_id_key UNIQUE,
    made_at_s      bigint NOT NULL,                     -- as claimed
    received_at    timestamptz NOT NULL DEFAULT now(),
    actor_kind     int NOT NULL,
    actor_id       uuid,
    actor_phone    bigint NOT NULL,
    kind           int NOT NULL,
    body           bytea NOT NULL,
    body_hash      bytea NOT NULL,
    verdict        text NOT NULL,                       -- sync-protocol Verdict::as_str
    verdict_number bigint NOT NULL,                     -- renumbered when an open verdict becomes final
    code           text,
    args           text[],
    short          boolean NOT NULL DEFAULT false,
    alias          uuid,
    conflicts      text[],                              -- field, current, wanted, field, ...
    stands_at      text[],                              -- 'coop:12@7'
    error          text,                                -- why it was quarantined, for an operator
    PRIMARY KEY (edge_id, incarnation, seq)
);
CREATE UNIQUE INDEX commands_verdict ON commands (edge_id, incarnation, verdict_number);
CREATE INDEX commands_open ON commands (edge_id, incarnation, seq) WHERE verdict IN ('held', 'quarantined', 'unsupported');
