//! What all figures play on: one hub with the data set, a relay before it that counts, and offices that are enrolled and synced
//! as they are needed. Starts only the real programs, and ends all of them.

use crate::data::Dataset;
use crate::nodes::{self, Node, ask, number};
use crate::proxy::{Proxy, Seen};
use crate::{fill, tell};
use anyhow::{Context as _, Result, ensure};
use mizili_edge::config::Config as EdgeConfig;
use mizili_edge::db::Db as EdgeDb;
use mizili_edge::sync::{self, Bounds, Check, ExchangeReport, Syncer};
use mizili_hub::config::Opened;
use mizili_hub::jobs::catalogue;
use mizili_node::deps::Deps;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the hub may take to look through a feed that was just made.
const SETTLE_WITHIN: Duration = Duration::from_secs(300);

/// An office.
pub(crate) struct Office {
    /// Its data folder.
    pub(crate) dir: PathBuf,
    /// The relay between it and the hub.
    pub(crate) line: Proxy,
}

/// Waits until the hub's jobs have nothing left to do.
pub(crate) async fn until_settled(db: &mizili_hub::db::Db) -> Result<()> {
    let began = Instant::now();
    loop {
        let mut tx = db.begin().await?;
        let behind = catalogue::is_behind(&mut tx).await?;
        tx.commit().await?;
        if !behind {
            return Ok(());
        }
        ensure!(began.elapsed() < SETTLE_WITHIN, "the hub's catalogues are still behind");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The stage.
pub(crate) struct Stage {
    home: PathBuf,
    pub(crate) data: Dataset,
    pub(crate) hub: Node,
    /// The hub's database, beside the hub.
    pub(crate) opened: Opened,
    /// Offices that have everything, in the order of their first sync.
    pub(crate) offices: Vec<Office>,
    /// Cooperatives that have got an office.
    taken: usize,
}

impl Stage {
    /// Makes a hub with the data set below `home`, and starts it.
    pub(crate) async fn set(home: &Path, data: Dataset) -> Result<Self> {
        let hub_dir = home.join("hub");
        tell("Filling a hub …");
        let opened = fill::open(&hub_dir).await?;
        fill::fill(&hub_dir, &data).await?;
        let hub = Node::serve("mizili-hub", &hub_dir).await?;
        let stage = Self { home: home.to_path_buf(), data, hub, opened, offices: Vec::new(), taken: 0 };
        // A hub that starts looks through its feed once; nothing is measured beside that.
        stage.hub.until_log_says("the feed was compared", SETTLE_WITHIN).await;
        until_settled(&stage.opened.db).await?;
        Ok(stage)
    }

    /// The hub's data folder.
    pub(crate) fn hub_dir(&self) -> PathBuf {
        self.home.join("hub")
    }

    /// The next cooperative that has the whole data set in reach, or, of the `alone` kind, only a few regions of it.
    fn next_cooperative(&mut self, alone: bool) -> Result<usize> {
        let last = self.data.regions.len() - 1;
        let cooperatives = self.data.cooperatives.iter().enumerate().skip(self.taken);
        let place = cooperatives.filter(|(_, c)| (c.region == last) == alone).map(|(place, _)| place).next();
        let place = place.context("no cooperative is left")?;
        self.taken = place + 1;
        Ok(place)
    }

    /// An office that is enrolled and has nothing yet.
    pub(crate) async fn enrol(&mut self, alone: bool) -> Result<Office> {
        let cooperative = (self.next_cooperative(alone)? + 1).to_string();
        let line = Proxy::start(&self.hub.address).await?;
        let hub_dir = self.hub_dir();
        let added = ask("mizili-hub", &hub_dir, &["edge", "add", "--cooperative", &cooperative]).await?;
        let code = added["code"].as_str().context("no code")?;
        let dir = self.home.join(format!("office-{cooperative}"));
        let hub_url = format!("http://{}", line.address);
        ask("mizili-edge", &dir, &["enrol", "--hub", &hub_url, "--code", code]).await?;
        Ok(Office { dir, line })
    }

    /// So many offices that have everything: those that are there, and new ones.
    pub(crate) async fn synced(&mut self, count: usize) -> Result<()> {
        while self.offices.len() < count {
            let office = self.enrol(false).await?;
            office.sync().await?;
            self.offices.push(office);
        }
        Ok(())
    }

    /// Ends the hub and its database.
    pub(crate) async fn clear(self) -> Result<()> {
        self.hub.stop().await;
        self.opened.close().await
    }
}

impl Office {
    /// Runs `mizili-edge sync --once`; both sides must hold the same at its end. Gives its report and what passed.
    pub(crate) async fn sync(&self) -> Result<(Value, Seen)> {
        self.line.begin();
        let report = ask("mizili-edge", &self.dir, &["sync", "--once"]).await?;
        ensure!(report["digests_equal"] == true, "office and hub differ: {report}");
        ensure!(number(&report, "round_trips")? > 0.0, "nothing was exchanged: {report}");
        Ok((report, self.line.seen()))
    }

    /// The edge's own exchange on a connection that stays open, as its `serve` runs it.
    pub(crate) async fn connected(&self) -> Result<Connected<'_>> {
        let db = EdgeDb::open(&self.dir)?;
        let config = EdgeConfig::load(&self.dir)?;
        let syncer = sync::open(db, Deps::real(), &config).await?;
        let connected = Connected { office: self, syncer };
        // The first one opens the connection, and brings what is new.
        connected.exchange().await?;
        Ok(connected)
    }
}

/// An office on an open connection.
pub(crate) struct Connected<'a> {
    office: &'a Office,
    syncer: Syncer,
}

impl Connected<'_> {
    /// One run of exchanges, until there is nothing left; what it came to and what passed.
    pub(crate) async fn exchange(&self) -> Result<(ExchangeReport, Seen)> {
        let bounds = Bounds {
            lock_patience: Duration::from_secs(10),
            work: None,
            check: Check::Moved,
            hold_commands: false,
        };
        self.office.line.begin();
        let report = self.syncer.run_once(bounds).await?;
        Ok((report, self.office.line.seen()))
    }
}

/// A program's size, MB.
pub(crate) fn program_mb(name: &str) -> Result<f64> {
    nodes::size_mb(&nodes::program(name)?)
}
