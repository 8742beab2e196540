//! Verdicts as they are kept and as they are sent.

use super::isolate::Aside;
use crate::commands::Outcome;
use crate::db::Cells;
use crate::db::{int, misfit, q};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{EdgeId, MemberId};
use sync_protocol::verdict::{Applied, Conflict, Numbered, Reject, RejectCode, Verdict};
use uuid::Uuid;

/// Separates buckets in the one text that carries them to the database.
const SEPARATOR: &str = ",";

/// An outcome's columns, one array for each.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) verdicts: Vec<&'static str>,
    pub(super) codes: Vec<Option<&'static str>>,
    /// A list of texts as JSON: arrays of arrays do not travel.
    pub(super) args: Vec<Option<String>>,
    pub(super) short: Vec<bool>,
    pub(super) aliases: Vec<Option<Uuid>>,
    pub(super) conflicts: Vec<Option<String>>,
    pub(super) stands_at: Vec<String>,
    pub(super) errors: Vec<Option<String>>,
    pub(super) ours: Vec<bool>,
}

impl Columns {
    pub(super) fn push(&mut self, outcome: &Outcome, aside: Option<&Aside>) {
        let (mut code, mut args, mut short, mut alias, mut conflicts) = (None, None, false, None, None);
        match &outcome.verdict {
            Verdict::Applied(applied) => {
                short = applied.short;
                alias = applied.alias.map(|member| member.0);
                conflicts = (!applied.conflicts.is_empty()).then(|| {
                    json(applied.conflicts.iter().flat_map(|c| [&*c.field, &*c.current, &*c.wanted]))
                });
            }
            Verdict::Rejected(reject) => {
                code = Some(reject.code.as_str());
                args = Some(json(reject.args.iter().map(String::as_str)));
            }
            Verdict::Dismissed | Verdict::Held | Verdict::Quarantined | Verdict::Unsupported => {}
        }
        let points: Vec<String> =
            outcome.stands_at.iter().map(|(bucket, version)| format!("{bucket}@{version}")).collect();
        self.verdicts.push(outcome.verdict.as_str());
        self.codes.push(code);
        self.args.push(args);
        self.short.push(short);
        self.aliases.push(alias);
        self.conflicts.push(conflicts);
        self.stands_at.push(points.join(SEPARATOR));
        self.errors.push(aside.map(|aside| aside.error.clone()));
        self.ours.push(aside.is_some_and(|aside| aside.ours));
    }
}

fn json<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    // Postgres keeps no NUL in a text.
    serde_json::Value::from(texts.map(|text| text.replace('\0', "")).collect::<Vec<_>>()).to_string()
}

/// Verdicts with a number above `number`, in order, at most `limit`. Numbers have no gap.
///
/// # Errors
/// Those of the database; a stored verdict that does not fit.
pub async fn verdicts_after(
    conn: &mut PgConnection,
    edge: EdgeId,
    incarnation: u32,
    number: u64,
    limit: i64,
) -> Result<Vec<Numbered>, sqlx::Error> {
    let rows =
        q("SELECT verdict_number, seq, verdict, code, args, short, alias, conflicts, stands_at FROM commands
        WHERE edge_id = $1 AND incarnation = $2 AND verdict_number > $3 AND verdict_number > 0
        UNION ALL
        SELECT verdict_number, seq, verdict, NULL, NULL, false, NULL, NULL, NULL FROM superseded_verdicts
        WHERE edge_id = $1 AND incarnation = $2 AND verdict_number > $3
        ORDER BY verdict_number LIMIT $4")
        .bind(int(edge.0)?)
        .bind(int(incarnation)?)
        .bind(i64::try_from(number).unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(numbered).collect()
}

/// Notes that an edge has every verdict up to `number` on its disk.
///
/// # Errors
/// Those of the database.
pub async fn ack(
    conn: &mut PgConnection,
    edge: EdgeId,
    incarnation: u32,
    number: u64,
) -> Result<(), sqlx::Error> {
    q("UPDATE edge_streams SET verdicts_acked = greatest(verdicts_acked, least($3, last_verdict))
        WHERE edge_id = $1 AND incarnation = $2")
    .bind(int(edge.0)?)
    .bind(int(incarnation)?)
    .bind(i64::try_from(number).unwrap_or(i64::MAX))
    .execute(conn)
    .await?;
    Ok(())
}

fn numbered(row: &PgRow) -> Result<Numbered, sqlx::Error> {
    let cells = Cells::of("commands", row);
    let verdict = match cells.get::<&str>(2)? {
        "applied" => Verdict::Applied(Applied {
            short: cells.get(5)?,
            alias: cells.get::<Option<Uuid>>(6)?.map(MemberId),
            conflicts: conflicts(cells.get(7)?),
        }),
        "rejected" => {
            let code =
                cells.get::<Option<&str>>(3)?.and_then(RejectCode::parse).unwrap_or(RejectCode::Other(0));
            Verdict::Rejected(Reject { code, args: cells.get::<Option<Vec<String>>>(4)?.unwrap_or_default() })
        }
        "dismissed" => Verdict::Dismissed,
        "held" => Verdict::Held,
        "quarantined" => Verdict::Quarantined,
        "unsupported" => Verdict::Unsupported,
        _ => return Err(cells.misfit(2)),
    };
    let points = cells.get::<Option<Vec<String>>>(8)?.unwrap_or_default();
    let stands_at = points.iter().map(|text| point(text)).collect::<Result<_, _>>()?;
    Ok(Numbered { number: cells.count(0)?, seq: cells.count(1)?, verdict, stands_at })
}

fn conflicts(texts: Option<Vec<String>>) -> Vec<Conflict> {
    let texts = texts.unwrap_or_default();
    let conflict =
        |t: &[String; 3]| Conflict { field: t[0].clone(), current: t[1].clone(), wanted: t[2].clone() };
    texts.as_chunks::<3>().0.iter().map(conflict).collect()
}

/// `coop:12@7`.
fn point(text: &str) -> Result<(Bucket, u64), sqlx::Error> {
    let parts = text.split_once('@');
    let point = parts.and_then(|(bucket, version)| Some((bucket.parse().ok()?, version.parse().ok()?)));
    point.ok_or_else(|| misfit("commands", "stands_at"))
}
