-- Calls on the menu, what callers began and did not finish, and the language of numbers that are no members.
CREATE TABLE ussd_session (
    gateway   TEXT    NOT NULL,             -- its name in the settings
    session   TEXT    NOT NULL,             -- the gateway's id of the call
    run       INTEGER NOT NULL,             -- the start of the program that wrote it: a row of an earlier one may lack the last keys
    touched_at_s INTEGER NOT NULL,          -- by this box's clock
    state     TEXT    NOT NULL,             -- JSON
    PRIMARY KEY (gateway, session)
) WITHOUT ROWID;
CREATE INDEX ussd_session_touched ON ussd_session (touched_at_s);

-- The id of the command that a draft becomes is in it, so that it stays the same across calls.
CREATE TABLE ussd_draft (
    phone        INTEGER PRIMARY KEY,       -- E.164 without the plus sign
    touched_at_s INTEGER NOT NULL,
    state        TEXT    NOT NULL           -- JSON
);
CREATE INDEX ussd_draft_touched ON ussd_draft (touched_at_s);

CREATE TABLE number_language (
    phone    INTEGER PRIMARY KEY,
    language TEXT NOT NULL
);
