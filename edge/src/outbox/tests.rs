//! The outbox against a gateway on this machine that answers as it is told.

mod due;

use super::upkeep::tidy;
use super::{Kind, Outgoing, Report, ReportOf, Sender, State, Step, Stored};
use crate::config::Config;
use crate::db::DbError;
use crate::replica;
use crate::testing::{CALLER_PHONE, COOP, MEMBER_PHONE, TestEdge, caller, live};
use crate::time;
use axum::Router;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use mizili_node::deps::HandClock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Order, OrderCancel, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::verdict::{Applied, Reject, RejectCode, Verdict};

/// One request that reached the gateway: its key and its form.
type Request = (String, Vec<(String, String)>);

/// A gateway that answers in turn, and as if all were well when it was told nothing.
#[derive(Clone, Default)]
struct Fake {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    async fn start() -> (Self, String) {
        let fake = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/version1/messaging", listener.local_addr().unwrap());
        let app = Router::new().route("/version1/messaging", post(answer)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (fake, url)
    }

    fn says(&self, status: u16, body: impl Into<String>) {
        self.answers.lock().unwrap().push_back((status, body.into()));
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn field(&self, at: usize, name: &str) -> Option<String> {
        let (_, form) = self.requests()[at].clone();
        form.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

async fn answer(Shared(fake): Shared<Fake>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let to = form.iter().find(|(key, _)| key == "to").unwrap().1.clone();
    let count = {
        let mut requests = fake.requests.lock().unwrap();
        requests.push((headers["apiKey"].to_str().unwrap().to_owned(), form));
        requests.len()
    };
    let told = fake.answers.lock().unwrap().pop_front();
    let (status, body) = told.unwrap_or_else(|| (201, recipient(101, &to, &format!("ATXid_{count}"))));
    (StatusCode::from_u16(status).unwrap(), body)
}

fn recipient(code: i64, number: &str, id: &str) -> String {
    let status = if code == 101 { "Success" } else { "Failed" };
    format!(
        "{{\"SMSMessageData\":{{\"Message\":\"Sent to 1/1\",\"Recipients\":[{{\"statusCode\":{code},\
         \"number\":\"{number}\",\"status\":\"{status}\",\"cost\":\"MWK 5\",\"messageId\":\"{id}\"}}]}}}}"
    )
}

struct Office {
    edge: TestEdge,
    sender: Sender,
    fake: Fake,
    url: String,
}

impl Office {
    async fn open(more: &str) -> Self {
        let (fake, url) = Fake::start().await;
        let edge = TestEdge::with_market();
        let sender = sender(&edge, &url, more).await;
        Self { edge, sender, fake, url }
    }

    fn queue(&self, about: &str, phone: u64, kind: Kind, text: &str) -> bool {
        let (about, text) = (about.to_owned(), text.to_owned());
        let at = self.edge.deps().clock.read();
        self.edge.write(move |tx| {
            let message = Outgoing { phone, text, kind, about, gateway: None, link_id: None };
            super::queue(tx, &message, &time::now(tx, at)?)
        })
    }

    async fn step(&mut self) -> Step {
        self.sender.step().await.unwrap()
    }

    /// Steps until nothing is due.
    async fn run(&mut self) {
        while self.step().await == Step::Worked {}
    }

    fn one(&self, about: &str) -> Stored {
        let list = self.edge.read(|conn| super::list(conn, None, None, 100));
        list.into_iter().find(|message| message.about == about).unwrap()
    }

    fn report(&self, message_id: &'static str, state: State, note: &'static str, opted_out: bool) -> Report {
        let at = self.edge.deps().clock.read();
        self.edge.write(move |tx| {
            super::report(tx, &ReportOf { message_id, state, note, opted_out }, &time::now(tx, at)?)
        })
    }

    fn wait(&self, seconds: u64) {
        self.edge.clock().advance(Duration::from_secs(seconds));
    }
}

const DAY_AND_NIGHT: &str = "quiet_from = 0\nquiet_to = 0\n";

async fn sender(edge: &TestEdge, url: &str, sms: &str) -> Sender {
    let config = format!(
        "country = \"MWI\"\n[sms]\n{sms}\n[[gateway]]\nkind = \"africastalking\"\nsecret = \"0123456789abcdef\"\n\
         username = \"coop\"\napi_key = \"key-1\"\nsender = \"MIZILI\"\napi_url = \"{url}\"\n"
    );
    let config = Arc::new(Config::parse(&config).unwrap());
    Sender::new(edge.db().clone(), edge.deps().clone(), config).await.unwrap()
}

#[tokio::test]
async fn a_message_is_sent_once_and_reported_on() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    assert!(office.queue("order-1", MEMBER_PHONE, Kind::Receipt, "Habari"));
    assert!(!office.queue("order-1", MEMBER_PHONE, Kind::Receipt, "Habari"), "asked for twice, queued once");
    assert_eq!(office.step().await, Step::Worked);
    assert_eq!(office.step().await, Step::Idle);
    let sent = office.one("order-1");
    assert_eq!((sent.state, sent.message_id.as_deref(), sent.tries), (State::Sent, Some("ATXid_1"), 1));
    assert_eq!(office.fake.requests().len(), 1);
    assert_eq!(office.fake.requests()[0].0, "key-1");
    assert_eq!(office.fake.field(0, "to").as_deref(), Some("+265991234567"));
    assert_eq!(office.fake.field(0, "message").as_deref(), Some("Habari"));
    assert_eq!(office.fake.field(0, "from").as_deref(), Some("MIZILI"));
    assert_eq!(office.report("ATXid_1", State::Delivered, "", false), Report::Ended);
    assert_eq!(office.report("ATXid_1", State::Failed, "", false), Report::Late);
    assert_eq!(office.one("order-1").state, State::Delivered);
}

#[tokio::test]
async fn a_report_that_overtakes_the_answer_is_kept_for_its_message() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    let early = office.report("ATXid_1", State::Failed, "Failed: DeliveryFailure", false);
    assert_eq!(early, Report::Kept);
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    office.run().await;
    let message = office.one("a");
    assert_eq!((message.state, message.note.as_str()), (State::Failed, "Failed: DeliveryFailure"));
}

#[tokio::test]
async fn a_refusal_that_overtakes_the_answer_counts_as_stop_once_it_is_known_whose_it_is() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    office.wait(1);
    office.queue("b", MEMBER_PHONE, Kind::Verdict, "later");
    assert_eq!(office.report("ATXid_1", State::Failed, "Failed: UserInBlacklist", true), Report::Kept);
    // Another report of the same message takes nothing of that away.
    assert_eq!(office.report("ATXid_1", State::Failed, "Failed", false), Report::Kept);
    office.run().await;
    assert_eq!(office.one("a").state, State::Failed);
    assert!(office.edge.read(|conn| super::has_opted_out(conn, MEMBER_PHONE)));
    assert_eq!(office.one("b").state, State::Cancelled);
    assert_eq!(office.fake.requests().len(), 1, "who refuses messages gets no more");
}

#[tokio::test]
async fn what_waited_is_not_sent_behind_a_later_word_on_the_same_act() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("act/standing/1", MEMBER_PHONE, Kind::Verdict, "There is not enough");
    office.queue("other", MEMBER_PHONE, Kind::Verdict, "Of another act");
    office.queue("act", CALLER_PHONE, Kind::Verdict, "To another");
    office.fake.says(429, "slow down");
    office.step().await;
    office.queue("act/standing/2", MEMBER_PHONE, Kind::Verdict, "There is again");
    office.wait(3_601);
    office.run().await;
    let overtaken = office.one("act/standing/1");
    assert_eq!((overtaken.state, overtaken.tries), (State::Cancelled, 1), "{}", overtaken.note);
    for about in ["act/standing/2", "act", "other"] {
        assert_eq!(office.one(about).state, State::Sent, "{about}");
    }
    let last = office.fake.requests().len() - 1;
    assert_ne!(office.fake.field(last, "message").as_deref(), Some("There is not enough"));
    // A later one that never went out overtakes nothing.
    office.queue("b", MEMBER_PHONE, Kind::Verdict, "first");
    office.queue("b/cancelled", MEMBER_PHONE, Kind::Verdict, "second");
    office.edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute("UPDATE sms_out SET state = 'failed' WHERE about = 'b/cancelled'", []).map(|_| ())?)
    });
    office.run().await;
    assert_eq!(office.one("b").state, State::Sent);
}

