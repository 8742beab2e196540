-- Lists of orders show the newest first by the hub's own clock. Their ids do not sort so: offices make them, some from other ids.
-- These take the place of the indexes that walked by id; nothing else used those.
CREATE INDEX orders_recorded ON orders (recorded_at DESC, id DESC);
CREATE INDEX orders_cooperative_recorded ON orders (cooperative_id, recorded_at DESC, id DESC);
CREATE INDEX orders_buyer_recorded ON orders (buyer_phone, recorded_at DESC, id DESC);
CREATE INDEX orders_buyer_user_recorded ON orders (buyer_user_id, recorded_at DESC, id DESC) WHERE buyer_user_id IS NOT NULL;
DROP INDEX orders_cooperative, orders_buyer, orders_buyer_user;
