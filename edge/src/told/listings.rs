//! How offers are told.

use super::fate::Fate;
use super::sms::Sms;
use super::wanted::Wanted;
use super::{DbError, Told};
use crate::text::Msg;
use sync_protocol::market::{ListingEdit, ListingPost, ListingWithdraw};

impl Told for ListingPost {
    fn wanted(&self, words: &Wanted<'_>) -> String {
        words.say("did-listing-post", &words.much(self.quantity_milli))
    }

    fn news(&self, fate: &Fate<'_>) -> Result<Option<Sms>, DbError> {
        let why = fate.refused.filter(|_| !fate.is_taken_back);
        Ok(why.map(|why| Sms::to(fate.person(), Msg::NoticeOfferRefused).because(why)))
    }
}

impl Told for ListingEdit {
    fn wanted(&self, words: &Wanted<'_>) -> String {
        words.say("did-listing-edit", &words.name())
    }

    /// An act of the office, which sees it on its page.
    fn news(&self, _: &Fate<'_>) -> Result<Option<Sms>, DbError> {
        Ok(None)
    }
}

impl Told for ListingWithdraw {
    fn wanted(&self, words: &Wanted<'_>) -> String {
        words.say("did-listing-withdraw", &words.name())
    }

    fn news(&self, fate: &Fate<'_>) -> Result<Option<Sms>, DbError> {
        let person = fate.person();
        Ok(match fate.refused {
            // There was nothing to withdraw.
            Some(_) if fate.is_taken_back => Some(Sms::to(person, Msg::NoticeWithdrawn)),
            Some(why) => Some(Sms::to(person, Msg::NoticeWithdrawRefused).because(why)),
            None if fate.was_asked() => Some(Sms::to(person, Msg::NoticeWithdrawn)),
            None => None,
        })
    }
}
