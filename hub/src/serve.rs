//! Runs the hub until it is told to stop: starts what it needs in order, and ends it in the opposite one.

use crate::config::{Config, Opened};
use crate::db::{Db, Statements, migrate};
use crate::jobs;
use crate::keys::HubKeys;
use crate::limits::Limits;
use crate::postgres::LocalPostgres;
use crate::room::Room;
use crate::router::router;
use crate::state::{AppState, Auth, Shared};
use crate::sync::edges::scope_of;
use crate::sync::look;
use crate::sync::trust;
use crate::token::TokenKey;
use anyhow::{Context as _, Result};
use mizili_node::address::Proxies;
use mizili_node::deps::Deps;
use mizili_node::password::Passwords;
use mizili_node::serve::Bounds;
use mizili_node::stop;
use mizili_node::throttle::UnderWay;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Offices hold one or two connections each, all the time; apps come and go. HTTP/2, for an office that asks often pays for each
/// header once a connection, not once a request.
const BOUNDS: Bounds = Bounds { connections: 10_000, http2: true, lanes: 0 };
/// Passwords hashed at once: 19 MiB each.
const HASHING_THREADS_MAX: usize = 4;
/// How long requests that are under way may take when the hub is told to stop. Long polls wait longer; they are cut.
const GRACE: Duration = Duration::from_secs(8);
/// Between looks at a private Postgres, so that one that was killed is started again.
const WATCH: Duration = Duration::from_secs(2);

/// Secrets that may be set from outside, so that several hubs share them.
#[derive(Clone, Default)]
pub struct Secrets {
    /// `MIZILI_JWT_SECRET`.
    pub jwt: Option<String>,
    /// `MIZILI_HUB_KEYS`.
    pub hub_keys: Option<String>,
}

impl Secrets {
    /// Looks whether they can be used. No keys towards edges are made: whose the database is, is not known yet.
    ///
    /// # Errors
    /// One that is not usable; the folder.
    fn check(&self, deps: &Deps, data_dir: &Path) -> Result<()> {
        HubKeys::read(self.hub_keys.as_deref(), data_dir)?;
        TokenKey::load(self.jwt.as_deref(), data_dir, |secret| deps.ids.fill(secret))?;
        Ok(())
    }

    /// The keys towards edges and the one of access tokens: those that were set, else those in the data folder, made on first use.
    ///
    /// # Errors
    /// One that is not usable; the folder.
    fn load(&self, deps: &Deps, data_dir: &Path) -> Result<(HubKeys, TokenKey)> {
        let keys = HubKeys::load(self.hub_keys.as_deref(), data_dir, |secret| deps.ids.fill(secret))?;
        let key = TokenKey::load(self.jwt.as_deref(), data_dir, |secret| deps.ids.fill(secret))?;
        Ok((keys, key))
    }
}

/// What every handler is given, over a database that is open and up to date.
///
/// # Errors
/// Secrets that are not usable.
pub fn state(db: Db, deps: Deps, data_dir: &Path, secrets: &Secrets, proxies: Proxies) -> Result<AppState> {
    let (keys, key) = secrets.load(&deps, data_dir)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let passwords = Passwords::new(threads.min(HASHING_THREADS_MAX));
    let auth = Auth { passwords, key, under_way: UnderWay::default() };
    let (keys, auth) = (Arc::new(keys), Arc::new(auth));
    let (names, proxies) = (Arc::default(), Arc::new(proxies));
    // More edges than there are connections cannot come; fewer leave some for people.
    let room = Room::within(mizili_node::serve::places(BOUNDS));
    Ok(Shared { db, deps, keys, room, limits: Limits::default(), auth, names, threads, proxies }.into())
}

/// Runs the hub until Ctrl-C or SIGTERM.
///
/// # Errors
/// What could not be started.
pub async fn run(
    config: &Config,
    secrets: &Secrets,
    statements: Statements,
    proxies: Proxies,
    listen: SocketAddr,
) -> Result<()> {
    // Before anything is started: a port that is taken must not cost the start of a database.
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; choose another address with --listen, such as 127.0.0.1:8081")
    })?;
    // Nor must a secret that cannot be used.
    config.make_data_dir()?;
    secrets.check(&Deps::real(), config.data_dir())?;
    let opened = config.open().await?;
    let settled = opened.db.settle_statements(&Deps::real(), statements).await;
    let served = match settled {
        Ok(()) => serve(config, secrets, proxies, &opened, listener).await,
        Err(sqlx::Error::Configuration(advice)) => Err(anyhow::anyhow!(advice)),
        Err(error) => Err(error).context("the database does not answer"),
    };
    let closed = opened.close().await;
    tracing::info!("stopped");
    served.and(closed)
}

async fn serve(
    config: &Config,
    secrets: &Secrets,
    proxies: Proxies,
    opened: &Opened,
    listener: TcpListener,
) -> Result<()> {
    migrate(opened.db.direct_url()).await.context("the database could not be brought up to date")?;
    let (hub_keys, data_dir) = (secrets.hub_keys.as_deref(), config.data_dir());
    let place = HubKeys::place(hub_keys, data_dir);
    if HubKeys::read(hub_keys, data_dir)?.is_none() {
        trust::may_be_made(&opened.db, &place).await?;
    }
    let state = state(opened.db.clone(), opened.deps(), data_dir, secrets, proxies)?;
    trust::check(&state.db, &state.keys, &place).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let stop = stop::asked().context("cannot listen for Ctrl-C and SIGTERM")?;
    tracing::info!("listening on http://{address}; the API's pages are at http://{address}/api/docs/");
    let mut tasks = JoinSet::new();
    tasks.spawn(state.db.news().clone().carry(opened.db.direct_url().to_owned()));
    tasks.spawn(opened.clock.clone().follow(opened.db.clone()));
    tasks.spawn(look::regularly(state.clone()));
    let news = state.db.news().clone();
    let jobs = jobs::run(state.clone(), scope_of, {
        let news = news.clone();
        async move { news.ended().await }
    });
    let mut jobs = AbortOnDropHandle::new(tokio::spawn(jobs));
    let service = serve_until(listener, state, stop);
    match &opened.local {
        None => service.await,
        Some(local) => tokio::select! {
            () = service => {}
            () = keep_running(local, &opened.db) => {}
        },
    }
    news.end();
    // Jobs were told to end when the service was, and need the database to give back what they do not finish.
    if tokio::time::timeout(GRACE, &mut jobs).await.is_err() {
        tracing::warn!("jobs did not end in time; what they had is done again");
    }
    tasks.shutdown().await;
    Ok(())
}

/// Answers requests until `stop` is done; then those that are under way for a few seconds more.
pub async fn serve_until(listener: TcpListener, state: AppState, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(false);
    let (news, proxies) = (state.db.news().clone(), state.proxies.clone());
    let patience_ended = async {
        stop.await;
        tracing::info!("stopping");
        news.end();
        stopping.send_replace(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        () = mizili_node::serve::serve(listener, router(state), BOUNDS, proxies, stopped) => {}
        () = patience_ended => {}
    }
}

/// Starts the private Postgres again whenever it has gone. Never done.
async fn keep_running(local: &LocalPostgres, db: &Db) {
    loop {
        tokio::time::sleep(WATCH).await;
        if db.ping().await.is_ok() {
            continue;
        }
        match local.ensure_running().await {
            Ok(true) => tracing::warn!("the private Postgres had gone and was started again"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the private Postgres has gone and does not start"),
        }
    }
}
