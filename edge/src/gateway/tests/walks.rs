//! Whole walks through the menu, with the traps of the cumulative text.

use super::support::{Office, ussd_form, ussd_path};
use crate::commands::{self, VerdictError};
use crate::db::DbError;
use crate::replica;
use crate::testing::{CALLER_PHONE, COOP, EDGE, MEMBER_PHONE, live, member_id};
use crate::time;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{Holder, MemberId};
use sync_protocol::market::{Listing, Member, Order, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::{Applied, Numbered, Reject, RejectCode, Verdict};
use uuid::Uuid;

/// `1 Prices`, maize, Lilongwe.
const PRICE: &[&str] = &["1", "1", "1"];

/// `3 Buy`, maize, the first offer, 20 kg.
const BUY: &[&str] = &["3", "1", "1", "20"];

#[tokio::test]
async fn a_price_is_read_with_its_month_and_its_age() {
    let office = Office::new();
    let first = office.key("call-1", "").await;
    assert!(first.starts_with("CON Welcome to Mizili\n1 Prices"), "{first}");
    let crops = office.key("call-1", "1").await;
    assert!(crops.contains("1 Maize") && !crops.contains("Beans"), "beans have no price: {crops}");
    let markets = office.key("call-1", "1*1").await;
    assert!(markets.contains("1 Lilongwe\n2 Mitundu"), "{markets}");
    let price = office.key("call-1", "1*1*1").await;
    for words in ["CON Maize, Lilongwe", "MWK 300/kg retail", "OLD: Jun 2022 (WFP)", "Up 1 since May 2022"] {
        assert!(price.contains(words), "{words}: {price}");
    }
    assert!(price.contains("Best near: Mitundu 300, Feb 2026"), "an old price is not the best: {price}");
    let fresh = office.walk("call-2", &["1", "1", "2"]).await.0;
    assert!(
        fresh.contains("Feb 2026 (WFP)") && !fresh.contains("OLD") && fresh.contains("Best near: here"),
        "{fresh}"
    );
    assert_eq!(office.commands(), 0);
}

#[tokio::test]
async fn a_callback_that_comes_twice_gets_the_identical_answer() {
    let office = Office::new();
    let mut seen = Vec::new();
    for text in ["", "1", "1*1", "1*1*1"] {
        let once = office.key("call", text).await;
        assert_eq!(office.key("call", text).await, once, "{text}");
        seen.push(once);
    }
    // One from before, delivered late, changes nothing.
    assert_eq!(office.key("call", "1*1").await, seen[3]);
    assert_eq!(office.key("call", "1*1*1*0").await, seen[2], "Back leads to the markets");
}

#[tokio::test]
async fn a_dialled_path_walks_several_screens_at_once_and_never_acts() {
    let office = Office::new();
    let walked = office.walk("by-keys", PRICE).await.0;
    assert_eq!(office.key("by-path", "1*1*1").await, walked);
    // The same path delivered twice, then a key: the text is not empty at the start.
    assert_eq!(office.key("by-path", "1*1*1").await, walked);
    assert!(office.key("by-path", "1*1*1*00").await.contains("Welcome to Mizili"));
    office.edge.post_listing(50);
    let before = office.commands();
    let confirm = office.key("order-by-path", "3*1*1*20*1").await;
    assert!(confirm.contains("Buy 20 kg Maize at MWK 450/kg"), "{confirm}");
    assert_eq!(office.commands(), before, "what was not seen is not confirmed");
    let done = office.key("order-by-path", "3*1*1*20*1*1").await;
    assert!(done.starts_with("END CONFIRMED: 20 kg Maize"), "{done}");
}

#[tokio::test]
async fn asterisks_are_what_somebody_typed() {
    let office = Office::new();
    let screen = office.walk("call", &["1"]).await.0;
    let wrong = office.key("call", "1*****").await;
    assert!(wrong.starts_with("CON Choose a number shown.\nPrice of what?"), "{wrong}");
    assert_ne!(wrong, screen);
    assert!(
        office.key("call", "1******1").await.contains("1 Lilongwe"),
        "the next key is taken for what it is"
    );
    // Typed on one screen, it is one input; the right key after that goes on.
    let two = office.walk("two", &["1", "1*1"]).await.0;
    assert!(two.starts_with("CON Choose a number shown."), "{two}");
}

#[tokio::test]
async fn an_order_of_what_is_held_here_is_confirmed_at_once_and_made_once() {
    let office = Office::new();
    let listing = office.edge.post_listing(50);
    let (confirm, text) = office.walk("call", BUY).await;
    assert!(confirm.contains("Buy 20 kg Maize at MWK 450/kg. To pay: MWK 9,000."), "{confirm}");
    assert!(confirm.contains("It is here."), "{confirm}");
    let before = office.commands();
    let done = office.key("call", &format!("{text}*1")).await;
    assert_eq!(done, "END CONFIRMED: 20 kg Maize from Mitundu Farmers. To pay: MWK 9,000.");
    assert_eq!(office.key("call", &format!("{text}*1")).await, done);
    assert_eq!(office.commands(), before + 1);
    assert_eq!(office.edge.spendable(listing, Holder::Edge(EDGE)), Quantity::units(5));
    let orders = office.edge.read(replica::all::<Order>);
    let [order] = orders.as_slice() else { panic!("{orders:?}") };
    assert_eq!(
        (order.status, order.buyer_phone, order.buyer_name.as_str()),
        (OrderStatus::Confirmed, MEMBER_PHONE, "Mercy Banda")
    );
    assert_eq!(
        office.texts_to(MEMBER_PHONE),
        ["Your order is CONFIRMED: 20 kg Maize. To pay: MWK 9,000."],
        "the receipt"
    );
    let mine = office.walk("orders", &["4"]).await.0;
    assert!(mine.contains("20 kg Maize: confirmed"), "{mine}");
}

#[tokio::test]
async fn an_order_of_more_than_is_held_here_is_only_asked_for() {
    let office = Office::new();
    office.edge.post_listing(50);
    let (confirm, text) = office.walk("call", &["3", "1", "1", "30"]).await;
    assert!(confirm.contains("Not all here: we will SMS you."), "{confirm}");
    let asked = office.key("call", &format!("{text}*1")).await;
    assert!(asked.starts_with("END ASKED, not sure yet: 30 kg Maize"), "{asked}");
    assert_eq!(office.texts_to(MEMBER_PHONE), [""; 0], "nothing is sure, so there is no receipt");
    assert!(office.walk("orders", &["4"]).await.0.contains("30 kg Maize: asked, not sure yet"));
}

#[tokio::test]
async fn nobody_buys_what_he_offers_himself() {
    let office = Office::new();
    let listing = office.edge.post_listing(50);
    // The cooperative's becomes that member's.
    let mine = Listing {
        seller: Some(member_id()),
        ..office.edge.read(|conn| replica::get::<Listing>(conn, Key::Uuid(listing.0))).unwrap()
    };
    let other = Member {
        id: MemberId(Uuid::from_u128(77)),
        cooperative: COOP,
        name: "Jane Phiri".to_owned(),
        phone: CALLER_PHONE,
        language: "en".to_owned(),
        registered_at_s: 0,
    };
    office.edge.feed(Bucket::Coop(COOP), vec![live(&mine), live(&other)]);
    office.edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute("DELETE FROM local_row WHERE entity = 13", []).map(|_| ())?)
    });
    let before = office.commands();
    let own = office.walk("own", &["3", "1", "1"]).await.0;
    assert!(own.starts_with("CON This is your own offer.\nMaize"), "{own}");
    assert_eq!(office.commands(), before);
    // Anybody else does.
    office.key_of(CALLER_PHONE, "other", "").await;
    for text in ["3", "3*1", "3*1*1", "3*1*1*20"] {
        office.key_of(CALLER_PHONE, "other", text).await;
    }
    let done = office.key_of(CALLER_PHONE, "other", "3*1*1*20*1").await;
    assert!(done.contains("CONFIRMED: 20 kg Maize"), "{done}");
}

