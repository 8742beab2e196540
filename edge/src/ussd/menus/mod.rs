//! THE list of screens. Each has a file with two functions: `show` lays it out, `take` says what an input means.
//!
//! Neither changes anything but the draft it is given; neither acts. To add one: a file, a variant, its lines in the
//! matches below; the tests then ask for its snapshot in every language.

mod buy_confirm;
mod buy_crops;
mod buy_listings;
mod buy_quantity;
mod cancel_confirm;
mod home;
mod language;
mod me;
mod my_listing;
mod my_listings;
mod order;
mod orders;
mod price;
mod price_crops;
mod price_markets;
mod register_confirm;
mod register_language;
pub(super) mod register_name;
pub(super) mod resume;
mod sell_confirm;
mod sell_crops;
mod sell_menu;
mod sell_price;
mod sell_quantity;
mod sell_units;
mod told;
mod withdraw_confirm;

use super::intent::Outcome;
use super::market::Read;
use super::session::{Draft, Goal, Pending, Plan};
use super::view::{Cx, Foot, Hint, Key, View, page};
use crate::text::{Lang, Msg};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a list is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// How many are before this page.
    pub(super) offset: u32,
    /// First letters that were searched for; empty for the whole list.
    pub(super) starts_with: String,
}

macro_rules! screens {
    ($($(#[$doc:meta])* $name:ident $({ $($field:ident: $type:ty),+ })? = $text:literal),+ $(,)?) => {
        /// One screen and what it needs to be shown again.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Screen {
            $($(#[$doc])* $name $({
                $(#[doc = "See the type."] $field: $type),+
            })?,)+
        }

        impl Screen {
            /// The names of all screens.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Its name in logs and snapshots.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => $text,)+ }
            }
        }
    };
}

screens! {
    /// The first screen.
    Home = "home",
    /// Offers to go on with what was cut off.
    Resume = "resume",
    /// What became of an act whose answer was lost.
    Told { text: String } = "told",
    /// Which crop's price.
    PriceCrops { at: At } = "price_crops",
    /// At which market.
    PriceMarkets { commodity: u32, at: At } = "price_markets",
    /// The price; one line of prices a page.
    Price { commodity: u32, market: u32, series: u32 } = "price",
    /// Offer, or see one's own offers.
    SellMenu = "sell_menu",
    /// What to offer.
    SellCrops { at: At } = "sell_crops",
    /// In which unit.
    SellUnits = "sell_units",
    /// How much.
    SellQuantity = "sell_quantity",
    /// At what price.
    SellPrice = "sell_price",
    /// All of it once more, before it is offered.
    SellConfirm = "sell_confirm",
    /// One's own offers.
    MyListings { offset: u32 } = "my_listings",
    /// One of them.
    MyListing { id: Uuid } = "my_listing",
    /// Once more, before it is taken back.
    WithdrawConfirm = "withdraw_confirm",
    /// What to buy.
    BuyCrops { at: At } = "buy_crops",
    /// From whom.
    BuyListings { commodity: u32, offset: u32 } = "buy_listings",
    /// How much.
    BuyQuantity = "buy_quantity",
    /// All of it once more, before it is ordered.
    BuyConfirm = "buy_confirm",
    /// One's own orders.
    Orders { offset: u32 } = "orders",
    /// One of them.
    Order { id: Uuid } = "order",
    /// Once more, before it is cancelled.
    CancelConfirm = "cancel_confirm",
    /// Who one is here.
    Me = "me",
    /// The name of a new member.
    RegisterName = "register_name",
    /// The language of a new member.
    RegisterLanguage = "register_language",
    /// All of it once more, before the member is registered.
    RegisterConfirm = "register_confirm",
    /// Another language; the command's id is made when the screen is opened.
    Language { command_id: Uuid } = "language",
}

/// What an input on a screen means.
#[derive(Debug)]
pub(super) enum Move {
    /// Another screen; Back returns to this one.
    Go(Screen),
    /// The same screen with a line on top.
    Stay(Hint),
    /// What was chosen has gone in between: back to where another can be, which may be this screen.
    Gone,
    /// The first screen.
    Home,
    /// The draft is done with, without acting: to the first screen.
    Dropped,
    /// Go on with the draft where it stood.
    Resume,
    /// The person confirmed. The screen stays as it is until the outcome is known.
    Act(Pending),
}

