//! The price walk through the phone menu, with the whole replica: over HTTP beside a static answer of nginx, and in process.

use crate::aims::{USSD_OF_NGINX, USSD_P50_MS, USSD_P99_MS};
use crate::limits::{self, Nginx};
use crate::nodes::Node;
use crate::report::{Aim, Figure, median};
use crate::stage::{Office, Stage};
use crate::tell;
use crate::ussd::{self, Walk};
use anyhow::{Context as _, Result, ensure};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use http_body_util::BodyExt as _;
use mizili_edge::config::Config;
use mizili_edge::db::Db;
use mizili_edge::serve::router::router;
use mizili_edge::state::AppState;
use mizili_edge::sync::run::SyncHandle;
use mizili_node::deps::Deps;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// Walks in process before any is counted.
const WARM_WALKS: u32 = 100;
/// Walks in process that are counted.
const WALKS: u32 = 1_000;

pub(super) async fn measure(
    stage: &mut Stage,
    home: &Path,
    runs: usize,
    load_seconds: u32,
) -> Result<Vec<Figure>> {
    stage.synced(1).await?;
    let Some(office) = stage.offices.first() else { return Ok(Vec::new()) };
    let edge = Node::serve("mizili-edge", &office.dir).await?;
    let walk = Walk::learn(&edge.address, &ussd::path(&office.dir)?).await;
    let over_http = match &walk {
        Ok(walk) if limits::has_load_tools() => over_http(&edge, walk, home, runs, load_seconds).await,
        Ok(_) => {
            tell("  wrk or nginx is not installed (deploy/setup bench): the walk over HTTP is left out");
            Ok(Vec::new())
        }
        Err(_) => Ok(Vec::new()),
    };
    edge.stop().await;
    let (walk, mut figures) = (walk?, over_http?);
    figures.extend(in_process(office, &walk, runs).await?);
    Ok(figures)
}

async fn over_http(edge: &Node, walk: &Walk, home: &Path, runs: usize, seconds: u32) -> Result<Vec<Figure>> {
    let nginx = Nginx::start(home).await?;
    let measured = rates(edge, &nginx, walk, runs, seconds).await;
    nginx.stop().await;
    let (ours, p99, theirs) = measured?;
    let part: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    let words = format!("{:.2} of nginx's {:.0} screens/s in the same run", median(&part), median(&theirs));
    Ok(vec![
        Figure::new("price walk over HTTP", "screens/s", ours).against(words),
        Figure::new("price walk over HTTP, part of nginx's", "", part)
            .aim(Aim::AtLeast(USSD_OF_NGINX))
            .against("a static answer to the same requests, 16 connections"),
        Figure::new("price walk over HTTP: p99", "ms", p99)
            .against("16 connections on this machine's cores, wrk among them"),
        Figure::new("edge: resident memory after the walks", "MiB", vec![edge.resident_mib()?]),
    ])
}

/// Ours, its p99, and nginx's, in turns.
async fn rates(
    edge: &Node,
    nginx: &Nginx,
    walk: &Walk,
    runs: usize,
    seconds: u32,
) -> Result<(Vec<f64>, Vec<f64>, Vec<f64>)> {
    let (mut ours, mut p99, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    limits::walk(&edge.address, walk, 1).await.context("warming up")?;
    for _ in 0..runs {
        let load = limits::walk(&edge.address, walk, seconds).await?;
        tell(&format!("  {:.0} screens/s, p50 {:.2} ms, p99 {:.2} ms", load.rps, load.p50, load.p99));
        ours.push(load.rps);
        p99.push(load.p99);
        theirs.push(limits::walk(&nginx.address, walk, seconds).await?.rps);
    }
    Ok((ours, p99, theirs))
}

/// One caller after the other through the node's own router, without a socket.
async fn in_process(office: &Office, walk: &Walk, runs: usize) -> Result<Vec<Figure>> {
    let config = Config::load(&office.dir)?;
    let state = AppState::new(Db::open(&office.dir)?, Deps::real(), config, SyncHandle::idle());
    // Calls are written to disk beside the answers, as in `serve`; the tasks end when the sender goes.
    let (_stop, stopping) = watch::channel(false);
    let _tasks = state.channels.start(stopping).await;
    let app = router(state);
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    let mut next = 0;
    for run in 0..runs {
        let mut took = Vec::new();
        let walks = if run == 0 { WARM_WALKS + WALKS } else { WALKS };
        for _ in 0..walks {
            for form in walk.forms(next) {
                took.push(press(&app, walk, form).await?);
            }
            next += 1;
        }
        let mut counted = took.split_off(took.len() - WALKS as usize * 4);
        counted.sort_by(f64::total_cmp);
        p50.push(counted[counted.len() / 2]);
        p99.push(counted[counted.len() * 99 / 100]);
    }
    Ok(vec![
        Figure::new("price walk in process: p50", "ms", p50)
            .aim(Aim::AtMost(USSD_P50_MS))
            .against("through the node's router, without a socket"),
        Figure::new("price walk in process: p99", "ms", p99).aim(Aim::AtMost(USSD_P99_MS)),
    ])
}

/// Milliseconds of one screen.
async fn press(app: &axum::Router, walk: &Walk, form: String) -> Result<f64> {
    let mut request = Request::post(&walk.path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))?;
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
    let began = Instant::now();
    let answer = app.clone().oneshot(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let took = began.elapsed().as_secs_f64() * 1e3;
    ensure!(status.is_success() && !body.is_empty(), "the menu answered {status}");
    Ok(took)
}
