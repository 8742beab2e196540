-- Messages, calls and drafts are aged by what the box has lived through (0029). The times that stay are for showing only.
ALTER TABLE sms_out ADD COLUMN due_lived_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms_out ADD COLUMN queued_lived_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms_out ADD COLUMN changed_lived_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sms_out ADD COLUMN sent_day INTEGER;                -- the day of the country on which it was sent, as far as was known
UPDATE sms_out SET sent_day = sent_at_s / 86400 WHERE sent_at_s IS NOT NULL;
DROP INDEX sms_out_due;
DROP INDEX sms_out_sent;
DROP INDEX sms_out_phone;
DROP INDEX sms_out_old;
CREATE INDEX sms_out_due ON sms_out (due_lived_s) WHERE state IN ('queued', 'sending');
CREATE INDEX sms_out_sent ON sms_out (sent_day) WHERE sent_day IS NOT NULL;
CREATE INDEX sms_out_phone ON sms_out (phone, queued_lived_s);
CREATE INDEX sms_out_old ON sms_out (changed_lived_s) WHERE state NOT IN ('queued', 'sending');

ALTER TABLE sms_in RENAME COLUMN came_at_s TO came_lived_s;
UPDATE sms_in SET came_lived_s = 0;
ALTER TABLE sms_number RENAME COLUMN unknown_answered_at_s TO unknown_answered_lived_s;
UPDATE sms_number SET unknown_answered_lived_s = 0 WHERE unknown_answered_lived_s IS NOT NULL;
ALTER TABLE sms_report RENAME COLUMN came_at_s TO came_lived_s;
ALTER TABLE sms_report ADD COLUMN opted_out INTEGER NOT NULL DEFAULT 0;     -- it says that the receiver refuses messages
UPDATE sms_report SET came_lived_s = 0;

ALTER TABLE ussd_call RENAME COLUMN touched_at_s TO touched_lived_s;
UPDATE ussd_call SET touched_lived_s = 0;
ALTER TABLE ussd_draft RENAME COLUMN touched_at_s TO touched_lived_s;
UPDATE ussd_draft SET touched_lived_s = 0,
    state = json_set(json_remove(state, '$.touched_at_s'), '$.touched_lived_s', 0) WHERE json_valid(state);
