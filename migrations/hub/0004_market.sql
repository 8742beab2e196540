-- Listings, stock entries, orders. What holders have is only ever the sum of immutable entries.
CREATE SEQUENCE hub_born_ids;                           -- for sync-protocol ids::hub_born

CREATE TABLE listings (
    id             uuid PRIMARY KEY,
    cooperative_id int NOT NULL REFERENCES cooperatives,
    commodity_id   int NOT NULL REFERENCES commodities,
    unit_id        int NOT NULL REFERENCES units,
    title          text NOT NULL,
    price_minor    bigint NOT NULL CONSTRAINT listings_price_check CHECK (price_minor > 0),
    currency       text NOT NULL,
    seller_id      uuid,
    status         int NOT NULL,                        -- sync-protocol ListingStatus
    posted_at_s    bigint NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX listings_cooperative ON listings (cooperative_id, id);
CREATE INDEX listings_commodity ON listings (commodity_id, id);

CREATE TABLE stock_entries (
    of_id          uuid NOT NULL,                       -- listing, order or command that caused it
    step           int NOT NULL,
    listing_id     uuid NOT NULL REFERENCES listings,
    cooperative_id int NOT NULL,
    holder         int NOT NULL,                        -- 0 the hub, else the edge
    quantity_milli bigint NOT NULL,
    kind           int NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (of_id, step)
);
CREATE INDEX stock_entries_listing ON stock_entries (listing_id, holder) INCLUDE (quantity_milli);

CREATE TABLE orders (
    id                   uuid PRIMARY KEY,
    listing_id           uuid NOT NULL REFERENCES listings,
    cooperative_id       int NOT NULL REFERENCES cooperatives,
    quantity_milli       bigint NOT NULL CONSTRAINT orders_quantity_check CHECK (quantity_milli > 0),
    unit_price_minor     bigint NOT NULL,
    currency             text NOT NULL,
    holder               int,                           -- whose units it spends
    buyer_phone          bigint NOT NULL,
    buyer_name           text NOT NULL,
    buyer_cooperative_id int,
    buyer_user_id        uuid,                          -- the account that ordered over REST
    status               int NOT NULL,                  -- sync-protocol OrderStatus
    channel              int NOT NULL,
    placed_at_s          bigint NOT NULL,               -- as claimed
    recorded_at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_listing ON orders (listing_id);
CREATE INDEX orders_cooperative ON orders (cooperative_id, id);
CREATE INDEX orders_buyer ON orders (buyer_phone, id);

-- First answer of every write that carried an Idempotency-Key.
CREATE TABLE idempotency_keys (
    user_id    uuid NOT NULL,
    key        text NOT NULL,
    route      text NOT NULL,
    body_hash  bytea NOT NULL,
    status     int NOT NULL,
    response   bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
