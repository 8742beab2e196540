-- SMS that wait at a box which has no account to send them with, as it said last: its office may not know what an account is.
ALTER TABLE edges ADD COLUMN stuck_sms bigint NOT NULL DEFAULT 0;
ALTER TABLE edges ADD COLUMN stuck_sms_since timestamptz;
