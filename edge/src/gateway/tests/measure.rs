//! measure (not kept)
use super::support::*;
use crate::gateway::*;
use crate::testing::*;
use std::time::*;
use sync_protocol::bucket::Bucket;
use sync_protocol::entity::*;
use sync_protocol::ids::*;
use sync_protocol::units::*;

fn big() -> TestEdge {
    let edge = TestEdge::with_market();
    let mut rows = vec![];
    for c in 0..57u32 {
        rows.push(live(&Commodity {
            id: CommodityId(1000 + c),
            name: format!("Commodity number {c}"),
            category: "cereals and tubers".into(),
            name_sw: String::new(),
            name_ny: String::new(),
            name_fr: String::new(),
            on_menus: true,
        }));
    }
    edge.feed(Bucket::Global, rows);
    let mut rows = vec![];
    for m in 0..420u32 {
        rows.push(live(&Market {
            id: MarketId(1000 + m),
            name: format!("Market {m} town"),
            country: malawi(),
            region: Some(RegionId(2 + m % 27)),
            district: String::new(),
            latitude_e5: Some(-1_000_000 - (m as i64) * 1000),
            longitude_e5: Some(3_300_000 + (m as i64) * 100),
        }));
    }
    let mut n = 0u32;
    for s in 0..4509u32 {
        rows.push(live(&PriceSeries {
            id: SeriesId(10_000 + s),
            market: MarketId(1000 + s % 420),
            commodity: CommodityId(1000 + (s / 79) % 57),
            unit: KG,
            price_type: "Retail".into(),
            currency: kwacha(),
        }));
        for back in 0..22u32 {
            n += 1;
            rows.push(live(&Price {
                at: (SeriesId(10_000 + s), Month(2026 * 12 + 1 - back)),
                price_minor: 30_000 + i64::from(s * 7 % 9000),
                flags: PriceFlags::ACTUAL,
            }));
        }
    }
    eprintln!("prices {n}");
    let t = Instant::now();
    edge.feed(Bucket::Region(REGION), rows);
    let rows = (0..20_000u64)
        .map(|i| {
            live(&Listing {
                id: ListingId(hub_born(100_000 + i)),
                commodity: CommodityId(1000 + (i % 57) as u32),
                ..other_listing()
            })
        })
        .collect();
    edge.feed(Bucket::Catalogue(REGION), rows);
    eprintln!("fed in {:?}", t.elapsed());
    edge
}

fn stats(name: &str, mut v: Vec<Duration>) {
    v.sort();
    let q = |p: f64| v[((v.len() as f64 - 1.0) * p) as usize];
    eprintln!(
        "{name}: n={} p50={:?} p90={:?} p99={:?} max={:?} mean={:?}",
        v.len(),
        q(0.5),
        q(0.9),
        q(0.99),
        q(1.0),
        v.iter().sum::<Duration>() / v.len() as u32
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let office = Office::with(big(), "");
    let (_stop, rx) = tokio::sync::watch::channel(false);
    let _tasks = office.channels.start(rx).await;
    let line = office.channels.desk.lines[0].clone();
    let (mut steps, mut walks, mut last) = (vec![], vec![], vec![]);
    let n: u64 = std::env::var("WALKS").ok().and_then(|s| s.parse().ok()).unwrap_or(5000);
    let all = Instant::now();
    for i in 0..n {
        let w = Instant::now();
        let (c, m) = (1 + i % 8, 1 + i / 8 % 8);
        for (k, text) in
            ["".to_owned(), "1".to_owned(), format!("1*{c}"), format!("1*{c}*{m}")].into_iter().enumerate()
        {
            let form = ussd_form(265_700_000_000 + i % 1_000_000, &format!("ATUid_{i}"), &text);
            let t = Instant::now();
            let fields = crate::text::form::Fields::read(form.as_bytes()).unwrap();
            let turn = crate::ussd::africastalking::turn(&fields, &line.name, line.country).unwrap();
            let reply = office.channels.desk.turn(&line, turn).await;
            let d = t.elapsed();
            if i >= 100 {
                steps.push(d);
                if k == 3 {
                    last.push(d);
                }
            }
            if i == 200 {
                eprintln!("{} | {}", text, reply.text.replace('\n', " / "));
            }
        }
        if i >= 100 {
            walks.push(w.elapsed());
        }
    }
    eprintln!(
        "total {:?}: {:.0} steps/s in one task",
        all.elapsed(),
        4.0 * n as f64 / all.elapsed().as_secs_f64()
    );
    stats("step", steps);
    stats("price screen", last);
    stats("walk of 4", walks);
    let t = Instant::now();
    office.channels.flush().await.unwrap();
    eprintln!("flush {:?}", t.elapsed());
    if let Ok(secs) = std::env::var("SERVE") {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:8099").await.unwrap();
        let app = routes::<()>(office.channels.clone())
            .into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        tokio::time::sleep(Duration::from_secs(secs.parse().unwrap())).await;
    }
}
