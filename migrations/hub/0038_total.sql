-- The sum of whole numbers as a whole number, and nought where there are none. Postgres' own goes by way of numeric, for the sake of sums
-- beyond bigint, and every list of products adds up stock; here such a sum is an error (22003), as it is where it is brought back to bigint.
CREATE AGGREGATE total(bigint) (SFUNC = int8pl, STYPE = bigint, COMBINEFUNC = int8pl, INITCOND = '0', PARALLEL = SAFE);
