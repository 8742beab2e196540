//! The API of the office: the same paths and shapes as the hub's for products, orders, prices and the lists they refer to, answered
//! from this box alone, and what only an office has. Looking at the market needs no sign-in; acting, and
//! anything of people or of this office alone, does.
//!
//! Also here: signing in, who asks, and the page that people work with. Hub accounts do not work here, nor office sessions at the hub.
//!
//! One file for each thing that can be asked, and THE list of routes. A handler reads in one snapshot or acts in one transaction; what is answered with success is on disk.

pub mod adjust;
mod attempt;
mod caller;
pub mod change;
pub mod cooperatives;
mod filter;
pub mod health;
mod lang;
pub mod login;
mod me;
pub mod messages;
mod names;
pub mod news;
pub mod orders;
pub mod page;
pub mod phone;
pub mod place;
pub mod prices;
pub mod products;
pub mod reference;
pub mod refusals;
pub mod sell;
pub mod status;
pub mod stock;
pub mod walk;

pub use caller::{COOKIE, Caller};

/// Every route for people and their programs. `$made` makes of them what is asked for: routes to serve, or the document.
macro_rules! routes_for {
    ($made:ident) => {
        $made![
            health::healthz,
            health::readyz,
            login::login,
            login::logout,
            login::session,
            change::password,
            walk::step,
            status::status,
            news::news,
            stock::list,
            adjust::adjust,
            refusals::list,
            refusals::tick,
            messages::list,
            products::list,
            sell::post,
            products::get,
            sell::change,
            orders::list,
            place::place,
            orders::get,
            place::cancel,
            prices::list,
            reference::list_commodities,
            reference::get_commodity,
            reference::list_units,
            reference::get_unit,
            reference::list_markets,
            reference::get_market,
            reference::priced,
            reference::list_regions,
            reference::get_region,
            cooperatives::list,
            cooperatives::get,
        ]
    };
}
pub(crate) use routes_for;