#[tokio::test]
async fn what_another_cooperative_offers_is_asked_for() {
    let office = Office::new();
    let (quantity, text) = office.walk("call", &["3", "1", "1"]).await;
    assert!(quantity.contains("Beans MWK 450/kg, Dowa Growers. Here now: 0. In all: 40."), "{quantity}");
    let asked = office.key("call", &format!("{text}*10*1")).await;
    assert!(asked.starts_with("CON Write a number"), "two keys on one screen are one wrong input: {asked}");
    office.key("call", &format!("{text}*10*1*10")).await;
    let asked = office.key("call", &format!("{text}*10*1*10*1")).await;
    assert!(asked.starts_with("END ASKED, not sure yet: 10 kg Beans from Dowa Growers"), "{asked}");
}

#[tokio::test]
async fn two_callbacks_at_the_same_time_act_once() {
    let office = Office::new();
    office.edge.post_listing(50);
    let text = office.walk("call", BUY).await.1;
    let before = office.commands();
    let confirm = format!("{text}*1");
    let callback = || office.key("call", &confirm);
    let (a, b, c) = tokio::join!(callback(), callback(), callback());
    assert!(a.starts_with("END CONFIRMED") && a == b && b == c, "{a} {b} {c}");
    assert_eq!(office.commands(), before + 1);
}

