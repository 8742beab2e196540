-- A command that came under an id which is another's is kept under an id of its own, with the one that it claimed; both bodies are there
-- for an operator. Where the operator has it applied under the new id, what that edge says of the old one means the new one.
ALTER TABLE commands ADD COLUMN clash_id uuid;              -- the id that it claimed, where that is another's
CREATE INDEX commands_clash ON commands (edge_id, clash_id) WHERE clash_id IS NOT NULL;

CREATE TABLE command_renames (
    edge_id int NOT NULL,
    old_id  uuid NOT NULL,
    new_id  uuid NOT NULL,
    PRIMARY KEY (edge_id, old_id)
);
