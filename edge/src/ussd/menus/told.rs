//! What became of an act whose answer was lost with the line. Shown once, at the next call.

use super::{Desk, Move, Page};
use crate::ussd::acts::Plan;
use crate::ussd::market::Read;
use crate::ussd::view::{Cx, Foot, Hint, View, page};
use serde::{Deserialize, Serialize};

/// The screen that tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub(in crate::ussd) text: String,
}

impl Page for Told {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        Ok(page(cx, Foot::Home, &[], |_| self.text.clone()))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, _: &str) -> Read<Move> {
        Move::stay(Hint::Choose)
    }
}