#[tokio::test]
async fn what_waited_of_an_order_is_not_sent_once_its_buyer_took_it_back() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    let listing = office.edge.post_listing(50);
    let (order, _) = office.edge.place_order(listing, 5).unwrap();
    let (kept, _) = office.edge.place_order(listing, 5).unwrap();
    for order in [order, kept] {
        office.queue(&order.0.to_string(), CALLER_PHONE, Kind::Receipt, "CONFIRMED");
    }
    office.queue(&format!("{}/cancelled", order.0), CALLER_PHONE, Kind::Verdict, "It is cancelled");
    office.edge.submit(caller(), false, OrderCancel::new(order.0)).unwrap();
    office.run().await;
    let states = [order.0.to_string(), format!("{}/cancelled", order.0), kept.0.to_string()]
        .map(|about| office.one(&about).state);
    assert_eq!(states, [State::Cancelled, State::Sent, State::Sent]);
    // Also where nothing else is said of it.
    office.queue(&format!("{}/standing/1", order.0), MEMBER_PHONE, Kind::Verdict, "There is not enough");
    office.run().await;
    assert_eq!(office.one(&format!("{}/standing/1", order.0)).state, State::Cancelled);
}

/// The hub has the order, and may refuse to take it back: the buyer must hear then how it stands.
#[tokio::test]
async fn what_waited_of_an_order_that_is_being_taken_back_waits_for_the_hubs_word() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    let listing = office.edge.post_listing(50);
    let placed = [(); 2].map(|()| office.edge.place_order(listing, 5).unwrap());
    let rows = placed
        .each_ref()
        .map(|(order, _)| office.edge.read(|conn| replica::get::<Order>(conn, Key::Uuid(order.0))).unwrap());
    let coop = Bucket::Coop(COOP);
    let head = office.edge.feed(coop, rows.iter().map(live).collect());
    for (_, taken) in &placed {
        office.edge.verdict(taken.seq, Verdict::Applied(Applied::default()), &[(coop, head)]);
    }
    let cancels = placed.each_ref().map(|(order, _)| office.edge.cancel_order(*order).unwrap());
    let abouts = placed.each_ref().map(|(order, _)| format!("{}/standing/1", order.0));
    for about in &abouts {
        office.queue(about, CALLER_PHONE, Kind::Verdict, "There is not enough");
    }
    office.run().await;
    assert_eq!(abouts.each_ref().map(|about| office.one(about).state), [State::Queued; 2]);
    office.edge.verdict(cancels[0].seq, Verdict::Rejected(Reject::new(RejectCode::TooLate)), &[]);
    let cancelled = Order { status: OrderStatus::Cancelled, ..rows[1].clone() };
    let head = office.edge.feed(coop, vec![live(&cancelled)]);
    office.edge.verdict(cancels[1].seq, Verdict::Applied(Applied::default()), &[(coop, head)]);
    office.wait(600);
    office.run().await;
    let states = abouts.each_ref().map(|about| office.one(about).state);
    assert_eq!(states, [State::Sent, State::Cancelled]);
}

