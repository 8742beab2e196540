//! The line to the hub over https: which version of HTTP the handshake settles, and whose certificate is taken for the hub's.
//! The servers are real, and the edge trusts what its machine trusts: here that is one authority of the tests' own.

use super::http::{BOUNDS, QUIET, app, quiet, syncer_to, wire};
use super::*;
use crate::line::LineError;
use crate::line::tls::MADE_AT_S;
use crate::sync::client::{HttpTransport, Payload, Request, Transport};
use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use mizili_node::deps::Deps;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Error;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::Ordering;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Made by `certificates/make.sh`: each file has a key and its certificate.
const GOOD: &[u8] = include_bytes!("certificates/good.pem");
const ENDED_IN_2021: &[u8] = include_bytes!("certificates/ended.pem");
const OF_2090_AND_2091: &[u8] = include_bytes!("certificates/later.pem");
const FOR_ANOTHER_NAME: &[u8] = include_bytes!("certificates/elsewhere.pem");
const BY_A_STRANGER: &[u8] = include_bytes!("certificates/unknown.pem");

/// In the middle of 2090, in the middle of 2021.
const IN_2090_S: i64 = 3_802_464_000;
const IN_2021_S: i64 = 1_625_097_600;

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sync/tests/certificates/authority.pem");
/// The file with the certificates that a machine trusts, where it is not the system's own.
const TRUSTED: &str = "SSL_CERT_FILE";

