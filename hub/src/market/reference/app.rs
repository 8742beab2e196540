//! Reads the reference lists, page by page, and single things of them. Open to everybody: no caller is asked for.

use super::Region;
use super::db::{self, Filter};
use crate::error::ApiError;
use crate::http::page::{Cut, Slice};
use crate::state::AppState;
use sync_protocol::api::prices::{Commodity, Market, Unit};

macro_rules! noun {
    ($list:ident, $get:ident, $query:ident, $item:ty, $word:literal) => {
        #[doc = concat!("A page of the list of each ", $word, ".")]
        pub(crate) async fn $list(
            state: &AppState,
            mut filter: Filter,
            slice: &Slice<i32>,
        ) -> Result<Cut<$item>, ApiError> {
            (filter.after, filter.limit) = (slice.after, slice.fetch());
            let mut tx = state.db.begin().await?;
            let items = db::$query(&mut tx, &filter).await?;
            tx.commit().await?;
            Ok(slice.cut(items.into_iter().map(|item| (item.id.cast_signed(), item)).collect()))
        }

        #[doc = concat!("One ", $word, ".")]
        pub(crate) async fn $get(state: &AppState, id: i32) -> Result<$item, ApiError> {
            let mut tx = state.db.begin().await?;
            let item = db::$query(&mut tx, &Filter::one(id)).await?.pop();
            tx.commit().await?;
            item.ok_or_else(|| ApiError::not_found($word))
        }
    };
}

noun!(list_commodities, get_commodity, commodities, Commodity, "commodity");
noun!(list_units, get_unit, units, Unit, "unit");
noun!(list_markets, get_market, markets, Market, "market");
noun!(list_regions, get_region, regions, Region, "region");
