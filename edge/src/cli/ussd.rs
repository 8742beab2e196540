//! `mizili-edge ussd`: the phone menus in a terminal. It calls the same callback as the phone company does, through the same
//! adapter: of the running `serve`, or of the same routes inside this process when none runs. It knows no screen.

use super::{Out, Place, tell};
use crate::config::{Config, Gateway, local_url};
use crate::serve::router::gateways_only;
use crate::state::AppState;
use crate::sync::lock;
use crate::sync::run::SyncHandle;
use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use sync_protocol::phone::read;
use tower::ServiceExt as _;

/// Longest answer of a callback, bytes.
const ANSWER_MAX_BYTES: usize = 16 << 10;

/// What a phone company waits for an answer at most.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// Arguments of `ussd`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge ussd --phone +265999123456\n  \
    mizili-edge ussd --phone 0999123456 --dial 1*1          walks two screens at once\n  \
    printf '1\\n1\\n' | mizili-edge ussd --phone 0999123456 --json\n\n\
    Type what you would type on the phone, then Enter. An empty line ends the call.\n\
    With --json each screen is one line: {\"text\",\"more\"}; answers are read from standard input, one a line.\n\
    What you order or sell here is real.")]
pub(super) struct UssdArgs {
    /// The caller's number
    #[arg(long)]
    phone: String,
    /// What is dialled behind the code at once, such as 1*2
    #[arg(long, default_value = "", value_name = "KEYS")]
    dial: String,
    /// The gateway to call as, where edge.toml has several
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
}

/// Where calls go.
enum Line {
    /// To a running `serve`.
    Serve { client: reqwest::Client, url: String },
    /// To the router inside this process.
    Inside { router: axum::Router, path: String },
}

pub(super) async fn run(args: UssdArgs, place: &Place, out: &mut Out) -> anyhow::Result<()> {
    let db = place.open_enrolled().await?;
    let config = Config::load(place.path())?;
    let gateway = chosen(&config, args.gateway.as_deref())?.clone();
    let Some(country) = config.country_of(&gateway) else { bail!("edge.toml names no known country") };
    let phone =
        read(&args.phone, Some(country)).with_context(|| format!("'{}' is no phone number", args.phone))?;
    let session = format!("terminal-{}", place.deps.ids.uuid_v7());
    let mut channels = None;
    let line = match lock::running(place.path()) {
        Some(serving) => Line::Serve {
            client: reqwest::Client::builder()
                .tls_backend_preconfigured(crate::line::tls::no_certificates()?)
                .no_proxy()
                .timeout(ANSWER_PATIENCE)
                .build()
                .context("cannot make a call")?,
            url: format!("{}{}", local_url(serving.gateways), gateway.ussd_path()),
        },
        None => {
            let path = gateway.ussd_path();
            let state = AppState::new(db, place.deps.clone(), config, SyncHandle::idle());
            channels = Some(state.channels.clone());
            Line::Inside { router: gateways_only(state), path }
        }
    };
    let mut keys = args.dial.trim_matches(['*', '#']).to_owned();
    let is_person = std::io::stdin().is_terminal();
    loop {
        let code = if gateway.service_code.is_empty() { "*384#" } else { &gateway.service_code };
        let body = form(&[
            ("sessionId", session.as_str()),
            ("phoneNumber", phone.as_str()),
            ("networkCode", "99999"),
            ("serviceCode", code),
            ("text", &keys),
        ]);
        let (text, more) = line.call(body).await?;
        // No `serve` keeps the call behind our back: what was begun here is offered again at the next call.
        if let Some(channels) = &channels
            && let Err(error) = channels.flush().await
        {
            tracing::warn!(%error, "the call is not kept");
        }
        out.say(&json!({ "text": text, "more": more }), &format!("{text}\n"))?;
        if !more {
            return Ok(());
        }
        match typed(is_person)? {
            Some(answer) if keys.is_empty() => keys = answer,
            Some(answer) => keys = format!("{keys}*{answer}"),
            None => return Ok(()),
        }
    }
}

