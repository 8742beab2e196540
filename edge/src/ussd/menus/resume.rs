//! Offers to go on with what a dropped call had gathered. Shown at the start of a call only, never on a dialled path.

use super::{Desk, Move, Page};
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::market::Read;
use crate::ussd::view::{Cx, Foot, Hint, View, page};

pub(super) struct Resume;

impl Page for Resume {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let no = cx.text(Msg::ResumeNo);
        Ok(page(cx, Foot::Home, &[], |width| {
            let what = plan.map(|plan| plan.act().doing(cx, width)).unwrap_or_default();
            let go = cx.fill(Msg::ResumeGo, &[("what", &what)]);
            format!("{}\n1 {go}\n2 {no}", cx.text(Msg::ResumeTitle))
        }))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, input: &str) -> Read<Move> {
        Ok(match input {
            "1" => Move::Resume,
            "2" => Move::Dropped,
            _ => Move::Stay(Hint::Choose),
        })
    }
}
