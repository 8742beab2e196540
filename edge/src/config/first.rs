//! The first settings of a box: a file with a comment for each line, for a person to edit. Once it is there, nothing writes to it.

use super::{CONFIG_FILE, ConfigError, DEFAULT_LISTEN, OFFICE_IDLE_MINUTES};
use crate::files::write_private;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use mizili_node::deps::Deps;
use std::path::Path;

/// Random bytes of a gateway's secret: nobody guesses 192 bits.
const SECRET_BYTES: usize = 24;

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

# Where only gateways are answered, such as "0.0.0.0:8091". Let the internet reach this port alone, and the office page stays in the
# office: it is answered at `listen` only, and gateways here only. Without it, gateways are answered at `listen` too.
# gateway_listen = "0.0.0.0:8091"

# Names under which the office page is answered, such as ["office.local"], beside public_url's and this machine's own. Empty: any.
hosts = []

# Proxies in front of this box that stand on other machines, such as ["192.168.1.2"]. They say where a request comes from
# (X-Forwarded-For); of anybody else, and of nobody but those on this machine while this is empty, that is not believed.
trusted_proxies = []

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

# Africa's Talking, for USSD and SMS. `mizili-edge status` prints the callback addresses to enter in its dashboard.
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

# Where the number for SMS is shared with other services: the word with which SMS to this one begin, such as "SHAMBA".
# SMS without it are not answered, but for STOP and START.
sms_keyword = ""

# For sending SMS: the account's user name and API key, and the number or name that messages come from.
# While the key is empty, SMS wait in the outbox and none is sent.
username = ""
api_key = ""
sender = ""
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::sms::africastalking;

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

    /// The first example of a comment is one of the setting that stands under it.
    #[test]
    fn every_example_of_the_file_is_taken() {
        let text = first_text("0123456789abcdef", "MWI", false);
        let (mut comment, mut tried) = (String::new(), Vec::new());
        for line in text.lines() {
            let setting = line.trim_start_matches("# ").split_once(" = ");
            match (line.strip_prefix("# "), setting) {
                (Some(words), None) => comment.push_str(words),
                (_, Some((name, _))) => {
                    if let Some((_, example)) = comment.split_once("such as ") {
                        let end = if example.starts_with('[') {
                            example.find(']')
                        } else {
                            example[1..].find('"').map(|at| at + 1)
                        };
                        let set = format!("{name} = {}", &example[..=end.unwrap()]);
                        let dir = tempfile::tempdir().unwrap();
                        std::fs::write(dir.path().join(CONFIG_FILE), text.replace(line, &set)).unwrap();
                        let read = Config::load(dir.path());
                        assert!(read.is_ok(), "{set}: {}", read.unwrap_err());
                        tried.push(name.to_owned());
                    }
                    comment.clear();
                }
                _ => comment.clear(),
            }
        }
        let all = [
            "public_url",
            "gateway_listen",
            "hosts",
            "trusted_proxies",
            "allow",
            "service_code",
            "sms_keyword",
        ];
        assert_eq!(tried, all);
    }
}