/// What an input may read and change.
pub(super) struct Desk<'a> {
    pub(super) draft: &'a mut Option<Draft>,
    pub(super) lang: &'a mut Lang,
    /// What the numbers of the screen on show stand for.
    pub(super) shown: &'a [Key],
    pub(super) new_id: &'a mut dyn FnMut() -> Uuid,
    pub(super) lived_s: i64,
}

impl Desk<'_> {
    /// Begins a draft, or goes on with the one about the same thing: then its command keeps its id. One that was done already is never
    /// forgotten for another, nor done again: it stays, and the form that comes next tells it.
    pub(super) fn begin(&mut self, cx: &Cx<'_>, plan: Plan, screen: &Screen) -> Read<()> {
        let parked = self.draft.as_ref().map(|draft| (draft.command_id, draft.plan.same_matter(&plan)));
        if let Some((id, is_same)) = parked {
            match cx.market.outcome(id)? {
                None => {}
                Some(Outcome::NotTaken(_)) if !is_same => {}
                Some(_) => return Ok(()),
            }
        }
        let known = parked.and_then(|(id, is_same)| is_same.then_some(id));
        let command_id = known.unwrap_or_else(|| (self.new_id)());
        *self.draft = Some(Draft { command_id, touched_lived_s: self.lived_s, plan, screen: screen.clone() });
        Ok(())
    }
}

impl Screen {
    /// Lays it out.
    pub(super) fn show(&self, cx: &Cx<'_>, draft: Option<&Draft>) -> Read<View> {
        let plan = draft.map(|draft| &draft.plan);
        match self {
            Self::Home => Ok(home::show(cx)),
            Self::Resume => Ok(resume::show(cx, draft)),
            Self::Told { text } => Ok(told::show(cx, text)),
            Self::PriceCrops { at } => price_crops::show(cx, at),
            Self::PriceMarkets { commodity, at } => price_markets::show(cx, *commodity, at),
            Self::Price { commodity, market, series } => price::show(cx, *commodity, *market, *series),
            Self::SellMenu => Ok(sell_menu::show(cx)),
            Self::SellCrops { at } => sell_crops::show(cx, at),
            Self::SellUnits => sell_units::show(cx, plan),
            Self::SellQuantity => Ok(sell_quantity::show(cx, plan)),
            Self::SellPrice => Ok(sell_price::show(cx, plan)),
            Self::SellConfirm => Ok(sell_confirm::show(cx, plan)),
            Self::MyListings { offset } => my_listings::show(cx, *offset),
            Self::MyListing { id } => my_listing::show(cx, *id),
            Self::WithdrawConfirm => Ok(withdraw_confirm::show(cx, plan)),
            Self::BuyCrops { at } => buy_crops::show(cx, at),
            Self::BuyListings { commodity, offset } => buy_listings::show(cx, *commodity, *offset),
            Self::BuyQuantity => buy_quantity::show(cx, plan),
            Self::BuyConfirm => Ok(buy_confirm::show(cx, plan)),
            Self::Orders { offset } => orders::show(cx, *offset),
            Self::Order { id } => order::show(cx, *id),
            Self::CancelConfirm => Ok(cancel_confirm::show(cx, plan)),
            Self::Me => me::show(cx),
            Self::RegisterName => Ok(register_name::show(cx, plan)),
            Self::RegisterLanguage => Ok(register_language::show(cx, plan)),
            Self::RegisterConfirm => Ok(register_confirm::show(cx, plan)),
            Self::Language { .. } => Ok(language::show(cx)),
        }
    }

