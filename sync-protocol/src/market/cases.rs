//! How commands are tried: a table of cases beside each noun's commands, in one form, and what holds for all of them together.

use super::*;
use crate::ids::{CooperativeId, EdgeId, Holder, Id as _, ListingId, MemberId, UnitId, hub_born};
use crate::row::Key;
use crate::units::Quantity;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const OFFICE: Holder = Holder::Edge(EdgeId(1));
/// The cooperative of all samples.
pub(super) const COOP: CooperativeId = CooperativeId(12);
pub(super) const OTHER: CooperativeId = CooperativeId(13);

/// One command, where and on what it is decided, and what comes of it.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) of: &'static str,
    pub(super) body: Body,
    pub(super) actor: Actor,
    pub(super) context: Context,
    pub(super) set: WorkingSet,
    pub(super) comes: Result<Decision, Reject>,
}

/// The command of every case.
pub(super) const ID: CommandId = CommandId(hub_born(99));
/// When it was made.
pub(super) const MADE_AT_S: i64 = 1_700_000_100;

/// At the hub, for somebody at an office's page.
pub(super) fn at_the_hub(origin: Holder) -> Context {
    Context {
        place: Holder::Hub,
        origin,
        cooperative: None,
        clerk: true,
        admin: false,
        share_with: None,
        hub_share_percent: 50,
    }
}

/// At the hub, of a command that came by the office's stream.
pub(super) fn from_the_office() -> Context {
    Context { cooperative: Some(COOP), ..at_the_hub(OFFICE) }
}

/// At the office itself.
pub(super) fn at_the_office() -> Context {
    Context { place: OFFICE, ..from_the_office() }
}

/// A set that holds these rows, by which nothing else is known.
pub(super) fn rows(fill: impl FnOnce(&mut WorkingSet)) -> WorkingSet {
    let mut set = WorkingSet::default();
    fill(&mut set);
    set
}

/// A cooperative's market: its listing, kilograms of it at the hub and the office, who offers it, and what can be listed.
pub(super) fn market(at_the_hub: i64, at_the_office: i64) -> WorkingSet {
    rows(|set| {
        set.put(&Listing::sample());
        set.put(&Member::sample());
        set.put(&Commodity::sample());
        set.put(&Unit { id: UnitId(1), ..Unit::sample() });
        set.put(&Unit { id: UnitId(2), base: UnitBase::Piece, factor_milli: 1_000, ..Unit::sample() });
        for (holder, units) in [(Holder::Hub, at_the_hub), (OFFICE, at_the_office)] {
            set.set_available(Listing::sample().id, holder, Quantity::units(units));
        }
    })
}

/// Somebody at the office's page.
pub(super) fn clerk() -> Actor {
    Actor { kind: ActorKind::Office, id: None, phone: 0 }
}

/// A member on a phone.
pub(super) fn member(id: MemberId) -> Actor {
    Actor { kind: ActorKind::Member, id: Some(id.0), phone: Member::sample().phone }
}

/// What took effect and set these rows.
pub(super) fn sets(
    certainty: Certainty,
    effects: impl IntoIterator<Item = Effect>,
) -> Result<Decision, Reject> {
    Ok(Decision { effects: effects.into_iter().collect(), ..Decision::new(certainty) })
}

/// The same, and a person has to settle it.
pub(super) fn sets_short(
    certainty: Certainty,
    effects: impl IntoIterator<Item = Effect>,
) -> Result<Decision, Reject> {
    sets(certainty, effects).map(|mut decision| {
        decision.applied.short = true;
        decision
    })
}

/// A refusal.
pub(super) fn refused(code: RejectCode, args: &[&str]) -> Result<Decision, Reject> {
    Err(Reject::with(code, args.iter().map(|arg| (*arg).to_owned())))
}

/// A row that is set.
pub(super) fn now<E: Settable>(row: &E) -> Effect {
    Effect::of(row, true)
}

/// A row that is set, whose increase counts when the hub has answered.
pub(super) fn later<E: Settable>(row: &E) -> Effect {
    Effect::of(row, false)
}

#[test]
fn each_case_comes_to_what_its_table_says() {
    for Case { of, body, actor, context, set, comes } in Body::cases() {
        let command = Command { id: ID, seq: 1, made_at_s: MADE_AT_S, actor, body: body.to_raw() };
        assert_eq!(body.decide(&command, &context, &set), comes, "{of}");
    }
}

#[test]
fn every_command_is_tried_applied_and_refused_by_each_code_of_its_own() {
    let mut tried: BTreeMap<u16, (bool, BTreeSet<u32>)> = BTreeMap::new();
    for Case { body, comes, .. } in Body::cases() {
        let (applied, codes) = tried.entry(body.kind()).or_default();
        match comes {
            Ok(_) => *applied = true,
            Err(reject) => drop(codes.insert(reject.code.code())),
        }
    }
    for body in Body::samples(hub_born(1)) {
        let name = command_name(body.kind()).unwrap();
        let (applied, codes) = tried.remove(&body.kind()).unwrap_or_default();
        assert!(applied, "{name} is never applied: give it a case");
        assert!(!codes.is_empty(), "{name} is never refused: give it a case");
        for code in body.refuses() {
            assert!(codes.contains(&code.code()), "{name} never refuses by {}", code.as_str());
        }
    }
}

