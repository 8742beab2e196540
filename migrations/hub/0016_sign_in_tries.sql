-- Wrong tries at passwords and enrolment codes, by what is guessed at and by the line that the guesses come on; and the lines on which
-- an account has signed in before, where its own tries are put off and never refused. Both are forgotten after a while.
-- `login_attempts` is left for hubs of before; nothing reads it any more.
CREATE TABLE sign_in_tries (
    what     text NOT NULL,                             -- 'phone:265991234567', also without an account; 'code:7'
    line     text NOT NULL,                             -- an IPv4 address, or what stands for one IPv6 subscriber
    failures int NOT NULL,
    last_ms  bigint NOT NULL,                           -- by the clock of the hub that looked
    PRIMARY KEY (what, line)
);
CREATE INDEX sign_in_tries_age ON sign_in_tries (last_ms);

CREATE TABLE sign_in_lines (
    what     text NOT NULL,
    line     text NOT NULL,
    last_ms  bigint NOT NULL,
    PRIMARY KEY (what, line)
);
CREATE INDEX sign_in_lines_age ON sign_in_lines (last_ms);
