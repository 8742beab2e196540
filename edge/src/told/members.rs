//! How registrations are told.

use super::fate::Fate;
use super::sms::Sms;
use super::wanted::Wanted;
use super::{DbError, Told};
use crate::replica;
use crate::text::Msg;
use crate::text::office::say;
use sync_protocol::market::{Member, MemberRegister};
use sync_protocol::row::Key;

impl Told for MemberRegister {
    fn wanted(&self, words: &Wanted<'_>) -> String {
        say(words.lang, "did-member-register", &[("name", &self.name)])
    }

    /// A known member who only changed name or language stays one.
    fn news(&self, fate: &Fate<'_>) -> Result<Option<Sms>, DbError> {
        let is_member = replica::get::<Member>(fate.conn, Key::Uuid(self.member))?.is_some();
        let why = fate.refused.filter(|_| !is_member);
        Ok(why.map(|why| Sms::to(self.phone, Msg::NoticeRegisterRefused).because(why)))
    }
}
