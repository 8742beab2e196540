//! When a message goes out: once, whatever the clocks say; not at night, not beyond a day's budget, not without an account; and for how long
//! it waits.

use super::*;

/// Steps with the box's clock at any time, the machine started anew each time.
async fn run_at(office: &mut Office, wall_s: i64) {
    office.edge.clock().set_wall_s(wall_s);
    office.edge.clock().reboot();
    tidy(office.edge.db(), office.edge.deps()).await.unwrap();
    office.run().await;
}

#[tokio::test]
async fn a_message_is_sent_once_whatever_the_clock_says() {
    let right_s = HandClock::START_S;
    for queued_at_s in [0, 86_400, right_s - 40 * 86_400, right_s, right_s + 14 * 366 * 86_400] {
        let mut office = Office::open(DAY_AND_NIGHT).await;
        office.edge.clock().set_wall_s(queued_at_s);
        office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
        // The gateway is busy; the box is switched off, and on again with another time.
        office.fake.says(201, recipient(407, "+265991234567", ""));
        office.run().await;
        assert_eq!(office.one("a").state, State::Queued, "{queued_at_s}");
        run_at(&mut office, right_s).await;
        office.edge.clock().set_wall_s(86_400);
        office.wait(3_600);
        office.run().await;
        let sent = office.one("a");
        assert_eq!((sent.state, sent.tries), (State::Sent, 2), "{queued_at_s}: {sent:?}");
        for wall_s in [right_s, right_s + 14 * 366 * 86_400, 0] {
            run_at(&mut office, wall_s).await;
        }
        assert!(!office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari"), "nor queued a second time");
        office.run().await;
        assert_eq!(office.fake.requests().len(), 2, "{queued_at_s}");
    }
}

#[tokio::test]
async fn what_waits_for_an_hour_of_the_day_goes_when_the_clock_is_put_right() {
    // Quiet at 10:00 in Malawi, where it is 10:00 at the start.
    let mut office = Office::open("quiet_from = 9\nquiet_to = 11\n").await;
    office.edge.clock().set_wall_s(HandClock::START_S + 14 * 366 * 86_400);
    office.queue("a", MEMBER_PHONE, Kind::Verdict, "later");
    office.run().await;
    assert_eq!(office.one("a").note, "it waits for the morning");
    office.edge.clock().set_wall_s(HandClock::START_S + 3_600);
    office.wait(3_600);
    office.run().await;
    assert_eq!(office.one("a").state, State::Sent);
}

#[tokio::test]
async fn a_count_that_was_lost_with_the_power_keeps_nothing_waiting() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    office.edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute("UPDATE sms_out SET due_lived_s = 9000000", []).map(|_| ())?)
    });
    office.run().await;
    assert_eq!(office.one("a").state, State::Sent);
}

#[tokio::test]
async fn nights_are_quiet_for_what_nobody_waits_for() {
    // Quiet at 10:00 in Malawi, where it is 10:00 at the start.
    let mut office = Office::open("quiet_from = 9\nquiet_to = 11\n").await;
    office.queue("verdict", MEMBER_PHONE, Kind::Verdict, "later");
    office.queue("receipt", MEMBER_PHONE, Kind::Receipt, "now");
    office.queue("reply", CALLER_PHONE, Kind::Reply, "first");
    office.run().await;
    assert_eq!(office.fake.field(0, "message").as_deref(), Some("first"), "answers go first");
    assert_eq!(office.fake.requests().len(), 2);
    let waits = office.one("verdict");
    assert_eq!(
        (waits.state, waits.note.as_str(), waits.tries),
        (State::Queued, "it waits for the morning", 0)
    );
    office.wait(3_600);
    office.run().await;
    assert_eq!(office.one("verdict").state, State::Sent);
}

