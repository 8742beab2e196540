//! THE lists of acts and of screens. Each screen has a file, in its noun's folder or, where it is of none, here: what it needs to be shown
//! again, how it is laid out, and what an input on it means. It changes nothing but the draft and the language it is given, and never acts.
//!
//! To add one: its file and a line in its list; the tests then ask for its snapshot in every language, and for the way there.

mod home;
pub mod listings;
pub mod members;
pub mod orders;
pub mod prices;
mod resume;
mod told;

pub use told::Told;

use super::acts::acts;
use super::examples::Examples;
use super::intent::Outcome;
use super::market::Read;
use super::session::{Draft, Pending};
use super::view::{Cx, Foot, Hint, Key, View, page};
use crate::text::{Lang, Msg};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

acts! {
    Sell(listings::Sell) = "offer",
    Buy(orders::Buy) = "order",
    Withdraw(listings::Withdraw) = "withdraw",
    Cancel(orders::Cancel) = "cancel",
    Register(members::Register) = "register",
    Language(members::Language) = "language",
}

/// What the tests of screens look at, by noun.
#[cfg(test)]
pub(super) const NOUNS: &[super::tests::screens::Noun] =
    &[listings::tests::NOUN, members::tests::NOUN, orders::tests::NOUN, prices::tests::NOUN];

