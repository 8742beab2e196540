//! What people here trade and who they are: bodies of commands, actors, and the market that everything happens in.

use crate::world::World;
use mizili_hub::feed::{Touched, publish};
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CooperativeId, ListingId, RegionId};
use sync_protocol::market::{
    Actor, ActorKind, Commodity, Cooperative, Entity, ListingPost, Market, OrderPlace, Price, PriceSeries,
    Region, Source, Unit,
};
use sync_protocol::row::Key;
use uuid::Uuid;

/// The price of what is posted, in minor units.
pub(crate) const PRICE_MINOR: i64 = 500;
/// The buyer of an order where nobody says otherwise.
pub(crate) const BUYER: u64 = 265_888_000_001;
const FIRST_MONTH: u32 = 24_240;
const MONTHS: u32 = 30;

/// Somebody at an office's page.
pub(crate) const CLERK: Actor = Actor { kind: ActorKind::Office, id: None, phone: 265_991_000_000 };

/// Somebody with a phone.
pub(crate) fn caller(phone: u64) -> Actor {
    Actor { kind: ActorKind::Caller, id: None, phone }
}

/// Somebody signed in at the hub.
pub(crate) fn user(phone: u64) -> Actor {
    Actor { kind: ActorKind::User, id: Some(Uuid::nil()), phone }
}

/// Offers so many kilograms of maize.
pub(crate) fn post(listing: Uuid, units: i64) -> ListingPost {
    ListingPost {
        listing,
        commodity: 1,
        unit: 1,
        title: String::new(),
        quantity_milli: units * 1000,
        price_minor: PRICE_MINOR,
        currency: "MWK".into(),
        seller: None,
        hub_milli: None,
    }
}

/// Orders so many, for [`BUYER`].
pub(crate) fn order(listing: ListingId, units: i64) -> OrderPlace {
    OrderPlace {
        listing: listing.0,
        quantity_milli: units * 1000,
        unit_price_minor: PRICE_MINOR,
        source: Source::Ask,
        buyer_phone: BUYER,
        buyer_name: String::new(),
        channel: 3,
    }
}

/// Two cooperatives in two regions that are neighbours, with reference data and a price history.
pub(crate) async fn lay_out(world: &World) {
    world.sql("INSERT INTO regions (country, name) VALUES ('MWI', 'Central'), ('MWI', 'Southern')").await;
    world.sql("INSERT INTO region_neighbours VALUES (1, 2), (2, 1)").await;
    world.sql("INSERT INTO cooperatives (name, country, region_id, currency) VALUES ('Alpha', 'MWI', 1, 'MWK'), ('Beta', 'MWI', 2, 'MWK')").await;
    world.sql("INSERT INTO commodities (name, category, on_menus) VALUES ('Maize', 'cereals', true)").await;
    world.sql("INSERT INTO units (code, base, factor_milli) VALUES ('KG', 1, 1000)").await;
    world
        .sql("INSERT INTO markets (country, name, region_id) VALUES ('MWI', 'Lilongwe', 1), ('MWI', 'Zomba', 2)")
        .await;
    let newest = FIRST_MONTH + MONTHS - 1;
    world
        .sql(format!(
            "INSERT INTO price_series (market_id, commodity_id, unit_id, price_type, currency, source, newest_month)
             SELECT m, 1, 1, t, 'MWK', 'wfp', {newest} FROM generate_series(1, 2) m, (VALUES ('Retail'), ('Wholesale')) v (t)"
        ))
        .await;
    world
        .sql(format!(
            "INSERT INTO prices (series_id, month, price_minor, flags, import_id)
             SELECT s, m, 20000 + s * 100 + m % 7, 1, 1 FROM generate_series(1, 4) s, generate_series({FIRST_MONTH}, {newest}) m"
        ))
        .await;
    let mut touched = Touched::new();
    let country = Bucket::Country(CountryCode::new("MWI").unwrap());
    for n in [1, 2] {
        touched.add(country, Region::NUMBER, Key::Int(n));
        touched.add(Bucket::Coop(CooperativeId(n)), Cooperative::NUMBER, Key::Int(n));
        touched.add(Bucket::Region(RegionId(n)), Market::NUMBER, Key::Int(n));
    }
    touched.add(Bucket::Global, Commodity::NUMBER, Key::Int(1));
    touched.add(Bucket::Global, Unit::NUMBER, Key::Int(1));
    for series in 1..=4u32 {
        let region = Bucket::Region(RegionId((series - 1) / 2 + 1));
        touched.add(region, PriceSeries::NUMBER, Key::Int(series));
        (FIRST_MONTH..=newest).for_each(|month| touched.add(region, Price::NUMBER, Key::Pair(series, month)));
    }
    let mut tx = world.db.begin().await.unwrap();
    publish(&mut tx, &touched).await.unwrap();
    tx.commit().await.unwrap();
}

/// Whoever bears this name breaks the hub that takes in what he did, by a value of his own, until that is mended for it.
pub(crate) const POISON: &str = "Poison";
/// The same by something that no value causes.
pub(crate) const ODD: &str = "Odd";

/// An offer of this name breaks the hub that changes it or takes it off sale.
pub(crate) const FRAGILE: &str = "Fragile";
/// Whoever finds so many thousandths less, beside whole units, breaks the hub that writes them off.
pub(crate) const POISON_MILLI: i64 = 13;

/// Plants what breaks over orders and offers of [`POISON`] and [`ODD`], over changes of [`FRAGILE`] offers and over what is written off
/// of [`POISON_MILLI`], unless their id, or the id of what made an entry, is among the mended.
pub(crate) async fn lay_out_poison(world: &World) {
    world
        .sql(format!(
            "CREATE TABLE mended (id uuid PRIMARY KEY);
             CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
             DECLARE name text := to_jsonb(NEW) ->> TG_ARGV[0];
             BEGIN
                IF EXISTS (SELECT FROM mended WHERE id = NEW.id) THEN RETURN NEW; END IF;
                IF name = 'Poison' THEN RAISE EXCEPTION 'planted poison' USING ERRCODE = 'check_violation'; END IF;
                IF name = 'Odd' THEN RAISE EXCEPTION 'planted fault' USING ERRCODE = 'undefined_column'; END IF;
                IF name = '{FRAGILE}' AND EXISTS (SELECT FROM listings WHERE id = NEW.id)
                    THEN RAISE EXCEPTION 'planted crack' USING ERRCODE = 'check_violation'; END IF;
                RETURN NEW;
             END $$;
             CREATE FUNCTION poison_entry() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                IF mod((to_jsonb(NEW) ->> 'quantity_milli')::bigint, 1000) = -{POISON_MILLI}
                    AND NOT EXISTS (SELECT FROM mended WHERE id = NEW.of_id)
                    THEN RAISE EXCEPTION 'planted grains' USING ERRCODE = 'check_violation'; END IF;
                RETURN NEW;
             END $$;
             CREATE TRIGGER poison BEFORE INSERT ON stock_entries FOR EACH ROW EXECUTE FUNCTION poison_entry();
             CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION poison('buyer_name');
             CREATE TRIGGER poison BEFORE INSERT ON listings FOR EACH ROW EXECUTE FUNCTION poison('title')",
        ))
        .await;
}

/// Takes it out again.
pub(crate) async fn clear_poison(world: &World) {
    world.sql("DROP TRIGGER poison ON orders; DROP TRIGGER poison ON listings; DROP TRIGGER poison ON stock_entries").await;
}
