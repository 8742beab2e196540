-- Verdicts are counted over all streams of this box. Each stream counts from 1, so what a later one said stood below what an earlier one
-- had said. What is here already is put in the order in which it came, as far as that is known.
UPDATE command SET verdict_number = came.place
FROM (SELECT seq, row_number() OVER (ORDER BY coalesce(settled_heard_s, 9223372036854775807), verdict_number, seq) AS place
      FROM command WHERE verdict_number IS NOT NULL) AS came
WHERE command.seq = came.seq;
INSERT INTO node (key, value)
    SELECT 'verdict_base', max(0, coalesce((SELECT max(verdict_number) FROM command), 0) - coalesce((SELECT value FROM node WHERE key = 'verdicts_upto'), 0));
