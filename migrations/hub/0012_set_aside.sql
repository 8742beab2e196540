-- Why a command was set aside: by what it says, or because this hub could not work with it though it is not to blame. The latter
-- are tried again every hour.
ALTER TABLE commands ADD COLUMN ours boolean NOT NULL DEFAULT false;
CREATE INDEX commands_ours ON commands (edge_id, incarnation, seq) WHERE ours AND verdict = 'quarantined';

-- Commands that could not be taken though the hub's own try of the same statements went well: how often, and since when. One that
-- fails often enough for long enough is set aside, so that one fault of a handler does not shut a stream for ever.
CREATE TABLE command_failures (
    id              uuid PRIMARY KEY,
    edge_id         int NOT NULL,
    incarnation     int NOT NULL,
    seq             bigint NOT NULL,
    failures        int NOT NULL DEFAULT 1,
    first_failed_at timestamptz NOT NULL DEFAULT now(),
    last_failed_at  timestamptz NOT NULL DEFAULT now(),
    error           text NOT NULL
);

-- The program that last tried again what stands quarantined: another one may know better.
ALTER TABLE hub ADD COLUMN build text NOT NULL DEFAULT '';
