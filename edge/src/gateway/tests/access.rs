//! Who is heard at the doors of the gateways, and what others get.

use super::support::{Answer, Office, SECRET, ussd_form, ussd_path};
use crate::testing::{MEMBER_PHONE, TestEdge};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use mizili_node::testing::log::Log;

fn form() -> String {
    ussd_form(MEMBER_PHONE, "call", "")
}

async fn from(office: &Office, address: Option<&str>, header: Option<&str>) -> StatusCode {
    let mut headers = HeaderMap::new();
    if let Some(value) = header {
        headers.insert("x-callback-key", HeaderValue::from_str(value).unwrap());
    }
    office.post_with(&ussd_path(), form(), headers, address).await.status
}

#[tokio::test]
async fn a_wrong_secret_finds_nothing() {
    let office = Office::new();
    for secret in ["0123456789abcdeF", "0123456789abcde", "x", "%00", SECRET.to_uppercase().as_str()] {
        for door in ["ussd", "ussd/end", "sms", "sms/delivery"] {
            let answer = office.post(&format!("/gateway/africastalking/{secret}/{door}"), form()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{secret} {door}");
            assert!(!answer.body.contains(SECRET));
        }
    }
    assert_eq!(
        office.post(&format!("/gateway/hubtel/{SECRET}/ussd"), form()).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(office.messages().is_empty());
}

#[tokio::test]
async fn only_allowed_addresses_are_heard() {
    let office = Office::with(TestEdge::with_market(), "allow = [\"196.201.214.0/24\"]");
    assert_eq!(from(&office, Some("196.201.214.7"), None).await, StatusCode::OK);
    assert_eq!(from(&office, Some("196.201.215.7"), None).await, StatusCode::FORBIDDEN);
    assert_eq!(from(&office, None, None).await, StatusCode::FORBIDDEN, "nobody knows from where");
}

#[tokio::test]
async fn the_shared_header_is_asked_for_where_there_is_one() {
    let office = Office::with(
        TestEdge::with_market(),
        "header_name = \"X-Callback-Key\"\nheader_value = \"open sesame\"",
    );
    assert_eq!(from(&office, Some("127.0.0.1"), Some("open sesame")).await, StatusCode::OK);
    assert_eq!(from(&office, Some("127.0.0.1"), Some("open")).await, StatusCode::FORBIDDEN);
    assert_eq!(from(&office, Some("127.0.0.1"), None).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_cannot_be_understood_ends_with_a_sentence_not_an_error() {
    let office = Office::new();
    let sorry = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.starts_with("END We could not understand this call."), "{}", answer.body);
    };
    sorry(office.post(&ussd_path(), "").await);
    sorry(office.post(&ussd_path(), "sessionId=a&text=").await);
    sorry(office.post(&ussd_path(), "sessionId=a&text=&phoneNumber=MTN").await);
    sorry(office.post(&ussd_path(), vec![0xff_u8; 3_000]).await);
    sorry(office.post(&ussd_path(), vec![b'a'; 1 << 20]).await);
    sorry(office.post(&ussd_path(), ussd_form(MEMBER_PHONE, "call", &"1*".repeat(1_000))).await);
    let end = format!("/gateway/africastalking/{SECRET}/ussd/end");
    assert_eq!(office.post(&end, "nonsense").await.status, StatusCode::OK);
    let notice = "date=2026-11-22+10%3A00%3A00&sessionId=call&serviceCode=*384*55%23&networkCode=65010\
        &phoneNumber=%2B265991234567&status=Incomplete&cost=MWK+1&durationInMillis=12345&hopsCount=3&input=1*2&errorMessage=";
    assert_eq!(office.post(&end, notice).await.status, StatusCode::OK);
}

#[tokio::test]
async fn calls_for_another_code_are_not_answered() {
    let office = Office::with(TestEdge::with_market(), "service_code = \"*384*55#\"");
    assert_eq!(from(&office, None, None).await, StatusCode::OK);
    for (code, status) in [
        ("*384*55*1*1%23", StatusCode::OK),
        ("", StatusCode::OK),
        ("*384*5%23", StatusCode::NOT_FOUND),
        ("*384*550%23", StatusCode::NOT_FOUND),
    ] {
        let form = format!("sessionId=s{code}&serviceCode={code}&phoneNumber=%2B265991234567&text=");
        assert_eq!(office.post(&ussd_path(), form).await.status, status, "{code}");
    }
}

#[tokio::test]
async fn a_box_that_was_never_enrolled_is_polite() {
    let office = Office::with(TestEdge::empty(), "");
    let screen = office.key("call", "").await;
    assert!(screen.contains("Welcome"), "{screen}");
    assert!(office.key("call", "1").await.contains("No prices here yet"));
}

#[tokio::test]
async fn no_log_holds_a_secret_or_a_whole_number() {
    let log = Log::default();
    let _here = log.here_at(tracing::Level::TRACE);
    let office = Office::with(TestEdge::with_market(), "service_code = \"*384*55#\"");
    office.edge.post_listing(50);
    let text = office.walk("call-77", &["3", "1", "1", "20"]).await.1;
    office.key("call-77", &format!("{text}*1")).await;
    office.sms("sms-77", MEMBER_PHONE, "PRICE MAIZE LILONGWE").await;
    office.post(&ussd_path(), "nonsense").await;
    office.post(&ussd_path(), "sessionId=s&serviceCode=*1%23&phoneNumber=%2B265991234567&text=").await;
    office.post(&format!("/gateway/africastalking/{SECRET}x/ussd"), form()).await;
    office.post(&format!("/gateway/africastalking/{SECRET}/elsewhere"), form()).await;
    let log = log.take();
    assert!(log.contains("call-77") && log.contains("sms-77") && log.contains("no gateway has"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
    assert!(!log.contains(&MEMBER_PHONE.to_string()), "{log}");
}
