//! Whether a node does what it is for.

use super::look::Look;
use crate::config::{Backend, ChainConfig, TimelockPolicy};
use kofo_primitives::Seconds;

/// With less room on the disk no swap begins, and soon nothing is written at all (bytes).
const LEAST_FREE: u64 = 64 * 1024 * 1024;

/// What is wrong, a sentence each; nothing if nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement(pub Vec<String>);

impl Judgement {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_well(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the process does its work and can keep it: what a restart may help against.
    #[must_use]
    pub fn health(look: &Look) -> Self {
        let mut wrong = Vec::new();
        if look.swaps.is_none() {
            wrong.push("the engine does not answer: restart the node".to_owned());
        }
        match &look.journal {
            Err(why) => wrong.push(format!("the journal cannot be written: {why}")),
            Ok(seen) if seen.free < LEAST_FREE => wrong.push(format!(
                "expected at least {LEAST_FREE} bytes free on the journal's disk, got {}: make room",
                seen.free
            )),
            Ok(_) => {}
        }
        Self(wrong)
    }

    /// Whether it can begin swaps now: it is healthy, its chains answer and are not behind, and it has neighbours if it was
    /// told of any.
    #[must_use]
    pub fn ready(look: &Look) -> Self {
        let Self(mut wrong) = Self::health(look);
        for chain in &look.chains {
            let name = &chain.chain;
            match (&chain.tip, chain.faulty) {
                (Err(why), _) => wrong.push(format!("{name}: {why}")),
                (Ok(_), true) => {
                    wrong.push(format!(
                        "{name}: its nodes contradict each other or do not answer"
                    ));
                }
                (Ok((_, age)), false) => {
                    if let Some(most) = chain.stale_after.filter(|most| age > most) {
                        wrong.push(format!(
                            "{name}: expected a block of the last {most}, the last one is {age} old: its node is behind"
                        ));
                    }
                }
            }
        }
        if look.neighbours.wanted && look.neighbours.by_role.values().all(|count| *count == 0) {
            wrong.push(
                "none of the peers in the configuration is connected: check peers and the network".to_owned(),
            );
        }
        Self(wrong)
    }
}

/// A last block older than this says that the chain's node is behind; nothing where blocks keep no time.
#[must_use]
pub const fn stale_after(timelocks: TimelockPolicy, chain: &ChainConfig) -> Option<Seconds> {
    match (timelocks, &chain.backend) {
        // The chain's own time is an hour behind, and a block in two hours is as good as certain.
        (TimelockPolicy::Standard, Backend::Bitcoin(_) | Backend::Light(_)) => Some(Seconds(4 * 3600)),
        (TimelockPolicy::Standard, Backend::Evm(_)) => Some(Seconds(600)),
        // Chains of tests are mined when somebody wants to, at times that somebody chose.
        _ => None,
    }
}
