//! A gateway's section of the settings: who it is, where it calls back, how SMS are sent by it.
//!
//! Its secret and its key must never reach a log: what is shown of it for debugging leaves them out.

use crate::sms::africastalking;
use crate::text::keywords::means_something;
use mizili_node::address::AddressRange;
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;

/// Shortest secret that is accepted in a file: what people make up is shorter and guessable.
const SECRET_MIN_CHARS: usize = 16;

/// Longest word of a shared number: it stands before every example, and these must fit one SMS.
const SMS_KEYWORD_MAX_LETTERS: usize = 12;

/// The user name of accounts on which Africa's Talking sends nothing for real.
const SANDBOX_USERNAME: &str = "sandbox";

/// One company or device that brings USSD and SMS.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Which adapter speaks with it.
    pub kind: GatewayKind,
    /// Its name in logs and in what is kept of calls; no two gateways have the same.
    #[serde(default = "default_name")]
    pub name: String,
    /// A random word in the path of its callbacks: whoever knows it can act as the gateway.
    pub secret: String,
    /// Addresses that may call back; empty for any.
    #[serde(default)]
    pub allow: Vec<AddressRange>,
    /// What people dial, such as `*384*55#`; calls for another code are not answered. Empty for any.
    #[serde(default)]
    pub service_code: String,
    /// The number that takes SMS, shown to people; empty where there is none.
    #[serde(default)]
    pub sms_number: String,
    /// The word with which SMS to a shared number must begin to reach this service; empty where the number is its own.
    #[serde(default)]
    pub sms_keyword: String,
    /// The account's user name, for sending SMS.
    #[serde(default)]
    pub username: String,
    /// The account's key, for sending SMS; empty while SMS are only kept.
    #[serde(default)]
    pub api_key: String,
    /// The number or name that SMS come from; empty for the gateway's own.
    #[serde(default)]
    pub sender: String,
    /// Where SMS are sent by POST, in place of the gateway's usual address; empty for that one.
    #[serde(default)]
    pub api_url: String,
    /// A header that the gateway adds to its callbacks, such as `X-Callback-Key`; empty for none.
    #[serde(default)]
    pub header_name: String,
    /// What that header must say.
    #[serde(default)]
    pub header_value: String,
    /// The country that completes local numbers of this gateway; empty for the box's.
    #[serde(default)]
    pub country: String,
}

/// The gateways that this version speaks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayKind {
    /// Africa's Talking: USSD and SMS.
    AfricasTalking,
}

impl GatewayKind {
    /// The word in the file and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AfricasTalking => "africastalking",
        }
    }
}

/// The gateways of the settings that have an account to send SMS with, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Senders(pub(super) Vec<String>);

impl Senders {
    /// Whether there is an account at all.
    pub fn has_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether one of them may send a message that must go by the named gateway, or by any where none is named.
    pub fn take(&self, gateway: Option<&str>) -> bool {
        gateway.map_or(!self.0.is_empty(), |name| self.0.iter().any(|able| able == name))
    }
}

impl Gateway {
    /// Path of the USSD callback at this box.
    pub fn ussd_path(&self) -> String {
        self.path("ussd")
    }

    /// Path of the callback at this box that tells how a call ended.
    pub fn ended_path(&self) -> String {
        self.path("ussd/end")
    }

    /// Path of the callback for incoming SMS at this box.
    pub fn sms_path(&self) -> String {
        self.path("sms")
    }

    /// Path of the callback for delivery reports at this box.
    pub fn delivery_path(&self) -> String {
        self.path("sms/delivery")
    }

    /// Path of the callback at this box that tells who refuses messages from now on.
    pub fn opt_out_path(&self) -> String {
        self.path("sms/opt-out")
    }

    fn path(&self, what: &str) -> String {
        format!("/gateway/{}/{}/{what}", self.kind.as_str(), self.secret)
    }

    /// Whether there is an account to send SMS with.
    pub(crate) fn can_send(&self) -> bool {
        !self.username.is_empty() && !self.api_key.is_empty()
    }

    /// Where SMS are sent by POST.
    pub fn send_url(&self) -> &str {
        match self.kind {
            _ if !self.api_url.is_empty() => &self.api_url,
            GatewayKind::AfricasTalking if self.username == SANDBOX_USERNAME => {
                africastalking::SANDBOX_SEND_URL
            }
            GatewayKind::AfricasTalking => africastalking::SEND_URL,
        }
    }

    /// What is wrong with it, as the gateway of that number in the file.
    pub(super) fn check(&self, number: usize) -> Result<(), String> {
        let is_local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
            .iter()
            .filter_map(|start| self.api_url.strip_prefix(start))
            .any(|rest| rest.is_empty() || rest.starts_with([':', '/']));
        if !(self.api_url.is_empty() || self.api_url.starts_with("https://") || is_local) {
            return Err(format!(
                "api_url '{}' would send the account's key unprotected: begin it with https://",
                self.api_url
            ));
        }
        let letters = self.sms_keyword.bytes().all(|b| b.is_ascii_alphabetic());
        if !letters || self.sms_keyword.len() > SMS_KEYWORD_MAX_LETTERS {
            return Err(format!(
                "sms_keyword '{}' must be one word of at most {SMS_KEYWORD_MAX_LETTERS} letters a to z",
                self.sms_keyword
            ));
        }
        if means_something(&self.sms_keyword) {
            return Err(format!(
                "sms_keyword '{}' already means something in a text, such as PRICE or STOP: take another word",
                self.sms_keyword
            ));
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !self.header_name.bytes().all(fits) {
            return Err(format!("header_name '{}' is no name of a header", self.header_name));
        }
        if self.header_name.is_empty() != self.header_value.is_empty() {
            return Err("header_name and header_value are given together, or both left empty".to_owned());
        }
        if !self.secret.bytes().all(fits) || self.secret.len() < SECRET_MIN_CHARS {
            return Err(format!(
                "the secret of gateway {number} must be at least {SECRET_MIN_CHARS} letters, digits, - or _"
            ));
        }
        Ok(())
    }

    /// Whether a caller at this address may use the callbacks.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow.is_empty() || self.allow.iter().any(|range| range.contains(address))
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("name", &self.name)
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

fn default_name() -> String {
    GatewayKind::AfricasTalking.as_str().to_owned()
}
