-- What an office has dealt with of what was refused, it alone knows: it says how many are left, of those that it has heard of.
ALTER TABLE edges ADD COLUMN refused_left bigint;    -- NULL: it does not say
