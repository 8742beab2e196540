//! How the hub's certificate is checked: by chain and name as everybody does, by its dates only with care.
//!
//! A box without a battery may wake up in 1970, or in ten years' time. So dates are good when they hold at any time that this
//! box has reason to believe: its own clock put right by the offset measured last, the hub's last word, the day this version
//! was made. Who the hub is does not hang on dates alone: it signs each challenge with a key pinned at enrolment.

use super::{LineError, TlsError};
use crate::time::Heard;
use mizili_node::deps::Clock;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// 2026-11-22: no certificate that ended before this version was made is good. Raised with each release.
pub const MADE_AT_S: i64 = 1_795_305_600;

/// The times that this box has reason to believe.
pub struct BestTime {
    clock: Arc<dyn Clock>,
    hub_last_word_s: AtomicI64,
    offset_s: AtomicI64,
}

impl BestTime {
    /// From what is stored: the hub's clock as last heard, and by how many seconds it was ahead of this box's.
    pub fn new(clock: Arc<dyn Clock>, hub_last_word_s: Option<i64>, offset_s: i64) -> Self {
        let word = hub_last_word_s.unwrap_or(MADE_AT_S);
        Self { clock, hub_last_word_s: AtomicI64::new(word), offset_s: AtomicI64::new(offset_s) }
    }

    /// From what the hub said last.
    pub fn of(clock: Arc<dyn Clock>, heard: Option<&Heard>) -> Self {
        Self::new(clock, heard.map(|heard| heard.hub_s), heard.map_or(0, |heard| heard.ahead_s))
    }

    /// Takes in the hub's clock.
    pub fn heard(&self, hub_s: i64, offset_s: i64) {
        self.hub_last_word_s.store(hub_s, Ordering::Relaxed);
        self.offset_s.store(offset_s, Ordering::Relaxed);
    }

    /// Best first. None lies before this version was made: time does not go back.
    fn candidates(&self) -> [i64; 3] {
        let own = self.clock.now_s().saturating_add(self.offset_s.load(Ordering::Relaxed));
        [own, self.hub_last_word_s.load(Ordering::Relaxed), MADE_AT_S].map(|s| s.max(MADE_AT_S))
    }
}

impl std::fmt::Debug for BestTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BestTime").field(&self.candidates()).finish()
    }
}

/// Makes ring the one provider of cryptography of this process. To be called once at the start; again does no harm.
pub fn install_provider() {
    // An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| TlsError::Unexpected(e.to_string()))
}

/// Checks certificates by the machine's roots and the best time known.
///
/// # Errors
/// When the machine has no root certificates.
pub fn client_config(time: Arc<BestTime>) -> Result<ClientConfig, TlsError> {
    let platform = rustls_platform_verifier::Verifier::new(provider()).map_err(|_| {
        let why = "this machine has no list of whom to trust. Install the package ca-certificates";
        TlsError::Line(LineError::Certificate(why.into()))
    })?;
    let mut config = builder()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyGoodTime { chain_and_name: Arc::new(platform), time }))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// For plain http: accepts no certificate, and needs none on the machine.
///
/// # Errors
/// None that a person can cause.
pub fn no_certificates() -> Result<ClientConfig, TlsError> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Asks another verifier at each time worth believing.
#[derive(Debug)]
struct AnyGoodTime {
    chain_and_name: Arc<dyn ServerCertVerifier>,
    time: Arc<BestTime>,
}

impl ServerCertVerifier for AnyGoodTime {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut first_error = None;
        for at_s in self.time.candidates() {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(at_s.unsigned_abs()));
            let verdict = self.chain_and_name.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
            match verdict {
                Ok(good) => return Ok(good),
                Err(e) if is_about_dates(&e) => {
                    first_error.get_or_insert(e);
                }
                Err(e) => return Err(e),
            }
        }
        Err(first_error.unwrap_or(rustls::Error::General("no time to check the certificate by".into())))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain_and_name.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain_and_name.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain_and_name.supported_verify_schemes()
    }
}

