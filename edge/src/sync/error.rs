//! What can go wrong between this box and the hub, in plain words with the next step. Secrets and rows never get into a text.

use crate::config::ConfigError;
use crate::db::DbError;
use crate::identity::IdentityError;
use crate::line::{LineError, TlsError};
use std::time::Duration;
use sync_protocol::bytes::WireError;
use sync_protocol::wire::message::{Refusal, RefusalCode};

/// Why an exchange, or a step towards one, did not come to its end. What was applied before stays applied.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The box was never enrolled.
    #[error(
        "this box is not enrolled yet. Get a code from the operator (mizili-hub edge add), then run: mizili-edge enrol --hub URL --code CODE"
    )]
    NotEnrolled,
    /// The code does not begin as those of the edge that the box is, or the hub made it another one by it: it is mistyped, or for another.
    #[error(
        "this box is number {edge}, and this is no code of its own: it is mistyped, or for another box. Look at it again, or ask the \
         operator for one: mizili-hub edge code {edge}. To make this machine another office too, give that a data folder of its own: \
         --data-dir DIR"
    )]
    CodeOfAnother {
        /// Its number.
        edge: u32,
    },
    /// What was typed is no code at all.
    #[error(
        "this is no code: one has 12 letters and figures, such as 0K7M-2XYZ-9QRT. Look at it again, or ask the operator for a new one: \
         {}", code_command(*edge)
    )]
    NoCode {
        /// The edge that the box is, where it is one.
        edge: Option<u32>,
    },
    /// The code is not good.
    #[error("the code is wrong, used or has expired. Ask the operator for a new one: {}", code_command(*edge))]
    BadCode {
        /// The edge that the box is, where it is one.
        edge: Option<u32>,
    },
    /// The data folder belongs to an earlier enrolment.
    #[error("{0}")]
    DataOfAnother(String),
    /// The line failed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The hub has no time now.
    #[error("the hub is busy and asks to be tried again later")]
    Busy {
        /// When it would like to be asked again.
        retry_after: Option<Duration>,
    },
    /// The hub does not go on with this box.
    #[error("{}", refusal_words(.0))]
    Refused(Refusal),
    /// The answerer could not prove that it is the hub of the enrolment.
    #[error(
        "{0} did not prove that it is the hub this box was enrolled with, so nothing was sent. If the hub's keys were replaced, ask its \
         operator for a new code (mizili-hub edge code) and run here: mizili-edge enrol --hub URL --code CODE. The box keeps what it \
         has. Else somebody may be in between"
    )]
    NotTheHub(String),
    /// The hub knows this box, or where it stands, no more.
    #[error(
        "the hub knows this box no more ({0}). Ask its operator for a new code (mizili-hub edge code), and run here: mizili-edge enrol \
         --hub URL --code CODE. The box keeps what it has"
    )]
    NotKnown(String),
    /// The hub's bytes were not understood.
    #[error("the hub's answer was damaged ({0}); it will be asked again")]
    Damaged(#[from] WireError),
    /// The hub answered something else than was asked for.
    #[error(
        "the hub at this address answered in an unexpected way ({0}). Check the address and the versions on both sides"
    )]
    Unexpected(String),
    /// The hub refused in a way that this version knows no words for.
    #[error("the hub refused (status {status}): {detail}")]
    HttpStatus {
        /// The HTTP status.
        status: u16,
        /// The hub's words.
        detail: String,
    },
    /// The hub says that there is more, and sends nothing new.
    #[error(
        "the hub says that there is more but sends nothing new; this is a fault in the program, please report it"
    )]
    Stuck,
    /// The box was enrolled at another address since this program opened it: its sign-in is not for whoever is at the earlier one.
    #[error("this box has been enrolled anew at another address; start this program again")]
    EnrolledAnew,
    /// Another exchange of the same box went on for too long.
    #[error("another sync of this box is running and has not ended yet; try again in a minute")]
    Locked,
    /// Plain http to a hub elsewhere.
    #[error(
        "{0} is not encrypted: everybody on the way could read it. Use an https:// address, or, for a trial only, \
         give --insecure-http"
    )]
    Insecure(String),
    /// No address.
    #[error("'{0}' is no hub address: write it like https://hub.example.org")]
    BadAddress(String),
    /// The store refused.
    #[error("not stored: {0}")]
    Storage(#[from] DbError),
    /// A stored file could not be used.
    #[error("cannot use {what}: {cause}")]
    File {
        /// The file or folder.
        what: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The box's keys cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The box's settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl SyncError {
    /// Whether trying again later may succeed without anybody doing something. Every case is listed: a new one must choose.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Line(LineError::Certificate(_)) => false,
            Self::Line(_) | Self::Busy { .. } | Self::Damaged(_) | Self::Locked | Self::EnrolledAnew => true,
            Self::Refused(refusal) => match refusal.code {
                RefusalCode::Unauthorized
                | RefusalCode::Fenced
                | RefusalCode::Busy
                | RefusalCode::HubRestored => true,
                RefusalCode::Revoked
                | RefusalCode::Rewound
                | RefusalCode::SequenceReused
                | RefusalCode::SequenceGap
                | RefusalCode::StreamHalted
                | RefusalCode::Malformed
                | RefusalCode::Version
                | RefusalCode::Other(_) => false,
            },
            Self::Storage(cause) => cause.is_retryable(),
            Self::NotEnrolled
            | Self::CodeOfAnother { .. }
            | Self::NoCode { .. }
            | Self::BadCode { .. }
            | Self::DataOfAnother(_)
            | Self::HttpStatus { .. }
            | Self::NotTheHub(_)
            | Self::NotKnown(_)
            | Self::Unexpected(_)
            | Self::Stuck
            | Self::Insecure(_)
            | Self::BadAddress(_)
            | Self::File { .. }
            | Self::Identity(_)
            | Self::Config(_) => false,
        }
    }

    /// Whether the hub may have done what it was asked for, although no answer says so.
    pub fn may_have_arrived(&self) -> bool {
        !matches!(
            self,
            Self::NoCode { .. }
                | Self::BadCode { .. }
                | Self::Line(LineError::Unreachable(_) | LineError::Certificate(_))
        )
    }

    /// When the hub asked to be tried again, if it said.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Busy { retry_after } = self { *retry_after } else { None }
    }

    /// A short name for the database, logs and programs; one of [`CODES`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotEnrolled => "not_enrolled",
            Self::CodeOfAnother { .. }
            | Self::NoCode { .. }
            | Self::BadCode { .. }
            | Self::DataOfAnother(_) => "enrolment",
            Self::HttpStatus { .. } => "refused",
            Self::Line(LineError::Certificate(_)) => "certificate",
            Self::Line(_) => "offline",
            Self::Busy { .. } => "busy",
            Self::Refused(refusal) => refusal.code.as_str(),
            Self::NotTheHub(_) => "not_the_hub",
            Self::NotKnown(_) => "not_known",
            Self::Damaged(_) => "damaged",
            Self::Unexpected(_) => "unexpected",
            Self::Stuck => "stuck",
            Self::Locked => "locked",
            Self::EnrolledAnew => "enrolled_anew",
            Self::Insecure(_) | Self::BadAddress(_) => "address",
            Self::Storage(_) => "storage",
            Self::File { .. } | Self::Identity(_) | Self::Config(_) => "setup",
        }
    }
}

