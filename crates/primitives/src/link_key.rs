//! Pseudonyms of relays: one key per claim and link, which nobody but the two ends of the link can tie to another.
//!
//! Each end of a link draws a base for it and tells the other end only. For each claim both ends compute the same
//! pseudonym from the base and the claim's id, without a word; only the owner has its secret key.

use crate::claim::ClaimId;
use crate::hash::tagged_hash;
use crate::node_id::{NodeId, NodeKey};
use borsh::{BorshDeserialize, BorshSerialize};
use secp256k1::{PublicKey, SECP256K1, Scalar, SecretKey};
use std::io::{Error, ErrorKind, Read, Write};

/// The public base of one end of a link for one epoch: a point, 33 bytes compressed. Told to the other end only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkBase(PublicKey);

/// The secret behind a [`LinkBase`]. Erased on drop, never printed. It signs nothing itself: with it and one hop's
/// secret key an owner of both ends would know the other.
pub struct LinkKey {
    secret: SecretKey,
    // Every pseudonym needs it, and it costs as much as one.
    base: LinkBase,
}

/// `H("kofo/hopkey/v1", base, claim)` as a number below the group's order.
fn tweak(base: &PublicKey, claim: &ClaimId) -> Option<Scalar> {
    let digest = tagged_hash("kofo/hopkey/v1", &[&base.serialize(), claim.as_bytes()]);
    Scalar::from_be_bytes(digest).ok()
}

impl LinkKey {
    /// From 32 secret bytes; `None` for the handful of values that are no key.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Option<Self> {
        let secret = SecretKey::from_slice(secret).ok()?;
        let base = LinkBase(secret.public_key(SECP256K1));
        Some(Self { secret, base })
    }

    /// What the other end of the link is told.
    #[must_use]
    pub const fn base(&self) -> LinkBase {
        self.base
    }

    /// The key by which we sign as a hop of this claim, when it came over this link. `None` for one claim in 2^127.
    #[must_use]
    pub fn hop_key(&self, claim: &ClaimId) -> Option<NodeKey> {
        let tweak = tweak(&self.base.0, claim)?;
        let mut secret = self.secret.add_tweak(&tweak).ok()?;
        let mut bytes = secret.secret_bytes();
        let key = NodeKey::new(&bytes);
        secret.non_secure_erase();
        zeroize::Zeroize::zeroize(&mut bytes);
        key
    }
}

impl Drop for LinkKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl LinkBase {
    /// The other end's pseudonym as a hop of this claim. `None` for one claim in 2^127.
    #[must_use]
    pub fn pseudonym(&self, claim: &ClaimId) -> Option<NodeId> {
        let point = self.0.add_exp_tweak(SECP256K1, &tweak(&self.0, claim)?).ok()?;
        Some(NodeId::new(point.x_only_public_key().0.serialize()))
    }

    /// The compressed point.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 33] {
        self.0.serialize()
    }
}

impl BorshSerialize for LinkBase {
    fn serialize<W: Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(&self.0.serialize())
    }
}

impl BorshDeserialize for LinkBase {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let mut bytes = [0; 33];
        reader.read_exact(&mut bytes)?;
        let wrong = |_| Error::new(ErrorKind::InvalidData, "expected a compressed point of secp256k1");
        PublicKey::from_slice(&bytes).map(Self).map_err(wrong)
    }
}

impl std::fmt::Debug for LinkBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A base ties all pseudonyms of a link together: it must not reach a log.
        f.write_str("LinkBase(redacted)")
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_ends_of_a_link_compute_one_pseudonym_and_only_the_owner_has_its_key() {
        let key = LinkKey::new(&[3; 32]).unwrap();
        for n in 0..50 {
            let claim = ClaimId::new([n; 32]);
            assert_eq!(
                key.hop_key(&claim).unwrap().id(),
                key.base().pseudonym(&claim).unwrap()
            );
        }
    }

    #[test]
    fn no_two_claims_and_no_two_links_share_a_pseudonym() {
        let mut seen = std::collections::BTreeSet::new();
        for link in 1..8 {
            let base = LinkKey::new(&[link; 32]).unwrap().base();
            for claim in 0..8 {
                assert!(seen.insert(base.pseudonym(&ClaimId::new([claim; 32]))));
            }
        }
    }

    #[test]
    fn a_base_that_is_no_point_does_not_decode() {
        assert!(borsh::from_slice::<LinkBase>(&[0xff; 33]).is_err());
        let base = LinkKey::new(&[1; 32]).unwrap().base();
        assert_eq!(
            borsh::from_slice::<LinkBase>(&borsh::to_vec(&base).unwrap()).unwrap(),
            base
        );
        assert_eq!(format!("{base:?}"), "LinkBase(redacted)");
    }

    proptest! {
        #[test]
        fn a_pseudonym_signs_for_its_owner(secret in 1u8.., claim in any::<[u8; 32]>()) {
            let key = LinkKey::new(&[secret.min(254); 32]).unwrap();
            let claim = ClaimId::new(claim);
            let signature = key.hop_key(&claim).unwrap().sign(&[7; 32]);
            prop_assert_eq!(key.base().pseudonym(&claim).unwrap().verify(&[7; 32], &signature), Ok(()));
        }
    }
}
