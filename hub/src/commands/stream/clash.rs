//! Ids that are another's. The same id, body and edge is a repeat, however it was numbered; another body under a known id is a clash,
//! and stops that command alone: it is kept, quarantined, under an id of its own, with both bodies there for an operator.

use super::store::Kept;
use crate::db::Cells;
use crate::db::{int, q};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use sync_protocol::ids::{CommandId, EdgeId, Stream, derived};
use sync_protocol::market::{Body, Command};
use uuid::Uuid;

/// What is known of a command's id.
pub(super) enum Known<'a> {
    /// Nothing: it is new.
    Nothing,
    /// It is that command of this edge again.
    Again(&'a Kept),
    /// It is another command's.
    Clash(&'a Kept),
}

/// Looks a command up among what is kept under its id.
pub(super) fn known<'a>(edge: EdgeId, command: &Command, kept: &'a [Kept]) -> Known<'a> {
    let mut of_id = kept.iter().filter(|kept| kept.came_as == command.id).peekable();
    let Some(first) = of_id.peek().copied() else { return Known::Nothing };
    match of_id.find(|kept| kept.stream.edge == edge && is_same(kept, command)) {
        Some(kept) => Known::Again(kept),
        None => Known::Clash(first),
    }
}

/// Whether both are the same act: to the byte, or the same person asked for the same. A box that has lost its log dates it anew.
fn is_same(kept: &Kept, command: &Command) -> bool {
    let asked = |command: &Command| Body::from_raw(&command.body).ok().flatten().map(|body| body.as_asked());
    let asks_the_same = || {
        kept.command.actor == command.actor
            && asked(&kept.command).is_some_and(|body| asked(command) == Some(body))
    };
    kept.body_hash == command.body_hash() || asks_the_same()
}

/// Of commands in order, how many can be taken together: up to the first whose id clashes, with one kept, with one among them, or with
/// what is here by another road.
pub(super) fn before_the_first(
    edge: EdgeId,
    commands: &[&Command],
    kept: &[Kept],
    taken: &HashSet<CommandId>,
) -> usize {
    let mut seen = HashSet::new();
    let mut is_clear = |command: &&Command| {
        let is_clash = taken.contains(&command.id) || matches!(known(edge, command, kept), Known::Clash(_));
        seen.insert(command.id) && !is_clash
    };
    commands.iter().position(|command| !is_clear(command)).unwrap_or(commands.len())
}

/// The id under which a command is kept whose own is another's: always the same, and a further one for each of these.
pub(super) fn own_id(stream: Stream, command: &Command) -> CommandId {
    CommandId(derived(&format!("clash {}/{}/{}", stream.edge, stream.incarnation, command.seq), command.id.0))
}

/// Notes that a command is kept under another id than it came with.
pub(super) async fn note(
    conn: &mut PgConnection,
    stream: Stream,
    command: &Command,
) -> Result<(), sqlx::Error> {
    q("UPDATE commands SET clash_id = $4, body_hash = $5 WHERE edge_id = $1 AND incarnation = $2 AND seq = $3")
        .bind(int(stream.edge.0)?)
        .bind(int(stream.incarnation)?)
        .bind(command.seq as i64)
        .bind(command.id.0)
        .bind(command.body_hash().as_slice())
        .execute(conn)
        .await?;
    Ok(())
}

/// What an operator is told of a command that is kept under an id of its own.
pub(super) fn told(why: &str, id: CommandId) -> String {
    format!(
        "{why}. `mizili-hub commands retry {id} --new-id` takes it under an id of its own, `mizili-hub commands dismiss {id}` puts \
         it aside",
        id = id.0
    )
}

/// From now on a quarantined command is kept under an id of its own, or a further one: that its id is another's turned out only when it
/// was tried again. Gives the reason that is kept with it.
pub(super) async fn set_apart(
    conn: &mut PgConnection,
    stream: Stream,
    command: &Command,
    why: &str,
) -> Result<String, sqlx::Error> {
    let own = own_id(stream, command);
    let told = told(why, own);
    q("UPDATE commands SET id = $4, clash_id = coalesce(clash_id, id), error = $5, ours = false
        WHERE edge_id = $1 AND incarnation = $2 AND seq = $3 AND verdict = 'quarantined'")
    .bind(int(stream.edge.0)?)
    .bind(int(stream.incarnation)?)
    .bind(command.seq as i64)
    .bind(own.0)
    .bind(&told)
    .execute(conn)
    .await?;
    Ok(told)
}

/// What an edge's ids mean where something had to be given another.
pub(super) async fn renames(
    conn: &mut PgConnection,
    edge: EdgeId,
) -> Result<HashMap<Uuid, Uuid>, sqlx::Error> {
    let rows = q("SELECT old_id, new_id FROM command_renames WHERE edge_id = $1")
        .bind(int(edge.0)?)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let cells = Cells::of("command_renames", row);
            Ok((cells.get(0)?, cells.get(1)?))
        })
        .collect()
}

