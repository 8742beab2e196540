-- The index of verdicts' numbers begins like the one of commands' numbers. A plan that was made before the table was ever analysed took
-- it for looking a command up in its stream, and read the whole stream each time. Now only who asks after verdicts can use it.
DROP INDEX commands_verdict;
CREATE UNIQUE INDEX commands_verdict ON commands (edge_id, incarnation, verdict_number) WHERE verdict_number > 0;
