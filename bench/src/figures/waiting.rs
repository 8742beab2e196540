//! How long an order over REST takes while nobody and while two thousand offices wait for news of other things.

use crate::aims::WAITING_SLOWER;
use crate::report::{Aim, Figure, median};
use crate::stage::{Stage, until_settled};
use crate::waiters::{Waiters, signed_in};
use crate::{tell, web};
use anyhow::{Context as _, Result, ensure};
use mizili_hub::db::{q, q_scalar};
use serde_json::{Value, json};
use std::time::Instant;
use uuid::Uuid;

/// Offices that wait.
const OFFICES: u32 = 2_000;
/// Orders, one after the other.
const ORDERS: usize = 200;
/// Of these the first ones are not counted: the hub warms up.
const FIRST: usize = 40;

pub(super) async fn measure(stage: &Stage) -> Result<Vec<Figure>> {
    until_settled(&stage.opened.db).await?;
    let buyer = Buyer::registered(stage).await?;
    let alone = buyer.orders(0).await?;
    let offices = signed_in(&stage.opened.db, OFFICES).await?;
    let waiters = Waiters::of(&stage.hub.address, &offices).await?;
    let with_all = buyer.orders(1).await?;
    let (woken, held) = waiters.go_home().await?;
    tell(&format!("  {held} polls ended without news meanwhile, {woken} with some"));
    ensure!(woken == 0, "{woken} offices were woken by what is not theirs");
    let times = median(&with_all) / median(&alone);
    Ok(vec![
        Figure::new("order over REST, nobody waiting: median", "ms", alone).against("one after the other"),
        Figure::new("order over REST, 2,000 offices waiting: median", "ms", with_all),
        Figure::new("order: with 2,000 waiting, by without", "times", vec![times])
            .aim(Aim::AtMost(WAITING_SLOWER)),
    ])
}

/// Somebody who orders.
struct Buyer {
    address: String,
    token: String,
    product: Uuid,
}

impl Buyer {
    async fn registered(stage: &Stage) -> Result<Self> {
        let address = stage.hub.address.clone();
        let (phone, password) = ("+254700999001", "maize and beans");
        let new = json!({"phone": phone, "name": "Grace Banda", "password": password, "role": "buyer"});
        let made = web::post_json(&address, "/api/v1/users", &new, &[]).await?;
        ensure!(made.status == 201 || made.status == 409, "{} {}", made.status, made.body);
        let login = json!({"phone": phone, "password": password});
        let answer = web::post_json(&address, "/api/v1/auth/login", &login, &[]).await?;
        let answer: Value = serde_json::from_str(&answer.body)?;
        let token = answer["access_token"].as_str().context("no token")?.to_owned();
        // Of a region that the waiting offices have nothing to do with.
        let mut tx = stage.opened.db.begin().await?;
        let product = q_scalar(
            "SELECT l.id FROM listings l JOIN cooperatives c ON c.id = l.cooperative_id
            WHERE c.region_id = (SELECT max(id) - 1 FROM regions) ORDER BY l.id LIMIT 1",
        );
        let product = product.fetch_one(&mut *tx).await?;
        // Others may have ten orders at a time.
        q("UPDATE users SET phone_confirmed = true WHERE phone = 254700999001").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Self { address, token, product })
    }

    /// Places orders; gives how long each took, in milliseconds.
    async fn orders(&self, round: u32) -> Result<Vec<f64>> {
        let mut times = Vec::with_capacity(ORDERS);
        let order = json!({"product_id": self.product, "quantity": "0.001"});
        let token = format!("Bearer {}", self.token);
        for n in 0..ORDERS {
            let key = format!("bench-{round}-{n}");
            let headers = [("authorization", token.as_str()), ("idempotency-key", key.as_str())];
            let began = Instant::now();
            let answer = web::post_json(&self.address, "/api/v1/orders", &order, &headers).await?;
            let took = began.elapsed();
            ensure!(answer.status == 201, "an order got {} {}", answer.status, answer.body);
            if n >= FIRST {
                times.push(took.as_secs_f64() * 1_000.0);
            }
        }
        Ok(times)
    }
}
