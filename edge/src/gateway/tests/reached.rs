//! Every screen, reached over the real replica: whatever a screen reads, this box has to have.

use super::support::Office;
use crate::testing::MEMBER_PHONE;
use crate::ussd::Screen;
use crate::ussd::tests::ways::rows;
use std::collections::{BTreeSet, VecDeque};

/// Somebody whom no office knows.
const STRANGER_PHONE: u64 = 265_881_000_111;

/// What is typed wherever a screen asks for something: how much, or a name.
const TYPED: [&str; 2] = ["5", "Jane Banda"];

/// Screens that a caller with a number reaches: by a dialled path up to the last key, which passes by what was left of other calls, then
/// by pressing that, and by dialling once more. What acts comes when all else was seen: it may take away what leads on.
async fn reached(office: &Office, phone: u64, time: u8) -> BTreeSet<String> {
    let (mut found, mut looks, mut calls) = (BTreeSet::new(), BTreeSet::new(), 0);
    let mut next = VecDeque::from(["00".to_owned()]);
    let mut acts = VecDeque::new();
    while let Some(path) = next.pop_front().or_else(|| acts.pop_front()) {
        calls += 1;
        let (session, again) = (format!("{phone}-{time}-{calls}"), format!("{phone}-{time}-{calls}-again"));
        if let Some((before, _)) = path.rsplit_once('*') {
            office.key_of(phone, &session, before).await;
        }
        let screen = office.key_of(phone, &session, &path).await;
        office.key_of(phone, &again, "").await;
        found.extend(office.screen_of(&again).await);
        let name = office.screen_of(&session).await.unwrap();
        let shown: Vec<String> = rows(&screen).into_iter().map(|(key, _)| key).collect();
        if screen.starts_with("CON ") && looks.insert((name.clone(), shown.clone())) {
            let keys = shown.into_iter().chain(TYPED.map(str::to_owned));
            let ways = keys.map(|key| format!("{path}*{key}"));
            if name.ends_with("_confirm") {
                acts.extend(ways)
            } else {
                next.extend(ways)
            }
            found.insert(name);
        }
    }
    found
}

#[tokio::test]
async fn every_screen_is_reached_over_the_replica() {
    let office = Office::new();
    office.edge.post_listing(1_000);
    let mut found = reached(&office, STRANGER_PHONE, 0).await;
    // The first time makes what the screens of one's own things show the second time.
    for time in 1..=2 {
        found.extend(reached(&office, MEMBER_PHONE, time).await);
    }
    // Told is what was lost on its way: see the walks of dropped calls.
    let missing: Vec<_> =
        Screen::NAMES.iter().filter(|name| **name != "told" && !found.contains(**name)).collect();
    assert!(
        missing.is_empty(),
        "{missing:?}: does `market_view` read what these show, and is it in the sample market?"
    );
}
