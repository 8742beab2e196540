-- Who may sign in at the office page of this box: passwords as argon2id hashes, and the sessions they opened. A session is stored
-- by the hash of its token, so that a copy of this file opens none, and it ends by time counted since the start of the machine,
-- because the wall clock of a box may jump: after a reboot nobody is signed in.
CREATE TABLE office_password (
    user     TEXT PRIMARY KEY NOT NULL,
    hash     TEXT NOT NULL,             -- PHC string, $argon2id$...
    set_at_s INTEGER NOT NULL           -- by this box's clock; for reading only
) WITHOUT ROWID;

CREATE TABLE office_session (
    hash       BLOB PRIMARY KEY NOT NULL,
    user       TEXT NOT NULL,
    boot       TEXT NOT NULL,           -- the boot of the machine that it belongs to
    begun_at_s INTEGER NOT NULL,        -- by this box's clock; for reading only
    used_at_ms INTEGER NOT NULL         -- since the start of the machine
) WITHOUT ROWID;
CREATE INDEX office_session_user ON office_session (user);
