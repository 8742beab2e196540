//! Names in commands are put into the one form in which names are kept (`node::name`), before anything is decided by them: also those
//! that an edge of an earlier version brings, and what such an edge says that it saw. Nothing else about names is here.

use mizili_node::name::tidy;
use sync_protocol::market::Body;

/// The command as it says the same with its names in one form.
pub(super) fn in_one_form(mut body: Body) -> Body {
    for name in body.names() {
        *name = tidy(name);
    }
    body
}
