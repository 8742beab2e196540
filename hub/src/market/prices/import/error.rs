//! Why an import stopped, and what a person should know about one that did not, in words an office clerk can act on.

use std::io;
use std::path::PathBuf;

use super::super::wfp::FileError;
use super::super::wfp::names::NamesError;
use crate::db::{Transient, is_race, is_transient};
use crate::feed::FeedError;
use mizili_node::text::counted;

/// Why an import stopped. What was stored before stands; importing the file again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be imported. Found before anything is stored, unless reading breaks off.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file's lists would fill the memory.
    #[error(
        "the file has more than {} different price series: is this a WFP price file of one country?",
        super::scan::FILE_SERIES_MAX
    )]
    TooManySeries,
    /// The file was written to between its two readings.
    #[error("the file changed while it was read: wait until it is complete, then import it again")]
    FileChanged,
    /// A list that is built in is damaged.
    #[error("a list of the program is damaged: {0}")]
    Names(#[from] NamesError),
    /// The list of rejected rows cannot be written.
    #[error("the list of refused rows cannot be written to {}: {source}", path.display())]
    Rejects {
        /// Where it should stand.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database failed, also after trying again.
    #[error("the database could not take the prices; import the file again when it answers: {0}")]
    Database(#[from] sqlx::Error),
    /// The feed could not be written.
    #[error("the prices could not be put into the feed: {0}")]
    Feed(#[source] FeedError),
    /// The thread that reads the file died.
    #[error("reading the file broke off: this is a fault of the program")]
    Reader,
}

impl Transient for ImportError {
    fn transient(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) | Self::Feed(FeedError::Db(error)) => {
                (is_transient(error) || is_race(error)).then_some(error)
            }
            Self::Feed(FeedError::UnnamedBucket { .. } | FeedError::UnknownEntity(_))
            | Self::File(_)
            | Self::TooManySeries
            | Self::FileChanged
            | Self::Names(_)
            | Self::Rejects { .. }
            | Self::Reader => None,
        }
    }
}

/// What a person should know about an import that went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Not one row had a price of the country: it is probably another country's file.
    WrongCountry {
        /// The country it was read for.
        country: &'static str,
        /// The country's currency.
        currency: &'static str,
    },
    /// A newer publication was imported before.
    OlderPublication {
        /// Prices that differ from the newer publication's, which stay.
        differing: u64,
    },
    /// Prices that are known and that this publication no longer has. They stay.
    Withdrawn {
        /// How many.
        prices: u64,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongCountry { country, currency } => write!(
                f,
                "no row has a price in {currency}: is this the file of another country than {country}? Nothing was imported"
            ),
            Self::OlderPublication { differing } => write!(
                f,
                "a newer publication of this country was imported before: only prices that were missing were added, \
                 and {differing} that differ were left as they are"
            ),
            Self::Withdrawn { prices } => {
                let prices = counted(
                    *prices,
                    "price that was imported before is",
                    "prices that were imported before are",
                );
                write!(f, "{prices} not in this file; nothing was removed")
            }
        }
    }
}