#[tokio::test]
async fn a_neighbour_registers_and_offers_maize() {
    let office = Office::new();
    let phone = CALLER_PHONE;
    let ask = office.key_of(phone, "call", "2").await;
    assert!(ask.starts_with("CON Please register first"), "{ask}");
    office.key_of(phone, "call", "2*Jane Phiri").await;
    office.key_of(phone, "call", "2*Jane Phiri*2").await;
    let menu = office.key_of(phone, "call", "2*Jane Phiri*2*1").await;
    assert!(
        menu.starts_with("CON Umesajiliwa, Jane Phiri") && menu.contains("\n1 "),
        "on to Sell, in Swahili: {menu}"
    );
    let member: Vec<Member> = office.edge.read(replica::all::<Member>);
    let jane = member.into_iter().find(|member| member.phone == phone).unwrap();
    assert_eq!((jane.name.as_str(), jane.language.as_str(), jane.cooperative), ("Jane Phiri", "sw", COOP));
    let mut text = "2*Jane Phiri*2*1".to_owned();
    let mut screen = menu;
    // Offer: maize, the first unit, 50 of it, 400 kwacha each.
    for key in ["1", "1", "1", "50", "400"] {
        text = format!("{text}*{key}");
        screen = office.key_of(phone, "call", &text).await;
    }
    assert!(screen.contains("Mahindi 50 kg"), "{screen}");
    let done = office.key_of(phone, "call", &format!("{text}*1")).await;
    assert!(done.starts_with("END ") && done.contains("Mahindi"), "{done}");
    let listings: Vec<Listing> = office.edge.read(replica::all::<Listing>);
    let hers = listings.into_iter().find(|listing| listing.seller == Some(jane.id)).unwrap();
    assert_eq!((hers.price_minor, hers.currency.as_str()), (40_000, "MWK"));
    assert_eq!(
        office.edge.spendable(hers.id, Holder::Edge(EDGE)),
        Quantity::units(25),
        "half of it is the hub's"
    );
    // It is among her offers, and she takes it back.
    let mine = office.key_of(phone, "mine", "2*2").await;
    assert!(mine.contains("Mahindi"), "{mine}");
    let one = office.key_of(phone, "mine", "2*2*1").await;
    assert!(one.contains("50"), "{one}");
    office.key_of(phone, "mine", "2*2*1*1").await;
    let asked = office.key_of(phone, "mine", "2*2*1*1*1").await;
    assert!(asked.starts_with("END "), "{asked}");
    let bought = office.walk("buyer", &["3"]).await.0;
    assert!(!bought.contains("Maize"), "what was taken back is not offered: {bought}");
}

