//! Work of one kind that waits at the same moment, done together. Nobody waits for company: who comes first is done at once, and who comes
//! while as many are under way as may be is done next, with all others who came meanwhile. What was not done together is its owner's to do alone, and
//! so is what waited behind it. Nothing here knows what the work is.

use mizili_node::deps::Deps;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How many are done together at most.
const TOGETHER_MAX: usize = 64;
/// How long everybody goes alone after several were not done together: what stood in the way may stand there still.
const APART: Duration = Duration::from_millis(200);

/// A thing that can be done with others of its kind.
pub(crate) trait Together: Send + Sized + 'static {
    /// What becomes of it.
    type Outcome: Send + 'static;

    /// Does things together: an outcome for each, in their order, and `None` for one that has to be done alone. It goes on where owners
    /// hang up.
    fn together(things: Vec<Self>) -> impl Future<Output = Vec<Option<Self::Outcome>>> + Send;
}

/// Those who wait to be done with others. Clones are one line.
pub(crate) struct Line<T: Together> {
    state: Arc<Mutex<State<T>>>,
    /// How many may be under way at once.
    groups_max: usize,
}

struct State<T: Together> {
    waiting: Vec<Waiting<T>>,
    /// How many are under way.
    groups: usize,
    /// By the monotonic clock.
    apart_until: Duration,
}

struct Waiting<T: Together> {
    thing: T,
    tell: oneshot::Sender<T::Outcome>,
}

impl<T: Together> Clone for Line<T> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), groups_max: self.groups_max }
    }
}

impl<T: Together> Line<T> {
    /// An empty line, of which so many groups may be under way at once; never fewer than one.
    pub(crate) fn new(groups_max: usize) -> Self {
        let state = State { waiting: Vec::new(), groups: 0, apart_until: Duration::ZERO };
        Self { state: Arc::new(Mutex::new(state)), groups_max: groups_max.max(1) }
    }

    /// Has a thing done with the others that wait. `None`: it was not done, and is to be done alone.
    pub(crate) async fn stand_in(&self, deps: &Deps, thing: T) -> Option<T::Outcome> {
        let (tell, told) = oneshot::channel();
        {
            let mut line = self.state();
            if deps.clock.monotonic() < line.apart_until {
                return None;
            }
            line.waiting.push(Waiting { thing, tell });
            if line.groups < self.groups_max {
                line.groups += 1;
                tokio::spawn(self.clone().serve(deps.clone()));
            }
        }
        told.await.ok()
    }

    async fn serve(self, deps: Deps) {
        while let Some(next) = self.next() {
            let (things, tells): (Vec<T>, Vec<_>) =
                next.into_iter().map(|Waiting { thing, tell }| (thing, tell)).unzip();
            // A panic is this work's alone; those who wait hear nothing, and go alone.
            let done = tokio::spawn(async move { T::together(things).await }).await.unwrap_or_default();
            if done.iter().all(Option::is_none) && tells.len() > 1 {
                self.part(&deps);
            }
            for (tell, outcome) in tells.into_iter().zip(done) {
                if let Some(outcome) = outcome {
                    // Who does not wait any more does not have to hear.
                    let _ = tell.send(outcome);
                }
            }
        }
    }

    /// Those who are next. `None` where nobody waits: whoever comes now begins a group.
    fn next(&self) -> Option<Vec<Waiting<T>>> {
        let mut line = self.state();
        line.waiting.retain(|waiting| !waiting.tell.is_closed());
        if line.waiting.is_empty() {
            line.groups -= 1;
            return None;
        }
        let next = line.waiting.len().min(TOGETHER_MAX);
        Some(line.waiting.drain(..next).collect())
    }

    /// Sends away whoever waits, and whoever comes in a while.
    fn part(&self, deps: &Deps) {
        let mut line = self.state();
        line.apart_until = deps.clock.monotonic() + APART;
        line.waiting.clear();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, yield_now};

    /// Numbers to be doubled, by hand: each time that some are done together it takes a permit.
    #[derive(Clone)]
    struct Doubling {
        line: Line<Number>,
        deps: Deps,
        hand: Arc<Hand>,
    }

    struct Hand {
        permits: Semaphore,
        /// How many were done together, each time.
        sizes: Mutex<Vec<usize>>,
    }

    struct Number(u32, Arc<Hand>);

    impl Together for Number {
        type Outcome = u32;

