-- The count that made an order short, by its command: whoever takes that count back confirms the order again.
ALTER TABLE orders ADD COLUMN short_by uuid;
