//! The relay: what every node does with the claims, quotes, selections and answers of others, and with its own.
//!
//! A claim goes from neighbour to neighbour, and each adds an entry to its path, signed by a key that it uses for this
//! claim and this link alone. A quote comes back over the very same hops, and each signs that it passed it. The relay
//! decides what is taken, where it goes next, and who is to blame; it has no clock, no randomness and no wire.
//!
//! **Memory** is bounded: nothing that lives is ever dropped for something new, what is new is refused instead.
//! At most [`MAX_CLAIM_BYTES`] a claim held ([`RelayConfig::max_claims`] of them; a third of that as a rule), 512 bytes
//! a quote remembered (four for each claim), 128 bytes a claim id or cancel that outlives its claim (four for each
//! claim), 512 bytes a neighbour, and 1,024 of those that left. With the default of 20,000 claims this is 320 + 40 + 10 MB.
//!
//! **Privacy.** For each claim a relay knows the neighbour that it came from and those that it went to, as it must; all
//! other hops are pseudonyms of this one claim. Nothing in it ties two claims together but those neighbours.

use crate::relay::guards::Memory;
use crate::relay::held::Held;
use crate::relay::neighbours::Neighbours;
use crate::relay::quoted::Quoted;
use crate::wire::{ClaimEnvelope, LinkRole};
use kofo_primitives::{Claim, ClaimId, FulfilId, LinkBase, LinkKey, NetworkId, Path, Signed};
use std::collections::BTreeMap;

mod claims;
mod dump;
mod greet;
mod guards;
mod held;
mod neighbours;
mod onward;
mod payee;
mod quoted;
mod refused;
mod returns;
mod selects;
mod statistics;
#[cfg(test)]
mod tests;

pub use greet::MAX_GREETING;
pub use guards::Guards;
pub use held::MAX_CLAIM_BYTES;
pub use payee::Payee;
pub use refused::{AnswerStopped, Blame, CancelRefused, ClaimRefused, FulfilRefused, SelectStopped};
pub use statistics::{LinkStatistics, Statistics};

/// One connection to one neighbour; a reconnect is a new one. The number is the shell's, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(pub u64);

/// How a relay behaves. All nodes of a network should have the same bounds: who keeps to them is never blamed.
#[derive(Clone)]
pub struct RelayConfig {
    /// The network; messages of others are refused.
    pub network: NetworkId,
    /// To so many neighbours a copy of a claim is passed on: all but one by weight, one at random.
    pub fan_out: usize,
    /// So many copies of a claim, each from another neighbour, are passed on.
    pub copies: usize,
    /// So many claims are held, own ones included.
    pub max_claims: usize,
    /// So many of them from one neighbour; at most half as many are sent to one.
    pub max_claims_per_link: usize,
    /// So many quotes for one claim are passed back; at most half of them from one neighbour.
    pub max_quotes_per_claim: usize,
    /// Honest clocks differ by no more (ms).
    pub clock_skew_ms: u64,
    /// Secret: picks the random neighbour, and among equals.
    pub dice: [u8; 32],
    /// How it is paid for cleared claims; `None`: it is not.
    pub paid: Option<Payee>,
}

impl RelayConfig {
    /// The parameters of the protocol, for that network and those secret random bytes.
    #[must_use]
    pub const fn new(network: NetworkId, dice: [u8; 32]) -> Self {
        Self {
            network,
            fan_out: 4,
            copies: 3,
            max_claims: 20_000,
            max_claims_per_link: 2_000,
            max_quotes_per_claim: 64,
            clock_skew_ms: 30_000,
            dice,
            paid: None,
        }
    }
}

/// Everything that a node knows about claims on their way.
pub struct Relay {
    config: RelayConfig,
    neighbours: Neighbours,
    claims: BTreeMap<ClaimId, Held>,
    quotes: BTreeMap<FulfilId, Quoted>,
    memory: Memory,
}

/// Where a message goes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed<T> {
    /// To that neighbour.
    On(Link, T),
    /// It is for us: a quote or an answer for our own claim, a selection of our own quote.
    Ours(T),
}

/// A claim that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What to send to whom.
    pub forward: Vec<(Link, ClaimEnvelope)>,
    /// What there is to quote for.
    pub received: Received,
    /// Whether no copy of this claim was known.
    pub first: bool,
}

/// A copy of a claim as it came to us: what a quote answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The claim.
    pub claim: Signed<Claim>,
    /// Its id.
    pub id: ClaimId,
    /// The path by which it came.
    pub path: Path,
    /// The neighbour that it came from.
    pub from: Link,
}

impl Relay {
    /// A relay that knows nobody and nothing.
    #[must_use]
    pub fn new(config: RelayConfig) -> Self {
        let memory = Memory::new(config.max_claims);
        Self {
            config,
            memory,
            neighbours: Neighbours::default(),
            claims: BTreeMap::new(),
            quotes: BTreeMap::new(),
        }
    }

    /// A link is open and both ends have said their bases; said again on a new epoch of either end, when the former of
    /// our keys stays good. An epoch must last longer than a claim. A neighbour that left and comes back, known by our
    /// key for it, gets back what was its own: its claims and quotes go on.
    pub fn link(&mut self, link: Link, role: LinkRole, ours: LinkKey, theirs: LinkBase) {
        self.neighbours.link(link, role, ours, theirs);
    }

    /// A link is closed. Its claims live on, in case the neighbour comes back.
    pub fn unlink(&mut self, link: Link) {
        self.neighbours.unlink(link);
    }

    /// How well claims do over this link, by our own experience: neighbours with higher weights get claims first.
    /// 1 until it is said.
    pub fn rate(&mut self, link: Link, weight: u32) {
        self.neighbours.rate(link, weight);
    }

    /// Frees what is over. To be called about once a second.
    pub fn expire(&mut self, now_ms: u64) {
        let over = |held: &Held| {
            now_ms
                > held
                    .claim
                    .body
                    .expires_ms
                    .saturating_add(self.config.clock_skew_ms)
        };
        for (_, held) in self.claims.extract_if(.., |_, held| over(held)) {
            self.neighbours.release(&held);
        }
        self.quotes.retain(|_, quoted| quoted.until_ms >= now_ms);
        self.memory.expire(now_ms);
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.dump())
    }
}

impl std::fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayConfig")
            .field("network", &self.network)
            .field("fan_out", &self.fan_out)
            .field("copies", &self.copies)
            .field("max_claims", &self.max_claims)
            .field("max_claims_per_link", &self.max_claims_per_link)
            .field("max_quotes_per_claim", &self.max_quotes_per_claim)
            .field("clock_skew_ms", &self.clock_skew_ms)
            .finish_non_exhaustive()
    }
}
