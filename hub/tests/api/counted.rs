//! Counts the statements that a test's own thread sends to the database, BEGIN and COMMIT among them: each is a round trip.

use std::cell::Cell;
use std::sync::Once;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

thread_local! {
    /// Statements that this thread has sent to the database.
    static STATEMENTS: Cell<u64> = const { Cell::new(0) };
}

/// Counts statements, each thread's by itself. For all tests at once: what each thread listens to by itself is lost at times where
/// others begin and end.
pub(crate) struct Statements;

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        STATEMENTS.set(STATEMENTS.get() + 1);
    }
}

impl Statements {
    /// Begins to count.
    pub(crate) fn counted() -> Self {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(|| {
            let only = Targets::new().with_target("sqlx::query", tracing::Level::DEBUG);
            let counting = tracing_subscriber::registry().with(Self.with_filter(only));
            tracing::subscriber::set_global_default(counting).unwrap();
        });
        STATEMENTS.set(0);
        Self
    }

    /// How many there were since.
    pub(crate) fn take(&self) -> u64 {
        STATEMENTS.replace(0)
    }
}
