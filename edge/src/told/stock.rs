//! How changes of the stock are told: they are acts of the office, which sees them on its page.

use super::fate::Fate;
use super::sms::Sms;
use super::wanted::Wanted;
use super::{DbError, Told};
use sync_protocol::market::{Adjustment, StockAdjust};

impl Told for StockAdjust {
    fn wanted(&self, words: &Wanted<'_>) -> String {
        match self.found {
            Adjustment::Intake(milli) => words.say("did-stock-intake", &words.much(milli)),
            Adjustment::WriteOff(milli) => words.say("did-stock-write-off", &words.much(milli)),
            Adjustment::Count { counted_milli, .. } => {
                words.say("did-stock-count", &words.much(counted_milli))
            }
        }
    }

    fn news(&self, _: &Fate<'_>) -> Result<Option<Sms>, DbError> {
        Ok(None)
    }
}
