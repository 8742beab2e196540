//! What both nodes weigh after many people, or one who guesses, signed in with wrong passwords: each check takes 19 MiB while it
//! lasts, and none of it may stay but what the next check uses again.

use crate::aims::{EDGE_AFTER_SIGNINS_MIB, HUB_AFTER_SIGNINS_MIB};
use crate::nodes::Node;
use crate::report::{Aim, Figure};
use crate::stage::Stage;
use crate::web;
use anyhow::{Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Wrong passwords that are checked.
const COUNT: u32 = 300;

/// Asked at once.
const AT_ONCE: usize = 8;

pub(super) async fn measure(stage: &mut Stage, runs: usize) -> Result<Vec<Figure>> {
    stage.synced(1).await?;
    let (mut hub, mut edge) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        stage.hub.restart().await?;
        let as_phone = |n| format!(r#"{{"phone":"+2659980{n:05}","password":"not the right one"}}"#);
        guess(&stage.hub.address, "/api/v1/auth/login", as_phone).await?;
        hub.push(stage.hub.resident_mib()?);
        if let Some(office) = stage.offices.first() {
            let node = Node::serve("mizili-edge", &office.dir).await?;
            let as_name = |n| format!(r#"{{"user":"guess-{n}","password":"not the right one"}}"#);
            guess(&node.address, "/api/v1/office/login", as_name).await?;
            edge.push(node.resident_mib()?);
            node.stop().await;
        }
    }
    let beside = format!("{COUNT} wrong passwords, each for another name, {AT_ONCE} at once");
    Ok(vec![
        Figure::new("edge: resident memory after wrong sign-ins", "MiB", edge)
            .aim(Aim::AtMost(EDGE_AFTER_SIGNINS_MIB))
            .against(&beside),
        Figure::new("hub: resident memory after wrong sign-ins", "MiB", hub)
            .aim(Aim::AtMost(HUB_AFTER_SIGNINS_MIB))
            .against(&beside),
    ])
}

/// Each guess is really checked: 401, not told to come back.
async fn guess(address: &str, path: &str, body: impl Fn(u32) -> String) -> Result<()> {
    let guesses = stream::iter((0..COUNT).map(|n| {
        let body = body(n);
        async move {
            match web::post(address, path, "application/json", &body).await?.status {
                401 => Ok(()),
                other => bail!("{path} answered {other} to a wrong password"),
            }
        }
    }));
    guesses.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}