#[tokio::test]
async fn a_busy_gateway_is_asked_again_later_and_given_up_in_the_end() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    office.fake.says(429, "slow down");
    office.run().await;
    let waits = office.one("a");
    assert_eq!((waits.state, waits.tries), (State::Queued, 1));
    assert!(waits.note.contains("429"), "{}", waits.note);
    assert_eq!(office.step().await, Step::Idle, "not at once");
    office.wait(31);
    office.run().await;
    assert_eq!((office.one("a").state, office.fake.requests().len()), (State::Sent, 2));
    office.queue("b", MEMBER_PHONE, Kind::Receipt, "Habari");
    for _ in 0..super::rules::TRIES_MAX {
        office.fake.says(201, recipient(407, "+265991234567", ""));
        office.run().await;
        office.wait(3_601);
    }
    let failed = office.one("b");
    assert_eq!((failed.state, failed.tries), (State::Failed, super::rules::TRIES_MAX));
    office.run().await;
    assert_eq!(office.fake.requests().len(), 2 + super::rules::TRIES_MAX as usize);
}

#[tokio::test]
async fn each_recipient_is_judged_although_the_gateway_says_201() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("wrong number", MEMBER_PHONE, Kind::Receipt, "Habari");
    office.fake.says(201, recipient(403, "+265991234567", ""));
    office.run().await;
    assert_eq!(office.one("wrong number").state, State::Failed);
    office.queue("refuses", CALLER_PHONE, Kind::Receipt, "Habari");
    office.queue("too late", CALLER_PHONE, Kind::Receipt, "Habari");
    office.fake.says(201, recipient(406, "+265888000111", ""));
    office.run().await;
    assert_eq!(office.one("refuses").state, State::Failed);
    assert!(office.edge.read(|conn| super::has_opted_out(conn, CALLER_PHONE)), "as good as STOP");
    assert_eq!(office.one("too late").state, State::Cancelled);
    assert_eq!(office.fake.requests().len(), 2);
}

