//! Incoming SMS and delivery reports, as Africa's Talking sends them.

use super::support::{Office, SECRET};
use crate::db::DbError;
use crate::outbox::{self, Kind, State};
use crate::testing::{CALLER_PHONE, MEMBER_PHONE};
use axum::http::StatusCode;
use std::time::Duration;

const ANSWER: &str = "Maize, Lilongwe: MWK 300/kg retail. OLD: Jun 2022 (WFP). Up 1 since May 2022. Best near: Mitundu 300, Feb 2026";

#[tokio::test]
async fn a_price_that_is_asked_for_is_answered_once_however_often_the_sms_comes() {
    let office = Office::new();
    for _ in 0..3 {
        assert_eq!(office.sms("sms-1", CALLER_PHONE, "PRICE MAIZE LILONGWE").await.status, StatusCode::OK);
    }
    let messages = office.messages();
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!((message.text.as_str(), message.phone, message.segments), (ANSWER, CALLER_PHONE, 1));
    assert_eq!((message.kind, message.state), (Kind::Reply, State::Queued));
    assert_eq!(message.link_id.as_deref(), Some("03090445075804249226"));
    // Also after a restart, and with another id it is another question.
    let office = office.killed();
    office.sms("sms-1", CALLER_PHONE, "PRICE MAIZE LILONGWE").await;
    assert_eq!(office.messages().len(), 1);
    office.sms("sms-2", CALLER_PHONE, "bei  mahindi,lilongwe").await;
    let answer = office.texts_to(CALLER_PHONE).pop().unwrap();
    assert!(answer.starts_with("Mahindi, Lilongwe: MWK 300/kg"), "{answer}");
}

#[tokio::test]
async fn stop_and_start_are_kept_and_honoured() {
    let office = Office::new();
    let is_out = |office: &Office| office.edge.read(|conn| outbox::has_opted_out(conn, MEMBER_PHONE));
    office.sms("a", MEMBER_PHONE, "Stop").await;
    assert!(is_out(&office));
    assert_eq!(
        office.texts_to(MEMBER_PHONE),
        ["You will get no more SMS from Mizili. To get them again send START."]
    );
    office.sms("b", MEMBER_PHONE, "STOP").await;
    assert_eq!(office.texts_to(MEMBER_PHONE).len(), 1, "said twice, confirmed once");
    // An order is taken, but no receipt goes to somebody who wants none.
    office.edge.post_listing(50);
    let office = office.killed();
    let text = office.walk("call", &["3", "1", "1", "20"]).await.1;
    assert!(office.key("call", &format!("{text}*1")).await.starts_with("END CONFIRMED"));
    assert_eq!(office.texts_to(MEMBER_PHONE).len(), 1);
    // What is asked for is answered all the same.
    office.sms("c", MEMBER_PHONE, "PRICE MAIZE LILONGWE").await;
    assert_eq!(office.texts_to(MEMBER_PHONE).len(), 2);
    office.sms("d", MEMBER_PHONE, "start").await;
    assert!(!is_out(&office));
    assert_eq!(office.texts_to(MEMBER_PHONE).len(), 3);
}

#[tokio::test]
async fn an_unknown_text_gets_one_helpful_answer_and_then_silence() {
    let office = Office::new();
    for id in 0..5 {
        office.sms(&format!("sms-{id}"), CALLER_PHONE, "Your balance is MWK 0.50").await;
    }
    let texts = office.texts_to(CALLER_PHONE);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("PRICE MAIZE MITUNDU"), "{texts:?}");
    office.edge.clock().advance(Duration::from_secs(25 * 3_600));
    office.sms("next-day", CALLER_PHONE, "hello?").await;
    assert_eq!(office.texts_to(CALLER_PHONE).len(), 2);
}

#[tokio::test]
async fn two_machines_fall_silent() {
    let office = Office::new();
    for id in 0..40 {
        office.sms(&format!("sms-{id}"), CALLER_PHONE, "PRICE MAIZE LILONGWE").await;
    }
    assert_eq!(office.texts_to(CALLER_PHONE).len(), crate::sms::ANSWERS_MAX_PER_HOUR as usize);
    office.edge.clock().advance(Duration::from_secs(3_601));
    office.sms("an hour later", CALLER_PHONE, "PRICE MAIZE LILONGWE").await;
    assert_eq!(office.texts_to(CALLER_PHONE).len(), crate::sms::ANSWERS_MAX_PER_HOUR as usize + 1);
}

