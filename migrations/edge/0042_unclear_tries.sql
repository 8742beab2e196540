-- Tries after which an SMS may have gone out or not are counted apart from those that surely sent nothing: only a second of these ends it.
ALTER TABLE sms_out ADD COLUMN unclear_tries INTEGER NOT NULL DEFAULT 0;
