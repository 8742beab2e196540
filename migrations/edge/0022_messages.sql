-- SMS going out and coming in. A message is here before anything is said about it, and stays after it went, for whoever asks.
CREATE TABLE sms_out (
    id           INTEGER PRIMARY KEY,
    phone        INTEGER NOT NULL,          -- E.164 without the plus sign
    text         TEXT    NOT NULL,
    segments     INTEGER NOT NULL,          -- what the network charges for
    kind         TEXT    NOT NULL,          -- reply, receipt, verdict
    about        TEXT    NOT NULL,          -- the command's id, or the id of the SMS that it answers
    gateway      TEXT,                      -- by name; NULL: any that can send
    link_id      TEXT,                      -- of the SMS that it answers
    state        TEXT    NOT NULL DEFAULT 'queued',     -- queued, sending, sent, delivered, failed, cancelled
    tries        INTEGER NOT NULL DEFAULT 0,
    not_before_s INTEGER NOT NULL,
    message_id   TEXT,                      -- the gateway's
    note         TEXT    NOT NULL DEFAULT '',           -- what went wrong last, for the office
    created_at_s INTEGER NOT NULL,
    changed_at_s INTEGER NOT NULL,
    sent_at_s    INTEGER,
    -- One message of a kind about one thing to one number, however often it is asked for.
    UNIQUE (about, kind, phone)
);
CREATE INDEX sms_out_due ON sms_out (not_before_s) WHERE state IN ('queued', 'sending');
CREATE INDEX sms_out_message ON sms_out (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX sms_out_sent ON sms_out (sent_at_s) WHERE sent_at_s IS NOT NULL;
CREATE INDEX sms_out_phone ON sms_out (phone, created_at_s);
CREATE INDEX sms_out_old ON sms_out (changed_at_s) WHERE state NOT IN ('queued', 'sending');

-- Gateways bring an SMS again until they are answered.
CREATE TABLE sms_in (
    gateway      TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    came_at_s    INTEGER NOT NULL,
    PRIMARY KEY (gateway, id)
) WITHOUT ROWID;
CREATE INDEX sms_in_came ON sms_in (came_at_s);

-- What is known of a number that wrote.
CREATE TABLE sms_number (
    phone                 INTEGER PRIMARY KEY,
    opted_out             INTEGER NOT NULL DEFAULT 0,   -- said STOP, and not START since
    unknown_answered_at_s INTEGER                       -- when a text that was not understood got the helpful answer
);

-- A report may overtake the answer that gives the message its id.
CREATE TABLE sms_report (
    message_id TEXT PRIMARY KEY NOT NULL,
    state      TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    came_at_s  INTEGER NOT NULL
) WITHOUT ROWID;

-- The language of people who chose none, as the settings say: notices are also written where no settings are read.
CREATE TABLE sms_setting (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    language TEXT NOT NULL
);
