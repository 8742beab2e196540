-- Every price at which a listing has stood, so that a sale at another one is seen. Of a listing from before this table what it stands at
-- and was ordered at is kept, but nothing is said of its sales: what else it stood at is not known.
CREATE TABLE listing_prices (
    listing_id  uuid NOT NULL REFERENCES listings,
    price_minor bigint NOT NULL,
    PRIMARY KEY (listing_id, price_minor)
);
INSERT INTO listing_prices SELECT id, price_minor FROM listings UNION SELECT listing_id, unit_price_minor FROM orders;

ALTER TABLE listings ADD COLUMN prices_whole boolean NOT NULL DEFAULT false;    -- listing_prices holds all that it ever had
ALTER TABLE orders ADD COLUMN odd_price boolean NOT NULL DEFAULT false;         -- at a price that the listing never had