/// Why a handshake failed, where that can be said better than the cause says it itself.
pub(crate) fn handshake_error(error: &(dyn Error + 'static)) -> Option<LineError> {
    match cause(error)? {
        rustls::Error::InvalidCertificate(why) => Some(LineError::Certificate(certificate_words(why))),
        rustls::Error::InvalidMessage(_) => {
            Some(LineError::Unreachable("what answers at its address does not speak https".into()))
        }
        _ => None,
    }
}

/// The error of TLS within another. An [`io::Error`] names as its source what lies behind the error that it holds, not that one.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => cause(held),
        None => cause(error.source()?),
    }
}

fn certificate_words(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => "nobody whom this machine trusts has signed it. If the hub's certificate comes from \
             an authority of your own, put that authority's certificate into /usr/local/share/ca-certificates, run \
             update-ca-certificates and start again; else bring the package ca-certificates up to date"
            .into(),
        CertificateError::NotValidForNameContext { expected, .. } => {
            format!("it is not for {}. Check the address", expected.to_str())
        }
        CertificateError::NotValidForName => "it is for another name. Check the address".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("it ended on {}. The hub's operator has to renew it", day(*not_after))
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "it is good from {} on, and this box takes today for {}. Check this box's clock",
            day(*not_before),
            day(*time)
        ),
        other => format!("{other}. The hub's operator has to look at it"),
    }
}

/// A day of UTC, like 2026-11-22.
fn day(at: UnixTime) -> String {
    let at_s = i64::try_from(at.as_secs()).ok();
    let at = at_s.and_then(|at_s| jiff::Timestamp::from_second(at_s).ok());
    at.map_or_else(|| "a day beyond all calendars".into(), |at| at.strftime("%Y-%m-%d").to_string())
}

fn is_about_dates(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizili_node::deps::Deps;

    /// A certificate that is good from one second to another, whoever asks.
    #[derive(Debug)]
    struct Dated(u64, u64);

    impl ServerCertVerifier for Dated {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            _: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            if name.to_str() != "hub" {
                return Err(CertificateError::NotValidForName.into());
            }
            match now.as_secs() {
                at if at < self.0 => Err(CertificateError::NotValidYet.into()),
                at if at > self.1 => Err(CertificateError::Expired.into()),
                _ => Ok(ServerCertVerified::assertion()),
            }
        }
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    const YEAR_S: i64 = 365 * 86_400;

    fn verdict(wall_s: i64, word_s: Option<i64>, good: (i64, i64), name: &str) -> Result<(), rustls::Error> {
        let (deps, clock) = Deps::fixed_with_clock(1);
        clock.set_wall_s(wall_s);
        let time = Arc::new(BestTime::new(deps.clock, word_s, 0));
        let dated = Dated(good.0.unsigned_abs(), good.1.unsigned_abs());
        let verifier = AnyGoodTime { chain_and_name: Arc::new(dated), time };
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let nothing = CertificateDer::from(Vec::new());
        verifier
            .verify_server_cert(&nothing, &[], &name, &[], UnixTime::since_unix_epoch(Duration::ZERO))
            .map(|_| ())
    }

    #[test]
    fn a_clock_far_off_does_not_shut_the_box_out() {
        let good = (MADE_AT_S + YEAR_S, MADE_AT_S + 2 * YEAR_S);
        let heard = Some(MADE_AT_S + YEAR_S + 1000);
        assert!(verdict(0, heard, good, "hub").is_ok(), "the box woke up in 1970");
        assert!(verdict(MADE_AT_S + 12 * YEAR_S, heard, good, "hub").is_ok(), "and in ten years' time");
        assert!(verdict(MADE_AT_S + YEAR_S + 5, None, good, "hub").is_ok());
    }

    #[test]
    fn what_is_old_by_every_time_and_what_has_another_name_is_refused() {
        let good = (MADE_AT_S + YEAR_S, MADE_AT_S + 2 * YEAR_S);
        assert!(
            verdict(MADE_AT_S + 3 * YEAR_S, Some(MADE_AT_S + 3 * YEAR_S), (0, MADE_AT_S - 1), "hub").is_err()
        );
        assert!(verdict(0, None, good, "hub").is_err(), "nobody has said that it is good yet");
        assert!(verdict(0, None, (0, MADE_AT_S - 1), "hub").is_err(), "1970 is no time to believe in");
        assert!(verdict(MADE_AT_S + YEAR_S + 5, None, good, "other").is_err());
    }
}
