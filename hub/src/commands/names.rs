//! Names in commands are put into the one form in which names are kept (`node::name`), before anything is decided by them: also those
//! that an edge of an earlier version brings, and what such an edge says that it saw. Nothing else about names is here.

use mizili_node::name::tidy;
use sync_protocol::ids::ListingId;
use sync_protocol::market::{Body, WorkingSet};

/// The command as it says the same with its names in one form.
pub(super) fn in_one_form(mut body: Body) -> Body {
    match &mut body {
        Body::MemberRegister(register) => register.name = tidy(&register.name),
        Body::ListingPost(post) => post.title = tidy(&post.title),
        Body::ListingEdit(edit) => {
            if let Some(title) = &mut edit.title {
                (title.old, title.new) = (tidy(&title.old), tidy(&title.new));
            }
        }
        Body::OrderPlace(order) => order.buyer_name = tidy(&order.buyer_name),
        Body::ListingWithdraw(_) | Body::OrderCancel(_) | Body::StockAdjust(_) => {}
    }
    body
}

/// A title that was kept before titles had one form is seen as what it looks like: whoever has seen that has seen what stands.
pub(super) fn as_it_stands(mut body: Body, set: &WorkingSet) -> Body {
    if let Body::ListingEdit(edit) = &mut body
        && let Some(title) = &mut edit.title
        && let Some(listing) = set.listings.get(&ListingId(edit.listing))
    {
        let looks_like = tidy(&listing.title);
        if looks_like == title.old || looks_like == title.new {
            title.old.clone_from(&listing.title);
        }
    }
    body
}