#[tokio::test]
async fn a_day_has_its_budget() {
    let mut office = Office::open("quiet_from = 0\nquiet_to = 0\nsegments_per_day = 3\n").await;
    let long = "x".repeat(161);
    office.queue("long", MEMBER_PHONE, Kind::Receipt, &long);
    office.queue("short", MEMBER_PHONE, Kind::Receipt, "x");
    office.queue("over", MEMBER_PHONE, Kind::Receipt, "x");
    office.run().await;
    let states = ["long", "short", "over"].map(|about| office.one(about).state);
    assert_eq!(states, [State::Sent, State::Sent, State::Queued]);
    assert_eq!(office.one("long").segments, 2);
    assert!(office.one("over").note.contains("budget"));
    // 10:00 in Malawi at the start: midnight is 14 hours away.
    office.wait(14 * 3_600 - 1);
    office.run().await;
    assert_eq!(office.one("over").state, State::Queued);
    office.wait(1);
    office.run().await;
    assert_eq!(office.one("over").state, State::Sent);
}

#[tokio::test]
async fn without_an_account_everything_waits() {
    let edge = TestEdge::with_market();
    let config = "country = \"MWI\"\n[[gateway]]\nkind = \"africastalking\"\nsecret = \"0123456789abcdef\"\n\
                  api_url = \"http://127.0.0.1:1/\"\n";
    let config = Arc::new(Config::parse(config).unwrap());
    let mut sender = Sender::new(edge.db().clone(), edge.deps().clone(), config).await.unwrap();
    assert_eq!(sender.step().await.unwrap(), Step::NoGateway);
}

#[tokio::test]
async fn what_ended_long_ago_goes_and_what_waited_too_long_is_given_up() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("old", MEMBER_PHONE, Kind::Receipt, "x");
    office.run().await;
    office.queue("stuck", MEMBER_PHONE, Kind::Receipt, "x");
    tidy(office.edge.db(), office.edge.deps()).await.unwrap();
    assert_eq!((office.one("old").state, office.one("stuck").state), (State::Sent, State::Queued));
    office.wait(8 * 86_400);
    let given_up = || {
        let at = office.edge.deps().clock.read();
        office.edge.read(|conn| crate::outbox::given_up(conn, &time::now(conn, at)?))
    };
    assert_eq!(given_up(), 0);
    tidy(office.edge.db(), office.edge.deps()).await.unwrap();
    assert_eq!((office.one("stuck").state, given_up()), (State::Cancelled, 1));
    office.wait(31 * 86_400);
    assert_eq!(given_up(), 0, "told for 30 days");
    office.wait(52 * 86_400);
    tidy(office.edge.db(), office.edge.deps()).await.unwrap();
    let left = office.edge.read(|conn| crate::outbox::list(conn, None, None, 10));
    assert_eq!(left.iter().map(|message| message.about.as_str()).collect::<Vec<_>>(), ["stuck"]);
}

#[tokio::test]
async fn what_waits_in_vain_is_what_no_gateway_with_an_account_may_send() {
    let office = Office::open(DAY_AND_NIGHT).await;
    let named = |names: &[&str]| {
        let one = |name: &&str| {
            format!(
                "[[gateway]]\nkind = \"africastalking\"\nname = \"{name}\"\nsecret = \"0123456789abcdef-{name}\"\n"
            )
        };
        let able = "username = \"coop\"\napi_key = \"key-1\"\n";
        let gateways: String = names.iter().map(|name| one(name) + able).collect();
        Config::parse(&format!("country = \"MWI\"\n{}{gateways}", one(&"dumb"))).unwrap().senders()
    };
    let stuck = |names: &[&str]| {
        let (senders, at) = (named(names), office.edge.deps().clock.read());
        let stuck = office.edge.read(|conn| crate::outbox::stuck(conn, &senders, &time::now(conn, at)?));
        stuck.map(|stuck| (stuck.count, stuck.age_s, stuck.gateways))
    };
    assert_eq!(stuck(&[]), None);
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "by any");
    office.wait(60);
    let at = office.edge.deps().clock.read();
    office.edge.write(move |tx| {
        let gateway = Some("dumb".to_owned());
        let (phone, text, about) = (CALLER_PHONE, "an answer".to_owned(), "dumb/1".to_owned());
        let message = Outgoing { phone, text, kind: Kind::Reply, about, gateway, link_id: None };
        crate::outbox::queue(tx, &message, &time::now(tx, at)?)
    });
    office.wait(40);
    assert_eq!(stuck(&[]), Some((2, 100, vec![])));
    // Another gateway than the one that it must go by is no help.
    assert_eq!(stuck(&["able"]), Some((1, 40, vec!["dumb".to_owned()])));
}
