//! What became of an act whose answer was lost with the line. Shown once, at the next call.

use crate::ussd::view::{Cx, Foot, View, page};

pub(super) fn show(cx: &Cx<'_>, text: &str) -> View {
    page(cx, Foot::Home, &[], |_| text.to_owned())
}
