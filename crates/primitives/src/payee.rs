//! What only validators see of an order: whom a hop is paid through, and which account pays.

use crate::asset::NetworkId;
use crate::bytes::Bytes;
use crate::claim::ClaimId;
use crate::codec::{decode, encode};
use crate::fulfil::context;
use crate::hash::{Digest, tagged_hash};
use crate::hashlock::SwapId;
use crate::node_id::{NodeId, NodeKey};
use crate::order::{Signed, message_id};
use crate::sealed::{SealError, open, seal};
use crate::select::UnsealError;
use borsh::{BorshDeserialize, BorshSerialize};

/// Whom a hop is paid through. The hop's entry commits to it, so that nobody can put another payee in its place; its
/// return entry carries it, sealed to the validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HopOpening {
    /// The account, which has a relay's bond.
    pub payee: NodeId,
    /// Fresh for each entry: equal payees have unequal commitments.
    pub salt: [u8; 32],
}

impl HopOpening {
    /// What the hop's entry has as its payee.
    #[must_use]
    pub fn commit(&self) -> Digest {
        tagged_hash("kofo/payee/v1", &[self.payee.as_bytes(), &self.salt])
    }

    /// Seals it to the validators' key for one claim. `ephemeral` is fresh.
    pub fn seal(
        &self,
        claim: &ClaimId,
        validators: &NodeId,
        ephemeral: &[u8; 32],
    ) -> Result<Bytes<512>, SealError> {
        seal(validators, ephemeral, &context(b"payee", claim), &encode(self))
    }

    /// Opens what a hop sealed.
    pub fn unseal(claim: &ClaimId, key: &NodeKey, sealed: &Bytes<512>) -> Result<Self, UnsealError> {
        Ok(decode(&open(key, &context(b"payee", claim), sealed)?)?)
    }
}

/// A claimant's account pays the claimant's part of the fee and puts up the premium of one order. The claim's key is
/// fresh and has no account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payment {
    /// Version of this message: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// The order that is paid for, and no other.
    pub order: SwapId,
    /// The account, which signs.
    pub account: NodeId,
}

impl Payment {
    /// Its id, which the account signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/payment/v1", &self.network, self)
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_read_by_the_validators_for_its_claim_alone() {
        let key = NodeKey::new(&[3; 32]).unwrap();
        let opening = HopOpening {
            payee: NodeId::new([1; 32]),
            salt: [2; 32],
        };
        let claim = ClaimId::new([5; 32]);
        let sealed = opening.seal(&claim, &key.id(), &[9; 32]).unwrap();
        assert_eq!(HopOpening::unseal(&claim, &key, &sealed).unwrap(), opening);
        assert!(HopOpening::unseal(&ClaimId::new([6; 32]), &key, &sealed).is_err());
        let other = NodeKey::new(&[4; 32]).unwrap();
        assert!(HopOpening::unseal(&claim, &other, &sealed).is_err());
        let salted = HopOpening {
            salt: [3; 32],
            ..opening
        };
        assert_ne!(salted.commit(), opening.commit());
    }
}