/// Of a set only what was asked for, and what always comes with that: as a node fills it.
fn only_needed(set: &WorkingSet, needs: &Needs) -> WorkingSet {
    let mut cut = WorkingSet::for_needs(needs);
    cut.facts = set.facts.clone();
    let is_found = |entity, key, fields: &_| {
        let is_step = matches!(key, Key::Step(of, _) if needs.steps.contains(&(entity, of)));
        is_step || needs.found.iter().any(|search| search.entity() == entity && search.finds(fields))
    };
    let found = set
        .keys()
        .filter(|(entity, key)| set.row(*entity, *key).is_some_and(|fields| is_found(*entity, *key, fields)));
    let mut wanted: Vec<(u16, Key)> = needs.rows.iter().copied().chain(found).collect();
    let mut looked_for = BTreeSet::new();
    while let Some((entity, key)) = wanted.pop() {
        let row = set.row(entity, key);
        if !looked_for.insert((entity, key)) {
            continue;
        }
        for (field, beside) in needed_beside(entity) {
            let named = match (*field, row.and_then(|fields| fields.get(*field))) {
                (0, _) => Some(key),
                (_, Some(Value::Uuid(id))) => Some(Key::Uuid(id)),
                (_, Some(Value::Int(id))) => u32::try_from(id).ok().map(Key::Int),
                _ => None,
            };
            wanted.extend(named.map(|key| (*beside, key)));
        }
        if let Some(fields) = row {
            cut.put_row(entity, key, fields.clone());
        }
        if let (Listing::NUMBER, Some(listing)) = (entity, ListingId::from_key(key)) {
            for (holder, quantity) in set.holders(listing) {
                cut.set_available(listing, holder, quantity);
            }
        }
    }
    cut
}

/// What a rule reads and has not asked for is not there where nodes decide: it would be decided on nothing.
#[test]
fn each_command_asks_for_all_that_it_reads() {
    for Case { of, body, actor, context, mut set, comes } in Body::cases() {
        let command = Command { id: ID, seq: 1, made_at_s: MADE_AT_S, actor, body: body.to_raw() };
        let needs = body.needs(ID, &actor, &context);
        assert_eq!(
            body.decide(&command, &context, &only_needed(&set, &needs)),
            comes,
            "{of}: by what it needs"
        );
        let form = str::to_owned as Form;
        if let Ok(decision) = comes {
            set.apply(&decision.effects);
            let again = |set: &WorkingSet| body.is_repeat(&command, &context, set, form);
            assert_eq!(again(&only_needed(&set, &needs)), again(&set), "{of}: once more, by what it needs");
        }
    }
}

/// A hub tries whether it can answer them: one that is not among them would fail at the first command that makes it.
#[test]
fn whatever_a_command_looks_for_its_sample_looks_for_too() {
    let way = |search: &Search| (search.entity(), search.columns().to_vec());
    let all: BTreeSet<_> = Body::searches().iter().map(way).collect();
    for Case { of, body, actor, context, .. } in Body::cases() {
        for search in body.needs(ID, &actor, &context).found {
            assert!(all.contains(&way(&search)), "{of}: let the sample of its command look for {search:?}");
        }
    }
    assert!(Body::searches().iter().all(|search| search.ids().all(|id| id.is_nil())), "nothing has these");
    assert!(all.len() >= 2, "{all:?}");
}

/// What an office gives away of what it holds must not come before what it took in: see `waiting`.
#[test]
fn whatever_takes_from_what_an_office_holds_says_of_which_listing() {
    let mut counted = 0;
    for Case { of, body, context, set, comes, .. } in Body::cases() {
        let (Ok(decision), Holder::Edge(_)) = (comes, context.origin) else { continue };
        let mut change: BTreeMap<ListingId, i64> = BTreeMap::new();
        for entry in decision.rows::<StockEntry>().filter(|entry| entry.holder == context.origin) {
            *change.entry(entry.listing).or_default() += entry.quantity.0;
        }
        let taken = change.into_iter().filter(|(listing, sum)| *sum < 0 && set.has::<Listing>(*listing));
        for (listing, _) in taken {
            counted += 1;
            assert_eq!(body.spends_own(), Some(listing), "{of}");
        }
    }
    assert!(counted > 3, "{counted}");
}

#[test]
fn whatever_is_about_something_unknown_waits_for_the_office_that_may_bring_it() {
    let about = hub_born(5);
    let needs_nothing = |body: &Body| matches!(body, Body::MemberRegister(_) | Body::ListingPost(_));
    let of_the_log: Body = OrderCancel { order: about, never_left: true }.into();
    let held: Body = OrderPlace { source: Source::Held, ..Rule::sample(about) }.into();
    let all = Body::samples(about).into_iter().chain([held]).map(|body| (!needs_nothing(&body), body));
    for (waits, body) in all.chain([(false, of_the_log)]) {
        let (edge, mut set) = (at_the_hub(OFFICE), WorkingSet::default());
        assert!(!body.is_awaited(&edge, &set), "{body:?}: nothing more may come");
        set.facts.may_come.insert(about);
        assert_eq!(body.is_awaited(&edge, &set), waits, "{body:?}");
    }
}

#[test]
fn what_a_command_needs_of_its_batch_is_found_by_what_it_holds() {
    let (first, second) = (Member::sample(), Member { id: MemberId(hub_born(7)), ..Member::sample() });
    let search = Member::of_number(COOP, first.phone);
    let found = |set: &WorkingSet| set.find::<Member>(&search);
    for mut set in [WorkingSet::default(), WorkingSet::for_needs(&Needs::default().found([search.clone()]))] {
        set.put(&first);
        set.put(&second);
        set.put(&Member { id: MemberId(hub_born(8)), cooperative: OTHER, ..Member::sample() });
        assert_eq!(found(&set), [first.clone(), second.clone()]);
        set.put(&Member { phone: 265_888_000_000, ..first.clone() });
        assert_eq!(found(&set), std::slice::from_ref(&second), "the row that stood there is another now");
        set.remove_row(Member::NUMBER, second.key());
        assert_eq!(found(&set), []);
    }
}
