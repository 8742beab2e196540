//! Names of earlier versions are put into one form, once; and no edge of an earlier version brings another.

use crate::support::{A, EDGE, World, bucket, caller, command, id, office, order_of, place, post};
use mizili_hub::db::q;
use mizili_hub::feed::Touched;
use mizili_hub::jobs::names::put_into_form;
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{
    Body, Commodity, Cooperative, EdgeSettings, Entity, ListingEdit, ListingPost, Member, MemberRegister,
    OrderPlace, Source, TextChange,
};
use sync_protocol::row::Key;
use sync_protocol::text::is_invisible;
use sync_protocol::verdict::{Applied, Verdict};

/// `Chókwè` with its accents apart.
const APART: &str = "Cho\u{301}kwe\u{300}";

/// Members with these names, in the feed too, as an earlier version kept them.
async fn members(world: &World, first: u64, names: &[String]) {
    let mut tx = world.db.begin().await.unwrap();
    let ids: Vec<_> = (first..).take(names.len()).map(id).collect();
    q("INSERT INTO members (id, cooperative_id, name, phone, language, registered_at_s)
        SELECT id, 1, name, 265990000000 + $3 + n, 'en', 0 FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS t (id, name, n)")
        .bind(&ids)
        .bind(names)
        .bind(first as i64)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut touched = Touched::new();
    ids.iter().for_each(|id| touched.add(bucket(A), Member::NUMBER, Key::Uuid(*id)));
    world.publish(&touched).await;
}

#[tokio::test]
async fn names_of_an_earlier_version_are_put_into_one_form_and_told() {
    let world = World::new().await;
    world
        .take(vec![
            command(1, office(), &post(id(50), 20)),
            command(2, caller(7), &place(id(50), 1, Source::Held)),
        ])
        .await
        .unwrap();
    world
        .sql(format!(
            "UPDATE listings SET title = ' {APART}'; UPDATE orders SET buyer_name = 'Grace\u{a0}Banda'"
        ))
        .await;
    world
        .sql(format!(
            "UPDATE cooperatives SET name = '{APART}' WHERE id = 1; UPDATE edges SET name = '\u{202b}{APART}'"
        ))
        .await;
    let letters = (0..=0x10_ffff).filter_map(char::from_u32);
    let odd: Vec<char> =
        letters.filter(|c| is_invisible(*c) || c.is_whitespace() && !c.is_control() && *c != ' ').collect();
    assert!(odd.len() > 4_000, "{}", odd.len());
    let names: Vec<String> = odd.iter().map(|letter| format!("A{letter}b{APART}")).collect();
    members(&world, 1_000, &names).await;
    members(&world, 10, &["\u{200b}".to_owned(), "Mercy".to_owned()]).await;
    let before = world.number("SELECT version FROM buckets WHERE name = 'coop:1'").await;

    let changed = put_into_form(&world.db, &world.deps).await.unwrap();
    assert_eq!(changed, odd.len() + 4, "a cooperative, a box, a product, an order");
    let names = world.texts("SELECT name FROM members GROUP BY name ORDER BY name COLLATE \"C\"").await;
    assert_eq!(
        names,
        ["A bChókwè", "AbChókwè", "Mercy", "\u{200b}"],
        "one of which nothing would be left stays"
    );
    let others =
        "SELECT title FROM listings UNION ALL SELECT buyer_name FROM orders UNION ALL SELECT name FROM edges
        UNION ALL (SELECT name FROM cooperatives ORDER BY id)";
    assert_eq!(world.texts(others).await, ["Chókwè", "Grace Banda", "Chókwè", "Chókwè", "Beta"]);
    // Whoever has them is told.
    let after = world.number("SELECT version FROM buckets WHERE name = 'coop:1'").await;
    assert_eq!(after - before, odd.len() as i64 + 3);
    let mut touched = Touched::new();
    touched.add(Bucket::Edge(EDGE), EdgeSettings::NUMBER, Key::Int(1));
    touched.add(bucket(A), Cooperative::NUMBER, Key::Int(1));
    assert_eq!(
        world.publish(&touched).await.iter().find(|(b, _)| *b == bucket(A)).unwrap().1 as i64,
        after,
        "nothing is left to say"
    );
    world.assert_feed_equals_tables().await;
    assert_eq!(put_into_form(&world.db, &world.deps).await.unwrap(), 0);
}

#[tokio::test]
async fn names_that_would_be_another_rows_are_left_and_stop_nothing() {
    let world = World::new().await;
    // Two in one form, and two in two others; the elder of them has the lower number.
    world
        .sql(format!(
            "INSERT INTO commodities (name, category, on_menus) VALUES ('{APART}', 'c', true), ('Chókwè', 'c', true),
                ('{APART} 2', 'c', true), ('{APART}\u{200b} 2', 'c', true), ('{APART} 3', 'c', true)"
        ))
        .await;
    let mut touched = Touched::new();
    (2..=6).for_each(|n| touched.add(Bucket::Global, Commodity::NUMBER, Key::Int(n)));
    world.publish(&touched).await;
    assert_eq!(put_into_form(&world.db, &world.deps).await.unwrap(), 2);
    let names = world.texts("SELECT name FROM commodities WHERE id > 1 ORDER BY id").await;
    let zero_width = format!("{APART}\u{200b} 2");
    assert_eq!(names, [APART, "Chókwè", "Chókwè 2", &zero_width, "Chókwè 3"]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn what_an_edge_of_an_earlier_version_brings_is_kept_in_one_form_and_is_the_same_again() {
    let world = World::new().await;
    let Body::ListingPost(posted) = post(id(50), 20) else { unreachable!() };
    let Body::OrderPlace(order) = place(id(50), 1, Source::Held) else { unreachable!() };
    let member =
        MemberRegister { member: id(60), phone: 265_991_000_001, name: APART.into(), language: "en".into() };
    let order = Body::from(OrderPlace { buyer_name: APART.into(), ..order });
    let batch = vec![
        command(1, office(), &ListingPost { title: APART.into(), ..posted }.into()),
        command(2, office(), &member.into()),
        command(3, caller(7), &order),
    ];
    world.take(batch).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 3]);
    let kept = "SELECT title FROM listings UNION ALL SELECT name FROM members UNION ALL SELECT buyer_name FROM orders";
    assert_eq!(world.texts(kept).await, ["Chókwè"; 3]);
    let again = world.rest_as(order_of(3), caller(7), &order).await;
    assert_eq!(again.verdict.as_str(), "applied", "the same order, as it came");
    assert_eq!(world.number("SELECT count(*) FROM orders").await, 1);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn an_edit_by_who_saw_the_name_in_another_form_is_no_conflict() {
    let world = World::new().await;
    let Body::ListingPost(posted) = post(id(50), 20) else { unreachable!() };
    let edit = |old: &str, new: &str| {
        let title = Some(TextChange { old: old.into(), new: new.into() });
        Body::from(ListingEdit { listing: id(50), price_minor: None, title })
    };
    world
        .take(vec![command(1, office(), &ListingPost { title: APART.into(), ..posted }.into())])
        .await
        .unwrap();
    // The office has its own words until the rows are back.
    world.take(vec![command(2, office(), &edit(APART, "Mpunga  wa\u{200b} mbewu"))]).await.unwrap();
    world.take(vec![command(3, office(), &edit("Mpunga  wa\u{200b} mbewu", "Mpunga"))]).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 3]);
    assert_eq!(world.texts("SELECT title FROM listings").await, ["Mpunga"]);
}

