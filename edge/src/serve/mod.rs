//! The running node: starts its parts in order (place, listener, sync loop, HTTP) and stops them in the other order.
//!
//! The office goes on without the hub: nothing about the line keeps it from starting or stopping. A kill at any instant loses
//! nothing that a person was told.

pub mod openapi;
pub mod router;

use crate::config::Config;
use crate::db::Db;
use crate::staff::password::FIRST_USER;
use crate::state::AppState;
use crate::sync::keep::{self, Opening};
use crate::sync::{self, lock};
use anyhow::{Context as _, bail};
use mizili_node::deps::Deps;
use mizili_node::serve::{Bounds, places, serve};
use mizili_node::stop;
use router::{gateways_only, router};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// An office has a few dozen pages and phones, and a gateway. HTTP/1.1 alone, which all of them speak, costs a small box less.
/// Screens come from memory: two threads answer them, each its own connections, without waking any other.
const BOUNDS: Bounds = Bounds { connections: 1_000, http2: false, lanes: 2 };

/// Where gateways have a listener of their own, it has one in so many of the places: what the system gives is given once.
const GATEWAYS_SHARE: usize = 4;

/// How long requests and the exchange under way may take to end when the node is told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Runs the node until Ctrl-C or SIGTERM.
///
/// # Errors
/// When the settings cannot be used, another `serve` has this data directory, or the address cannot be listened on.
pub async fn run(db: Db, deps: Deps, listen: Option<SocketAddr>) -> anyhow::Result<()> {
    let config = Config::load(db.data_dir())?;
    let data_dir = db.data_dir().to_owned();
    let place = lock::patiently(|| lock::serving(&data_dir)).await.context("cannot use the data folder")?;
    let Some(mut place) = place else {
        bail!(
            "a serve of {} is already running; stop it first, or give this one its own --data-dir",
            data_dir.display()
        )
    };
    let listen = listen.unwrap_or(config.listen);
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let for_gateways = match config.gateway_listen {
        Some(listen) => Some(TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen} for gateways; choose another gateway_listen in edge.toml")
        })?),
        None => None,
    };
    let (stop, stopping) = watch::channel(false);
    let proxies = config.proxies();
    let opening = (db.clone(), deps.clone());
    // By the settings as they are then: an enrolment at another address may have changed what they say of it.
    let open = move || -> Opening {
        let (db, deps) = opening.clone();
        Box::pin(async move {
            let config = Config::load(db.data_dir())?;
            sync::open(db, deps, &config).await
        })
    };
    // The office works without it: what keeps it from starting is told, and not fatal.
    let (handle, syncing) = keep::start(open, stopping.clone());
    let state = AppState::new(db, deps, config, handle);
    let channels = state.channels.start(stopping.clone()).await;
    let mut bounds = BOUNDS;
    let mut gateways_at = None;
    let gateways = for_gateways.map(|listener| {
        if let Ok(address) = listener.local_addr() {
            tracing::info!("gateways are answered at {address} alone");
            gateways_at = Some(address);
        }
        let of_gateways;
        (bounds, of_gateways) = shared(BOUNDS, places(BOUNDS));
        let routes = gateways_only(state.clone());
        tokio::spawn(serve(listener, routes, of_gateways, proxies.clone(), stopping.clone()))
    });
    let serving = tokio::spawn(serve(listener, router(state), bounds, proxies, stopping));
    let asked_to_stop = stop::asked().context("cannot listen for Ctrl-C and SIGTERM")?;
    place.announce(address, gateways_at);
    tracing::info!(
        "listening on {address}; the office page is at {}, where the office signs in as '{}' with its password, and clerks with their \
         own numbers",
        page(address),
        FIRST_USER
    );
    asked_to_stop.await;
    tracing::info!("stopping");
    // The receivers live as long as their tasks; where one has ended there is nothing to stop.
    let _ = stop.send(true);
    ended("requests", serving).await;
    if let Some(gateways) = gateways {
        ended("requests of gateways", gateways).await;
    }
    for task in channels {
        ended("calls and messages", task).await;
    }
    ended("the exchange", syncing).await;
    Ok(())
}

/// What the page's listener and that of gateways take on, of so many places in truth.
fn shared(bounds: Bounds, places: usize) -> (Bounds, Bounds) {
    let of_gateways = places / GATEWAYS_SHARE;
    let with = |connections| Bounds { connections, ..bounds };
    (with(places - of_gateways), with(of_gateways))
}

/// Where somebody at this box finds the page: a listener on all addresses has none of its own.
fn page(listening: SocketAddr) -> String {
    if listening.ip().is_unspecified() {
        format!("http://localhost:{}/ and under this box's address in the office network", listening.port())
    } else {
        format!("http://{listening}/")
    }
}

async fn ended<T>(what: &str, task: JoinHandle<T>) {
    let stop = task.abort_handle();
    if tokio::time::timeout(STOP_PATIENCE, task).await.is_err() {
        tracing::warn!("{what} did not end in time and was cut off; it goes on at the next start");
        stop.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_listeners_share_the_places_that_there_are() {
        for there in [1_000, 384, 31] {
            let (page, gateways) = shared(BOUNDS, there);
            assert_eq!(page.connections + gateways.connections, there);
            assert!(page.connections > gateways.connections && gateways.connections > 0);
        }
    }
}
