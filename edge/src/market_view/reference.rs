//! Names, units, markets and newest prices, kept in memory while nothing of them has moved: the screens that are asked for most
//! need no row then. Loaded from the replica alone, and never changed in place.

use super::db::{self, Moves};
use super::prices::Lines;
use crate::db::DbError;
use crate::node;
use crate::replica;
use crate::text::Lang;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use sync_protocol::bucket::CountryCode;
use sync_protocol::ids::{CooperativeId, EdgeId, Holder, RegionId, SeriesId};
use sync_protocol::market::{Commodity, Cooperative, EdgeSettings, Market, PriceSeries, Unit};
use sync_protocol::row::Key;
use sync_protocol::units::Currency;

/// Categories in the order in which menus have them; what is in none of them comes last.
const CATEGORIES: &[&str] =
    &["cereals and tubers", "pulses and nuts", "vegetables and fruits", "oil and fats"];

/// The office that this box belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) edge: EdgeId,
    pub(super) cooperative: CooperativeId,
    /// As fetched; `None` before that.
    pub(super) row: Option<Cooperative>,
}

impl Own {
    pub(super) fn holder(&self) -> Holder {
        Holder::Edge(self.edge)
    }

    fn load(conn: &Connection) -> Result<Option<Self>, DbError> {
        let Some(me) = node::identity(conn)? else { return Ok(None) };
        let row = replica::get(conn, Key::Int(me.cooperative.0))?;
        Ok(Some(Self { edge: me.edge, cooperative: me.cooperative, row }))
    }

    pub(super) fn region(&self) -> Option<RegionId> {
        self.row.as_ref().and_then(|row| row.region)
    }
}

/// A commodity's names.
pub(super) struct Crop {
    /// By the place of the language; behind them those in languages that nothing here speaks yet.
    names: Vec<String>,
    /// The same, in small letters.
    small: Vec<String>,
    /// The same, told apart from others of that name.
    labels: Vec<String>,
    on_menus: bool,
    rank: (usize, u32),
}

impl Crop {
    /// Its name on screens: where several crops of the menus have one word in this language, with the English name behind it.
    pub(super) fn name(&self, lang: Lang) -> &str {
        self.labels.get(lang.index()).map_or("", String::as_str)
    }

    /// Every name once, in all languages.
    pub(super) fn names(&self) -> impl Iterator<Item = Name<'_>> {
        let is_first = |(at, name): &(usize, &String)| !self.names[..*at].contains(name);
        self.names.iter().enumerate().filter(is_first).map(|(at, text)| Name { crop: self, at, text })
    }
}

/// One of a crop's names.
pub(super) struct Name<'a> {
    crop: &'a Crop,
    at: usize,
    pub(super) text: &'a str,
}

impl Name<'_> {
    /// Whether it is of a language that nothing here speaks, and another's of these in one that it does: who says `mpunga` in Swahili
    /// means paddy, which is rice in Chichewa. Where there is no paddy, it is rice.
    pub(super) fn means_another<'a>(&self, mut of: impl Iterator<Item = &'a Crop>) -> bool {
        let spoken = Lang::ALL.len();
        let name = &self.crop.small[self.at];
        self.at >= spoken
            && of.any(|other| !std::ptr::eq(other, self.crop) && other.small[..spoken].contains(name))
    }
}

fn name_in(lang: Lang, commodity: &Commodity) -> String {
    let own = match lang {
        Lang::En => "",
        Lang::Sw => commodity.name_sw.as_str(),
    };
    if own.is_empty() { commodity.name.clone() } else { own.to_owned() }
}

/// Everything that changes only when the hub sends reference data.
pub(super) struct Reference {
    moves: u64,
    /// Moves of offers up to which `own` was seen unchanged.
    seen_offers: AtomicU64,
    pub(super) own: Option<Own>,
    pub(super) currency: Option<Currency>,
    pub(super) country: Option<CountryCode>,
    crops: HashMap<u32, Crop>,
    /// Commodities of menus with a price somewhere, in the order of menus.
    pub(super) priced: Vec<u32>,
    /// Commodities that members may offer, those with a price first.
    pub(super) offerable: Vec<u32>,
    pub(super) units: HashMap<u32, Unit>,
    pub(super) markets: HashMap<u32, Market>,
    /// The market that most people here know, in words of an example.
    pub(super) example_market: String,
    lines: Mutex<HashMap<u32, Arc<Lines>>>,
}

impl Reference {
    pub(super) fn load(conn: &Connection) -> Result<Self, DbError> {
        let Moves { reference, offers, .. } = db::moves(conn)?;
        let own = Own::load(conn)?;
        let settings: Option<EdgeSettings> = match &own {
            Some(own) => replica::get(conn, Key::Int(own.edge.0))?,
            None => None,
        };
        let mut crops: HashMap<u32, Crop> =
            replica::all::<Commodity>(conn)?.into_iter().map(|row| (row.id.0, crop(&row))).collect();
        tell_apart(&mut crops);
        let by_id = |rows: Vec<Market>| rows.into_iter().map(|row| (row.id.0, row)).collect();
        let mut this = Self {
            moves: reference,
            seen_offers: AtomicU64::new(offers),
            currency: currency(own.as_ref(), settings.as_ref()),
            country: settings.as_ref().map(|s| s.country),
            own,
            crops,
            priced: Vec::new(),
            offerable: Vec::new(),
            units: replica::all::<Unit>(conn)?.into_iter().map(|row| (row.id.0, row)).collect(),
            markets: by_id(replica::all::<Market>(conn)?),
            example_market: String::new(),
            lines: Mutex::default(),
        };
        this.priced = this.find_priced(conn)?;
        this.offerable = this.priced.clone();
        let mut rest: Vec<u32> =
            this.crops.iter().filter(|(_, crop)| crop.on_menus).map(|(id, _)| *id).collect();
        rest.retain(|id| !this.priced.contains(id));
        this.in_menu_order(&mut rest);
        this.offerable.extend(rest);
        this.example_market = this.find_example(conn)?;
        Ok(this)
    }

