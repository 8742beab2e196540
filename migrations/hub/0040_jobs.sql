-- Work that outlives a request and a hub: what is to be done, by when, and who is at it. Written and read by hub/src/jobs/queue alone.
-- What is done leaves the table; what failed too often stays as 'dead', for an operator.
CREATE TABLE jobs (
    id              uuid PRIMARY KEY,                   -- also the key under which outsiders are asked to do it once
    kind            text NOT NULL,
    payload_version smallint NOT NULL,                  -- of the payload's form, each kind's own
    payload         jsonb NOT NULL,
    open_key        text,                               -- at most one open job of a kind has it
    state           text NOT NULL DEFAULT 'ready' CONSTRAINT jobs_state_check CHECK (state IN ('ready', 'running', 'dead')),
    due_at          timestamptz NOT NULL,
    attempts        int NOT NULL DEFAULT 0,             -- begun so far
    attempts_max    int NOT NULL,
    lease_until     timestamptz,                        -- of a running one: from then on its worker counts as gone
    fencing         bigint NOT NULL DEFAULT 0,          -- one more with each claim: an earlier worker is told by it
    last_error      text,
    created_at      timestamptz NOT NULL,
    written_at      timestamptz NOT NULL,               -- when due_at or lease_until was written, by the clock of then
    CONSTRAINT jobs_lease_check CHECK ((state = 'running') = (lease_until IS NOT NULL))
) WITH (
    -- A small table whose rows change all the time: room for the next version of a row on its page, and dead ones cleared away early.
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);
CREATE UNIQUE INDEX jobs_open ON jobs (kind, open_key) WHERE open_key IS NOT NULL AND state <> 'dead';
CREATE INDEX jobs_ready ON jobs (due_at, id) WHERE state = 'ready';
-- A worker's sign of life changes no column of an index.
CREATE INDEX jobs_running ON jobs (id) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (kind, open_key) WHERE state = 'dead';

-- When regular jobs are due next. Whichever hub comes first advances one, and puts its job in, in one transaction.
CREATE TABLE job_schedules (
    name     text PRIMARY KEY,
    next_due timestamptz NOT NULL,
    skipped  bigint NOT NULL DEFAULT 0                  -- times that passed without a run of their own
);

-- What the schedules take the place of.
DELETE FROM job_cursors WHERE bucket = 'turn';
