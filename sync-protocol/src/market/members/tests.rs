//! What comes of commands about members.

use super::*;
use crate::market::cases::{
    COOP, Case, MADE_AT_S, OTHER, at_the_hub, clerk, from_the_office, now, refused, rows, sets,
};
use crate::market::{Certainty, Context, Decision, Rule};
use crate::verdict::RejectCode;

impl MemberRegister {
    pub(in crate::market) fn cases() -> Vec<Case> {
        registers()
    }
}

fn registers() -> Vec<Case> {
    let known = Member::sample();
    let new = MemberId(hub_born(7));
    let register =
        MemberRegister { member: new.0, phone: known.phone, name: " Grace ".into(), language: "sw".into() };
    let registered = Member {
        id: new,
        cooperative: COOP,
        name: "Grace".into(),
        phone: known.phone,
        language: "sw".into(),
        registered_at_s: MADE_AT_S,
    };
    let case = |of, body: &MemberRegister, set, comes| Case {
        of,
        body: body.clone().into(),
        actor: clerk(),
        context: from_the_office(),
        set,
        comes,
    };
    let alias = Alias { from: new, to: known.id };
    let known_again = sets(Certainty::Record, [now(&alias)]).map(|mut decision: Decision| {
        decision.applied.alias = Some(known.id);
        decision
    });
    let changes = MemberRegister { member: known.id.0, ..register.clone() };
    let changed = Member { id: known.id, registered_at_s: known.registered_at_s, ..registered.clone() };
    let by_alias = rows(|set| {
        set.put(&known);
        set.put(&alias);
    });
    let both = rows(|set| {
        set.put(&known);
        set.put(&Member { id: new, phone: 265_888_000_000, ..known.clone() });
    });
    vec![
        case("a new number", &register, rows(|_| {}), sets(Certainty::Record, [now(&registered)])),
        case("a known number", &register, rows(|set| set.put(&known)), known_again),
        case(
            "a member's change",
            &changes,
            rows(|set| set.put(&known)),
            sets(Certainty::Record, [now(&changed)]),
        ),
        case(
            "a member's change by the id that gave way",
            &register,
            by_alias,
            sets(Certainty::Record, [now(&changed)]),
        ),
        case("two members who would share a number", &register, both, refused(RejectCode::Duplicate, &[])),
        case(
            "a member of another cooperative",
            &changes,
            rows(|set| set.put(&Member { cooperative: OTHER, ..known.clone() })),
            refused(RejectCode::NotAllowed, &[]),
        ),
        Case {
            context: Context { cooperative: None, ..at_the_hub(crate::ids::Holder::Hub) },
            ..case("nobody's member", &register, rows(|_| {}), refused(RejectCode::NotAllowed, &[]))
        },
        case(
            "no name",
            &MemberRegister { name: " ".into(), ..MemberRegister::sample(new.0) },
            rows(|_| {}),
            refused(RejectCode::Invalid, &["/name"]),
        ),
    ]
}