        /// Nothing comes of zero, and thirteen breaks it.
        async fn together(numbers: Vec<Self>) -> Vec<Option<u32>> {
            let hand = numbers[0].1.clone();
            hand.sizes.lock().unwrap().push(numbers.len());
            hand.permits.acquire().await.unwrap().forget();
            assert!(numbers.iter().all(|number| number.0 != 13), "thirteen");
            numbers.iter().map(|number| (number.0 != 0).then_some(number.0 * 2)).collect()
        }
    }

    impl Doubling {
        fn new(deps: Deps, groups_max: usize) -> Self {
            let hand = Hand { permits: Semaphore::new(0), sizes: Mutex::default() };
            Self { line: Line::new(groups_max), deps, hand: Arc::new(hand) }
        }

        async fn double(&self, number: u32) -> Option<u32> {
            self.line.stand_in(&self.deps, Number(number, self.hand.clone())).await
        }

        fn begin(&self, number: u32) -> JoinHandle<Option<u32>> {
            let all = self.clone();
            tokio::spawn(async move { all.double(number).await })
        }

        /// Until so many were begun together, and so many others wait.
        async fn until_wait(&self, begun: usize, others: usize) {
            while self.sizes().len() < begun || self.line.state().waiting.len() < others {
                yield_now().await;
            }
        }

        fn sizes(&self) -> Vec<usize> {
            self.hand.sizes.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn who_comes_while_another_is_done_is_done_with_those_who_came_meanwhile() {
        let line = Doubling::new(Deps::fixed(1), 1);
        let first = line.begin(1);
        line.until_wait(1, 0).await;
        let others: Vec<_> = (102..=200).map(|number| line.begin(number)).collect();
        line.until_wait(1, 99).await;
        line.hand.permits.add_permits(10);
        assert_eq!(first.await.unwrap(), Some(2));
        for (number, told) in (102..=200).zip(others) {
            assert_eq!(told.await.unwrap(), Some(number * 2));
        }
        assert_eq!(line.sizes(), [1, TOGETHER_MAX, 99 - TOGETHER_MAX]);
        assert_eq!(line.double(5).await, Some(10), "the line is served anew");
    }

    #[tokio::test]
    async fn where_several_are_not_done_whoever_waits_goes_alone_at_once_and_others_for_a_while() {
        let (deps, clock) = Deps::fixed_with_clock(1);
        let line = Doubling::new(deps, 1);
        let first = line.begin(1);
        line.until_wait(1, 0).await;
        let broken = [line.begin(13), line.begin(14)];
        line.until_wait(1, 2).await;
        line.hand.permits.add_permits(1);
        assert_eq!(first.await.unwrap(), Some(2));
        line.until_wait(2, 0).await;
        let behind = line.begin(4);
        line.until_wait(2, 1).await;
        line.hand.permits.add_permits(1);
        for gone in broken.into_iter().chain([behind]) {
            assert_eq!(gone.await.unwrap(), None);
        }
        assert_eq!(line.double(4).await, None, "what stands in the way may stand there still");
        assert_eq!(line.sizes(), [1, 2]);
        clock.advance(APART);
        line.hand.permits.add_permits(10);
        assert_eq!(line.double(4).await, Some(8));
        // One that was not done by itself says nothing about company.
        assert_eq!((line.double(0).await, line.double(13).await), (None, None));
        assert_eq!(line.double(5).await, Some(10));
    }

    #[tokio::test]
    async fn who_hung_up_before_it_was_begun_is_not_done() {
        let line = Doubling::new(Deps::fixed(1), 1);
        let first = line.begin(1);
        line.until_wait(1, 0).await;
        let second = line.begin(2);
        line.until_wait(1, 1).await;
        second.abort();
        assert!(second.await.is_err());
        line.hand.permits.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(2));
        assert_eq!(line.double(3).await, Some(6));
        assert_eq!(line.sizes(), [1, 1]);
    }

    #[tokio::test]
    async fn as_many_groups_are_under_way_as_may_be() {
        let line = Doubling::new(Deps::fixed(1), 2);
        let first = line.begin(1);
        line.until_wait(1, 0).await;
        let second = line.begin(2);
        line.until_wait(2, 0).await;
        let third = [line.begin(3), line.begin(4)];
        line.until_wait(2, 2).await;
        line.hand.permits.add_permits(3);
        for (number, told) in (1..).zip([first, second].into_iter().chain(third)) {
            assert_eq!(told.await.unwrap(), Some(number * 2));
        }
        assert_eq!(line.sizes(), [1, 1, 2]);
    }
}