    /// What an input means. `0`, `00` and, in lists, `98` do not come here.
    pub(super) fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        match self {
            Self::Home => home::take(cx, desk, input),
            Self::Resume => Ok(resume::take(input)),
            Self::Told { .. } => Ok(Move::Stay(Hint::Choose)),
            Self::PriceCrops { .. } => price_crops::take(cx, desk, input),
            Self::PriceMarkets { commodity, .. } => price_markets::take(cx, desk, *commodity, input),
            Self::Price { .. } => Ok(Move::Stay(Hint::Choose)),
            Self::SellMenu => Ok(sell_menu::take(input)),
            Self::SellCrops { .. } => sell_crops::take(cx, desk, input),
            Self::SellUnits => sell_units::take(cx, desk, input),
            Self::SellQuantity => Ok(sell_quantity::take(desk, input)),
            Self::SellPrice => Ok(sell_price::take(cx, desk, input)),
            Self::MyListings { .. } => Ok(my_listings::take(desk, input)),
            Self::MyListing { id } => my_listing::take(cx, desk, *id, input),
            Self::BuyCrops { .. } => buy_crops::take(cx, desk, input),
            Self::BuyListings { .. } => buy_listings::take(cx, desk, input),
            Self::BuyQuantity => buy_quantity::take(cx, desk, input),
            Self::Orders { .. } => Ok(orders::take(desk, input)),
            Self::Order { id } => order::take(cx, desk, *id, input),
            Self::SellConfirm
            | Self::WithdrawConfirm
            | Self::BuyConfirm
            | Self::CancelConfirm
            | Self::RegisterConfirm => Ok(confirmed(input)),
            Self::Me => me::take(cx, desk, input),
            Self::RegisterName => Ok(register_name::take(desk, input)),
            Self::RegisterLanguage => Ok(register_language::take(desk, input)),
            Self::Language { .. } => Ok(language::take(desk, input)),
        }
    }

    /// Whether it works on the draft.
    pub(super) fn is_form(&self) -> bool {
        matches!(
            self,
            Self::SellUnits
                | Self::SellQuantity
                | Self::SellPrice
                | Self::SellConfirm
                | Self::WithdrawConfirm
                | Self::BuyQuantity
                | Self::BuyConfirm
                | Self::CancelConfirm
                | Self::RegisterName
                | Self::RegisterLanguage
                | Self::RegisterConfirm
        )
    }

    /// The same list from another place; the next line of prices.
    pub(super) fn moved_to(&self, to: u32) -> Self {
        let mut moved = self.clone();
        match &mut moved {
            Self::PriceCrops { at }
            | Self::PriceMarkets { at, .. }
            | Self::SellCrops { at }
            | Self::BuyCrops { at } => {
                at.offset = to;
            }
            Self::MyListings { offset } | Self::BuyListings { offset, .. } | Self::Orders { offset } => {
                *offset = to
            }
            Self::Price { series, .. } => *series = to,
            _ => {}
        }
        moved
    }
}

impl Goal {
    /// The screen it means.
    pub(super) fn screen(self) -> Screen {
        match self {
            Self::Home => Screen::Home,
            Self::Sell => Screen::SellMenu,
            Self::Buy => Screen::BuyCrops { at: At::default() },
            Self::Orders => Screen::Orders { offset: 0 },
        }
    }
}

/// The screens behind the one on which a draft stood, the first one first.
pub(super) fn trail(draft: &Draft) -> Vec<Screen> {
    let mut way = vec![Screen::Home];
    match &draft.plan {
        Plan::Sell { .. } => way.extend([
            Screen::SellMenu,
            Screen::SellCrops { at: At::default() },
            Screen::SellUnits,
            Screen::SellQuantity,
            Screen::SellPrice,
        ]),
        Plan::Buy { .. } => way.extend([Goal::Buy.screen(), Screen::BuyQuantity]),
        Plan::Withdraw { thing, .. } => {
            way.extend([
                Screen::SellMenu,
                Screen::MyListings { offset: 0 },
                Screen::MyListing { id: thing.id },
            ]);
        }
        Plan::Cancel { thing, .. } => {
            way.extend([Screen::Orders { offset: 0 }, Screen::Order { id: thing.id }])
        }
        Plan::Register { .. } => way.extend([Screen::RegisterName, Screen::RegisterLanguage]),
    }
    if let Some(reached) = way.iter().position(|screen| *screen == draft.screen) {
        way.truncate(reached);
    }
    way
}

/// What `1` and `2` mean under every act.
fn confirmed(input: &str) -> Move {
    match input {
        "1" => Move::Act(Pending::Draft),
        "2" => Move::Dropped,
        _ => Move::Stay(Hint::Choose),
    }
}

/// The choices under an act.
fn confirm(yes: Msg) -> [(u8, Msg); 2] {
    [(1, yes), (2, Msg::ConfirmNo)]
}

/// What a form shows when its draft is not there, which only a damaged store can cause: the way home.
fn lost_view(cx: &Cx<'_>) -> View {
    page(cx, Foot::Home, &[], |_| cx.text(Msg::DialAgain))
}

/// The same, where reading could fail.
fn lost(cx: &Cx<'_>) -> Read<View> {
    Ok(lost_view(cx))
}