/// The words that [`SyncError::code`] gives, and what each means. The list is closed: programs may go by it.
pub const CODES: [(&str, &str); 27] = [
    ("offline", "no line to the hub, or it broke"),
    ("busy", "the hub has no time now"),
    ("hub_restored", "the hub is being put right after a restore"),
    ("unauthorized", "the hub did not accept the sign-in; it is tried again"),
    ("damaged", "the hub's answer was damaged on the way"),
    ("fenced", "a newer exchange of this box has begun"),
    ("locked", "another exchange of this box is running"),
    ("enrolled_anew", "this box was enrolled at another address meanwhile"),
    ("storage", "this box can store nothing, or could not read what it has"),
    ("certificate", "the hub's certificate was not accepted"),
    ("revoked", "the operator has shut this box out"),
    ("rewound", "this box's data is an old copy, or in use elsewhere"),
    ("sequence_reused", "the hub has other entries under these numbers"),
    ("sequence_gap", "the hub lacks earlier entries"),
    ("stream_halted", "the hub's operator has to look first"),
    ("malformed", "the hub did not understand this box"),
    ("version", "this program is too old or too new for the hub"),
    ("refused", "the hub refused with a status that says no more"),
    ("unexpected", "something at this address does not answer as a hub does"),
    ("not_the_hub", "the answerer is not the hub of the enrolment"),
    ("not_known", "the hub knows this box no more"),
    ("stuck", "the hub says that there is more and sends nothing"),
    ("not_enrolled", "this box belongs to no office yet"),
    ("enrolment", "the enrolment did not work"),
    ("address", "the hub's address cannot be used"),
    ("setup", "a file, a key or the settings of this box cannot be used"),
    ("other", "a reason that this version of the program does not know"),
];

impl From<TlsError> for SyncError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Line(line) => Self::Line(line),
            TlsError::Unexpected(why) => Self::Unexpected(why),
        }
    }
}

/// The word of [`CODES`] for a stored one, which another version of this program may have written.
pub fn known_code(stored: &str) -> &'static str {
    CODES.iter().find(|(code, _)| *code == stored).map_or("other", |(code, _)| code)
}

/// The operator's command that makes the code which is needed.
fn code_command(edge: Option<u32>) -> String {
    let new =
        || "mizili-hub edge add, or for an office that the hub has already: mizili-hub edge code NUMBER";
    edge.map_or_else(|| new().to_owned(), |edge| format!("mizili-hub edge code {edge}"))
}