    /// Whether it is still what the database holds.
    pub(super) fn is_current(&self, conn: &Connection, moves: Moves) -> Result<bool, DbError> {
        if moves.reference != self.moves {
            return Ok(false);
        }
        if moves.offers != self.seen_offers.load(Ordering::Relaxed) {
            // The office's own row comes with its listings.
            if Own::load(conn)? != self.own {
                return Ok(false);
            }
            self.seen_offers.store(moves.offers, Ordering::Relaxed);
        }
        Ok(true)
    }

    pub(super) fn crop(&self, commodity: u32) -> Option<&Crop> {
        self.crops.get(&commodity)
    }

    pub(super) fn crops(&self, commodities: &[u32]) -> impl Iterator<Item = &Crop> {
        commodities.iter().filter_map(|id| self.crop(*id))
    }

    pub(super) fn is_on_menus(&self, commodity: u32) -> bool {
        self.crop(commodity).is_some_and(|crop| crop.on_menus)
    }

    /// Sorts as menus do, the same from day to day: numbers are learnt by heart.
    pub(super) fn in_menu_order(&self, commodities: &mut [u32]) {
        commodities.sort_by_key(|id| self.crop(*id).map_or((usize::MAX, *id), |crop| crop.rank));
    }

    /// The lines of a commodity, if they were loaded before.
    pub(super) fn lines_kept(&self, commodity: u32) -> Option<Arc<Lines>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(&commodity).cloned()
    }

    /// The lines of a commodity, from memory or from the replica.
    pub(super) fn lines(&self, conn: &Connection, commodity: u32) -> Result<Arc<Lines>, DbError> {
        if let Some(lines) = self.lines_kept(commodity) {
            return Ok(lines);
        }
        let lines = Arc::new(Lines::load(conn, self, commodity)?);
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).insert(commodity, lines.clone());
        Ok(lines)
    }

    fn find_priced(&self, conn: &Connection) -> Result<Vec<u32>, DbError> {
        let mut priced = Vec::new();
        for commodity in db::commodities_of(conn, PriceSeries::COMMODITY)? {
            if !self.is_on_menus(commodity.0) {
                continue;
            }
            for key in db::keys_of(conn, PriceSeries::COMMODITY, &commodity)? {
                if let Key::Int(series) = key
                    && db::has_price(conn, SeriesId(series))?
                {
                    priced.push(commodity.0);
                    break;
                }
            }
        }
        self.in_menu_order(&mut priced);
        Ok(priced)
    }

    /// A market of the office's region with prices of most crops: it is in its region's town.
    fn find_example(&self, conn: &Connection) -> Result<String, DbError> {
        let region = self.own.as_ref().and_then(Own::region);
        let near = |market: &&Market| region.is_none() || market.region == region;
        let mut best: Option<(usize, &Market)> = None;
        let mut markets: Vec<&Market> = self.markets.values().filter(near).collect();
        if markets.is_empty() {
            markets = self.markets.values().collect();
        }
        markets.sort_by_key(|market| market.id);
        for market in markets {
            let series = db::keys_of(conn, PriceSeries::MARKET, &market.id)?.len();
            if best.is_none_or(|(most, _)| series > most) {
                best = Some((series, market));
            }
        }
        Ok(best.map_or_else(String::new, |(_, market)| market.name.clone()))
    }
}

fn crop(commodity: &Commodity) -> Crop {
    let category = CATEGORIES.iter().position(|name| *name == commodity.category).unwrap_or(CATEGORIES.len());
    let mut names: Vec<String> = Lang::ALL.iter().map(|lang| name_in(*lang, commodity)).collect();
    let labels = names.clone();
    let others = [&commodity.name_ny, &commodity.name_fr].into_iter().filter(|name| !name.is_empty());
    names.extend(others.cloned());
    let small = names.iter().map(|name| name.to_lowercase()).collect();
    Crop { labels, names, small, on_menus: commodity.on_menus, rank: (category, commodity.id.0) }
}

/// Gives crops of the menus that have one word in a language the English name behind it.
fn tell_apart(crops: &mut HashMap<u32, Crop>) {
    for at in 0..Lang::ALL.len() {
        let mut count: HashMap<String, u32> = HashMap::new();
        for crop in crops.values().filter(|crop| crop.on_menus) {
            *count.entry(crop.small[at].clone()).or_default() += 1;
        }
        for crop in crops.values_mut().filter(|crop| crop.on_menus) {
            let english = &crop.names[Lang::En.index()];
            let is_alone = count.get(&crop.small[at]).is_none_or(|count| *count < 2);
            if !is_alone && *english != crop.names[at] {
                crop.labels[at] = format!("{} - {english}", crop.names[at]);
            }
        }
    }
}

/// The currency in which this office sells; `None` before the first exchange.
fn currency(own: Option<&Own>, settings: Option<&EdgeSettings>) -> Option<Currency> {
    own.and_then(|own| own.row.as_ref()).map(|row| row.currency).or(settings.map(|s| s.currency))
}
