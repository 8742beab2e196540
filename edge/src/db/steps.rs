//! The steps of the schema, in the order of their numbers. They only go forward: a released one is never edited, a new one is a
//! file in `migrations/edge` and a line here. A step uses nothing that can still change.

use rusqlite_migration::{M, Migrations};

macro_rules! step {
    ($name:literal) => {
        M::up(include_str!(concat!("../../../migrations/edge/", $name))).comment($name)
    };
}

pub(super) const STEPS: &[M<'_>] = &[
    step!("0001_node.sql"),
    step!("0002_replica.sql"),
    step!("0003_commands.sql"),
    step!("0004_replica_by_id.sql"),
    step!("0005_command_bounds.sql"),
    step!("0006_stock_sum.sql"),
    step!("0010_office.sql"),
    step!("0011_sync_state.sql"),
    step!("0020_market_moves.sql"),
    step!("0021_calls.sql"),
    step!("0022_messages.sql"),
    step!("0023_calls_by_age.sql"),
    step!("0024_office_line.sql"),
    step!("0027_known_commands.sql"),
    step!("0028_to_count.sql"),
    step!("0029_lived.sql"),
    step!("0030_aged_rows.sql"),
    step!("0031_words_kept.sql"),
    step!("0032_ticked_refusals.sql"),
    step!("0033_ends_told.sql"),
    step!("0034_verdicts_in_order.sql"),
    step!("0035_stock_changes.sql"),
    step!("0036_said_before.sql"),
    step!("0037_taken_back.sql"),
    step!("0038_acts_on_things.sql"),
    step!("0039_heard_short.sql"),
    step!("0040_ended_doubt.sql"),
    step!("0041_sums_anew.sql"),
    step!("0042_unclear_tries.sql"),
];

/// All steps.
pub(super) fn migrations() -> Migrations<'static> {
    Migrations::from_slice(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// The schema as SQLite keeps it.
    fn schema(conn: &Connection) -> Vec<String> {
        let mut statement =
            conn.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_file_is_a_step_in_the_order_of_numbers() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/edge");
        let mut files: Vec<(String, String)> = std::fs::read_dir(dir)
            .unwrap()
            .map(|file| file.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        let listed: Vec<M<'_>> = files.iter().map(|(name, sql)| M::up(sql).comment(name)).collect();
        assert_eq!(STEPS, listed, "the list above has every file of migrations/edge, sorted by name");
    }

    #[test]
    fn all_steps_run_and_run_again_without_effect() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrations().to_latest(&mut conn).unwrap();
        let once = schema(&conn);
        migrations().to_latest(&mut conn).unwrap();
        assert_eq!(schema(&conn), once);
        assert!(once.iter().any(|sql| sql.contains("CREATE TABLE command")));
    }

    #[test]
    fn an_old_file_keeps_what_is_in_it() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrations().to_version(&mut conn, 3).unwrap();
        conn.execute_batch(
            "INSERT INTO bucket (number, name, position, rank, upto) VALUES (1, 'global', 0, 5, 9);
             INSERT INTO replica VALUES (1, 2, x'0100000001', 7, x'00'), (1, 2, x'0100000000', 8, NULL);
             INSERT INTO command (seq, id, made_at_s, actor_kind, actor_phone, kind, body, record)
                 VALUES (1, x'01', 0, 0, 0, 5, x'', 1), (2, x'02', 0, 0, 0, 5, x'', 1);
             INSERT INTO local_row VALUES (2, 14, x'03', x'00', 1);",
        )
        .unwrap();
        migrations().to_latest(&mut conn).unwrap();
        let rows: Vec<String> = conn
            .prepare("SELECT concat_ws(' ', entity, hex(id), bucket, version, hex(payload)) FROM replica ORDER BY version")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(rows, ["2 0100000001 1 7 00", "2 0100000000 1 8 "]);
        let local: Vec<bool> = conn
            .prepare("SELECT local FROM command ORDER BY seq")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(local, [false, true]);
    }

    #[test]
    fn what_a_later_stream_said_stands_above_what_an_earlier_one_had_said() {
        let before = STEPS.iter().take_while(|step| **step != step!("0034_verdicts_in_order.sql")).count();
        let mut conn = Connection::open_in_memory().unwrap();
        migrations().to_version(&mut conn, before).unwrap();
        // Three verdicts of a stream that had eight, then two of the next; the last has not been dated yet.
        conn.execute_batch(
            "INSERT INTO node VALUES ('verdicts_upto', 2);
             INSERT INTO command (seq, id, made_at_s, actor_kind, actor_phone, kind, body, record, verdict, verdict_number, settled_at_s, settled_heard_s)
                 VALUES (1, x'01', 0, 0, 0, 5, x'', 1, 'rejected', 5, 1, 0), (2, x'02', 0, 0, 0, 5, x'', 1, 'applied', 6, 1, 0),
                        (3, x'03', 0, 0, 0, 5, x'', 1, 'rejected', 8, 1, 70), (9, x'04', 0, 0, 0, 5, x'', 1, 'rejected', 1, 1, 90),
                        (10, x'05', 0, 0, 0, 5, x'', 1, 'rejected', 2, 1, NULL), (11, x'06', 0, 0, 0, 5, x'', 1, NULL, NULL, NULL, NULL);",
        )
        .unwrap();
        migrations().to_latest(&mut conn).unwrap();
        let newest: Vec<u64> = conn
            .prepare("SELECT seq FROM command WHERE verdict IS NOT NULL ORDER BY verdict_number DESC")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(newest, [10, 9, 3, 2, 1]);
        let next = "SELECT value + 3 > (SELECT max(verdict_number) FROM command) FROM node WHERE key = 'verdict_base'";
        assert!(
            conn.query_row(next, [], |row| row.get::<_, bool>(0)).unwrap(),
            "the third of this stream comes above"
        );
    }
}
