//! Proofs as they are sent, and who reads them.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_clearance::{Fact, LegProofs, MAX_PROOF_BYTES, ProofError, ProofLeg, ProofRule};
use kofo_primitives::decode;

use crate::flaw::Flaw;
use crate::included::{Included, read_bare};
use crate::output::Output;

/// The version of [`Proof`].
pub(crate) const VERSION: u8 = 1;

/// A proof as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Proof {
    /// [`VERSION`].
    pub(crate) version: u8,
    /// The transaction that ended the leg.
    pub(crate) included: Included,
    /// From its hash with witness to what the coinbase commits to.
    pub(crate) witness_branch: Vec<[u8; 32]>,
    /// The transaction that locked the leg, without witness. That it is in the chain needs no proof: what spends it is.
    pub(crate) lock: Vec<u8>,
}

/// Reads proofs of Bitcoin, of whatever network the rule names.
#[derive(Clone, Copy, Debug, Default)]
pub struct BitcoinProofs;

impl LegProofs for BitcoinProofs {
    fn fact(&self, leg: &ProofLeg<'_>, rule: &ProofRule, proof: &[u8]) -> Result<Fact, ProofError> {
        Ok(fact(leg, rule, proof)?)
    }
}

pub(crate) fn fact(leg: &ProofLeg<'_>, rule: &ProofRule, bytes: &[u8]) -> Result<Fact, Flaw> {
    let proof = Proof::read(bytes)?;
    if leg.asset.chain() != rule.chain || leg.asset.on_chain() != ("slip44", "0") {
        return Err(Flaw::Asset {
            chain: rule.chain.clone(),
            asset: leg.asset.clone(),
        });
    }
    let output = Output::of(leg)?;
    let tx = proof.included.check(rule, &proof.witness_branch)?;
    let lock = output.lock(&read_bare(&proof.lock, "lock")?)?;
    output.end(lock, &tx)
}

impl Proof {
    fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        let form = |why: String| Flaw::Form {
            bytes: bytes.len(),
            why,
        };
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(form("too long".into()));
        }
        let proof: Self = decode(bytes).map_err(|error| form(error.to_string()))?;
        if proof.version != VERSION {
            return Err(form(format!("it is of version {}", proof.version)));
        }
        Ok(proof)
    }
}

#[cfg(test)]
mod tests;
