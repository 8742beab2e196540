-- Market prices and the lists they refer to. Source: WFP via HDX.
CREATE TABLE commodities (
    id       int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL CONSTRAINT commodities_name_key UNIQUE,
    category text NOT NULL,
    wfp_id   int,
    name_sw  text NOT NULL DEFAULT '',
    name_ny  text NOT NULL DEFAULT '',
    name_fr  text NOT NULL DEFAULT '',
    on_menus boolean NOT NULL
);

CREATE TABLE units (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text NOT NULL CONSTRAINT units_code_key UNIQUE,
    base         int NOT NULL,                          -- sync-protocol UnitBase
    factor_milli bigint NOT NULL
);

CREATE TABLE markets (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    country      text NOT NULL,
    name         text NOT NULL,
    region_id    int REFERENCES regions,
    district     text NOT NULL DEFAULT '',
    latitude_e5  int,
    longitude_e5 int,
    CONSTRAINT markets_name_key UNIQUE (country, name)
);
CREATE INDEX markets_region ON markets (region_id);

CREATE TABLE price_series (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    market_id    int NOT NULL REFERENCES markets,
    commodity_id int NOT NULL REFERENCES commodities,
    unit_id      int NOT NULL REFERENCES units,
    price_type   text NOT NULL,
    currency     text NOT NULL,
    source       text NOT NULL,
    newest_month int NOT NULL,                          -- months since year 0; bounds what the feed keeps
    CONSTRAINT price_series_key UNIQUE (market_id, commodity_id, unit_id, price_type, currency, source)
);
CREATE INDEX price_series_commodity ON price_series (commodity_id, market_id);

CREATE TABLE prices (
    series_id   int NOT NULL REFERENCES price_series,
    month       int NOT NULL,
    price_minor bigint NOT NULL CONSTRAINT prices_positive_check CHECK (price_minor > 0),
    flags       int NOT NULL,
    import_id   int NOT NULL,
    PRIMARY KEY (series_id, month)
);

-- What a later publication changed. The price that stands is in prices.
CREATE TABLE price_revisions (
    series_id   int NOT NULL,
    month       int NOT NULL,
    import_id   int NOT NULL,
    price_minor bigint NOT NULL,                        -- the price before
    flags       int NOT NULL,
    PRIMARY KEY (series_id, month, import_id)
);

CREATE TABLE price_imports (
    id               int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source           text NOT NULL,
    file             text NOT NULL,
    country          text NOT NULL,
    newest_month     int,
    started_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    read_rows        bigint NOT NULL DEFAULT 0,
    accepted         bigint NOT NULL DEFAULT 0,
    forecast_skipped bigint NOT NULL DEFAULT 0,
    quarantined      bigint NOT NULL DEFAULT 0,
    refused          bigint NOT NULL DEFAULT 0
);
