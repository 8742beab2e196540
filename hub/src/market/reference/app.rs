//! Reads the reference lists, page by page, and single things of them. Open to everybody: no caller is asked for.

use super::db::{self, Filter};
use crate::error::{ApiError, Problem};
use crate::state::AppState;
use mizili_node::market::reference::{Commodity, Market, PlaceFilter, Region, Unit};
use mizili_node::page::{Cut, Slice};

macro_rules! noun {
    ($list:ident, $get:ident, $query:ident, $item:ty, $word:literal) => {
        #[doc = concat!("A page of the list of each ", $word, ".")]
        pub(crate) async fn $list(
            state: &AppState,
            filter: PlaceFilter,
            slice: &Slice<u32>,
        ) -> Result<Cut<$item>, ApiError> {
            let filter = &Filter::page(filter, slice);
            let items =
                state.db.read(&state.deps, |mut conn| async move { db::$query(&mut conn, filter).await });
            let items = items.await?;
            Ok(slice.cut(items.into_iter().map(|item| (item.id, item)).collect()))
        }

        #[doc = concat!("One ", $word, ".")]
        pub(crate) async fn $get(state: &AppState, id: i32) -> Result<$item, ApiError> {
            let filter = &Filter::one(id);
            let items =
                state.db.read(&state.deps, |mut conn| async move { db::$query(&mut conn, filter).await });
            let item = items.await?.pop();
            Ok(item.ok_or_else(|| Problem::not_found($word))?)
        }
    };
}

noun!(list_commodities, get_commodity, commodities, Commodity, "commodity");
noun!(list_units, get_unit, units, Unit, "unit");
noun!(list_markets, get_market, markets, Market, "market");
noun!(list_regions, get_region, regions, Region, "region");
