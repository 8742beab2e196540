//! The tables of the market: one file a noun, which owns the columns of its table, how a row is read, where it stands in the feed, how
//! commands lock it and how they write it. Nobody else reads these tables by position.
//!
//! To add a table: its file, and its name in the list below. A list that lacks one that edges see, or that commands set, does not
//! compile, nor one that commands write and do not read. This lies under the feed, and names no type of it.

mod columns;
mod keys;
mod listings;
mod members;
mod offices;
mod orders;
mod prices;
mod reference;
mod rows;
mod stock;
mod table;
mod wanted;

pub(crate) use keys::keys_after;
pub(crate) use listings::{listing_beside, listing_columns};
pub(crate) use offices::cooperative_columns;
pub(crate) use orders::order_columns;
pub(crate) use prices::{price_columns, priced, priced_columns, series_columns};
pub(crate) use reference::{commodity_columns, market_columns, region_columns, step_milli, unit_columns};
pub(crate) use rows::Rows;
pub(crate) use table::{Again, Brought, Catalogue, Standing, Standings, Table, View, read_all};
pub(crate) use wanted::Wanted;

use jiff::Timestamp;
use keys::Keys;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::{
    Alias, Commodity, Cooperative, ENTITIES, EdgeSettings, Entity, Facts, Listing, Market, Member, Needs,
    OfficeUser, Order, Price, PriceSeries, Region, SETTABLE, StockEntry, Unit, WorkingSet,
};
use sync_protocol::row::{Key, Row};
use sync_protocol::value::Fields;
use table::{Loaded, Written};
use uuid::Uuid;

/// A row that a transaction has put where none was: entity, key, and all that the feed would read of it.
pub(crate) type Made = (u16, Key, Fields);

macro_rules! tables {
    (seen: [$($seen:ident),+ $(,)?], loaded: [$($loaded:ident),+ $(,)?], written: [$($written:ident),+ $(,)?] $(,)?) => {
        const NUMBERS: &[u16] = &[$($seen::NUMBER,)+ $($loaded::NUMBER),+];
        /// The numbers of those that commands read.
        pub(crate) const LOADED: &[u16] = &[$($loaded::NUMBER),+];
        /// The numbers of those that commands write, in an order that foreign keys allow.
        pub(crate) const WRITTEN: &[u16] = &[$($written::NUMBER),+];

        /// The names of all of them, for whoever has to go through the feed to write one.
        pub const NAMES: &[&str] = &[$(<$seen as Table>::TABLE,)+ $(<$loaded as Table>::TABLE),+];

        /// How an entity's table is listed; `None` for one this hub does not know.
        fn keys_of(entity: u16) -> Option<Keys> {
            match entity {
                $($seen::NUMBER => Some(<$seen as Table>::KEYS),)+
                $($loaded::NUMBER => Some(<$loaded as Table>::KEYS),)+
                _ => None,
            }
        }

        /// What of an entity other cooperatives see; nothing of one this hub does not know.
        fn catalogue_of(entity: u16) -> Catalogue {
            match entity {
                $($seen::NUMBER => <$seen as Table>::CATALOGUE,)+
                $($loaded::NUMBER => <$loaded as Table>::CATALOGUE,)+
                _ => Catalogue::Nothing,
            }
        }

        /// Where the rows of these keys stand in a view, see [`Table::standing`]; `None` for an entity that has no table here, or stands in
        /// no such view.
        pub(crate) async fn standing(
            conn: &mut PgConnection, view: View, entity: u16, keys: &[Key],
        ) -> Option<Standings> {
            if view == View::Catalogue && !stands_in_catalogues(entity) {
                return None;
            }
            Some(match entity {
                $($seen::NUMBER => $seen::standing(conn, view, keys).await,)+
                $($loaded::NUMBER => $loaded::standing(conn, view, keys).await,)+
                _ => return None,
            })
        }

        /// The fields by which rows of an entity can be looked for, see [`Loaded::FOUND_BY`].
        fn found_by(entity: u16) -> &'static [&'static [u16]] {
            match entity {
                $($loaded::NUMBER => <$loaded as Loaded>::FOUND_BY,)+
                _ => &[],
            }
        }

        /// Rows that stand beside others and are locked before them.
        pub(crate) async fn beside(conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<(u16, Key)>, sqlx::Error> {
            let mut beside = Vec::new();
            $(beside.extend(<$loaded as Loaded>::beside(conn, wanted).await?);)+
            Ok(beside)
        }

        /// Reads and locks what commands want, table by table in the order of locks.
        pub(crate) async fn load(
            conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet,
        ) -> Result<(), sqlx::Error> {
            answerable(wanted)?;
            $(<$loaded as Loaded>::load(conn, wanted, set).await?;)+
            Ok(())
        }

        /// Whether a row may stand here again from a cooperative's bucket, and under which locks; `None` where it may not, or cannot be read.
        pub(crate) fn stands_under(own: CooperativeId, entity: u16, key: Key, fields: &Fields) -> Option<Needs> {
            match entity {
                $($written::NUMBER => {
                    let row = $written::from_fields(key, fields).ok()?;
                    row.may_stand(own).then(|| row.stands_under())
                })+
                _ => None,
            }
        }

        /// Lets a row stand that was brought back, see [`Again::stand`]; `None` where it may not.
        pub(crate) async fn stand(
            conn: &mut PgConnection, brought: &Brought<'_>, key: Key, fields: &Fields, also: &mut Vec<(Bucket, u16, Key)>,
        ) -> Result<Option<bool>, sqlx::Error> {
            match brought.entity {
                $($written::NUMBER => match $written::from_fields(key, fields) {
                    Ok(row) if row.may_stand(brought.own) => row.stand(conn, brought, also).await.map(Some),
                    _ => Ok(None),
                },)+
                _ => Ok(None),
            }
        }

        /// Writes what commands have set, table by table in an order that foreign keys allow. Returns what is new.
        pub(crate) async fn write(
            conn: &mut PgConnection, rows: &Rows, facts: &Facts, at: Timestamp,
        ) -> Result<Vec<Made>, sqlx::Error> {
            let mut made = Vec::new();
            $(made.extend(<$written as Written>::write(conn, rows, facts, at).await?);)+
            Ok(made)
        }
    };
}

