//! Phone numbers in requests: the protocol's reader, with what is wrong as a problem that points at the field. Both nodes read with
//! it; which country a number without a code is of is for each to say.

use crate::problem::field;
use sync_protocol::api::FieldProblem;
use sync_protocol::country::Country;
use sync_protocol::phone::{Phone, read};

/// Reads a number. `pointer` is the field that it stands in.
///
/// # Errors
/// What to write instead.
pub fn read_field(pointer: &str, raw: &str, home: Option<&Country>) -> Result<Phone, FieldProblem> {
    read(raw, home).map_err(|error| field(pointer, error.sentence()))
}