#[tokio::test]
async fn what_may_have_gone_out_is_tried_once_more_and_no_third_time() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    for (about, status, body) in [("broken", 503, "oops"), ("gibberish", 200, "<html>")] {
        office.queue(about, MEMBER_PHONE, Kind::Receipt, "Habari");
        office.fake.says(status, body);
        office.run().await;
        assert_eq!(office.one(about).state, State::Queued, "{about}");
        office.wait(60);
        assert_eq!(office.step().await, Step::Idle, "a report may still come");
        office.wait(300);
        office.fake.says(status, body);
        office.run().await;
        assert_eq!(office.one(about).state, State::Failed, "{about}");
    }
    office.queue("better", MEMBER_PHONE, Kind::Receipt, "Habari");
    office.fake.says(502, "");
    office.run().await;
    office.wait(301);
    office.run().await;
    assert_eq!(office.one("better").state, State::Sent);
}

#[tokio::test]
async fn tries_that_surely_sent_nothing_take_none_away_from_one_that_may_have_gone_out() {
    for is_interrupted in [false, true] {
        let mut office = Office::open(DAY_AND_NIGHT).await;
        office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
        for _ in 0..3 {
            office.fake.says(429, "slow down");
            office.run().await;
            office.wait(3_601);
        }
        if is_interrupted {
            let at = office.edge.deps().clock.read();
            let is_begun =
                office.edge.write(move |tx| super::db::begin(tx, 1, "africastalking", &time::now(tx, at)?));
            assert!(is_begun);
            office.sender.recover().await.unwrap();
        } else {
            office.fake.says(503, "oops");
            office.run().await;
        }
        assert_eq!((office.one("a").state, office.one("a").tries), (State::Queued, 4));
        office.wait(301);
        office.run().await;
        assert_eq!(office.one("a").state, State::Sent);
    }
}

