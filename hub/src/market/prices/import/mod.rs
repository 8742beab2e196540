//! From a price file into the hub's tables and its feed.
//!
//! A file is read twice: once for its lists (`scan`), so that everything is known about a series before its first
//! price is stored, and once in chunks, each stored in one transaction with its rows of the feed. Importing a file again
//! changes nothing, so an import that broke off is resumed by running it again. What it may never do: take a forecast,
//! a price in a foreign currency or a month that has not begun; overwrite what is known with a blank; let an older
//! publication undo a newer one, unless told to; lose what stood there before.

mod chunk;
mod db;
mod error;
mod places;
mod plan;
mod progress;
mod reference;
mod rejects;
mod scan;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use sync_protocol::bucket::CountryCode;
use sync_protocol::country::Country;
use sync_protocol::units::{Currency, Month};
use tokio::sync::mpsc;

use self::chunk::{Applied, Setting};
use self::plan::Objection;
use self::progress::Progress;
use self::reference::Ids;
use self::rejects::Rejects;
use self::scan::{CHUNK_ROWS, Catalogue, Chunk, Chunks};
use self::words::Words;
use super::wfp::{Counts, FileError, PriceReader};
use crate::db::{Db, int, retrying};
use crate::feed::{Touched, publish};
use mizili_node::deps::Deps;

pub use self::error::{ImportError, Warning};

/// The name under which this source's prices are kept.
pub const SOURCE: &str = "wfp";

/// What a caller decides about an import.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The file's country; without it the file's name must say it (`wfp_food_prices_ken.csv`).
    pub country: Option<&'static Country>,
    /// The folder for the list of rows that were not taken; made when there are any. Without it there is no list.
    pub rejects_dir: Option<PathBuf>,
    /// Whether a bar is drawn on standard error; only done where that is a terminal.
    pub progress: bool,
    /// Whether this file's prices count although a newer publication of the country was imported before.
    pub older_wins: bool,
}

/// What an import did; as JSON, exactly the fields that operators' scripts rely on. `read` is the sum of `accepted`,
/// `forecast_skipped`, `quarantined` and `refused`; `accepted` is the sum of `new`, `changed` and `unchanged`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportReport {
    /// The file as it was given.
    pub file: String,
    /// Data rows.
    pub read: u64,
    /// Prices that were taken or found as they are.
    pub accepted: u64,
    /// Forecasts of price 0.
    pub forecast_skipped: u64,
    /// Rows in a currency that is not the country's.
    pub quarantined: u64,
    /// Rows that are malformed, lie in the future or contradict an earlier row.
    pub refused: u64,
    /// Prices that were not known.
    pub new: u64,
    /// Prices that were known and got another value or flag; what stood there is kept as a revision.
    pub changed: u64,
    /// Prices that stay as they were.
    pub unchanged: u64,
    /// How long it took.
    pub seconds: f64,
    /// What a person should know.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
    /// The list of rows that were not taken, if there are any and a folder was given.
    #[serde(skip)]
    pub rejects_file: Option<PathBuf>,
}

/// Whose word counts where a file and what is known differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precedence {
    /// The file's.
    File,
    /// What is known: the file is an older publication.
    Known,
}

/// Imports one price file.
///
/// # Errors
/// See [`ImportError`]. Chunks that were stored before stand; running the import again goes on after them.
pub async fn run(
    db: &Db,
    deps: &Deps,
    file: &Path,
    options: ImportOptions,
) -> Result<ImportReport, ImportError> {
    let source = Source { file: file.to_path_buf(), country: options.country, newest: current_month(deps) };
    let mut import = Import::begin(db, deps, source, &options).await?;
    let mut chunks = import.chunks(CHUNK_ROWS);
    while let Some(chunk) = chunks.recv().await {
        import.take(&chunk?).await?;
    }
    import.finish().await
}

/// The month that the clock says, in UTC.
fn current_month(deps: &Deps) -> Month {
    let today = jiff::tz::Offset::UTC.to_datetime(deps.clock.now()).date();
    let month = Month::new(u32::try_from(today.year()).unwrap_or(0), u32::from(today.month().unsigned_abs()));
    month.unwrap_or(Month(0))
}