#[tokio::test]
async fn what_cannot_be_used_is_answered_200_and_what_cannot_be_kept_503() {
    let office = Office::new();
    let path = format!("/gateway/africastalking/{SECRET}/sms");
    for body in ["", "id=1&from=0991234567", "text=x&id=1", "text=Hi&id=1&from=MTN&to=1"] {
        assert_eq!(office.post(&path, body).await.status, StatusCode::OK, "{body}");
    }
    assert!(office.messages().is_empty());
    office.leave_pages(0);
    let fill = |tx: &rusqlite::Transaction<'_>| -> Result<(), DbError> {
        tx.execute("CREATE TABLE IF NOT EXISTS filler (x BLOB)", [])?;
        Ok(tx.execute("INSERT INTO filler VALUES (zeroblob(3000))", []).map(|_| ())?)
    };
    while office.edge.db().write_blocking(fill).is_ok() {}
    let long = "x".repeat(100);
    let mut id = 0;
    // The tables' own last pages may have room for a few.
    let refused = loop {
        id += 1;
        let answer = office.sms(&format!("{long}{id}"), CALLER_PHONE, "PRICE MAIZE LILONGWE").await;
        if answer.status != StatusCode::OK || id > 200 {
            break answer.status;
        }
        office.edge.clock().advance(Duration::from_secs(3_601));
    };
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    let kept = office.messages().len();
    office.leave_pages(10_000);
    assert_eq!(
        office.sms(&format!("{long}{id}"), CALLER_PHONE, "PRICE MAIZE LILONGWE").await.status,
        StatusCode::OK
    );
    assert_eq!(office.messages().len(), kept + 1, "it is taken when it comes again");
}

#[tokio::test]
async fn who_leaves_at_the_gateway_gets_no_more_messages() {
    let office = Office::new();
    let path = format!("/gateway/africastalking/{SECRET}/sms/opt-out");
    for body in [
        "senderId=MIZILI&phoneNumber=%2B265990000020",
        "senderId=MIZILI&phoneNumber=+265990000021",
        "phoneNumber=0990000022",
    ] {
        assert_eq!(office.post(&path, body).await.status, StatusCode::OK, "{body}");
    }
    for phone in [265_990_000_020, 265_990_000_021, 265_990_000_022] {
        assert!(office.edge.read(|conn| outbox::has_opted_out(conn, phone)), "{phone}");
    }
    assert_eq!(
        office.post(&path, "senderId=MIZILI").await.status,
        StatusCode::OK,
        "what cannot be read is logged"
    );
    let wrong = path.replace(SECRET, "0123456789abcdee");
    assert_eq!(office.post(&wrong, "phoneNumber=%2B265990000023").await.status, StatusCode::NOT_FOUND);
    assert!(!office.edge.read(|conn| outbox::has_opted_out(conn, 265_990_000_023)));
}

#[tokio::test]
async fn a_number_whose_plus_sign_was_not_encoded_is_who_it_is() {
    let office = Office::new();
    let form = "id=x2&text=STOP&from=+260971234567&to=21512";
    assert_eq!(
        office.post(&format!("/gateway/africastalking/{SECRET}/sms"), form).await.status,
        StatusCode::OK
    );
    assert!(office.edge.read(|conn| outbox::has_opted_out(conn, 260_971_234_567)));
    let form = "sessionId=x1&serviceCode=*384*55%23&phoneNumber=+260971234567&networkCode=65001&text=";
    let answer = office.post(&super::support::ussd_path(), form).await;
    assert!(answer.body.starts_with("CON Welcome"), "{}", answer.body);
}

#[tokio::test]
async fn a_shared_number_is_served_by_its_word() {
    let office = Office::with(crate::testing::TestEdge::with_market(), "sms_keyword = \"FARM\"");
    office.sms("a", CALLER_PHONE, "FARM PRICE MAIZE LILONGWE").await;
    office.sms("b", CALLER_PHONE, "MIZILI PRICE MAIZE LILONGWE").await;
    assert_eq!(office.texts_to(CALLER_PHONE), [ANSWER, ANSWER]);
    office.sms("c", CALLER_PHONE, "FARM").await;
    let told = office.texts_to(CALLER_PHONE).pop().unwrap();
    assert!(told.contains("FARM PRICE MAIZE MITUNDU") && told.contains("FARM HELP"), "{told}");
    // What another service gets on the same number is nothing to answer.
    let before = office.texts_to(CALLER_PHONE).len();
    office.sms("others", CALLER_PHONE, "PRICE MAIZE LILONGWE").await;
    office.sms("others-too", CALLER_PHONE, "BET 500").await;
    assert_eq!(office.texts_to(CALLER_PHONE).len(), before);
    office.sms("d", CALLER_PHONE, "FARM STOP").await;
    assert!(office.edge.read(|conn| outbox::has_opted_out(conn, CALLER_PHONE)));
}