#[tokio::test]
async fn a_language_is_remembered_of_a_member_and_of_anybody_else() {
    let office = Office::new();
    for phone in [MEMBER_PHONE, CALLER_PHONE] {
        let menu = office.key_of(phone, &format!("me-{phone}"), "8").await;
        let key = menu
            .lines()
            .find(|line| line.ends_with("Language"))
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned();
        office.key_of(phone, &format!("me-{phone}"), &format!("8*{key}")).await;
        let done = office.key_of(phone, &format!("me-{phone}"), &format!("8*{key}*2")).await;
        assert!(done.contains("Kiswahili"), "{done}");
        assert!(office.key_of(phone, &format!("next-{phone}"), "").await.contains("1 Bei"));
    }
}

#[tokio::test]
async fn another_number_learns_nothing_of_a_call() {
    let office = Office::new();
    office.edge.post_listing(50);
    let text = office.walk("call", BUY).await.1;
    let before = office.commands();
    let stranger = office.key_of(CALLER_PHONE, "call", &format!("{text}*1")).await;
    assert_eq!(stranger, "END Please dial again.");
    assert_eq!(office.commands(), before);
}

#[tokio::test]
async fn no_callback_of_any_shape_breaks_the_box() {
    let office = Office::new();
    let whole = ussd_form(MEMBER_PHONE, "call", "1*1");
    for cut in 0..whole.len() {
        office.post(&ussd_path(), whole[..cut].to_owned()).await;
    }
    for text in [
        "*",
        "**",
        "0",
        "00",
        "98",
        "1*98*98*98",
        "\u{0}",
        "𝟙",
        "1*\u{202e}",
        "-1",
        "99999999999999999999",
        "'; DROP TABLE command",
    ] {
        for start in ["", "1*1*", "3*", "2*1*1*1*", "8*"] {
            let screen = office.key(&format!("{start}{text}"), &format!("{start}{text}")).await;
            assert!(screen.starts_with("CON ") || screen.starts_with("END "), "{screen}");
        }
    }
    // What the last of them had begun may be asked about first.
    office.key("after", "").await;
    assert!(office.key("after", "00").await.contains("Welcome"));
}

#[tokio::test]
async fn an_order_cancelled_before_the_answer_stands_as_cancelled_whatever_the_hub_says() {
    let office = Office::new();
    office.edge.post_listing(50);
    // Half of it lies here; the hub is asked for more.
    let (_, text) = office.walk("buys", &["3", "1", "1", "40"]).await;
    let asked = office.key("buys", &format!("{text}*1")).await;
    assert!(asked.contains("40 kg Maize") && !asked.contains("CONFIRMED"), "{asked}");
    let (done, _) = office.walk("cancels", &["4", "1", "1", "1"]).await;
    assert!(done.starts_with("END Order cancelled: 40 kg Maize"), "{done}");
    let words = [
        (1, Verdict::Applied(Applied::default())),
        (2, Verdict::Rejected(Reject::new(RejectCode::NotEnough))),
        (3, Verdict::Applied(Applied::default())),
    ];
    for (seq, verdict) in words {
        let at = office.edge.deps().clock.read();
        office.edge.write(move |tx| -> Result<(), VerdictError> {
            let now = time::now(tx, at)?;
            let stands_at = Vec::new();
            let word = Numbered { number: seq, seq, verdict, stands_at };
            commands::record_verdicts(tx, &[word], now.best_s)?;
            commands::settle(tx)?;
            crate::told::tell(tx, &now)?;
            Ok(())
        });
        let (orders, _) = office.walk(&format!("looks {seq}"), &["4"]).await;
        assert!(orders.contains("40 kg Maize: cancelled") && !orders.contains("2 "), "{seq}: {orders}");
    }
    assert_eq!(office.texts_to(MEMBER_PHONE), [""; 0]);
}