/// Where the rows come from.
#[derive(Clone)]
struct Source {
    file: PathBuf,
    country: Option<&'static Country>,
    /// Later months are refused.
    newest: Month,
}

impl Source {
    fn open(&self) -> Result<PriceReader<std::fs::File>, FileError> {
        Ok(PriceReader::open_path(&self.file, self.country)?.newest(self.newest))
    }

    /// Reads the file's lists and its header, on a thread where waiting is allowed.
    async fn scan(&self) -> Result<(Catalogue, Vec<String>), ImportError> {
        let source = self.clone();
        let scan = move || {
            let reader = source.open()?;
            let header = reader.header().map(String::from).collect();
            Ok((Catalogue::read(reader)?, header))
        };
        tokio::task::spawn_blocking(scan).await.map_err(|_| ImportError::Reader)?
    }
}

/// An import under way.
struct Import<'a> {
    db: &'a Db,
    deps: &'a Deps,
    source: Source,
    catalogue: Arc<Catalogue>,
    setting: Setting,
    before: db::imports::Before,
    ids: Ids,
    rejects: Rejects,
    progress: Progress,
    counts: Counts,
    done: Applied,
    differing: u64,
    began: std::time::Duration,
}

impl<'a> Import<'a> {
    /// Reads the file's lists and records that an import begins.
    async fn begin(
        db: &'a Db,
        deps: &'a Deps,
        source: Source,
        options: &ImportOptions,
    ) -> Result<Self, ImportError> {
        let began = deps.clock.monotonic();
        let words = Words::built_in()?;
        let (catalogue, header) = source.scan().await?;
        let iso3 = catalogue.country.iso3;
        let unknown = || FileError::UnknownCountry { iso3: iso3.to_string() };
        let country = CountryCode::new(iso3).ok_or_else(unknown)?;
        let currency = Currency::new(catalogue.country.currency).ok_or_else(unknown)?;
        let newest_month = catalogue.newest.map(|month| int(month.0)).transpose()?;
        let name = source.file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();

        let mut tx = db.begin_patient().await?;
        let before = db::imports::before(&mut tx, SOURCE, iso3).await?;
        let import_id = db::imports::begin(&mut tx, SOURCE, iso3, &name, newest_month).await?;
        tx.commit().await?;

        let is_older =
            matches!((newest_month, before.newest_month), (Some(file), Some(known)) if file < known);
        let precedence = if is_older && !options.older_wins { Precedence::Known } else { Precedence::File };
        Ok(Self {
            db,
            deps,
            setting: Setting { import_id, country, precedence, words },
            before,
            ids: Ids::none(&catalogue),
            rejects: Rejects::new(options.rejects_dir.as_deref(), &source.file, import_id, &header, currency),
            progress: Progress::new(options.progress, &name, catalogue.counts.read),
            source,
            catalogue: Arc::new(catalogue),
            counts: Counts::default(),
            done: Applied::default(),
            differing: 0,
            began,
        })
    }

