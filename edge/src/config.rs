//! The box's settings: a commented TOML file that enrolment writes and a person may edit.
//!
//! Holds secrets of gateways, so only its owner may read it. It never holds what the hub decides (that is in the database),
//! and a file with a mistake is refused by line, never half used.

use crate::identity::write_private;
use crate::outbox::SmsSettings;
use crate::sms::africastalking;
use crate::text::Lang;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use mizili_node::deps::Deps;
use serde::Deserialize;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use sync_protocol::country::Country;

/// Name of the file in the data directory.
pub const CONFIG_FILE: &str = "edge.toml";

/// Where `serve` listens unless told otherwise: this machine only.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8090";

/// Minutes after which an idle office session ends unless the settings say otherwise.
const OFFICE_IDLE_MINUTES: u32 = 30;

/// Random bytes of a gateway's secret: nobody guesses 192 bits.
const SECRET_BYTES: usize = 24;

/// Shortest secret that is accepted in a file: what people make up is shorter and guessable.
const SECRET_MIN_CHARS: usize = 16;

/// The user name of accounts on which Africa's Talking sends nothing for real.
const SANDBOX_USERNAME: &str = "sandbox";

/// Why the settings cannot be used. The text of each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no file.
    #[error("{} is missing. If this box was never enrolled, run: mizili-edge enrol --hub URL --code CODE", .0.display())]
    Missing(PathBuf),
    /// The file says something that is not understood.
    #[error("{}: {what}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line and mistake.
        what: String,
    },
    /// The file cannot be read or written.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where `serve` listens.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The address under which gateways reach this box, such as `https://office.example.org`; empty when there is none.
    #[serde(default)]
    pub public_url: String,
    /// The country whose rules complete local phone numbers, ISO 3166-1 alpha-3.
    pub country: String,
    /// The language of callers who have chosen none.
    #[serde(default)]
    pub language: Lang,
    /// A hub address in place of the one learnt at enrolment, for a hub that moved; empty to keep that one.
    #[serde(default)]
    pub hub_url: String,
    /// Whether the hub may be reached over plain http although it is not on this machine.
    #[serde(default)]
    pub insecure_http: bool,
    /// Minutes after which somebody who signed in at the office page and does nothing is signed out.
    #[serde(default = "default_office_idle_minutes")]
    pub office_idle_minutes: u32,
    /// When SMS may go, and how many.
    #[serde(default)]
    pub sms: SmsSettings,
    /// The gateways.
    #[serde(default, rename = "gateway")]
    pub gateways: Vec<Gateway>,
}

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

    fn path(&self, what: &str) -> String {
        format!("/gateway/{}/{}/{what}", self.kind.as_str(), self.secret)
    }

    /// Whether there is an account to send SMS with.
    pub fn can_send(&self) -> bool {
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

    fn check(&self) -> Result<(), String> {
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
        let name_fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !self.header_name.bytes().all(name_fits) {
            return Err(format!("header_name '{}' is no name of a header", self.header_name));
        }
        if self.header_name.is_empty() != self.header_value.is_empty() {
            return Err("header_name and header_value are given together, or both left empty".to_owned());
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

impl Config {
    /// Reads the file of a data directory.
    ///
    /// # Errors
    /// When it is missing, cannot be read, or says something that is not understood.
    pub fn load(data_dir: &Path) -> Result<Self, ConfigError> {
        let path = data_dir.join(CONFIG_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|what| ConfigError::Invalid { path, what }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(ConfigError::Missing(path)),
            Err(cause) => Err(ConfigError::File { path, cause }),
        }
    }

    /// Reads the settings from text.
    ///
    /// # Errors
    /// One line that names the place and the mistake.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| {
            let line =
                e.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            format!("line {line}: {}", e.message().replace('\n', " "))
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let countries = self.gateways.iter().map(|g| &g.country).filter(|c| !c.is_empty());
        for country in countries.chain([&self.country]) {
            if Country::by_iso3(country).is_none() {
                return Err(format!(
                    "country '{country}' is not known: write three letters such as MWI or KEN"
                ));
            }
        }
        for (name, url) in [("public_url", &self.public_url), ("hub_url", &self.hub_url)] {
            if !(url.is_empty() || url.starts_with("https://") || url.starts_with("http://")) {
                return Err(format!("{name} '{url}' is no address: begin it with https://"));
            }
        }
        if !(1..=24 * 60).contains(&self.office_idle_minutes) {
            return Err("office_idle_minutes must be between 1 and 1440".to_owned());
        }
        self.sms.check()?;
        for (at, gateway) in self.gateways.iter().enumerate() {
            gateway.check()?;
            let usable = gateway.secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            if !usable || gateway.secret.len() < SECRET_MIN_CHARS {
                return Err(format!(
                    "the secret of gateway {} must be at least {SECRET_MIN_CHARS} letters, digits, - or _",
                    at + 1
                ));
            }
            let others = &self.gateways[..at];
            if others.iter().any(|other| other.secret == gateway.secret) {
                return Err(format!("gateway {} has the secret of another one: each needs its own", at + 1));
            }
            if gateway.name.is_empty() || others.iter().any(|other| other.name == gateway.name) {
                return Err(format!("gateway {} needs a name of its own", at + 1));
            }
        }
        Ok(())
    }

    /// The country that completes local phone numbers of a gateway.
    pub fn country_of(&self, gateway: &Gateway) -> Option<&'static Country> {
        Country::by_iso3(if gateway.country.is_empty() { &self.country } else { &gateway.country })
    }

    /// The address under which the box is reached: the public one, else where it listens.
    pub fn base_url(&self, listen: SocketAddr) -> String {
        if self.public_url.is_empty() {
            local_url(listen)
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        }
    }
}

/// The address of a listener for callers on the same machine.
pub fn local_url(listen: SocketAddr) -> String {
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    format!("http://{host}:{}", listen.port())
}

/// Writes the first settings of a box, unless there are some: a person's edits are never overwritten.
///
/// # Errors
/// When the file cannot be written.
pub fn write_first(
    data_dir: &Path,
    deps: &Deps,
    country: &str,
    insecure_http: bool,
) -> Result<(), ConfigError> {
    let path = data_dir.join(CONFIG_FILE);
    if path.exists() {
        return Ok(());
    }
    let text = first_text(&gateway_secret(deps), country, insecure_http);
    write_private(&path, text.as_bytes()).map_err(|cause| ConfigError::File { path, cause })
}

fn gateway_secret(deps: &Deps) -> String {
    let mut secret = [0; SECRET_BYTES];
    deps.ids.fill(&mut secret);
    BASE64.encode(secret)
}

fn first_text(secret: &str, country: &str, insecure_http: bool) -> String {
    format!(
        r#"# Settings of this Mizili box. After a change, start `mizili-edge serve` again.
# Keep this file to yourself: it holds the secrets of the gateways.

# Where the box listens. "127.0.0.1:8090" is this machine only; "0.0.0.0:8090" is the whole office network.
listen = "{DEFAULT_LISTEN}"

# The address under which the gateways on the internet reach this box, such as "https://office.example.org".
# Leave it empty while there is none: the office page and the hub do not need it.
public_url = ""

# The country that completes local phone numbers: 0999 123 456 becomes +265 999 123 456 with "MWI".
country = "{country}"

# The language of callers who have chosen none: "en" or "sw".
language = "en"

# The hub's address was learnt at enrolment. Write the new one here if the hub has moved.
hub_url = ""

# true lets this box speak with the hub over plain http although the hub is not on this machine. Everybody on the way can
# then read what is sent. For trials only.
insecure_http = {insecure_http}

# Minutes after which somebody who signed in at the office page and does nothing is signed out.
office_idle_minutes = {OFFICE_IDLE_MINUTES}

# SMS that nobody waits for are not sent from 21:00 to 6:00, and not more pieces of SMS in a day than you want to pay for.
[sms]
quiet_from = 21
quiet_to = 6
segments_per_day = 2000

# Africa's Talking, for USSD and SMS. `mizili-edge status` prints the two callback addresses to enter in its dashboard.
[[gateway]]
kind = "africastalking"
name = "africastalking"

# This word is part of the callback addresses. Whoever knows it can act as the gateway: change it if it got out.
secret = "{secret}"

# Only these addresses may call back, such as ["196.201.214.0/24"]. Empty: any address that knows the secret.
allow = []

# What people dial, such as "*384*55#", and the number that takes SMS, as the gateway's dashboard shows them. With a code
# given, calls for any other one are not answered.
service_code = ""
sms_number = ""

# For sending SMS: the account's user name and API key, and the number or name that messages come from.
# While the key is empty, SMS wait in the outbox and none is sent.
username = ""
api_key = ""
sender = ""
"#
    )
}

fn default_name() -> String {
    GatewayKind::AfricasTalking.as_str().to_owned()
}

fn default_office_idle_minutes() -> u32 {
    OFFICE_IDLE_MINUTES
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

/// One address, or a range such as `196.201.214.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressRange {
    first: IpAddr,
    prefix_bits: u8,
}

impl AddressRange {
    /// Whether the address lies in the range. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                let head = |ip: u32| ip.checked_shr(shift).unwrap_or(0);
                head(first.to_bits()) == head(address.to_bits())
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                let head = |ip: u128| ip.checked_shr(shift).unwrap_or(0);
                head(first.to_bits()) == head(address.to_bits())
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{text}' is no address: write one such as 196.201.214.200 or 196.201.214.0/24");
        let (first, prefix) = match text.split_once('/') {
            Some((first, prefix)) => (first, Some(prefix)),
            None => (text, None),
        };
        let first = first.parse::<IpAddr>().map_err(|_| bad())?.to_canonical();
        let most = if first.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) => prefix.parse::<u8>().map_err(|_| bad())?,
            None => most,
        };
        if prefix_bits > most { Err(bad()) } else { Ok(Self { first, prefix_bits }) }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enrolment_writes_a_file_that_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let deps = Deps::fixed(3);
        assert!(matches!(Config::load(dir.path()), Err(ConfigError::Missing(_))));
        write_first(dir.path(), &deps, "MWI", false).unwrap();
        let config = Config::load(dir.path()).unwrap();
        assert_eq!((config.listen.to_string().as_str(), config.country.as_str()), (DEFAULT_LISTEN, "MWI"));
        assert!(!config.insecure_http && config.public_url.is_empty());
        let [gateway] = config.gateways.as_slice() else { panic!("one gateway") };
        assert_eq!((gateway.kind.as_str(), gateway.secret.len()), ("africastalking", 32));
        assert!(gateway.api_key.is_empty() && gateway.allow.is_empty());
        assert_eq!(gateway.ussd_path(), format!("/gateway/africastalking/{}/ussd", gateway.secret));
        assert_eq!(gateway.send_url(), africastalking::SEND_URL);
        assert!(!gateway.can_send());
        assert_eq!(config.country_of(gateway).map(|c| c.calling_code), Some("265"));
        write_first(dir.path(), &deps, "KEN", true).unwrap();
        assert_eq!(Config::load(dir.path()).unwrap(), config, "a second enrolment keeps the file");
        assert!(!format!("{config:?}").contains(&gateway.secret));
    }

    #[test]
    fn mistakes_are_named_by_line() {
        let wrong = |text: &str| Config::parse(text).unwrap_err();
        assert!(wrong("country = \"MWI\"\nlisten = \"8090\"").starts_with("line 2: "));
        assert!(wrong("country = \"MWI\"\ncolour = 1").contains("colour"));
        assert!(wrong("country = \"Malawi\"").contains("three letters"));
        assert!(wrong("country = \"MWI\"\npublic_url = \"office.example.org\"").contains("https://"));
        let gateway =
            |secret: &str| format!("[[gateway]]\nkind = \"africastalking\"\nsecret = \"{secret}\"\n");
        assert!(wrong(&format!("country = \"MWI\"\n{}", gateway("short"))).contains("at least 16"));
        let twice = gateway("0123456789abcdef").repeat(2);
        assert!(wrong(&format!("country = \"MWI\"\n{twice}")).contains("its own"));
        let same_name = gateway("0123456789abcdef") + &gateway("abcdef0123456789");
        assert!(wrong(&format!("country = \"MWI\"\n{same_name}")).contains("a name of its own"));
        let kind = gateway("0123456789abcdef").replace("africastalking", "carrierpigeon");
        assert!(wrong(&format!("country = \"MWI\"\n{kind}")).contains("carrierpigeon"));
        let with = |line: &str| wrong(&format!("country = \"MWI\"\n{}{line}\n", gateway("0123456789abcdef")));
        assert!(with("api_url = \"http://sms.example.org\"").contains("https://"));
        assert!(with("api_url = \"http://127.0.0.1.example.org\"").contains("https://"));
        assert!(with("header_name = \"X-Key\"").contains("together"));
        assert!(wrong("country = \"MWI\"\n[sms]\nquiet_from = 25").contains("quiet_from 25"));
        let mut ranges = gateway("0123456789abcdef");
        ranges.push_str("allow = [\"10.0.0.0/33\"]");
        assert!(wrong(&format!("country = \"MWI\"\n{ranges}")).contains("10.0.0.0/33"));
    }

    #[test]
    fn ranges_hold_what_they_say() {
        let holds =
            |range: &str, ip: &str| range.parse::<AddressRange>().unwrap().contains(ip.parse().unwrap());
        assert!(holds("196.201.214.0/24", "196.201.214.200"));
        assert!(!holds("196.201.214.0/24", "196.201.215.1"));
        assert!(holds("196.201.214.200", "196.201.214.200") && !holds("196.201.214.200", "196.201.214.201"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "IPv4 written as IPv6");
        assert!(holds("2001:db8::/32", "2001:db8::1") && holds("::/0", "2001:db8::1"));
        assert!("10.0.0".parse::<AddressRange>().is_err());
    }

    #[test]
    fn addresses_are_told_as_callers_reach_them() {
        let mut config = Config::parse("country = \"KEN\"").unwrap();
        assert_eq!(config.base_url("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(config.base_url("[::1]:8090".parse().unwrap()), "http://[::1]:8090");
        config.public_url = "https://office.example.org/".into();
        assert_eq!(config.base_url("0.0.0.0:80".parse().unwrap()), "https://office.example.org");
    }
}
