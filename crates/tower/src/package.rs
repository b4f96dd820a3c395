//! What an owner entrusts to a tower.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{Entrusted, MOST_LEVELS};
use kofo_primitives::{
    Digest, HtlcSpec, LegId, MAX_LEGS, NetworkId, NodeId, NodeKey, Role, Side, SignatureError, Signed,
    SwapId, encode, message_id,
};
use std::collections::BTreeMap;

/// A signed package has at most so many bytes: it fits into one message.
pub const MOST_PACKAGE_BYTES: usize = 60 * 1024;

/// One leg of an entrusted swap.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// The leg as its owner has it.
    pub spec: HtlcSpec,
    /// What the tower needs to end it for the owner, cheapest first: of an incoming leg to redeem it, of an outgoing one
    /// to refund it. None while the owner keeps that to itself; the leg is watched all the same, for its preimage.
    pub levels: Vec<Entrusted>,
}

/// A swap in a tower's hands. Holds no key and no preimage.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Package {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// Who entrusts, and signs.
    pub owner: NodeId,
    /// The swap.
    pub swap: SwapId,
    /// Grows with each package of the same owner and swap; a later one replaces an earlier one.
    pub sequence: u64,
    /// Who the owner is in the swap.
    pub role: Role,
    /// All legs of both sides.
    pub legs: BTreeMap<LegId, Entry>,
}

/// Why a package is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// A version that this program does not know.
    #[error("expected a package of version 1, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Of another network.
    #[error("expected a package of network {expected}, got one of {got}")]
    Network {
        /// Ours.
        expected: NetworkId,
        /// What came.
        got: NetworkId,
    },
    /// Not signed by its owner.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Too long.
    #[error("expected a package of at most {MOST_PACKAGE_BYTES} bytes, got {0}: entrust fewer levels of fee")]
    TooLong(usize),
    /// A side without legs, with too many, or with gaps.
    #[error("expected legs 0 to at most {} on each side without gaps, got {alpha} and {beta}", MAX_LEGS - 1)]
    Legs {
        /// Legs of the alpha side.
        alpha: usize,
        /// Legs of the beta side.
        beta: usize,
    },
    /// Too many levels.
    #[error("expected at most {MOST_LEVELS} levels of fee for {leg}, got {have}")]
    Levels {
        /// The leg.
        leg: LegId,
        /// How many came.
        have: usize,
    },
    /// A leg seen from the wrong end, under another hashlock, or with finality of depth 0.
    #[error("{leg} does not belong to the package: {why}")]
    Leg {
        /// The leg.
        leg: LegId,
        /// What is wrong.
        why: &'static str,
    },
    /// There is nothing that the tower could do.
    #[error("expected something entrusted for at least one leg, got nothing")]
    Nothing,
}

impl Package {
    /// The package's id, which its owner signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/tower/package/v1", &self.network, self)
    }

    /// Signs the package.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }

    /// W2: whether a package is right by itself.
    pub fn check(signed: &Signed<Self>, network: &NetworkId) -> Result<(), PackageError> {
        let package = &signed.body;
        let have = encode(signed).len();
        if have > MOST_PACKAGE_BYTES {
            return Err(PackageError::TooLong(have));
        }
        if package.version != 1 {
            return Err(PackageError::Version(package.version));
        }
        if package.network != *network {
            return Err(PackageError::Network {
                expected: network.clone(),
                got: package.network.clone(),
            });
        }
        package.owner.verify(&package.id(), &signed.signature)?;
        package.check_legs()
    }

    fn check_legs(&self) -> Result<(), PackageError> {
        let of = |side: Side| self.legs.keys().filter(move |leg| leg.side == side);
        let (alpha, beta) = (of(Side::Alpha).count(), of(Side::Beta).count());
        let numbered = |side| of(side).zip(0u8..).all(|(leg, index)| leg.index == index);
        let few = |count| (1..=MAX_LEGS).contains(&count);
        if !few(alpha) || !few(beta) || !numbered(Side::Alpha) || !numbered(Side::Beta) {
            return Err(PackageError::Legs { alpha, beta });
        }
        let hashlock = self.legs.values().next().map(|entry| entry.spec.hashlock);
        for (leg, entry) in &self.legs {
            let (leg, have) = (*leg, entry.levels.len());
            if have > MOST_LEVELS {
                return Err(PackageError::Levels { leg, have });
            }
            let wrong = |why| Err(PackageError::Leg { leg, why });
            if entry.spec.end != leg.end_of(self.role) {
                return wrong("it is seen from the other party's end");
            }
            if Some(entry.spec.hashlock) != hashlock {
                return wrong("its hashlock is not that of the others");
            }
            if entry.spec.depth == 0 {
                return wrong("it asks for depth 0");
            }
        }
        if self.legs.values().all(|entry| entry.levels.is_empty()) {
            return Err(PackageError::Nothing);
        }
        Ok(())
    }
}
