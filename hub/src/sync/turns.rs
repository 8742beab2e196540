//! How many exchanges of one edge are under way at this hub: a box that opens one after the other, whatever is wrong with it, must
//! not take the places of other offices. A newer exchange fences the older ones; this bounds what they cost until they notice.

use crate::error::{Kind, Problem};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use sync_protocol::ids::EdgeId;

/// Exchanges of one edge at once. A line that dies without a word leaves one behind for a minute, and the box tries again.
const EXCHANGES_MAX: u32 = 16;

/// Exchanges under way, by edge.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<EdgeId, u32>>>);

/// One exchange, for as long as it lives.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    edge: EdgeId,
}

impl Turns {
    /// Begins an exchange of an edge that has shown who it is.
    ///
    /// # Errors
    /// 503 where it has too many under way.
    pub(super) fn begin(&self, edge: EdgeId) -> Result<Turn, Problem> {
        let mut all = self.lock();
        let count = all.entry(edge).or_default();
        if *count >= EXCHANGES_MAX {
            let detail = format!(
                "This edge has {EXCHANGES_MAX} exchanges under way already. Try again when they have ended."
            );
            return Err(Kind::Busy.because(detail));
        }
        *count += 1;
        Ok(Turn { turns: self.clone(), edge })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<EdgeId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.turns.lock();
        if let Some(count) = all.get_mut(&self.edge) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.edge);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edge_has_a_bound_and_takes_nothing_from_another() {
        let turns = Turns::default();
        let mut held: Vec<_> = (0..EXCHANGES_MAX).map(|_| turns.begin(EdgeId(1)).unwrap()).collect();
        assert_eq!(turns.begin(EdgeId(1)).unwrap_err().kind(), Kind::Busy);
        turns.begin(EdgeId(2)).unwrap();
        held.pop();
        turns.begin(EdgeId(1)).unwrap();
        held.clear();
        assert!(turns.lock().is_empty());
    }
}
