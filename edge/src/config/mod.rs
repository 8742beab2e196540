//! The box's settings: a commented TOML file that enrolment writes and a person may edit.
//!
//! Holds secrets of gateways, so only its owner may read it. It never holds what the hub decides (that is in the database),
//! and a file with a mistake is refused by line, never half used.

mod first;
mod gateway;
mod sms;

pub use first::write_first;
pub use gateway::{Gateway, GatewayKind, Senders};
pub use sms::SmsSettings;

use crate::text::Lang;
use mizili_node::address::{AddressRange, Proxies};
use serde::Deserialize;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync_protocol::country::Country;

/// Name of the file in the data directory.
pub const CONFIG_FILE: &str = "edge.toml";

/// Where `serve` listens unless told otherwise: this machine only.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8090";

/// Minutes after which an idle office session ends unless the settings say otherwise.
const OFFICE_IDLE_MINUTES: u32 = 30;

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
    /// Where gateways are answered and nobody else, for an address that the internet reaches; none where one listener does for all.
    #[serde(default)]
    pub gateway_listen: Option<SocketAddr>,
    /// Names under which the office page and its API are answered, beside `public_url`'s and this machine's own; empty for any.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Proxies in front of this box, beside those on this machine: their word counts about where a request comes from.
    #[serde(default)]
    pub trusted_proxies: Vec<AddressRange>,
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

impl Config {
    /// The gateways that SMS can be sent with.
    pub fn senders(&self) -> Senders {
        Senders(self.gateways.iter().filter(|gateway| gateway.can_send()).map(|g| g.name.clone()).collect())
    }

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
        if self.gateway_listen == Some(self.listen) {
            return Err("gateway_listen needs a port of its own: listen has this one".to_owned());
        }
        let is_name = |host: &String| !host.is_empty() && !host.contains(['/', ' ', '*', '@']);
        if let Some(wrong) = self.hosts.iter().find(|host| !is_name(host)) {
            return Err(format!(
                "hosts: '{wrong}' is no name: write one such as \"office.local\", without http:// and port"
            ));
        }
        if !(1..=24 * 60).contains(&self.office_idle_minutes) {
            return Err("office_idle_minutes must be between 1 and 1440".to_owned());
        }
        self.sms.check()?;
        for (at, gateway) in self.gateways.iter().enumerate() {
            gateway.check(at + 1)?;
            let others = &self.gateways[..at];
            if others.iter().any(|other| other.secret == gateway.secret) {
                return Err(format!("gateway {} has the secret of another one: each needs its own", at + 1));
            }
            if gateway.name.contains('/') {
                return Err(format!("gateway {} has a name with a slash; leave that out", at + 1));
            }
            if gateway.name.is_empty() || others.iter().any(|other| other.name == gateway.name) {
                return Err(format!("gateway {} needs a name of its own", at + 1));
            }
        }
        Ok(())
    }

    /// The origin of pages under `public_url`, as browsers write it: scheme, name, and port where it is not the usual one.
    pub fn public_origin(&self) -> Option<String> {
        let (scheme, rest) = self.public_url.split_once("://")?;
        let authority = rest.split('/').next().filter(|authority| !authority.is_empty())?;
        let usual = if scheme == "https" { ":443" } else { ":80" };
        Some(
            format!("{scheme}://{}", authority.strip_suffix(usual).unwrap_or(authority)).to_ascii_lowercase(),
        )
    }

    /// Whose word counts about where a request comes from.
    pub fn proxies(&self) -> Arc<Proxies> {
        Arc::new(Proxies::new(self.trusted_proxies.clone()))
    }

    /// The country that completes local phone numbers of a gateway.
    pub fn country_of(&self, gateway: &Gateway) -> Option<&'static Country> {
        Country::by_iso3(if gateway.country.is_empty() { &self.country } else { &gateway.country })
    }

    /// Where the settings have gateways answered.
    pub fn gateways_at(&self) -> SocketAddr {
        self.gateway_listen.unwrap_or(self.listen)
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

fn default_office_idle_minutes() -> u32 {
    OFFICE_IDLE_MINUTES
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        // Taken off every text, it would leave nobody a way to stop.
        for word in ["STOP", "price", "bei", "Mizili"] {
            assert!(with(&format!("sms_keyword = \"{word}\"")).contains("already means something"));
        }
        assert!(wrong("country = \"MWI\"\n[sms]\nquiet_from = 25").contains("quiet_from 25"));
        let mut ranges = gateway("0123456789abcdef");
        ranges.push_str("allow = [\"10.0.0.0/33\"]");
        assert!(wrong(&format!("country = \"MWI\"\n{ranges}")).contains("10.0.0.0/33"));
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
