//! How large the edge is: its program on disk, and in memory with the whole replica when nobody asks it anything.

use crate::aims::{EDGE_BINARY_MB, EDGE_MEMORY_MIB};
use crate::nodes::Node;
use crate::report::{Aim, Figure};
use crate::stage::{Stage, program_mb};
use anyhow::Result;
use std::time::Duration;

/// How long it is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

pub(super) async fn measure(stage: &mut Stage, runs: usize) -> Result<Vec<Figure>> {
    stage.synced(1).await?;
    let mut memory = Vec::new();
    for _ in 0..runs {
        if let Some(office) = stage.offices.first() {
            let edge = Node::serve("mizili-edge", &office.dir).await?;
            tokio::time::sleep(IDLE).await;
            memory.push(edge.resident_mib()?);
            edge.stop().await;
        }
    }
    Ok(vec![
        Figure::new("edge: resident memory, idle", "MiB", memory)
            .aim(Aim::AtMost(EDGE_MEMORY_MIB))
            .against("5 s after its start, synced and holding its long poll"),
        Figure::new("edge: release binary", "MB", vec![program_mb("mizili-edge")?])
            .aim(Aim::AtMost(EDGE_BINARY_MB)),
        Figure::new("hub: release binary", "MB", vec![program_mb("mizili-hub")?]),
    ])
}