#[tokio::test]
async fn what_the_gateway_said_while_the_disk_was_full_is_kept_as_soon_as_it_can_be() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    let set = |office: &Office, sql: &'static str| {
        office.edge.write(move |tx| tx.execute_batch(sql).map_err(DbError::from));
    };
    set(
        &office,
        "CREATE TRIGGER full BEFORE UPDATE ON sms_out WHEN NEW.state = 'sent' BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    for _ in 0..3 {
        assert!(office.sender.step().await.is_err());
        assert_eq!((office.one("a").state, office.fake.requests().len()), (State::Sending, 1));
    }
    set(&office, "DROP TRIGGER full");
    office.run().await;
    assert_eq!((office.one("a").state, office.one("a").tries), (State::Sent, 1));
    assert_eq!(office.fake.requests().len(), 1, "it is not sent again");
}

#[tokio::test]
async fn a_wrong_key_holds_the_queue_and_costs_no_message_a_try() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "one");
    office.queue("b", CALLER_PHONE, Kind::Receipt, "two");
    office.fake.says(401, "The supplied authentication is invalid");
    office.run().await;
    assert_eq!(office.fake.requests().len(), 1, "the others wait too");
    assert_eq!((office.one("a").state, office.one("a").tries), (State::Queued, 0));
    assert!(office.one("a").note.contains("key"));
    office.wait(61);
    office.run().await;
    assert_eq!((office.one("a").state, office.one("b").state), (State::Sent, State::Sent));
}

#[tokio::test]
async fn a_gateway_that_cannot_be_reached_is_tried_again() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    office.sender = sender(&office.edge, &nobody, DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    office.run().await;
    assert_eq!(office.one("a").note, "the gateway cannot be reached");
    office.sender = sender(&office.edge, &office.url, DAY_AND_NIGHT).await;
    office.wait(31);
    office.run().await;
    assert_eq!(office.one("a").state, State::Sent);
}

#[tokio::test]
async fn a_box_that_stopped_while_sending_tries_once_more() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    let at = office.edge.deps().clock.read();
    office.edge.write(move |tx| super::db::begin(tx, 1, "africastalking", &time::now(tx, at)?));
    office.run().await;
    assert_eq!(office.fake.requests().len(), 0, "nobody else takes it");
    office.sender.recover().await.unwrap();
    office.wait(301);
    office.run().await;
    assert_eq!((office.one("a").state, office.one("a").tries), (State::Sent, 2));
}

#[tokio::test]
async fn a_message_that_is_taken_back_just_before_it_leaves_does_not_leave() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("a", MEMBER_PHONE, Kind::Receipt, "Habari");
    // What another program of this box does between the last look and the mark.
    office.edge.write(|tx| {
        tx.execute_batch(
            "CREATE TRIGGER taken_back BEFORE UPDATE ON sms_out WHEN NEW.state = 'sending' BEGIN
                 UPDATE sms_out SET state = 'cancelled' WHERE id = NEW.id; SELECT RAISE(IGNORE);
             END",
        )
        .map_err(DbError::from)
    });
    office.run().await;
    assert_eq!(office.fake.requests().len(), 0);
    assert_eq!(office.one("a").state, State::Cancelled);
}

#[tokio::test]
async fn a_message_of_a_kind_that_only_a_newer_program_knows_keeps_no_other_waiting() {
    let mut office = Office::open(DAY_AND_NIGHT).await;
    office.queue("newer", MEMBER_PHONE, Kind::Receipt, "x");
    office.edge.write(|tx| tx.execute("UPDATE sms_out SET kind = 'invoice'", []).map_err(DbError::from));
    office.queue("known", MEMBER_PHONE, Kind::Receipt, "y");
    office.run().await;
    assert_eq!(office.one("known").state, State::Sent);
    assert_eq!(
        office.edge.read(|conn| super::list(conn, None, None, 10)).len(),
        1,
        "the page's list goes on too"
    );
    let waits = "SELECT count(*) FROM sms_out WHERE state = 'queued'";
    let waits: i64 =
        office.edge.read(move |conn| Ok::<_, DbError>(conn.query_row(waits, [], |row| row.get(0))?));
    assert_eq!(waits, 1, "it is kept for the program that knows it");
}
