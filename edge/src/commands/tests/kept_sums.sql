-- An office's file as the version before step 0041 left it: a count that the hub has put aside, and the undo of it, which still waits. The
-- kept sum has the undo's five units alone, thirty where there are twenty-five. Prices are left out.
BEGIN TRANSACTION;
CREATE TABLE bucket (
    number   INTEGER PRIMARY KEY,           -- short local number, used in the tables below
    name     TEXT NOT NULL UNIQUE,          -- 'coop:12'
    position INTEGER NOT NULL,              -- place in the scope, the order of cursors on the wire
    rank     INTEGER NOT NULL,              -- where one id stands in several buckets, the lowest is read
    upto     INTEGER NOT NULL DEFAULT 0,
    reached  INTEGER,                       -- set while a first snapshot walks down
    verified INTEGER NOT NULL DEFAULT 0     -- last version at which the digests were equal
);
INSERT INTO "bucket" VALUES(1,'edge:3',0,0,1,NULL,0);
INSERT INTO "bucket" VALUES(2,'coop:12',1,1,7,NULL,0);
INSERT INTO "bucket" VALUES(3,'global',2,5,4,NULL,0);
INSERT INTO "bucket" VALUES(4,'region:2',3,3,52,NULL,0);
INSERT INTO "bucket" VALUES(5,'country:MWI',4,4,1,NULL,0);
INSERT INTO "bucket" VALUES(6,'catalogue:2',5,2,2,NULL,0);
CREATE TABLE command (
    seq            INTEGER PRIMARY KEY,     -- place in the stream, without gaps
    id             BLOB    NOT NULL UNIQUE,
    made_at_s      INTEGER NOT NULL,
    actor_kind     INTEGER NOT NULL,
    actor_id       BLOB,
    actor_phone    INTEGER NOT NULL,
    kind           INTEGER NOT NULL,
    body           BLOB    NOT NULL,
    record         INTEGER NOT NULL,        -- 1: it says what happened; 0: it asks
    sent           INTEGER NOT NULL DEFAULT 0,
    verdict_number INTEGER,
    verdict        TEXT,                    -- applied, rejected, dismissed, held, quarantined, unsupported
    code           TEXT,
    args           TEXT,                    -- JSON array of strings
    alias          BLOB,
    conflicts      TEXT,                    -- JSON
    short          INTEGER NOT NULL DEFAULT 0,
    stands_at      TEXT,                    -- JSON: [["coop:12", 7], ...]
    settled_at_s   INTEGER,                 -- when the final verdict came
    told_at_s      INTEGER                  -- when the person was told
, local INTEGER NOT NULL DEFAULT 0, asked BLOB, settled_hub_s INTEGER, settled_heard_s INTEGER, thing TEXT, unsaid TEXT, ticked INTEGER NOT NULL DEFAULT 0, end_said TEXT, said_before TEXT, taken_back INTEGER NOT NULL DEFAULT 0, heard_short INTEGER NOT NULL DEFAULT 0, standing_words INTEGER NOT NULL DEFAULT 0, ended_doubt INTEGER NOT NULL DEFAULT 0);
INSERT INTO "command" VALUES(1,X'019CA86950007BC1ACA8C766A61CEAA8',1772352000,2,X'4D697A696C6980008000000000000384',265991000001,2,X'8950019CA869500071648A25DA5AD31754E21833056019C35019AFC8634D574BF61961A8',1,1,1,'applied',NULL,NULL,NULL,NULL,0,'[["coop:12",7]]',1772352000,NULL,0,X'775C01DF2009019277FC4CE35CB11EBE',NULL,NULL,'{"listing":"019ca869-5000-7164-8a25-da5ad31754e2","cooperative":0,"name":"Maize","name_sw":"Mahindi","unit":"KG","currency":"MWK","quantity_milli":50000,"unit_price_minor":45000,"buyer_phone":0,"caller_phone":0}',NULL,0,NULL,NULL,0,0,0,0);
INSERT INTO "command" VALUES(2,X'019CA8695000760D9C65F158A3020925',1772352000,2,X'4D697A696C6980008000000000000384',265991000001,7,X'8350019CA869500071648A25DA5AD31754E2820282193A98194E2060',1,1,2,'dismissed',NULL,NULL,NULL,NULL,0,'[]',1772352000,NULL,0,X'CC1D54A5F5A07E82AF72285F629BBCBF',NULL,NULL,'{"listing":"019ca869-5000-7164-8a25-da5ad31754e2","cooperative":12,"name":"Maize","name_sw":"Mahindi","unit":"KG","currency":"MWK","quantity_milli":50000,"unit_price_minor":45000,"buyer_phone":0,"caller_phone":0}',NULL,0,NULL,NULL,0,0,0,0);
INSERT INTO "command" VALUES(3,X'019CA86950007E3589FBA417A2D8D9ED',1772352000,2,X'4D697A696C6980008000000000000384',265991000001,7,X'8450019CA869500071648A25DA5AD31754E28200811A000182B86050019CA8695000760D9C65F158A3020925',1,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,1,X'AA2DA7F16FCBC9B66CF0846B34940C9B',NULL,NULL,'{"listing":"019ca869-5000-7164-8a25-da5ad31754e2","cooperative":12,"name":"Maize","name_sw":"Mahindi","unit":"KG","currency":"MWK","quantity_milli":45000,"unit_price_minor":45000,"buyer_phone":0,"caller_phone":0}',NULL,0,NULL,NULL,0,0,0,0);
CREATE TABLE digest (
    bucket INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    sum    BLOB    NOT NULL,                -- 24 bytes: sum and count
    PRIMARY KEY (bucket, entity)
) WITHOUT ROWID;
INSERT INTO "digest" VALUES(1,11,X'F250C5E16F3593610C33470603CD263B0100000000000000');
INSERT INTO "digest" VALUES(2,7,X'5FA0C93E8508116A5ED2991C22FB6F4C0100000000000000');
INSERT INTO "digest" VALUES(2,8,X'6027FFA3E5EF7733A0661D1ADB4986B80100000000000000');
INSERT INTO "digest" VALUES(2,10,X'0F3360C934A3F7B34E8E273DA880E1A70100000000000000');
INSERT INTO "digest" VALUES(2,12,X'ECE10357E3A7A90440986FE9794764300300000000000000');
INSERT INTO "digest" VALUES(2,13,X'81E7C4A91D19D14D5AA7C18A77BFB4B50100000000000000');
INSERT INTO "digest" VALUES(3,1,X'20E1B8AD80E772B8CE0E1220BA481F250200000000000000');
INSERT INTO "digest" VALUES(3,2,X'48AD5803A40F6D1ACB02083C0C43C6EC0200000000000000');
INSERT INTO "digest" VALUES(4,4,X'19646EB60FDAE4B177805AB9032DDA7C0200000000000000');
INSERT INTO "digest" VALUES(4,5,X'52F17CB8F77CA26BD144EC3AE5334BE70200000000000000');
INSERT INTO "digest" VALUES(4,6,X'85B5A3AF81620957AB784D561D55AB1D3000000000000000');
INSERT INTO "digest" VALUES(5,3,X'F7DF2810F443DBB0C31EA714A2FE8E3C0100000000000000');
INSERT INTO "digest" VALUES(6,7,X'B159E5C01B0F36304F42037317D5BC2A0100000000000000');
INSERT INTO "digest" VALUES(6,13,X'64724277D0184FED62ED48C76CAA26C50100000000000000');
CREATE TABLE known_command (
    number INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE,
    asked  BLOB
);
CREATE TABLE lived (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    lived_ms     INTEGER NOT NULL DEFAULT 0,    -- counted so far: the machine's runs, put forward by the hub's word
    boot         BLOB,                          -- the machine's run when this was written
    uptime_ms    INTEGER NOT NULL DEFAULT 0,    -- how long that run had lasted then
    heard_ms     INTEGER NOT NULL DEFAULT 0,    -- counted by the hub's word alone
    hub_s        INTEGER,                       -- the hub's clock when it spoke last, seconds since 1970 UTC
    hub_lived_ms INTEGER NOT NULL DEFAULT 0,    -- the count then
    hub_boot     BLOB,                          -- the machine's run then
    hub_ahead_s  INTEGER NOT NULL DEFAULT 0     -- by how much that clock was ahead of this box's
);
INSERT INTO "lived" VALUES(1,0,X'01010101010101010101010101010101',0,0,NULL,0,NULL,0);
CREATE TABLE local_index (
    entity INTEGER NOT NULL,
    field  INTEGER NOT NULL,
    value  BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    id     BLOB    NOT NULL,
    PRIMARY KEY (entity, field, value, seq, id)
) WITHOUT ROWID;
INSERT INTO "local_index" VALUES(12,1,X'03019CA869500071648A25DA5AD31754E2',3,X'04019CA8695000760D9C65F158A30209253B9ACA06');
CREATE TABLE local_row (
    seq     INTEGER NOT NULL,
    entity  INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    payload BLOB    NOT NULL,
    at_once INTEGER NOT NULL,               -- an increase of stock counts before the hub has answered
    PRIMARY KEY (seq, entity, id)
) WITHOUT ROWID;
INSERT INTO "local_row" VALUES(3,12,X'04019CA8695000760D9C65F158A30209253B9ACA06',X'07019CA869500071648A25DA5AD31754E208060C904E100C',1);
CREATE TABLE market_move (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    reference INTEGER NOT NULL DEFAULT 0,   -- names, units, markets, prices, settings
    offers    INTEGER NOT NULL DEFAULT 0    -- listings, stock, orders, also those that wait for the hub
);
INSERT INTO "market_move" VALUES(1,10,19);
CREATE TABLE node (
    key   TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO "node" VALUES('cooperative',12);
INSERT INTO "node" VALUES('edge',3);
INSERT INTO "node" VALUES('epoch',1);
INSERT INTO "node" VALUES('highest_seq',3);
INSERT INTO "node" VALUES('hub_keys',X'01010101010101010101010101010101010101010101010101010101010101010202020202020202020202020202020202020202020202020202020202020202');
INSERT INTO "node" VALUES('hub_minor',2);
INSERT INTO "node" VALUES('hub_url','http://127.0.0.1:1');
INSERT INTO "node" VALUES('incarnation',1);
INSERT INTO "node" VALUES('indexed','1:[];2:[];3:[];4:[];5:[1, 2];6:[];7:[];8:[3];9:[];10:[3];11:[];13:[2, 7];12:[1];14:[1, 7];');
INSERT INTO "node" VALUES('link',X'00000000000000000505050505050505050505050505050506060606060606060606060606060606');
INSERT INTO "node" VALUES('national',0);
INSERT INTO "node" VALUES('stream_base',0);
INSERT INTO "node" VALUES('verdict_base',0);
INSERT INTO "node" VALUES('verdicts_upto',2);
CREATE TABLE number_language (
    phone    INTEGER PRIMARY KEY,
    language TEXT NOT NULL
);
CREATE TABLE office_line (
    id   INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user TEXT NOT NULL,                 -- as the session names them
    line TEXT NOT NULL                  -- an IPv4 address, or what stands for all addresses of one IPv6 subscriber
);
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
CREATE TABLE replica (
    entity  INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    bucket  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    payload BLOB,                           -- NULL: gone; kept only while a first snapshot is under way
    PRIMARY KEY (entity, id, bucket)
) WITHOUT ROWID;
INSERT INTO "replica" VALUES(1,X'0100000033',3,1,X'05054D61697A65091263657265616C7320616E64207475626572730D074D6168696E646911084368696D616E67611802');
INSERT INTO "replica" VALUES(1,X'0100000034',3,2,X'05054265616E73091263657265616C7320616E64207475626572730D094D616861726167776511064E79656D62611802');
INSERT INTO "replica" VALUES(2,X'0100000005',3,3,X'05024B4708020CD00F');
INSERT INTO "replica" VALUES(2,X'0100000006',3,4,X'05053930204B4708020CA0FE0A');
INSERT INTO "replica" VALUES(3,X'0100000002',5,1,X'050E43656E7472616C20526567696F6E09034D5749');
INSERT INTO "replica" VALUES(4,X'0100000001',4,1,X'05084C696C6F6E67776509034D57490C0411084C696C6F6E67776514BFB4AA0118A0AD9C03');
INSERT INTO "replica" VALUES(4,X'0100000002',4,2,X'05074D6974756E647509034D57490C0411084C696C6F6E67776514BFB4AA0118A0AD9C03');
INSERT INTO "replica" VALUES(5,X'0100000064',4,3,X'040208660C0A110652657461696C15034D574B');
INSERT INTO "replica" VALUES(5,X'0100000065',4,4,X'040408660C0A110652657461696C15034D574B');
INSERT INTO "replica" VALUES(7,X'010000000C',2,1,X'050F4D6974756E6475204661726D65727309034D57490C0411034D574B1464');
INSERT INTO "replica" VALUES(7,X'010000000D',6,1,X'050C446F77612047726F7765727309034D57490C0411034D574B1464');
INSERT INTO "replica" VALUES(8,X'034D697A696C69800080000000000002BC',2,2,X'0418090B4D657263792042616E64610C8E9081E5BD0F1102656E1480BFA5990D');
INSERT INTO "replica" VALUES(10,X'034D697A696C6980008000000000000384',2,3,X'0418090D436869736F6D6F2050686972690C82BFE4E4BD0F1002');
INSERT INTO "replica" VALUES(11,X'0100000003',1,1,X'041809034D57490D034D574B');
INSERT INTO "replica" VALUES(12,X'04019CA869500071648A25DA5AD31754E200000001',2,4,X'07019CA869500071648A25DA5AD31754E208060CA08D061002');
INSERT INTO "replica" VALUES(12,X'04019CA869500071648A25DA5AD31754E200000002',2,5,X'07019CA869500071648A25DA5AD31754E208060CCF86031004');
INSERT INTO "replica" VALUES(12,X'04019CA869500071648A25DA5AD31754E200000003',2,6,X'07019CA869500071648A25DA5AD31754E20CD086031004');
INSERT INTO "replica" VALUES(13,X'03019CA869500071648A25DA5AD31754E2',2,7,X'041808660C0A1490BF0519034D574B2480C89F9A0D');
INSERT INTO "replica" VALUES(13,X'034D697A696C69800080000000000001F4',6,2,X'041A08680C0A1490BF0519034D574B248082959A0D2880F104');
CREATE TABLE replica_index (
    entity INTEGER NOT NULL,
    field  INTEGER NOT NULL,
    value  BLOB    NOT NULL,
    bucket INTEGER NOT NULL,
    id     BLOB    NOT NULL,
    PRIMARY KEY (entity, field, value, bucket, id)
) WITHOUT ROWID;
INSERT INTO "replica_index" VALUES(5,1,X'000000000000000001',4,X'0100000064');
INSERT INTO "replica_index" VALUES(5,1,X'000000000000000002',4,X'0100000065');
INSERT INTO "replica_index" VALUES(5,2,X'000000000000000033',4,X'0100000064');
INSERT INTO "replica_index" VALUES(5,2,X'000000000000000033',4,X'0100000065');
INSERT INTO "replica_index" VALUES(8,3,X'000000003DEE502407',2,X'034D697A696C69800080000000000002BC');
INSERT INTO "replica_index" VALUES(10,3,X'000000003DEE4C8FC1',2,X'034D697A696C6980008000000000000384');
INSERT INTO "replica_index" VALUES(12,1,X'03019CA869500071648A25DA5AD31754E2',2,X'04019CA869500071648A25DA5AD31754E200000001');
INSERT INTO "replica_index" VALUES(12,1,X'03019CA869500071648A25DA5AD31754E2',2,X'04019CA869500071648A25DA5AD31754E200000002');
INSERT INTO "replica_index" VALUES(12,1,X'03019CA869500071648A25DA5AD31754E2',2,X'04019CA869500071648A25DA5AD31754E200000003');
INSERT INTO "replica_index" VALUES(13,2,X'000000000000000033',2,X'03019CA869500071648A25DA5AD31754E2');
INSERT INTO "replica_index" VALUES(13,2,X'000000000000000034',6,X'034D697A696C69800080000000000001F4');
CREATE TABLE sms_in (
    gateway      TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    came_lived_s    INTEGER NOT NULL,
    PRIMARY KEY (gateway, id)
) WITHOUT ROWID;
CREATE TABLE sms_number (
    phone                 INTEGER PRIMARY KEY,
    opted_out             INTEGER NOT NULL DEFAULT 0,   -- said STOP, and not START since
    unknown_answered_lived_s INTEGER                       -- when a text that was not understood got the helpful answer
);
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
    sent_at_s    INTEGER, due_lived_s INTEGER NOT NULL DEFAULT 0, queued_lived_s INTEGER NOT NULL DEFAULT 0, changed_lived_s INTEGER NOT NULL DEFAULT 0, sent_day INTEGER,
    -- One message of a kind about one thing to one number, however often it is asked for.
    UNIQUE (about, kind, phone)
);
CREATE TABLE sms_report (
    message_id TEXT PRIMARY KEY NOT NULL,
    state      TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    came_lived_s  INTEGER NOT NULL
, opted_out INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE sms_setting (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    language TEXT NOT NULL
);
CREATE TABLE stock_sum (
    listing BLOB PRIMARY KEY NOT NULL,
    sums    BLOB NOT NULL                   -- for each holder 13 bytes: 1 where an order it filled is short, then little-endian its number and thousandths of a unit
) WITHOUT ROWID;
INSERT INTO "stock_sum" VALUES(X'019CA869500071648A25DA5AD31754E2',X'0000000000A86100000000000000030000003075000000000000');
CREATE TABLE sync_state (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    up_bytes_s     INTEGER,             -- measured speed of the link
    down_bytes_s   INTEGER,
    attempt_at_s   INTEGER,             -- by this box's clock
    error_code     TEXT,                -- why the last attempt did not come to its end; NULL when it did
    error_text     TEXT,
    is_complete    INTEGER NOT NULL DEFAULT 0,  -- every bucket was whole and at its head when last compared
    digests_equal  INTEGER,             -- NULL until compared
    recounted_lived_s INTEGER,             -- when the rows on disk were last added up anew, by this box's clock
    mended_rows    INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "sync_state" VALUES(1,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0);
CREATE TABLE to_count (
    listing BLOB PRIMARY KEY NOT NULL,
    counted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE ussd_call (
    number       INTEGER PRIMARY KEY,       -- rises with each writing
    gateway      TEXT    NOT NULL,          -- its name in the settings
    session      TEXT    NOT NULL,          -- the gateway's id of the call
    run          INTEGER NOT NULL,          -- the start of the program that wrote it: a row of an earlier one may lack the last keys
    touched_lived_s INTEGER NOT NULL,          -- by this box's clock
    state        TEXT    NOT NULL,          -- JSON
    UNIQUE (gateway, session)
);
CREATE TABLE ussd_draft (
    phone        INTEGER PRIMARY KEY,       -- E.164 without the plus sign
    touched_lived_s INTEGER NOT NULL,
    state        TEXT    NOT NULL           -- JSON
);
CREATE INDEX command_open ON command (seq) WHERE verdict IS NULL;
CREATE INDEX local_row_id ON local_row (entity, id, seq);
CREATE INDEX replica_gone ON replica (bucket) WHERE payload IS NULL;
CREATE INDEX command_waiting ON command (seq) WHERE settled_at_s IS NULL;
CREATE INDEX command_droppable ON command (seq) WHERE local = 1 AND settled_at_s IS NOT NULL;
CREATE INDEX office_session_user ON office_session (user);
CREATE INDEX ussd_draft_touched ON ussd_draft (touched_lived_s);
CREATE INDEX sms_out_message ON sms_out (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX sms_in_came ON sms_in (came_lived_s);
CREATE UNIQUE INDEX office_line_user ON office_line (user, line);
CREATE INDEX command_refused ON command (verdict_number) WHERE verdict IN ('rejected', 'dismissed');
CREATE INDEX command_in_part ON command (verdict_number) WHERE conflicts IS NOT NULL;
CREATE INDEX command_settled ON command (settled_heard_s) WHERE settled_heard_s IS NOT NULL;
CREATE INDEX command_undated ON command (seq) WHERE settled_at_s IS NOT NULL AND settled_heard_s IS NULL;
CREATE INDEX sms_out_due ON sms_out (due_lived_s) WHERE state IN ('queued', 'sending');
CREATE INDEX sms_out_sent ON sms_out (sent_day) WHERE sent_day IS NOT NULL;
CREATE INDEX sms_out_phone ON sms_out (phone, queued_lived_s);
CREATE INDEX sms_out_old ON sms_out (changed_lived_s) WHERE state NOT IN ('queued', 'sending');
CREATE INDEX command_untold ON command (seq)
    WHERE settled_at_s IS NOT NULL AND told_at_s IS NULL AND unsaid IS NULL AND (local = 0 OR verdict <> 'applied');
CREATE INDEX command_stock ON command (seq) WHERE kind = 7;
CREATE INDEX command_taken_back ON command (seq) WHERE taken_back = 1;
CREATE INDEX command_taking_back ON command (kind, seq) WHERE kind = 2 OR kind = 4 OR kind = 6;
CREATE INDEX command_heard_short ON command (seq) WHERE heard_short = 1;
CREATE TRIGGER market_move_new AFTER INSERT ON bucket BEGIN
    UPDATE market_move SET reference = reference + 1, offers = offers + 1;
END;
CREATE TRIGGER market_move_gone AFTER DELETE ON bucket BEGIN
    UPDATE market_move SET reference = reference + 1, offers = offers + 1;
END;
CREATE TRIGGER market_move_frame AFTER UPDATE OF upto, reached ON bucket BEGIN
    UPDATE market_move SET
        reference = reference + (substr(new.name, 1, 5) <> 'coop:' AND substr(new.name, 1, 10) <> 'catalogue:'),
        offers = offers + 1;
END;
CREATE TRIGGER market_move_act AFTER INSERT ON command BEGIN
    UPDATE market_move SET offers = offers + 1;
END;
CREATE TRIGGER market_move_settled AFTER UPDATE OF local ON command BEGIN
    UPDATE market_move SET offers = offers + 1;
END;
CREATE TRIGGER command_pruned BEFORE DELETE ON command BEGIN
    INSERT OR IGNORE INTO known_command (id, asked) VALUES (old.id, old.asked);
    DELETE FROM known_command WHERE number <= (SELECT max(number) FROM known_command) - 200000;
END;
DELETE FROM "sqlite_sequence";
COMMIT;
PRAGMA user_version = 27;
