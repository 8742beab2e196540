//! Who calls.

use super::Read;
use crate::text::Lang;
use sync_protocol::phone::Phone;
use uuid::Uuid;

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The member with this number, if there is one.
    pub member: Option<Member>,
    /// The language of the member, or one that this number chose before it was registered.
    pub lang: Option<Lang>,
}

/// A registered person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: Uuid,
    /// Name as given.
    pub name: String,
}

/// Who is behind a number.
pub trait People {
    /// Who this number is.
    fn caller(&self, phone: &Phone) -> Read<Caller>;
}

#[cfg(test)]
mod in_memory {
    use crate::ussd::fake::Fake;
    use crate::ussd::market::*;
    use sync_protocol::phone::Phone;

    impl People for Fake {
        fn caller(&self, _: &Phone) -> Read<Caller> {
            self.readable()?;
            Ok(Caller { member: self.member.borrow().clone(), lang: self.lang.get() })
        }
    }
}
