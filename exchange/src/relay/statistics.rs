//! What a relay can say of itself, for people and for the weights.

use crate::relay::{Link, Relay};
use crate::wire::LinkRole;

/// One link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStatistics {
    /// The link.
    pub link: Link,
    /// What the neighbour does with claims.
    pub role: LinkRole,
    /// Its weight: [`Relay::rate`].
    pub weight: u32,
    /// Copies of claims that came from it and are held.
    pub held: usize,
    /// Claims that were ever sent to it.
    pub passed: u64,
    /// Quotes that ever came back from it.
    pub quotes: u64,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Claims held.
    pub claims: usize,
    /// Quotes remembered.
    pub quotes: usize,
    /// Claims that are remembered by their ids, those held included.
    pub seen: usize,
    /// Cancels that are remembered.
    pub cancelled: usize,
    /// Neighbours that left and are remembered, in case they come back.
    pub gone: usize,
    /// The links.
    pub links: Vec<LinkStatistics>,
}

impl Relay {
    /// How much is held, and what came of each link.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let (seen, cancelled) = self.memory.counts();
        Statistics {
            claims: self.claims.len(),
            quotes: self.quotes.len(),
            seen,
            cancelled,
            gone: self.neighbours.gone(),
            links: self.neighbours.statistics(),
        }
    }
}
