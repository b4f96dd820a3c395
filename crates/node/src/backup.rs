//! The encrypted backup: what a node that lost its folder needs, beside its 24 words, to finish or take back what was
//! under way. No key, and no preimage that somebody else does not know already, is in it.
//!
//! Whoever restores from it knows of the swaps that it has and of no other: it is written anew when a swap begins or
//! ends and when a participant is shown a preimage.

mod file;
mod keep;

pub use file::{BackupError, MAX_BACKUP_BYTES, open, seal};
pub use keep::{Backups, KeepError};

use crate::driver::Live;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Contact, Preimage, Role, SettlementOrder};
use kofo_settlement::{Swap, Terms};

/// A copy of one swap that goes on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SwapCopy {
    /// What both parties signed.
    pub order: SettlementOrder,
    /// Our view of it: role, legs, nonces, and from which heights to look.
    pub terms: Terms,
    /// When it began, by our clock, in milliseconds.
    pub at_ms: u64,
    /// Where the other party can be reached, if it said so beside the order.
    pub contacts: Vec<Contact>,
    /// A participant's, once somebody has shown it. An initiator's own follows from its seed and is in no copy.
    pub preimage: Option<Preimage>,
}

impl SwapCopy {
    /// The copy of a swap.
    #[must_use]
    pub fn of(live: &Live) -> Self {
        Self {
            order: live.order().clone(),
            terms: live.terms().clone(),
            at_ms: live.at_ms(),
            contacts: live.contacts().to_vec(),
            preimage: shown(live.terms(), live.swap()),
        }
    }
}

fn shown(terms: &Terms, swap: &Swap) -> Option<Preimage> {
    let theirs = terms.role() == Role::Participant && swap.preimage_is_public();
    swap.preimage().filter(|_| theirs).cloned()
}

/// All that is in a backup. Its encoding is for ever: a change is another version.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Backup {
    /// When it was made, by our clock, in milliseconds.
    pub made_ms: u64,
    /// The configuration, as the file has it.
    pub config: String,
    /// The swaps that go on.
    pub swaps: Vec<SwapCopy>,
    /// The addresses of the node's towers.
    pub towers: Vec<String>,
}

#[cfg(test)]
pub(crate) mod tests;
