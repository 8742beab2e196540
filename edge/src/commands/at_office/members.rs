//! Members, as their office takes them in.

use super::AtOffice;
use crate::commands::{CommandState, Thing};
use crate::db::DbError;
use rusqlite::Connection;
use sync_protocol::market::MemberRegister;

impl AtOffice for MemberRegister {
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
