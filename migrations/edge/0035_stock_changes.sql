-- The last change of each product's stock is shown, and can be taken back. 7 is stock.adjust.
CREATE INDEX command_stock ON command (seq) WHERE kind = 7;
