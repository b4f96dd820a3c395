//! What a chain can prove by itself, read by rules that the chain's own people wrote: the ledger knows no chain.

use kofo_primitives::{Amount, AssetId, Hashlock, Party, Place, UnixTime};

use crate::genesis::ProofRule;
use crate::op::Fact;

/// A leg as its chain's rules need it: all that its identifiers are a function of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofLeg<'a> {
    /// What is locked.
    pub asset: &'a AssetId,
    /// How much, exactly.
    pub amount: Amount,
    /// Where.
    pub place: &'a Place,
    /// Gets it for the preimage.
    pub redeemer: &'a Party,
    /// Gets it back after the timelock.
    pub refunder: &'a Party,
    /// The hashlock.
    pub hashlock: &'a Hashlock,
    /// The timelock.
    pub timelock: UnixTime,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proof is none: {0}")]
pub struct ProofError(pub String);

/// Reads proofs. The same bytes give the same answer on every machine: no clock, no network.
pub trait LegProofs: Send + Sync {
    /// What the proof shows of the leg: [`Fact::Final`], [`Fact::Redeemed`] or [`Fact::Refunded`].
    fn fact(&self, leg: &ProofLeg<'_>, rule: &ProofRule, proof: &[u8]) -> Result<Fact, ProofError>;
}

/// Takes no proof of any chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProofs;

impl LegProofs for NoProofs {
    fn fact(&self, leg: &ProofLeg<'_>, _: &ProofRule, _: &[u8]) -> Result<Fact, ProofError> {
        Err(ProofError(format!(
            "nobody here reads proofs of {}",
            leg.asset.chain()
        )))
    }
}