#[tokio::test]
async fn on_a_shared_number_a_strangers_stop_is_anothers_and_that_of_who_was_written_to_is_honoured() {
    let office = Office::with(crate::testing::TestEdge::with_market(), "sms_keyword = \"FARM\"");
    let has_left = || office.edge.read(|conn| outbox::has_opted_out(conn, CALLER_PHONE));
    for (id, text) in ["STOP", "STOP ALL", "UNSUBSCRIBE", "ACHA"].iter().enumerate() {
        office.sms(&format!("stranger-{id}"), CALLER_PHONE, text).await;
    }
    assert_eq!(office.texts_to(CALLER_PHONE), [""; 0], "nothing was ever sent there");
    assert!(!has_left());
    office.sms("asks", CALLER_PHONE, "FARM PRICE MAIZE LILONGWE").await;
    office.sms("leaves", CALLER_PHONE, "STOP").await;
    let told = office.texts_to(CALLER_PHONE);
    assert!(has_left() && told.len() == 2 && told[1].starts_with("You will get no more SMS"), "{told:?}");
    office.sms("leaves-again", CALLER_PHONE, "STOP").await;
    assert_eq!(office.texts_to(CALLER_PHONE).len(), 2);
}

#[tokio::test]
async fn delivery_reports_move_messages_and_a_refusal_counts_as_stop() {
    let office = Office::new();
    office.sms("sms-1", CALLER_PHONE, "PRICE MAIZE LILONGWE").await;
    office.edge.write(|tx| -> Result<(), DbError> {
        tx.execute("UPDATE sms_out SET state = 'sent', message_id = 'ATXid_1'", [])?;
        Ok(())
    });
    let report = |tail: &str| format!("id=ATXid_1&{tail}&phoneNumber=%2B265888000111&networkCode=65010");
    let path = format!("/gateway/africastalking/{SECRET}/sms/delivery");
    for (tail, state) in [
        ("status=Buffered", State::Sent),
        ("status=Borked", State::Sent),
        ("x=1", State::Sent),
        ("status=Failed&failureReason=UserInBlacklist", State::Failed),
        ("status=Success", State::Failed),
    ] {
        assert_eq!(office.post(&path, report(tail)).await.status, StatusCode::OK);
        assert_eq!(office.messages()[0].state, state, "{tail}");
    }
    assert!(office.messages()[0].note.contains("UserInBlacklist"));
    // One that comes before the gateway's answer says whose message it is about waits with all it says.
    let early = "id=ATXid_2&status=Failed&failureReason=UserInBlacklist&phoneNumber=%2B265990000004";
    assert_eq!(office.post(&path, early.to_owned()).await.status, StatusCode::OK);
    let kept = office.edge.read(|conn| -> Result<(String, bool), DbError> {
        let sql = "SELECT state, opted_out FROM sms_report WHERE message_id = 'ATXid_2'";
        Ok(conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    });
    assert_eq!(kept, ("failed".to_owned(), true));
    assert!(office.edge.read(|conn| outbox::has_opted_out(conn, CALLER_PHONE)));
    // The gateway's other pages spell it so.
    office.sms("sms-2", MEMBER_PHONE, "PRICE MAIZE LILONGWE").await;
    office.edge.write(|tx| -> Result<(), DbError> {
        tx.execute("UPDATE sms_out SET state = 'sent', message_id = 'ATXid_2' WHERE message_id IS NULL", [])?;
        Ok(())
    });
    let spelt = "id=ATXid_2&status=Rejected&failureReason=UserInBlackList";
    assert_eq!(office.post(&path, spelt).await.status, StatusCode::OK);
    assert!(office.edge.read(|conn| outbox::has_opted_out(conn, MEMBER_PHONE)));
    assert!(office.edge.read(|conn| outbox::has_opted_out(conn, CALLER_PHONE)));
}

/// What was sent is forgotten after a quarter; who is a member may be written to all the same.
#[tokio::test]
async fn on_a_shared_number_a_members_stop_is_honoured_though_nothing_was_sent_for_long() {
    let office = Office::with(crate::testing::TestEdge::with_market(), "sms_keyword = \"FARM\"");
    office.sms("1", MEMBER_PHONE, "STOP").await;
    assert!(office.edge.read(|conn| outbox::has_opted_out(conn, MEMBER_PHONE)));
    assert_eq!(office.texts_to(MEMBER_PHONE).len(), 1);
}
