-- The lines on which people at the office have signed in before, in the order of use: there a wrong password puts their next try off
-- and never refuses it, so that nobody who guesses can lock them out.
CREATE TABLE office_line (
    id   INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user TEXT NOT NULL,                 -- as the session names them
    line TEXT NOT NULL                  -- an IPv4 address, or what stands for all addresses of one IPv6 subscriber
);
CREATE UNIQUE INDEX office_line_user ON office_line (user, line);