macro_rules! screens {
    ($($(#[$doc:meta])* $name:ident $(($page:ty))? = $text:literal $kind:ident $($unit:path)?),+ $(,)?) => {
        /// One screen and what it needs to be shown again.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Screen {
            $($(#[$doc])* $name $(($page))?,)+
        }

        impl Screen {
            /// The names of all screens.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Its name in logs and snapshots.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => $text,)+ }
            }

            /// Whether it works on the draft.
            pub(super) fn is_form(&self) -> bool {
                match self { $(Self::$name { .. } => screens!(@$kind),)+ }
            }

            fn page(&self) -> &dyn Page {
                match self { $(screens!(@pattern $name own $($page)?) => screens!(@page own $($page)? $(; $unit)?),)+ }
            }
        }

        $($(impl From<$page> for Screen { fn from(page: $page) -> Self { Self::$name(page) } })?)+
    };
    (@form) => { true };
    (@view) => { false };
    (@pattern $name:ident $own:ident) => { Self::$name };
    (@pattern $name:ident $own:ident $page:ty) => { Self::$name($own) };
    (@page $own:ident ; $unit:path) => { &$unit };
    (@page $own:ident $page:ty) => { $own };
}

screens! {
    /// The first screen.
    Home = "home" view home::Home,
    /// Offers to go on with what was cut off.
    Resume = "resume" view resume::Resume,
    /// What became of an act whose answer was lost.
    Told(told::Told) = "told" view,
    /// Which crop's price.
    PriceCrops(prices::PriceCrops) = "price_crops" view,
    /// At which market.
    PriceMarkets(prices::PriceMarkets) = "price_markets" view,
    /// The price; one line of prices a page.
    Price(prices::Price) = "price" view,
    /// Offer, or see one's own offers.
    SellMenu = "sell_menu" view listings::SellMenu,
    /// What to offer.
    SellCrops(listings::SellCrops) = "sell_crops" view,
    /// In which unit.
    SellUnits = "sell_units" form listings::SellUnits,
    /// How much.
    SellQuantity = "sell_quantity" form listings::SellQuantity,
    /// At what price.
    SellPrice = "sell_price" form listings::SellPrice,
    /// All of it once more, before it is offered.
    SellConfirm = "sell_confirm" form listings::SellConfirm,
    /// One's own offers.
    MyListings(listings::MyListings) = "my_listings" view,
    /// One of them.
    MyListing(listings::MyListing) = "my_listing" view,
    /// Once more, before it is taken back.
    WithdrawConfirm = "withdraw_confirm" form listings::WithdrawConfirm,
    /// What to buy.
    BuyCrops(orders::BuyCrops) = "buy_crops" view,
    /// From whom.
    BuyListings(orders::BuyListings) = "buy_listings" view,
    /// How much.
    BuyQuantity = "buy_quantity" form orders::BuyQuantity,
    /// All of it once more, before it is ordered.
    BuyConfirm = "buy_confirm" form orders::BuyConfirm,
    /// One's own orders.
    Orders(orders::MyOrders) = "orders" view,
    /// One of them.
    Order(orders::MyOrder) = "order" view,
    /// Once more, before it is cancelled.
    CancelConfirm = "cancel_confirm" form orders::CancelConfirm,
    /// Who one is here.
    Me = "me" view members::Me,
    /// The name of a new member.
    RegisterName = "register_name" form members::RegisterName,
    /// The language of a new member.
    RegisterLanguage = "register_language" form members::RegisterLanguage,
    /// All of it once more, before the member is registered.
    RegisterConfirm = "register_confirm" form members::RegisterConfirm,
    /// Another language.
    Language(members::ChooseLanguage) = "language" view,
}

/// A screen. `0`, `00` and, in lists, `98` never come to it.
pub(super) trait Page {
    /// Lays it out.
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View>;

    /// What an input means.
    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move>;

    /// The same list from another place, or the next line of prices: for whatever shows that it goes on.
    fn moved_to(&self, _: u32) -> Option<Screen> {
        None
    }

    /// The SMS that does the same, where one does.
    fn sms(&self, _: &Examples<'_>) -> Read<Option<String>> {
        Ok(None)
    }
}

/// Where a list is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// How many are before this page.
    pub(super) offset: u32,
    /// First letters that were searched for; empty for the whole list.
    pub(super) starts_with: String,
}

impl At {
    /// The same list from another place.
    fn moved_to(&self, offset: u32) -> Self {
        Self { offset, ..self.clone() }
    }
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

impl Move {
    /// To a screen that Back leaves again.
    fn to(screen: impl Into<Screen>) -> Read<Self> {
        Ok(Self::Go(screen.into()))
    }

    /// The same screen, under this hint.
    fn stay(hint: Hint) -> Read<Self> {
        Ok(Self::Stay(hint))
    }
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
    /// Begins a draft, or goes on with the one about the same thing, and shows its form: then its command keeps its id. One that was done
    /// already is never forgotten for another, nor done again: it stays, and the form that comes next tells it.
    pub(super) fn begin(&mut self, cx: &Cx<'_>, plan: impl Into<Plan>, form: Screen) -> Read<Move> {
        let plan = plan.into();
        let parked = self.draft.as_ref().map(|draft| (draft.command_id, draft.plan.same_matter(&plan)));
        if let Some((id, is_same)) = parked {
            match cx.market.outcome(id)? {
                None => {}
                Some(Outcome::NotTaken(_)) if !is_same => {}
                Some(_) => return Move::to(form),
            }
        }
        let known = parked.and_then(|(id, is_same)| is_same.then_some(id));
        let command_id = known.unwrap_or_else(|| (self.new_id)());
        *self.draft = Some(Draft { command_id, touched_lived_s: self.lived_s, plan, screen: form.clone() });
        Move::to(form)
    }

    /// What was gathered, to gather more.
    pub(super) fn plan(&mut self) -> Option<&mut Plan> {
        self.draft.as_mut().map(|draft| &mut draft.plan)
    }
}

impl Screen {
    /// Lays it out.
    pub(super) fn show(&self, cx: &Cx<'_>, draft: Option<&Draft>) -> Read<View> {
        self.page().show(cx, draft.map(|draft| &draft.plan))
    }

    /// What an input means.
    pub(super) fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        self.page().take(cx, desk, input)
    }

    /// The same list from another place; the next line of prices.
    pub(super) fn moved_to(&self, to: u32) -> Self {
        self.page().moved_to(to).unwrap_or_else(|| self.clone())
    }

    /// The SMS that does the same, where one does.
    pub(super) fn sms(&self, examples: &Examples<'_>) -> Read<Option<String>> {
        self.page().sms(examples)
    }
}

/// The screens behind the one on which a draft stood, the first one first.
pub(super) fn trail(draft: &Draft) -> Vec<Screen> {
    let mut way = vec![Screen::Home];
    way.extend(draft.plan.act().trail());
    if let Some(reached) = way.iter().position(|screen| *screen == draft.screen) {
        way.truncate(reached);
    }
    way
}

/// What `1` and `2` mean under every act.
fn confirmed(input: &str) -> Read<Move> {
    Ok(match input {
        "1" => Move::Act(Pending::Draft),
        "2" => Move::Dropped,
        _ => Move::Stay(Hint::Choose),
    })
}

/// The choices under an act.
fn confirm(yes: Msg) -> [(u8, Msg); 2] {
    [(1, yes), (2, Msg::ConfirmNo)]
}

/// What a form shows when its draft is not there, which only a damaged store can cause: the way home.
fn lost(cx: &Cx<'_>) -> Read<View> {
    Ok(page(cx, Foot::Home, &[], |_| cx.text(Msg::DialAgain)))
}
