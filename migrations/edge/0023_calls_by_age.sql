-- Calls are written far more often than they are read: in the order of writing, a flood of them touches few pages, and the oldest are
-- found without an index of times. (Rows of half a kilobyte, kept in the order of a gateway's random ids, touched a page each.)
CREATE TABLE ussd_call (
    number       INTEGER PRIMARY KEY,       -- rises with each writing
    gateway      TEXT    NOT NULL,          -- its name in the settings
    session      TEXT    NOT NULL,          -- the gateway's id of the call
    run          INTEGER NOT NULL,          -- the start of the program that wrote it: a row of an earlier one may lack the last keys
    touched_at_s INTEGER NOT NULL,          -- by this box's clock
    state        TEXT    NOT NULL,          -- JSON
    UNIQUE (gateway, session)
);
INSERT INTO ussd_call (gateway, session, run, touched_at_s, state)
    SELECT gateway, session, run, touched_at_s, state FROM ussd_session ORDER BY touched_at_s;
DROP TABLE ussd_session;
