//! Work of one kind that waits at the same moment, done together. Nobody waits for company: who comes first is done at once, and who comes
//! while that is under way is done next, with all others who came meanwhile. What was not done together is its owner's to do alone.
//! Nothing here knows what the work is.

use mizili_node::deps::Deps;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How many are done together at most.
const TOGETHER_MAX: usize = 64;
/// How long everybody goes alone after nothing was done together: what stood in the way stands there still.
const APART: Duration = Duration::from_secs(1);

/// See the module. Clones are one line.
pub(crate) struct Together<I, O>(Arc<Mutex<Line<I, O>>>);

struct Line<I, O> {
    waiting: Vec<(I, oneshot::Sender<O>)>,
    /// Whether somebody does what waits.
    is_served: bool,
    /// By the monotonic clock.
    apart_until: Duration,
}

impl<I, O> Clone for Together<I, O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<I, O> Default for Together<I, O> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Line {
            waiting: Vec::new(),
            is_served: false,
            apart_until: Duration::ZERO,
        })))
    }
}

impl<I: Send + 'static, O: Send + 'static> Together<I, O> {
    /// Has a thing done with the others that wait, by the `work` of whoever came first; it goes on where its owner hangs up. `work` gives
    /// an outcome for each thing, in their order. `None`: it was not done, and is to be done alone.
    pub(crate) async fn with_others<W, F>(&self, deps: &Deps, thing: I, work: W) -> Option<O>
    where
        W: Fn(Vec<I>) -> F + Send + 'static,
        F: Future<Output = Vec<Option<O>>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        {
            let mut line = self.line();
            if deps.clock.monotonic() < line.apart_until {
                return None;
            }
            line.waiting.push((thing, tell));
            if !std::mem::replace(&mut line.is_served, true) {
                tokio::spawn(self.clone().serve(deps.clone(), work));
            }
        }
        told.await.ok()
    }

    async fn serve<W, F>(self, deps: Deps, work: W)
    where
        W: Fn(Vec<I>) -> F + Send + 'static,
        F: Future<Output = Vec<Option<O>>> + Send + 'static,
    {
        while let Some((things, tells)) = self.next() {
            // A panic is this work's alone; those who wait hear nothing, and go alone.
            let done = tokio::spawn(work(things)).await.unwrap_or_default();
            if done.iter().all(Option::is_none) {
                self.line().apart_until = deps.clock.monotonic() + APART;
            }
            for (tell, outcome) in tells.into_iter().zip(done) {
                if let Some(outcome) = outcome {
                    // Who does not wait any more does not have to hear.
                    let _ = tell.send(outcome);
                }
            }
        }
    }

    /// Those who are next. `None` where nobody waits: whoever comes now finds that nobody serves.
    fn next(&self) -> Option<(Vec<I>, Vec<oneshot::Sender<O>>)> {
        let mut line = self.line();
        line.waiting.retain(|(_, tell)| !tell.is_closed());
        if line.waiting.is_empty() {
            line.is_served = false;
            return None;
        }
        let next = line.waiting.len().min(TOGETHER_MAX);
        Some(line.waiting.drain(..next).unzip())
    }

    fn line(&self) -> MutexGuard<'_, Line<I, O>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, yield_now};

    /// A line of numbers to be doubled, by hand: each time that many are done together it takes a permit.
    #[derive(Clone)]
    struct Doubling {
        line: Together<u32, u32>,
        deps: Deps,
        permits: Arc<Semaphore>,
        sizes: Arc<Mutex<Vec<usize>>>,
    }

    impl Doubling {
        fn new(deps: Deps, permits: usize) -> Self {
            let (line, permits, sizes) =
                (Together::default(), Arc::new(Semaphore::new(permits)), Arc::default());
            Self { line, deps, permits, sizes }
        }

        async fn double(&self, number: u32) -> Option<u32> {
            let all = self.clone();
            let work = move |numbers| -> Pin<Box<dyn Future<Output = Vec<Option<u32>>> + Send>> {
                Box::pin(all.clone().work(numbers))
            };
            self.line.with_others(&self.deps, number, work).await
        }

        /// Nothing comes of zero, and thirteen breaks it.
        async fn work(self, numbers: Vec<u32>) -> Vec<Option<u32>> {
            self.sizes.lock().unwrap().push(numbers.len());
            self.permits.acquire().await.unwrap().forget();
            assert!(!numbers.contains(&13), "thirteen");
            numbers.iter().map(|number| (*number != 0).then_some(number * 2)).collect()
        }

        fn begin(&self, number: u32) -> JoinHandle<Option<u32>> {
            let all = self.clone();
            tokio::spawn(async move { all.double(number).await })
        }

        /// Until one is under way and so many others wait.
        async fn until_wait(&self, others: usize) {
            while self.sizes().is_empty() || self.line.line().waiting.len() < others {
                yield_now().await;
            }
        }

        fn sizes(&self) -> Vec<usize> {
            self.sizes.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn who_comes_while_another_is_done_is_done_with_those_who_came_meanwhile() {
        let line = Doubling::new(Deps::fixed(1), 0);
        let first = line.begin(1);
        line.until_wait(0).await;
        let others: Vec<_> = (102..=200).map(|number| line.begin(number)).collect();
        line.until_wait(99).await;
        line.permits.add_permits(10);
        assert_eq!(first.await.unwrap(), Some(2));
        for (number, told) in (102..=200).zip(others) {
            assert_eq!(told.await.unwrap(), Some(number * 2));
        }
        assert_eq!(line.sizes(), [1, TOGETHER_MAX, 99 - TOGETHER_MAX]);
        assert_eq!(line.double(5).await, Some(10), "the line is served anew");
    }

    #[tokio::test]
    async fn what_is_not_done_together_is_left_and_all_go_alone_for_a_while() {
        let (deps, clock) = Deps::fixed_with_clock(1);
        let line = Doubling::new(deps, 100);
        assert_eq!(line.double(13).await, None, "it panicked");
        assert_eq!(line.double(4).await, None, "what stands in the way may stand there still");
        assert_eq!(line.sizes(), [1]);
        clock.advance(APART);
        assert_eq!(line.double(4).await, Some(8));
        assert_eq!(line.double(0).await, None);
    }

    #[tokio::test]
    async fn who_hung_up_before_it_was_begun_is_not_done() {
        let line = Doubling::new(Deps::fixed(1), 0);
        let first = line.begin(1);
        line.until_wait(0).await;
        let second = line.begin(2);
        line.until_wait(1).await;
        second.abort();
        assert!(second.await.is_err());
        line.permits.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(2));
        assert_eq!(line.double(3).await, Some(6));
        assert_eq!(line.sizes(), [1, 1]);
    }
}
