//! The small part of the market that a batch of commands reads and changes. The hub fills it from Postgres, the edge from its
//! replica and what waits beside it; deciding itself touches nothing else. It speaks of rows as the rest of the protocol does: entity,
//! key, fields.

use super::entity::{Awaited, Column, Entity, Index};
use super::facts::Facts;
use super::{Effect, EntryId};
use crate::field::Field;
use crate::ids::{Holder, Id, ListingId};
use crate::row::Key;
use crate::units::Quantity;
use crate::value::{Fields, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Rows that are looked for by what some of their fields hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Search {
    entity: u16,
    /// The numbers of these fields, ascending.
    columns: Vec<u16>,
    /// Them alone, canonical.
    values: Fields,
}

impl Search {
    /// Rows whose field holds this: an indexed one, or a replica would have to read them all.
    pub fn by<E: Entity, V: Field>(index: Index<E, V>, value: &V) -> Self {
        Self { entity: E::NUMBER, columns: Vec::new(), values: Fields::new() }.and(Column::from(index), value)
    }

    /// Those of them whose other field holds that.
    #[must_use]
    pub fn and<E: Entity, V: Field>(mut self, column: Column<E, V>, value: &V) -> Self {
        self.columns.push(column.number());
        self.columns.sort_unstable();
        value.put(&mut self.values, column.number());
        self
    }

    /// The same by what no row holds: each id that it names is nobody's, and of everything else it names the default.
    #[must_use]
    pub fn of_nothing(&self) -> Self {
        let mut values = Fields::new();
        for (column, value) in self.values.iter() {
            if let Value::Uuid(_) = value {
                values.append(column, Value::Uuid(Uuid::nil()));
            }
        }
        Self { values, ..self.clone() }
    }

    /// The entity's number.
    pub fn entity(&self) -> u16 {
        self.entity
    }

    /// The numbers of the fields that it is by, ascending.
    pub fn columns(&self) -> &[u16] {
        &self.columns
    }

    /// What a field is to hold; `None` where that is its default, and for a field that this is not by.
    pub fn value<V: Field>(&self, column: u16) -> Option<V> {
        self.values.get(column).and_then(V::from_value)
    }

    /// The same as it is stored.
    pub fn raw(&self, column: u16) -> Option<Value<'_>> {
        self.values.get(column)
    }

    /// The ids that it names.
    pub fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.values.iter().filter_map(|(_, value)| if let Value::Uuid(id) = value { Some(id) } else { None })
    }

    /// Whether a row of the entity is one of those looked for.
    pub fn finds(&self, fields: &Fields) -> bool {
        let mut fields = fields.in_order();
        self.columns.iter().all(|column| fields.get(*column) == self.values.get(*column))
    }

    /// The search by the same fields that finds a row.
    fn of_row(entity: u16, columns: &[u16], fields: &Fields) -> Self {
        let (mut values, mut fields) = (Fields::new(), fields.in_order());
        for column in columns {
            if let Some(value) = fields.get(*column) {
                values.append(*column, value);
            }
        }
        Self { entity, columns: columns.to_vec(), values }
    }
}

/// What a command reads. Sorted, so that rows are locked in one order. What stands beside a row by [`Entity::BESIDE`] comes without being
/// asked for, and with a listing what each holder has of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Rows, by entity and key.
    pub rows: BTreeSet<(u16, Key)>,
    /// Rows by what they hold.
    pub found: BTreeSet<Search>,
    /// All entries of an aggregate, by entity and the aggregate's id.
    pub steps: BTreeSet<(u16, Uuid)>,
    /// Prices of listings of which the hub is to say whether they ever stood at them, see [`Facts::prices`].
    pub prices: BTreeSet<(ListingId, i64)>,
}

impl Needs {
    /// A row.
    pub fn of<E: Entity>(id: E::Id) -> Self {
        Self::default().row::<E>(id)
    }

    /// That row too.
    #[must_use]
    pub fn row<E: Entity>(mut self, id: E::Id) -> Self {
        self.rows.insert((E::NUMBER, id.to_key()));
        self
    }

    /// Those rows too.
    #[must_use]
    pub fn rows<E: Entity>(mut self, ids: impl IntoIterator<Item = E::Id>) -> Self {
        self.rows.extend(ids.into_iter().map(|id| (E::NUMBER, id.to_key())));
        self
    }

