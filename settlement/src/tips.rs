//! The tips that a swap may rely on.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{ChainId, Tip};
use std::collections::BTreeMap;

/// The latest tip of each chain, as far as it may be relied upon.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tips(BTreeMap<ChainId, Tip>);

impl Tips {
    /// The tip of a chain, if there is a fresh one.
    #[must_use]
    pub fn of(&self, chain: &ChainId) -> Option<&Tip> {
        self.0.get(chain)
    }
}

impl FromIterator<(ChainId, Tip)> for Tips {
    fn from_iter<I: IntoIterator<Item = (ChainId, Tip)>>(tips: I) -> Self {
        Self(tips.into_iter().collect())
    }
}

/// Collects the tips that came since this process started and since the last transaction of the swap was signed.
/// Never journaled: a restarted process knows no tip, so nothing that depends on time moves before every chain of the
/// swap has spoken again.
#[derive(Clone, Debug, Default)]
pub struct FreshTips(Tips);

impl FreshTips {
    /// A tip came.
    pub fn note(&mut self, chain: &ChainId, tip: Tip) {
        self.0.0.insert(chain.clone(), tip);
    }

    /// The chain's nodes contradict each other: what they told of its time counts no more.
    pub fn forget_chain(&mut self, chain: &ChainId) {
        self.0.0.remove(chain);
    }

    /// A signer answered: whatever we knew of time may be hours old.
    pub fn forget(&mut self) {
        self.0.0.clear();
    }

    /// The tips that may be relied upon.
    #[must_use]
    pub const fn get(&self) -> &Tips {
        &self.0
    }
}