    /// Reads the file again, in chunks, while earlier ones are being stored. One chunk waits at most.
    fn chunks(&self, chunk_rows: usize) -> mpsc::Receiver<Result<Chunk, ImportError>> {
        let (sender, receiver) = mpsc::channel(1);
        let (source, catalogue) = (self.source.clone(), self.catalogue.clone());
        tokio::task::spawn_blocking(move || {
            let reader = match source.open() {
                Ok(reader) => reader,
                Err(error) => {
                    // Nobody listens when the import was given up: then there is nobody to tell.
                    let _ = sender.blocking_send(Err(error.into()));
                    return;
                }
            };
            for chunk in Chunks::new(reader, &catalogue, chunk_rows) {
                if sender.blocking_send(chunk).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    /// Stores a chunk.
    async fn take(&mut self, chunk: &Chunk) -> Result<(), ImportError> {
        self.rejects.add(&chunk.rejects)?;
        self.counts = sum(self.counts, chunk.counts);
        if !chunk.prices.is_empty() {
            let (this, mut tries) = (&*self, 0);
            let store = || {
                tries += 1;
                this.store(chunk, tries > 1)
            };
            let (ids, applied) = retrying(self.deps, store).await?;
            self.ids = ids;
            self.count(applied)?;
        }
        self.progress.advance(chunk.counts.read);
        Ok(())
    }

    /// One try at a chunk's transaction. The ids that it learns count only when it has committed.
    async fn store(&self, chunk: &Chunk, looks: bool) -> Result<(Ids, Applied), ImportError> {
        let mut ids = self.ids.clone();
        let mut tx = self.db.begin_patient().await?;
        let (setting, catalogue) = (&self.setting, &self.catalogue);
        let applied = chunk::apply(&mut tx, setting, catalogue, &mut ids, &chunk.prices, looks).await?;
        tx.commit().await?;
        self.db.tell(&applied.moved);
        Ok((ids, applied))
    }

    fn count(&mut self, applied: Applied) -> Result<(), ImportError> {
        self.done.new += applied.new;
        self.done.changed += applied.changed;
        self.done.unchanged += applied.unchanged;
        self.done.matched += applied.matched;
        for (series, objected) in applied.objections {
            match objected.objection {
                Objection::Contradicts => {
                    self.counts.refused += 1;
                    self.counts.accepted = self.counts.accepted.saturating_sub(1);
                }
                Objection::OtherFlag { .. } => {}
                Objection::Differs { .. } => self.differing += 1,
            }
            self.rejects.object(&self.catalogue, series, &objected)?;
        }
        Ok(())
    }

    /// Records that the import is complete, and reports.
    async fn finish(self) -> Result<ImportReport, ImportError> {
        retrying(self.deps, || self.store_end()).await?;
        let (counts, warnings) = (self.counts, self.warnings());
        let rejects_file = self.rejects.finish()?;
        let took = self.deps.clock.monotonic().saturating_sub(self.began);
        Ok(ImportReport {
            file: self.source.file.display().to_string(),
            read: counts.read,
            accepted: counts.accepted,
            forecast_skipped: counts.forecast_skipped,
            quarantined: counts.quarantined,
            refused: counts.refused,
            new: self.done.new,
            changed: self.done.changed,
            unchanged: self.done.unchanged,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            warnings,
            rejects_file,
        })
    }

    async fn store_end(&self) -> Result<(), ImportError> {
        let mut tx = self.db.begin_patient().await?;
        let mut touched = Touched::new();
        let country = self.catalogue.country.iso3;
        db::imports::lock(&mut tx, SOURCE, country).await?;
        if self.before.broke_off {
            let series = db::prices::put_back(&mut tx, SOURCE, country).await?;
            chunk::touch_windows(&mut tx, &mut touched, &series).await?;
            publish(&mut tx, &touched).await.map_err(ImportError::Feed)?;
        }
        db::imports::finish(&mut tx, self.setting.import_id, &self.counts).await?;
        tx.commit().await?;
        self.db.tell(&touched.moved());
        Ok(())
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let country = self.catalogue.country;
        if self.counts.accepted == 0 && self.counts.quarantined > 0 {
            warnings.push(Warning::WrongCountry { country: country.name, currency: country.currency });
            return warnings;
        }
        match self.setting.precedence {
            Precedence::Known => warnings.push(Warning::OlderPublication { differing: self.differing }),
            Precedence::File => {
                let before = u64::try_from(self.before.prices).unwrap_or(0);
                let prices = before.saturating_sub(self.done.matched);
                if prices > 0 {
                    warnings.push(Warning::Withdrawn { prices });
                }
            }
        }
        warnings
    }
}

fn sum(one: Counts, other: Counts) -> Counts {
    Counts {
        read: one.read + other.read,
        accepted: one.accepted + other.accepted,
        forecast_skipped: one.forecast_skipped + other.forecast_skipped,
        quarantined: one.quarantined + other.quarantined,
        refused: one.refused + other.refused,
        without_coordinates: one.without_coordinates + other.without_coordinates,
    }
}