    /// What these searches find too.
    #[must_use]
    pub fn found(mut self, searches: impl IntoIterator<Item = Search>) -> Self {
        self.found.extend(searches);
        self
    }

    /// All entries of these aggregates too.
    #[must_use]
    pub fn steps<E: Entity<Id = EntryId>>(mut self, of: impl IntoIterator<Item = Uuid>) -> Self {
        self.steps.extend(of.into_iter().map(|of| (E::NUMBER, of)));
        self
    }

    /// Whether a listing ever stood at a price, too.
    #[must_use]
    pub fn stood_at(mut self, listing: ListingId, price_minor: i64) -> Self {
        self.prices.insert((listing, price_minor));
        self
    }

    /// Takes in another command's needs.
    pub fn extend(&mut self, Self { rows, found, steps, prices }: Self) {
        self.rows.extend(rows);
        self.found.extend(found);
        self.steps.extend(steps);
        self.prices.extend(prices);
    }
}

/// What a command makes, by which it is known whether that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A row.
    Row(u16, Key),
    /// Entries of an aggregate.
    Steps(u16, Uuid),
}

impl Made {
    /// A row.
    pub fn row<E: Entity>(id: E::Id) -> Self {
        Self::Row(E::NUMBER, id.to_key())
    }

    /// Entries of an aggregate.
    pub fn steps<E: Entity<Id = EntryId>>(of: Uuid) -> Self {
        Self::Steps(E::NUMBER, of)
    }

    /// The id that it bears, if that was born offline or derived from one.
    pub fn id(self) -> Option<Uuid> {
        match self {
            Self::Row(_, Key::Uuid(id)) | Self::Steps(_, id) => Some(id),
            Self::Row(..) => None,
        }
    }
}

/// What was read, and what the batch has set so far.
#[derive(Clone, Debug, Default)]
pub struct WorkingSet {
    rows: BTreeMap<(u16, Key), Fields>,
    /// The fields by which rows of an entity are looked for.
    looked_by: HashMap<u16, BTreeSet<Vec<u16>>>,
    found: HashMap<Search, BTreeSet<Key>>,
    /// What each holder can spend of a listing.
    stock: BTreeMap<(ListingId, Holder), Quantity>,
    /// What is known beside the rows.
    pub facts: Facts,
}

impl WorkingSet {
    /// One that is to be filled with what is needed.
    pub fn for_needs(needs: &Needs) -> Self {
        let mut set = Self::default();
        for search in &needs.found {
            set.looked_by.entry(search.entity).or_default().insert(search.columns.clone());
        }
        set
    }

    /// The row, if it is there and fits its entity.
    pub fn get<E: Entity>(&self, id: E::Id) -> Option<E> {
        let key = id.to_key();
        E::from_fields(key, self.rows.get(&(E::NUMBER, key))?).ok()
    }

    /// Whether the row is there.
    pub fn has<E: Entity>(&self, id: E::Id) -> bool {
        self.has_row(E::NUMBER, id.to_key())
    }

    /// The same by number and key.
    pub fn has_row(&self, entity: u16, key: Key) -> bool {
        self.rows.contains_key(&(entity, key))
    }

    /// The fields of a row by number and key.
    pub fn row(&self, entity: u16, key: Key) -> Option<&Fields> {
        self.rows.get(&(entity, key))
    }

    /// Entity and key of every row that is here.
    pub fn keys(&self) -> impl Iterator<Item = (u16, Key)> {
        self.rows.keys().copied()
    }

    /// All rows of an entity, in the order of their keys.
    pub fn all<E: Entity>(&self) -> impl Iterator<Item = E> {
        let from = (E::NUMBER, Key::Int(0));
        let of = self.rows.range(from..).take_while(|((entity, _), _)| *entity == E::NUMBER);
        of.filter_map(|((_, key), fields)| E::from_fields(*key, fields).ok())
    }