/// Until a hub's job has seen to all, and for ever where nothing would be left of it.
#[tokio::test]
async fn a_title_that_was_kept_in_another_form_can_be_edited() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 20))]).await.unwrap();
    let edit = |old: &str, new: &str| {
        let title = Some(TextChange { old: old.into(), new: new.into() });
        Body::from(ListingEdit { listing: id(50), price_minor: None, title })
    };
    for (seq, kept) in (2..).zip(["\u{200b}\u{3164}", APART, " Mpunga  wa mbewu"]) {
        for seen in [kept, &mizili_node::name::tidy(kept)] {
            world.sql(format!("UPDATE listings SET title = '{kept}'")).await;
            assert_eq!(
                world.rest(office(), &edit(seen, "Mpunga")).await.verdict,
                Verdict::Applied(Applied::default())
            );
            assert_eq!(world.texts("SELECT title FROM listings").await, ["Mpunga"], "{kept:?}");
        }
        // By an office, which has it as it is kept; and somebody who wants what it looks like already.
        world.sql(format!("UPDATE listings SET title = '{kept}'")).await;
        world.take(vec![command(seq, office(), &edit(kept, "Mpunga"))]).await.unwrap();
        assert_eq!(world.texts("SELECT title FROM listings").await, ["Mpunga"], "{kept:?}");
        world.sql(format!("UPDATE listings SET title = '{kept}'")).await;
        let wanted = mizili_node::name::tidy(kept);
        assert_eq!(
            world.rest(office(), &edit("Nothing of the kind", &wanted)).await.verdict.as_str(),
            "applied"
        );
        assert_eq!(world.texts("SELECT title FROM listings").await, [wanted]);
    }
    assert_eq!(world.last_words().await, ["applied"; 4]);
    let refused = world.rest(office(), &edit("Nothing of the kind", "Mpunga")).await.verdict;
    assert_eq!(refused.as_str(), "rejected", "another name is another");
}
