-- Of what was brought after a restore, what does not stand yet: whoever needs a listing or an order that is not here looks for it there.
CREATE INDEX salvaged_rows_left ON salvaged_rows (id) WHERE NOT stands;
