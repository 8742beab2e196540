//! What became of offers, their changes and withdrawals, as a person at the office that made them has to look at it or not, by decision 35
//! alone: what was withdrawn before its refusal came is off, unless withdrawing it was refused. It reads what was told and which words
//! have come to that office, exchange by exchange, and nothing of what the office makes of them.

use std::collections::BTreeMap;
use uuid::Uuid;

/// What somebody did to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Post,
    Change,
    Withdraw,
}

/// How the hub's last word on it reads at its office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Taken,
    /// What clashed was left out.
    InPart,
    Refused,
}

#[derive(Debug)]
struct Act {
    office: usize,
    id: Uuid,
    listing: Uuid,
    did: Did,
    word: Option<Word>,
    /// Whether there is nothing to look at, once that is settled.
    is_off: Option<bool>,
}

/// All of them, in the order in which they were told.
#[derive(Default, Debug)]
pub(super) struct Withdrawn {
    acts: Vec<Act>,
}

impl Withdrawn {
    pub(super) fn told(&mut self, office: usize, id: Uuid, listing: Uuid, did: Did) {
        self.acts.push(Act { office, id, listing, did, word: None, is_off: None });
    }

    /// Takes in the words that one exchange has brought to an office.
    pub(super) fn heard(&mut self, office: usize, words: &BTreeMap<Uuid, Word>) {
        let mut in_vain = Vec::new();
        for act in self.acts.iter_mut().filter(|act| act.office == office && act.word.is_none()) {
            act.word = words.get(&act.id).copied();
            if act.did == Did::Withdraw && act.word == Some(Word::Refused) {
                in_vain.push(act.listing);
            }
        }
        // Taken back in vain: what was passed over for it is looked at again.
        for act in self.acts.iter_mut().filter(|act| act.office == office && in_vain.contains(&act.listing)) {
            if act.is_off == Some(true) {
                act.is_off = None;
            }
        }
        for at in 0..self.acts.len() {
            let act = &self.acts[at];
            if act.office == office && act.word.is_some() && act.is_off.is_none() {
                self.acts[at].is_off = Some(self.is_off_now(at));
            }
        }
    }

    fn is_off_now(&self, at: usize) -> bool {
        let act = &self.acts[at];
        let is_about = |other: &&Act| other.office == act.office && other.listing == act.listing;
        let before = self.acts[..at].iter().filter(is_about);
        let post_was_refused =
            before.clone().any(|other| other.did == Did::Post && other.word == Some(Word::Refused));
        let mut withdrawals =
            self.acts[at + 1..].iter().filter(is_about).filter(|other| other.did == Did::Withdraw);
        let stands = |other: &Act| other.word != Some(Word::Refused);
        // Nobody has been told that it was refused: there was nothing to withdraw.
        let is_not_called_refused = |other: &Act| stands(other) || other.is_off != Some(false);
        match (act.did, act.word) {
            (Did::Post, Some(Word::Refused)) => withdrawals.any(is_not_called_refused),
            (Did::Change, Some(Word::Refused | Word::InPart)) => {
                withdrawals.any(|other| stands(other) || (post_was_refused && is_not_called_refused(other)))
            }
            (Did::Withdraw, Some(Word::Refused)) => post_was_refused,
            _ => false,
        }
    }

    /// Whether nobody has to look at what became of an act.
    pub(super) fn is_off(&self, id: Uuid) -> bool {
        self.acts.iter().any(|act| act.id == id && act.is_off == Some(true))
    }

    /// How many refusals nobody has to look at, and how many have to be looked at again because withdrawing was in vain.
    pub(super) fn counted(&self) -> (u64, u64) {
        let refused = |act: &&Act| matches!(act.word, Some(Word::Refused | Word::InPart));
        let off = self.acts.iter().filter(refused).filter(|act| act.is_off == Some(true)).count();
        let in_vain = |act: &&Act| act.did == Did::Withdraw && act.is_off == Some(false);
        (off as u64, self.acts.iter().filter(refused).filter(in_vain).count() as u64)
    }
}