/// Runs a test of this file on a machine that trusts the tests' authority alone: in a process of its own, since what a process
/// trusts is in its environment.
fn trusting(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(TRUSTED).is_some_and(|file| file == AUTHORITY) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.unwrap().block_on(test);
    }
    let path = format!("{}::{name}", module_path!().split_once("::").unwrap().1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    let done = command.args(["--exact", &path]).env(TRUSTED, AUTHORITY).env_remove("SSL_CERT_DIR").output();
    let done = done.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Connections that begin with a handshake.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (peer, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(peer).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A server with such a certificate, which offers such versions of HTTP.
async fn serve(app: axum::Router, pem: &[u8], offers: &[&str]) -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = config.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = offers.iter().map(|name| name.as_bytes().to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = TlsListener { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

const BOTH: &[&str] = &["h2", "http/1.1"];

/// Answers with the version of HTTP that it was asked in, then with each piece of the request as soon as it comes.
fn echo() -> axum::Router {
    axum::Router::new().fallback(|request: axum::extract::Request| async {
        let version = Bytes::from(format!("{:?}:", request.version()));
        let pieces = request.into_body().into_data_stream();
        Body::from_stream(futures_util::stream::iter([Ok(version)]).chain(pieces))
    })
}

fn transport_to(address: SocketAddr, time: BestTime) -> HttpTransport {
    HttpTransport::new(&format!("https://{address}"), false, Arc::new(time)).unwrap()
}

/// What a box believes whose clock stands somewhere.
fn time(clock_s: i64, hub_last_word_s: Option<i64>) -> BestTime {
    let (deps, clock) = Deps::fixed_with_clock(1);
    clock.set_wall_s(clock_s);
    BestTime::new(deps.clock, hub_last_word_s, 0)
}

async fn ask(transport: &HttpTransport, body: Payload) -> Result<String, LineError> {
    let request = Request { path: "/x".into(), token: None, body, patience: Duration::from_secs(60) };
    let answer = transport.send(request).await?;
    let pieces: Vec<Bytes> = answer.body.try_collect().await?;
    Ok(String::from_utf8(pieces.concat()).unwrap())
}

/// Asks a server with this certificate.
async fn answer_of(pem: &[u8], time: BestTime) -> Result<String, LineError> {
    ask(&transport_to(serve(echo(), pem, BOTH).await, time), Payload::Nothing).await
}

/// The code and the words for a server whose certificate proves nothing.
async fn refusal_of(pem: &[u8], time: BestTime) -> String {
    let error = SyncError::from(answer_of(pem, time).await.unwrap_err());
    assert_eq!(error.code(), "certificate", "{error:?}");
    assert!(!error.is_temporary(), "somebody has to do something");
    error.to_string()
}

#[test]
fn the_new_version_is_settled_and_streams_both_ways_at_once() {
    trusting("the_new_version_is_settled_and_streams_both_ways_at_once", async {
        let transport = transport_to(serve(echo(), GOOD, BOTH).await, time(MADE_AT_S, None));
        let (pieces, to_send) = mpsc::unbounded_channel::<&[u8]>();
        let body = futures_util::stream::unfold(to_send, |mut to_send| async {
            let piece = to_send.recv().await?;
            Some((Ok::<_, Error>(Bytes::from_static(piece)), to_send))
        });
        let body = Payload::Stream(body.boxed());
        let request = Request { path: "/x".into(), token: None, body, patience: Duration::from_secs(60) };
        let answer = transport.send(request).await.unwrap().body.map(Result::unwrap);
        // The end of a body may come as a piece of nothing.
        let mut answer = answer.filter(|piece| std::future::ready(!piece.is_empty()));
        let mut next = async || answer.next().await;
        assert_eq!(next().await.unwrap(), "HTTP/2.0:");
        for piece in [b"one".as_slice(), b"two"] {
            // The second is sent only when the answer to the first is here.
            pieces.send(piece).unwrap();
            assert_eq!(next().await.unwrap(), piece);
        }
        drop(pieces);
        assert_eq!(next().await, None);
    });
}

#[test]
fn a_hub_that_speaks_only_the_old_version_is_understood_over_https() {
    trusting("a_hub_that_speaks_only_the_old_version_is_understood_over_https", async {
        // The second says nothing about versions at all.
        for offers in [&["http/1.1"][..], &[]] {
            let transport = transport_to(serve(echo(), GOOD, offers).await, time(MADE_AT_S, None));
            let pieces = ["four ", "and ", "five"].map(|piece| Ok(Bytes::from(piece)));
            let body = Payload::Stream(futures_util::stream::iter(pieces).boxed());
            assert_eq!(ask(&transport, body).await.unwrap(), "HTTP/1.1:four and five");
            assert_eq!(ask(&transport, Payload::Nothing).await.unwrap(), "HTTP/1.1:");
        }
    });
}

#[test]
fn an_exchange_over_https_takes_one_connection_and_few_bytes() {
    trusting("an_exchange_over_https_takes_one_connection_and_few_bytes", async {
        let bed = Bed::with_market().await;
        let (address, wire) = wire(serve(app(bed.hub.clone()), GOOD, BOTH).await).await;
        let syncer = syncer_to(&bed, &format!("https://{address}"));
        for _ in 0..200 {
            bed.edge.post_listing(50);
        }
        bed.hub.write(REGION, prices(1, 400));
        let report = syncer.run_once(BOUNDS).await.unwrap();
        assert_eq!((report.commands, report.applied), (200, 200));
        assert!(report.digests_equal);
        bed.assert_equal();
        // What the long exchange left behind is acknowledged with the next.
        quiet(&syncer, &wire).await;
        for _ in 0..QUIET {
            // Beside what it is over http come 22 bytes for each record of TLS: the request's head, its body, the answer.
            let ((up, down), _) = quiet(&syncer, &wire).await;
            assert!(up + down <= 300, "{up} up and {down} down without news");
        }
        assert_eq!(wire.connections.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_certificate_that_proves_nothing_is_refused_in_plain_words() {
    trusting("a_certificate_that_proves_nothing_is_refused_in_plain_words", async {
        let now = || time(MADE_AT_S, Some(MADE_AT_S));
        assert_eq!(answer_of(GOOD, now()).await.unwrap(), "HTTP/2.0:");
        let words = refusal_of(BY_A_STRANGER, now()).await;
        assert!(words.contains("nobody whom this machine trusts") && words.contains("ca-certificates"));
        let words = refusal_of(FOR_ANOTHER_NAME, now()).await;
        assert!(words.ends_with("it is not for 127.0.0.1. Check the address"), "{words}");
        let words = refusal_of(ENDED_IN_2021, now()).await;
        assert!(words.contains("it ended on 2021-12-31"), "{words}");
        let words = refusal_of(OF_2090_AND_2091, now()).await;
        assert!(words.contains("good from 2090-01-01 on") && words.contains("clock"), "{words}");
    });
}

#[test]
fn dates_are_checked_by_the_best_time_and_not_by_a_clock_far_off() {
    trusting("dates_are_checked_by_the_best_time_and_not_by_a_clock_far_off", async {
        answer_of(GOOD, time(0, None)).await.unwrap();
        answer_of(OF_2090_AND_2091, time(0, Some(IN_2090_S))).await.unwrap();
        answer_of(OF_2090_AND_2091, time(IN_2090_S, None)).await.unwrap();
        refusal_of(OF_2090_AND_2091, time(0, None)).await;
        // The day on which it was good is before this version was made.
        refusal_of(ENDED_IN_2021, time(IN_2021_S, Some(IN_2021_S))).await;
        // Neither a clock nor a word makes another's certificate good.
        refusal_of(BY_A_STRANGER, time(0, Some(IN_2090_S))).await;
        refusal_of(FOR_ANOTHER_NAME, time(0, Some(IN_2090_S))).await;
    });
}

#[test]
fn a_certificate_of_the_future_is_taken_once_the_hub_has_said_the_time() {
    trusting("a_certificate_of_the_future_is_taken_once_the_hub_has_said_the_time", async {
        let time = Arc::new(time(0, None));
        let address = serve(echo(), OF_2090_AND_2091, BOTH).await;
        let transport = HttpTransport::new(&format!("https://{address}"), false, time.clone()).unwrap();
        ask(&transport, Payload::Nothing).await.unwrap_err();
        time.heard(IN_2090_S, IN_2090_S);
        ask(&transport, Payload::Nothing).await.unwrap();
    });
}

#[tokio::test]
async fn a_server_without_encryption_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, echo()).await.unwrap() });
    let transport = transport_to(address, time(MADE_AT_S, None));
    let error = ask(&transport, Payload::Nothing).await.unwrap_err();
    assert!(matches!(&error, LineError::Unreachable(why) if why.contains("https")), "{error:?}");
}
