//! The end of what is decided, and what time it is.

use kofo_clearance::{Draft, Ledger, StepError};
use kofo_primitives::Certificate;
use std::sync::Arc;

/// The ledger after the last decided batch. Copies share almost all of it.
#[derive(Clone)]
pub struct Head {
    /// The ledger.
    pub ledger: Ledger,
    /// Of the last header; none before the first.
    pub certificate: Option<Certificate>,
}

impl Head {
    /// Opens the next batch at this time, or as soon after the last one as there can be one.
    pub fn next(&self, now_ms: u64) -> Result<Draft, StepError> {
        let after = self.ledger.tip().time_ms.saturating_add(1);
        self.ledger.next(now_ms.max(after), self.certificate.as_ref())
    }
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Head({:?})", self.ledger.tip())
    }
}

/// Tells the time. Tests have their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn system() -> Self {
        Self::of(kofo_node::clock::now_ms)
    }

    /// One that tells what it is told to (unix ms).
    pub fn of(tell: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({})", self.now_ms())
    }
}