/// A refusal in words for whoever looks after the box.
fn refusal_words(refusal: &Refusal) -> String {
    let words = match refusal.code {
        RefusalCode::Unauthorized => "the hub does not accept this box's sign-in; it will try again",
        RefusalCode::Revoked => {
            "the operator has shut this box out for good. What is stored here stays. To go on, ask for the code of a new box \
             (mizili-hub edge add), and enrol with it into an empty folder: --data-dir DIR"
        }
        RefusalCode::Rewound => {
            "this box's data is an old copy, or another box or copy is this office now, so the hub takes nothing from it. \
             Nothing was changed, and what is stored here stays. Stop the copy, ask the operator for a new code (mizili-hub edge code), \
             and run at the right box: mizili-edge enrol --hub URL --code CODE"
        }
        RefusalCode::SequenceReused => {
            "the hub already has other entries under the numbers of these, as when a copy of this box's data was in use; nothing is \
             lost. Ask the operator for a new code (mizili-hub edge code), and run here: mizili-edge enrol --hub URL --code CODE"
        }
        RefusalCode::SequenceGap => {
            "the hub lacks entries that come before these; nothing is lost. Ask the operator for a new code (mizili-hub edge code), and \
             run here: mizili-edge enrol --hub URL --code CODE"
        }
        RefusalCode::StreamHalted => {
            "the hub has stopped taking entries from this box until its operator has looked (mizili-hub edge list, then mizili-hub \
             edge resume); nothing is lost"
        }
        RefusalCode::Malformed => {
            "the hub did not understand this box; this is a fault in the program, please report it"
        }
        RefusalCode::Version => {
            "this program is too old or too new for the hub. Install the version that the operator names"
        }
        RefusalCode::Fenced => "a newer sync of this box has begun; this one stopped",
        RefusalCode::HubRestored => {
            "the hub was restored from a backup and is being put right; it will be tried again"
        }
        RefusalCode::Busy => "the hub is busy; it will be tried again",
        RefusalCode::Other(_) => "the hub refused for a reason that this version does not know",
    };
    if refusal.detail.is_empty() {
        words.to_owned()
    } else {
        format!("{words} (the hub says: {})", refusal.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_is_in_plain_words() {
        for code in RefusalCode::ALL {
            let text = SyncError::Refused(Refusal { code: *code, detail: String::new() }).to_string();
            assert!(text.len() > 30 && !text.contains('_'), "{text}");
            assert!(!text.contains("digest") && !text.contains("quarantine") && !text.contains("cursor"));
        }
        let rewound =
            SyncError::Refused(Refusal { code: RefusalCode::Rewound, detail: "link 3 of 9".into() });
        assert!(rewound.to_string().contains("old copy") && rewound.to_string().contains("link 3 of 9"));
        assert!(!rewound.is_temporary());
    }

    #[test]
    fn the_list_of_codes_is_that_of_the_errors() {
        let file = |cause: std::io::ErrorKind| SyncError::File { what: "x".into(), cause: cause.into() };
        let mut errors = vec![
            SyncError::NotEnrolled,
            SyncError::CodeOfAnother { edge: 1 },
            SyncError::NoCode { edge: None },
            SyncError::BadCode { edge: None },
            SyncError::DataOfAnother("x".into()),
            LineError::Unreachable("x".into()).into(),
            LineError::Cut("x".into()).into(),
            LineError::Silent(Duration::from_secs(1)).into(),
            LineError::Certificate("x".into()).into(),
            SyncError::Busy { retry_after: None },
            SyncError::NotTheHub("x".into()),
            SyncError::NotKnown("x".into()),
            WireError::Truncated.into(),
            SyncError::Unexpected("x".into()),
            SyncError::HttpStatus { status: 418, detail: "x".into() },
            SyncError::Stuck,
            SyncError::Locked,
            SyncError::EnrolledAnew,
            SyncError::Insecure("x".into()),
            SyncError::BadAddress("x".into()),
            DbError::Full.into(),
            file(std::io::ErrorKind::NotFound),
            IdentityError::Missing("x".into()).into(),
            ConfigError::Missing("x".into()).into(),
        ];
        let refused = |code| SyncError::Refused(Refusal { code, detail: String::new() });
        errors.extend(RefusalCode::ALL.iter().copied().chain([RefusalCode::Other(99)]).map(refused));
        let given: BTreeSet<_> = errors.iter().map(SyncError::code).collect();
        let listed: BTreeSet<_> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(given, listed);
        assert_eq!(listed.len(), CODES.len(), "none stands there twice");
        for (code, meaning) in CODES {
            assert_eq!(known_code(code), code);
            assert!(
                meaning.len() > 10 && code.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()),
                "{code}"
            );
        }
        assert_eq!(known_code("of_a_later_version"), "other");
    }

    #[test]
    fn what_passes_by_itself_is_tried_again() {
        assert!(SyncError::Line(LineError::Cut("x".into())).is_temporary());
        assert!(SyncError::Storage(DbError::Full).is_temporary());
        assert!(!SyncError::NotTheHub("https://x".into()).is_temporary());
        let busy = SyncError::Busy { retry_after: Some(Duration::from_secs(9)) };
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(9)));
    }
}