    /// The rows that a search finds among those that are here, in the order of their keys. Whoever filled the set may have left out such as
    /// the search's maker says can be left out.
    pub fn find<E: Entity>(&self, search: &Search) -> Vec<E> {
        let is_kept =
            self.looked_by.get(&search.entity).is_some_and(|looked_by| looked_by.contains(&search.columns));
        if is_kept {
            let keys = self.found.get(search).into_iter().flatten();
            let row = |key: &Key| E::from_fields(*key, self.rows.get(&(E::NUMBER, *key))?).ok();
            return keys.filter_map(row).collect();
        }
        self.all::<E>().filter(|row| search.finds(&row.to_fields())).collect()
    }

    /// All entries of an aggregate that are here, in the order of their steps.
    pub fn steps<E: Entity<Id = EntryId>>(&self, of: Uuid) -> Vec<E> {
        let of = self.rows.range((E::NUMBER, Key::Step(of, 0))..=(E::NUMBER, Key::Step(of, u32::MAX)));
        of.filter_map(|((_, key), fields)| E::from_fields(*key, fields).ok()).collect()
    }

    /// Whether what a command would make is there.
    pub fn has_made(&self, made: Made) -> bool {
        match made {
            Made::Row(entity, key) => self.has_row(entity, key),
            Made::Steps(entity, of) => {
                let mut steps =
                    self.rows.range((entity, Key::Step(of, 0))..=(entity, Key::Step(of, u32::MAX)));
                steps.next().is_some()
            }
        }
    }

    /// Adds a row as it was read, or in the place of what it was.
    pub fn put<E: Entity>(&mut self, row: &E) {
        self.put_row(E::NUMBER, row.key(), row.to_fields());
    }

    /// The same by number and key.
    pub fn put_row(&mut self, entity: u16, key: Key, fields: Fields) {
        if let Some(looked_by) = self.looked_by.get(&entity) {
            let before = self.rows.get(&(entity, key));
            for columns in looked_by {
                if let Some(before) = before
                    && let Some(keys) = self.found.get_mut(&Search::of_row(entity, columns, before))
                {
                    keys.remove(&key);
                }
                let now = Search::of_row(entity, columns, &fields);
                self.found.entry(now).or_default().insert(key);
            }
        }
        self.rows.insert((entity, key), fields);
    }

    /// Takes out a row.
    pub fn remove_row(&mut self, entity: u16, key: Key) {
        if let Some(before) = self.rows.remove(&(entity, key)) {
            for columns in self.looked_by.get(&entity).into_iter().flatten() {
                if let Some(keys) = self.found.get_mut(&Search::of_row(entity, columns, &before)) {
                    keys.remove(&key);
                }
            }
        }
    }

    /// Takes in what a decided command sets, so that the next command of the batch sees it.
    pub fn apply(&mut self, effects: &[Effect]) {
        effects.iter().for_each(|effect| super::enter(effect, self));
    }

    /// Whether a row is not known here and may come all the same, see [`Facts::may_come`].
    pub fn may_come<E: Awaited>(&self, id: E::Id) -> bool {
        matches!(id.to_key(), Key::Uuid(uuid) if self.facts.may_come.contains(&uuid)) && !self.has::<E>(id)
    }

    /// What a holder can spend of a listing.
    pub fn available(&self, listing: ListingId, holder: Holder) -> Quantity {
        self.stock.get(&(listing, holder)).copied().unwrap_or_default()
    }

    /// Holders that have units of a listing, the hub first, then edges by number.
    pub fn holders(&self, listing: ListingId) -> Vec<(Holder, Quantity)> {
        let of = self.stock.range((listing, Holder::Hub)..).take_while(|((of, _), _)| *of == listing);
        of.map(|((_, holder), quantity)| (*holder, *quantity)).collect()
    }

    /// What each holder can spend of each listing.
    pub fn held(&self) -> impl Iterator<Item = (ListingId, Holder, Quantity)> {
        self.stock.iter().map(|((listing, holder), quantity)| (*listing, *holder, *quantity))
    }

    /// Says what a holder can spend of a listing.
    pub fn set_available(&mut self, listing: ListingId, holder: Holder, quantity: Quantity) {
        self.stock.insert((listing, holder), quantity);
    }

    /// What a holder can spend of a listing becomes so much more, or less.
    pub(super) fn add_available(&mut self, listing: ListingId, holder: Holder, quantity: Quantity) {
        let held = self.stock.entry((listing, holder)).or_default();
        *held = held.plus(quantity);
    }
}