tables! {
    seen: [Region, Market, PriceSeries, Price, Cooperative, OfficeUser, EdgeSettings],
    loaded: [Listing, Alias, Member, Order, StockEntry, Commodity, Unit],
    written: [Member, Alias, Listing, StockEntry, Order],
}

const _: () = {
    let mut at = 0;
    while at < ENTITIES.len() {
        assert!(has(NUMBERS, ENTITIES[at].0), "an entity of the protocol has no table in the list");
        at += 1;
    }
    at = 0;
    while at < NUMBERS.len() {
        assert!(is_listed(NUMBERS[at]), "a table of the list has no entity in the protocol's");
        at += 1;
    }
    at = 0;
    while at < SETTABLE.len() {
        assert!(has(WRITTEN, SETTABLE[at]), "commands set an entity that no table of the list writes");
        at += 1;
    }
    at = 0;
    while at < WRITTEN.len() {
        assert!(has(LOADED, WRITTEN[at]), "commands write an entity that no table of the list loads");
        at += 1;
    }
};

const fn is_listed(number: u16) -> bool {
    let mut at = 0;
    while at < ENTITIES.len() {
        if ENTITIES[at].0 == number {
            return true;
        }
        at += 1;
    }
    false
}

const fn has(numbers: &[u16], number: u16) -> bool {
    let mut at = 0;
    while at < numbers.len() {
        if numbers[at] == number {
            return true;
        }
        at += 1;
    }
    false
}

/// That every table can answer what is wanted. What it cannot is a bug in the command that asks, or in the table's file; to leave it out
/// would decide on nothing.
pub(crate) fn answerable(wanted: &Wanted) -> Result<(), sqlx::Error> {
    let Needs { rows, found, steps, prices: _ } = &wanted.needs;
    let asked = rows.iter().map(|(entity, _)| entity).chain(steps.iter().map(|(entity, _)| entity));
    let unread = asked.copied().find(|entity| !LOADED.contains(entity));
    let unread = unread.map(|entity| format!("nobody reads rows of entity {entity} for commands"));
    let unfound = found.iter().find(|search| !found_by(search.entity()).contains(&search.columns()));
    let unfound = unfound.map(|search| {
        format!("nobody looks for rows of entity {} by its fields {:?}", search.entity(), search.columns())
    });
    match unread.or(unfound) {
        Some(what) => Err(sqlx::Error::Encode(what.into())),
        None => Ok(()),
    }
}

/// Whether rows of the entity stand in catalogues too.
pub(crate) fn stands_in_catalogues(entity: u16) -> bool {
    matches!(catalogue_of(entity), Catalogue::Itself)
}

/// The row that stands in a catalogue otherwise because this one has changed.
pub(crate) fn changed_in_catalogue(row: &Row) -> Option<(u16, Key)> {
    match catalogue_of(row.entity) {
        Catalogue::Nothing => None,
        Catalogue::Itself => Some((row.entity, row.key)),
        Catalogue::Changes(of) => of(row).map(|(entity, id): (u16, Uuid)| (entity, Key::Uuid(id))),
    }
}
