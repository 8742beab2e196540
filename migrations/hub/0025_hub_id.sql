-- Which hub this database is: a box that is enrolled anew must find the same one, whatever its keys are by then.
ALTER TABLE hub ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