fn chosen<'a>(config: &'a Config, name: Option<&str>) -> anyhow::Result<&'a Gateway> {
    let found = match name {
        Some(name) => config.gateways.iter().find(|gateway| gateway.name == name),
        None => config.gateways.first(),
    };
    found.with_context(|| match name {
        Some(name) => format!("edge.toml has no gateway named '{name}'"),
        None => "edge.toml has no gateway: add a [[gateway]] section".to_owned(),
    })
}

/// A form as gateways post it.
fn form(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'*' | b'-' | b'.' | b'_' => {
                    out.push(char::from(byte))
                }
                b' ' => out.push('+'),
                other => out.push_str(&format!("%{other:02X}")),
            }
        }
    }
    out
}

/// One line from the caller; `None` ends the call.
fn typed(is_person: bool) -> anyhow::Result<Option<String>> {
    if is_person {
        // The prompt is for the person only; where it cannot be shown the call still works.
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "> ").and_then(|()| err.flush());
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    let line = line.trim().to_owned();
    if is_person && line.is_empty() {
        tell("Call ended.");
    }
    Ok((read > 0 && !line.is_empty()).then_some(line))
}

impl Line {
    /// One turn: the screen, and whether it waits for an answer.
    async fn call(&self, form: String) -> anyhow::Result<(String, bool)> {
        let (status, body) = match self {
            Self::Serve { client, url } => post(client, url, form).await?,
            Self::Inside { router, path } => inside(router.clone(), path, form).await?,
        };
        match (status, body.strip_prefix("CON "), body.strip_prefix("END ")) {
            (200, Some(text), _) => Ok((text.to_owned(), true)),
            (200, _, Some(text)) => Ok((text.to_owned(), false)),
            (403, ..) => bail!(
                "the gateway's `allow` list in edge.toml refuses calls from this machine; add 127.0.0.1 to it"
            ),
            (404, ..) => bail!(
                "the running serve does not know this gateway; start it again after a change of edge.toml"
            ),
            (503, ..) => bail!("the box is not ready; try again in a moment"),
            (status, ..) => bail!("the menu gave an answer that no phone would show (status {status})"),
        }
    }
}

async fn post(client: &reqwest::Client, url: &str, form: String) -> anyhow::Result<(u16, String)> {
    let answer = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        // The address holds the gateway's secret.
        .map_err(|error| anyhow::Error::new(error.without_url()).context("cannot call the running serve"))?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| anyhow::Error::new(error.without_url()))?;
    Ok((status, text))
}

async fn inside(router: axum::Router, path: &str, form: String) -> anyhow::Result<(u16, String)> {
    let from = ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::HOST, "localhost")
        .extension(from)
        .body(Body::from(form))
        .context("cannot make a call")?;
    let answer = router.oneshot(request).await.context("the menu did not answer")?;
    let status: StatusCode = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), ANSWER_MAX_BYTES)
        .await
        .context("the menu did not answer")?;
    Ok((status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::form::Fields;

    #[test]
    fn the_form_is_read_back_by_the_adapter_s_reader() {
        let sent = [("phoneNumber", "+265999123456"), ("serviceCode", "*384*55#"), ("text", "1*a b*%&=é")];
        let form = form(&sent);
        let read = Fields::read(form.as_bytes()).unwrap();
        for (name, value) in sent {
            assert_eq!(read.get(name), Some(value));
        }
    }

    #[tokio::test]
    async fn answers_that_no_phone_would_show_are_errors_in_words() {
        let answers = |status: StatusCode, body: &'static str| {
            axum::Router::new().route("/x", axum::routing::post(move || async move { (status, body) }))
        };
        let call = |router| async move {
            Line::Inside { router, path: "/x".into() }.call(form(&[("text", "")])).await
        };
        assert_eq!(
            call(answers(StatusCode::OK, "CON Hello\n1 Prices")).await.unwrap(),
            ("Hello\n1 Prices".into(), true)
        );
        assert_eq!(call(answers(StatusCode::OK, "END Bye")).await.unwrap(), ("Bye".into(), false));
        let refused = call(answers(StatusCode::FORBIDDEN, "")).await.unwrap_err();
        assert!(refused.to_string().contains("allow"), "{refused}");
        assert!(call(answers(StatusCode::OK, "<html>")).await.is_err());
    }
}
