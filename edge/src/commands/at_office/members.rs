//! Members, as their office takes them in.

use super::{AtOffice, Office};
use crate::commands::submit::SubmitError;
use crate::commands::{CommandState, Thing};
use crate::db::DbError;
use rusqlite::Connection;
use sync_protocol::market::MemberRegister;

impl AtOffice for MemberRegister {
    /// At any time: it asks for nothing that would have to be here first.
    fn may_be_taken(&self, _: &Office<'_>) -> Result<(), SubmitError> {
        Ok(())
    }

    fn thing(&self, _: &Connection) -> Result<Option<Thing>, DbError> {
        Ok(None)
    }

    fn takes_back(&self) -> bool {
        false
    }

    fn is_taken_back(&self, _: &Connection, _: &CommandState) -> Result<bool, DbError> {
        Ok(false)
    }
}
