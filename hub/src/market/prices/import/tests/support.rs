//! A migrated database, a clock that is late enough for the real files, small files to import, and ways to look.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::Row;
use tempfile::TempDir;

use super::super::{Import, ImportError, ImportOptions, ImportReport, Source, current_month, run};
use crate::db::{Db, Statements, migrate, q, q_scalar};
use crate::feed::check::compare_all;
use crate::migrations::MIGRATOR;
use crate::testing::postgres::{TemplateKey, TestPostgres};
use mizili_node::deps::{Deps, HandClock};

pub(super) const HEADER: &str = "date,admin1,admin2,market,latitude,longitude,category,commodity,unit,priceflag,pricetype,currency,price,usdprice";

/// A hub's database and what an import needs beside it.
pub(super) struct Bench {
    pub(super) db: Db,
    pub(super) deps: Deps,
    pub(super) clock: Arc<HandClock>,
    pub(super) folder: TempDir,
    _postgres: TestPostgres,
}

pub(super) async fn bench() -> Bench {
    let key = TemplateKey::of_migrator("hub", &MIGRATOR);
    let postgres = TestPostgres::new(&key, |url| async move { migrate(&url).await }).await.unwrap();
    let db = Db::connect(postgres.url(), postgres.url()).await.unwrap();
    db.settle_statements(&Deps::real(), Statements::Named).await.unwrap();
    let (deps, clock) = Deps::fixed_with_clock(1);
    // The newest month of the real files is 2026-04.
    clock.set_wall_s("2026-05-20T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second());
    Bench { db, deps, clock, folder: tempfile::tempdir().unwrap(), _postgres: postgres }
}

/// One row of Kenya: month as `2020-01`, market, commodity, price; in a region unless `region` is blank.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) month: &'a str,
    pub(super) region: &'a str,
    pub(super) market: &'a str,
    pub(super) commodity: &'a str,
    pub(super) flag: &'a str,
    pub(super) price: &'a str,
}

/// A usual row, to be varied.
pub(super) const LINE: Line = Line {
    month: "2020-01",
    region: "Coast",
    market: "Mombasa",
    commodity: "Maize",
    flag: "actual",
    price: "16.13",
};

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { month, region, market, commodity, flag, price } = self;
        let place = if region.is_empty() { ",," } else { "District,-4.05466,39.66359" };
        let (district, coordinates) = place.split_once(',').unwrap();
        let category = "cereals and tubers";
        write!(
            f,
            "{month}-15,{region},{district},{market},{coordinates},{category},{commodity},KG,\"{flag}\",Retail,KES,{price},0.1"
        )
    }
}

/// A file's text.
pub(super) fn text<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> String {
    let lines: Vec<String> = lines.into_iter().map(|line| line.to_string()).collect();
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

/// One series of maize in Mombasa.
pub(super) fn maize(prices: &[(&str, &str)]) -> String {
    let lines: Vec<String> =
        prices.iter().map(|&(month, price)| Line { month, price, ..LINE }.to_string()).collect();
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

impl Bench {
    pub(super) fn options(&self) -> ImportOptions {
        ImportOptions { rejects_dir: Some(self.folder.path().join("rejects")), ..ImportOptions::default() }
    }

    /// Writes a file of Kenya.
    pub(super) fn file(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("wfp_food_prices_ken.csv");
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) async fn try_import(
        &self,
        file: &Path,
        options: ImportOptions,
    ) -> Result<ImportReport, ImportError> {
        run(&self.db, &self.deps, file, options).await
    }

    pub(super) async fn import(&self, text: &str) -> ImportReport {
        self.try_import(&self.file(text), self.options()).await.unwrap()
    }

    /// An import that is dropped after so many chunks of so many rows, as when the program is killed.
    pub(super) async fn broken_import(&self, text: &str, chunk_rows: usize, chunks: usize) {
        let mut import = self.begin(text).await;
        let mut reading = import.chunks(chunk_rows);
        for _ in 0..chunks {
            import.take(&reading.recv().await.unwrap().unwrap()).await.unwrap();
        }
    }

    pub(super) async fn import_in_chunks(&self, text: &str, chunk_rows: usize) -> ImportReport {
        let mut import = self.begin(text).await;
        let mut reading = import.chunks(chunk_rows);
        while let Some(chunk) = reading.recv().await {
            import.take(&chunk.unwrap()).await.unwrap();
        }
        import.finish().await.unwrap()
    }

    pub(super) async fn begin(&self, text: &str) -> Import<'_> {
        let source = Source { file: self.file(text), country: None, newest: current_month(&self.deps) };
        Import::begin(&self.db, &self.deps, source, &self.options()).await.unwrap()
    }

    pub(super) async fn number(&self, sql: &'static str) -> i64 {
        let mut tx = self.db.begin().await.unwrap();
        q_scalar(sql).fetch_one(&mut *tx).await.unwrap()
    }

    /// Done by hand.
    pub(super) async fn commit(&self, sql: &'static str) {
        let mut tx = self.db.begin().await.unwrap();
        q(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The first column of each row.
    pub(super) async fn lines(&self, sql: &'static str) -> Vec<String> {
        let mut tx = self.db.begin().await.unwrap();
        let rows = q(sql).fetch_all(&mut *tx).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// All stored prices with what they are of, in words, sorted.
    pub(super) async fn prices(&self) -> Vec<String> {
        self.lines(
            "SELECT concat_ws(' ', m.country, r.name, m.district, m.name, m.latitude_e5, m.longitude_e5, c.name, u.code,
                s.price_type, s.currency, p.month / 12, p.month % 12 + 1, p.price_minor, p.flags)
            FROM prices p JOIN price_series s ON s.id = p.series_id JOIN markets m ON m.id = s.market_id
            LEFT JOIN regions r ON r.id = m.region_id JOIN commodities c ON c.id = s.commodity_id
            JOIN units u ON u.id = s.unit_id ORDER BY 1",
        )
        .await
    }

    /// Each price of the only series: `2020-1 1613 1`, that is month, minor units, flags.
    pub(super) async fn series(&self) -> Vec<String> {
        self.lines(
            "SELECT concat_ws(' ', month / 12 || '-' || month % 12 + 1, price_minor, flags) FROM prices ORDER BY month",
        )
        .await
    }

    /// The head of every bucket.
    pub(super) async fn heads(&self) -> Vec<String> {
        self.lines("SELECT name || ' ' || version FROM buckets ORDER BY name").await
    }

    /// The feed must be what the tables say, and have been so before the check mended anything.
    pub(super) async fn assert_feed_equals_tables(&self) {
        let found = compare_all(&self.db, &self.deps).await.unwrap();
        assert_eq!(found.differences(), 0, "{found:?}");
    }

    /// The list of rows not taken, its lines.
    pub(super) fn rejects(report: &ImportReport) -> Vec<String> {
        let path = report.rejects_file.as_ref().expect("there should be a list");
        std::fs::read_to_string(path).unwrap().lines().map(String::from).collect()
    }
}

/// `new`, `changed`, `unchanged`.
pub(super) fn did(report: &ImportReport) -> (u64, u64, u64) {
    assert_eq!(report.accepted, report.new + report.changed + report.unchanged, "{report:?}");
    assert_eq!(
        report.read,
        report.accepted + report.forecast_skipped + report.quarantined + report.refused,
        "{report:?}"
    );
    (report.new, report.changed, report.unchanged)
}