/// Keeps that from now on an edge's command, and what it makes, mean those of the new id. Gives what it is then.
pub(super) async fn rename(
    conn: &mut PgConnection,
    edge: EdgeId,
    claimed: Uuid,
    command: &Command,
) -> Result<(), sqlx::Error> {
    let made = Body::from_raw(&command.body).ok().flatten().and_then(|body| body.makes_apart(command.id));
    let mut pairs = vec![(claimed, command.id.0)];
    pairs.extend(made.map(|made| (made, derived("made anew", command.id.0))));
    for (old, new) in pairs {
        q("INSERT INTO command_renames (edge_id, old_id, new_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(int(edge.0)?)
            .bind(old)
            .bind(new)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// The command as it is meant: by the ids that its edge's things have here.
pub(super) fn renamed(command: &Command, renames: &HashMap<Uuid, Uuid>) -> Command {
    let mut meant = command.clone();
    if !renames.is_empty()
        && let Ok(Some(body)) = Body::from_raw(&command.body)
    {
        meant.body = body.renamed(|id| renames.get(&id).copied().unwrap_or(id)).to_raw();
    }
    meant
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::ids::hub_born;
    use sync_protocol::market::{Actor, ActorKind, OrderPlace, Source};

    fn command(seq: u64, id: u64, made_at_s: i64, quantity_milli: i64, source: Source) -> Command {
        let body = OrderPlace {
            listing: hub_born(1),
            quantity_milli,
            unit_price_minor: 1,
            source,
            buyer_phone: 0,
            buyer_name: String::new(),
            channel: 3,
        };
        let actor = Actor { kind: ActorKind::Office, id: None, phone: 0 };
        Command { id: CommandId(hub_born(id)), seq, made_at_s, actor, body: Body::from(body).to_raw() }
    }

    fn kept(edge: u32, command: &Command) -> Kept {
        Kept {
            stream: Stream { edge: EdgeId(edge), incarnation: 1 },
            command: command.clone(),
            came_as: command.id,
            body_hash: command.body_hash().to_vec(),
        }
    }

    #[test]
    fn the_same_act_of_the_same_edge_is_a_repeat_however_it_was_numbered_and_dated() {
        let first = command(3, 9, 1_000, 5, Source::Held);
        let list = [kept(2, &first), kept(1, &first)];
        let again =
            |c: &Command| matches!(known(EdgeId(1), c, &list), Known::Again(k) if k.stream.edge == EdgeId(1));
        assert!(again(&first));
        assert!(again(&command(7, 9, 0, 5, Source::Ask)), "another number, another clock, found otherwise");
        assert!(!again(&command(3, 9, 1_000, 6, Source::Held)), "another quantity");
        let mut others = command(3, 9, 1_000, 5, Source::Held);
        others.actor.phone = 265_991_000_001;
        assert!(!again(&others), "another person");
        assert!(matches!(known(EdgeId(3), &first, &list), Known::Clash(_)), "another office's");
        assert!(matches!(known(EdgeId(1), &command(3, 8, 0, 5, Source::Ask), &list), Known::Nothing));
        // Whose body was forgotten is known by its hash alone.
        let mut forgotten = kept(1, &first);
        forgotten.command.body.bytes.clear();
        assert!(matches!(known(EdgeId(1), &first, &[forgotten]), Known::Again(_)));
    }

    #[test]
    fn a_batch_is_taken_up_to_the_first_id_that_is_anothers() {
        let all: Vec<Command> = (1..=4).map(|n| command(n, n, 0, 5, Source::Held)).collect();
        let list: Vec<&Command> = all.iter().collect();
        let none = HashSet::new();
        assert_eq!(
            before_the_first(EdgeId(1), &list, &[], &HashSet::from([all[1].id])),
            1,
            "here by another road"
        );
        assert_eq!(before_the_first(EdgeId(1), &list, &[], &none), 4);
        assert_eq!(before_the_first(EdgeId(1), &list, &[kept(2, &all[2])], &none), 2);
        assert_eq!(before_the_first(EdgeId(1), &list, &[kept(1, &all[2])], &none), 4, "its own again");
        let twice = [list[0], list[1], list[0]];
        assert_eq!(before_the_first(EdgeId(1), &twice, &[], &none), 2);
    }
}
