-- What an operator has to look at: commands that came under a sequence number or an id which was taken by another. The stream
-- they came by is halted; nothing of them was applied, and nothing is lost.
CREATE TABLE command_conflicts (
    edge_id     int NOT NULL,
    incarnation int NOT NULL,
    seq         bigint NOT NULL,
    id          uuid NOT NULL,
    body_hash   bytea NOT NULL,
    made_at_s   bigint NOT NULL,
    actor_kind  int NOT NULL,
    actor_id    uuid,
    actor_phone bigint NOT NULL,
    kind        int NOT NULL,
    body        bytea NOT NULL,
    reason      text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (edge_id, incarnation, seq, body_hash)
);

-- Open verdicts whose command got another since. Kept until acknowledged, so that the numbers an edge receives have no gap.
CREATE TABLE superseded_verdicts (
    edge_id        int NOT NULL,
    incarnation    int NOT NULL,
    verdict_number bigint NOT NULL,
    seq            bigint NOT NULL,
    verdict        text NOT NULL,
    PRIMARY KEY (edge_id, incarnation, verdict_number)
);
