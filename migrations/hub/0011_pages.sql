-- What the pages of lists walk along: products newest first by the hub's own clock, and the orders that an account made.
CREATE INDEX listings_recorded ON listings (recorded_at DESC, id DESC);
CREATE INDEX orders_buyer_user ON orders (buyer_user_id, id) WHERE buyer_user_id IS NOT NULL;
