-- Counts the moves of what screens show, whoever wrote: a screen keeps names and prices in memory only while the count stands. Two
-- counts, because an order changes what is on offer many times a day and the prices never.
CREATE TABLE market_move (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    reference INTEGER NOT NULL DEFAULT 0,   -- names, units, markets, prices, settings
    offers    INTEGER NOT NULL DEFAULT 0    -- listings, stock, orders, also those that wait for the hub
);
INSERT INTO market_move (one) VALUES (1);

CREATE TRIGGER market_move_new AFTER INSERT ON bucket BEGIN
    UPDATE market_move SET reference = reference + 1, offers = offers + 1;
END;
CREATE TRIGGER market_move_gone AFTER DELETE ON bucket BEGIN
    UPDATE market_move SET reference = reference + 1, offers = offers + 1;
END;
-- Every frame of rows, a repair too, ends with its bucket's cursor.
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
