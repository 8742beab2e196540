//! Who calls, in memory.

use super::Fake;
use crate::ussd::market::*;
use sync_protocol::phone::Phone;

impl People for Fake {
    fn caller(&self, _: &Phone) -> Read<Caller> {
        self.readable()?;
        Ok(Caller { member: self.member.borrow().clone(), lang: self.lang.get() })
    }
}
