//! `mizili-edge sync --once`: an exchange with the hub now, whether or not `serve` is running.

use super::{Out, Place};
use crate::config::Config;
use crate::sync::{self, Bounds, Check, ExchangeReport};
use std::time::Duration;

/// How long to wait for an exchange of a running `serve` to end.
const LOCK_PATIENCE: Duration = Duration::from_secs(120);

/// Arguments of `sync`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge sync --once\n  \
    mizili-edge sync --once --json\n  \
    mizili-edge sync --once --recount         after trouble with the disk\n\n\
    `mizili-edge serve` syncs by itself; this is for seeing it happen. It sends what waits, fetches what is new and compares \
    everything with the hub. Once a day all rows on this disk are added up anew for that, so that none of them changes unseen. \
    After a cut, run it again: it goes on where it stopped.")]
pub(super) struct SyncArgs {
    /// Exchange until both sides have everything, then end
    #[arg(long, required = true)]
    once: bool,

    /// Add up all rows on this disk anew now, whatever was done today
    #[arg(long)]
    recount: bool,
}

pub(super) async fn run(args: SyncArgs, place: &Place, out: &mut Out) -> anyhow::Result<()> {
    debug_assert!(args.once, "the flag is required");
    let db = place.open_enrolled().await?;
    let config = Config::load(place.path())?;
    let syncer = sync::open(db, place.deps.clone(), &config).await?;
    let check = if args.recount { Check::Disk } else { Check::Kept };
    let report = syncer
        .run_once(Bounds { lock_patience: LOCK_PATIENCE, work: None, check, hold_commands: false })
        .await?;
    out.say(&serde_json::to_value(&report)?, &words(&report))
}

fn words(report: &ExchangeReport) -> String {
    let mut lines = vec![format!(
        "Sent {} and received {} ({} and {}) in {} {}, {:.1} s.",
        counted(report.commands, "entry", "entries"),
        counted(report.rows, "row", "rows"),
        bytes(report.bytes_sent),
        bytes(report.bytes_received),
        report.round_trips,
        if report.round_trips == 1 { "round trip" } else { "round trips" },
        report.seconds
    )];
    if report.applied + report.rejected + report.quarantined > 0 {
        let mut said = vec![format!("{} took effect", report.applied)];
        if report.rejected > 0 {
            said.push(format!("{} refused", report.rejected));
        }
        if report.quarantined > 0 {
            said.push(format!("{} waiting for the hub's operator", report.quarantined));
        }
        lines.push(format!("The hub's answers: {}.", said.join(", ")));
    }
    if report.mended > 0 {
        lines.push(format!(
            "{} had changed on this disk and came anew.",
            counted(report.mended, "row", "rows")
        ));
    }
    lines.push(match (report.digests_equal, report.retry_after) {
        (_, Some(wait)) => format!(
            "Somebody at the hub is at work on what an entry is about; the others wait behind it. Run this again in {} s.",
            wait.as_secs()
        ),
        (true, None) => "Both sides hold the same.".to_owned(),
        (false, None) => "Both sides do not hold the same yet. Run this again.".to_owned(),
    });
    lines.join("\n")
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn bytes(n: u64) -> String {
    match n {
        0..10_000 => format!("{n} bytes"),
        10_000..10_000_000 => format!("{} kB", n / 1_000),
        _ => format!("{:.1} MB", n as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_told_in_plain_words_and_in_the_agreed_names() {
        let report = ExchangeReport {
            rows: 3,
            commands: 1,
            rejected: 1,
            bytes_sent: 300,
            bytes_received: 20_000,
            round_trips: 1,
            digests_equal: true,
            ..ExchangeReport::default()
        };
        let told = words(&report);
        assert!(told.contains("1 entry and received 3 rows (300 bytes and 20 kB) in 1 round trip"), "{told}");
        assert!(told.contains("1 refused") && told.ends_with("Both sides hold the same."), "{told}");
        let json = serde_json::to_value(&report).unwrap();
        let mut names: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(
            names,
            [
                "applied",
                "bytes_received",
                "bytes_sent",
                "commands",
                "digests_equal",
                "quarantined",
                "rejected",
                "round_trips",
                "rows",
                "seconds"
            ]
        );
    }
}
