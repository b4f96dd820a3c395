//! Who signs messages: BIP-340 keys of nodes.

use crate::hash::Digest;
use borsh::{BorshDeserialize, BorshSerialize};
use secp256k1::{Keypair, Message, Parity, SECP256K1, SecretKey, XOnlyPublicKey, schnorr};
use std::cell::RefCell;
use std::collections::VecDeque;
use zeroize::Zeroizing;

/// So many keys of the signatures checked last are kept as points on each thread: the hops of the longest path sign it on
/// both ways, the claimant three parts of an order. Finding a point is a ninth of the work on a signature.
const POINTS: usize = 16;

thread_local! {
    static LAST: RefCell<VecDeque<(NodeId, XOnlyPublicKey)>> = RefCell::new(VecDeque::with_capacity(POINTS));
}

/// The x-only public key by which a node signs offers and acceptances.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct NodeId([u8; 32]);

/// A BIP-340 signature.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signature([u8; 64]);

/// The secret key behind a [`NodeId`]. Erased on drop, never printed.
pub struct NodeKey(Keypair);

/// The signature is not that node's over that message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not one of {signer} over this message: it was altered or signed by another")]
pub struct SignatureError {
    /// Who should have signed.
    pub signer: NodeId,
}

impl NodeKey {
    /// From 32 secret bytes; `None` for the handful of values that are no key.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Option<Self> {
        let mut key = SecretKey::from_slice(secret).ok()?;
        let pair = Keypair::from_secret_key(SECP256K1, &key);
        key.non_secure_erase();
        Some(Self(pair))
    }

    /// The public half.
    #[must_use]
    pub fn id(&self) -> NodeId {
        NodeId(self.0.x_only_public_key().0.serialize())
    }

    /// The x coordinate of our secret times that key: the same for its owner with our public key. `None` if it is no key.
    pub(crate) fn shared_x(&self, other: &NodeId) -> Option<Zeroizing<[u8; 32]>> {
        let point = XOnlyPublicKey::from_slice(&other.0)
            .ok()?
            .public_key(Parity::Even);
        let mut secret = self.0.secret_key();
        let both = Zeroizing::new(secp256k1::ecdh::shared_secret_point(&point, &secret));
        secret.non_secure_erase();
        both.first_chunk().copied().map(Zeroizing::new)
    }

    /// Signs a tagged hash. The nonce is that of BIP-340 with fixed auxiliary data, so that a repeat gives the same
    /// bytes.
    #[must_use]
    pub fn sign(&self, digest: &Digest) -> Signature {
        let message = Message::from_digest(*digest);
        Signature(
            SECP256K1
                .sign_schnorr_with_aux_rand(&message, &self.0, &[0; 32])
                .serialize(),
        )
    }
}

impl Drop for NodeKey {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

impl Signature {
    /// What stands in a message that is about to be signed.
    pub(crate) const fn none() -> Self {
        Self([0; 64])
    }
}

impl NodeId {
    /// From its 32 bytes; they need not be a point, then no signature verifies.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The point that it is, from those found last if it is among them.
    fn point(&self) -> Option<XOnlyPublicKey> {
        LAST.with_borrow_mut(|last| {
            if let Some((_, point)) = last.iter().find(|(id, _)| id == self) {
                return Some(*point);
            }
            let point = XOnlyPublicKey::from_slice(&self.0).ok()?;
            last.truncate(POINTS.saturating_sub(1));
            last.push_front((*self, point));
            Some(point)
        })
    }

    /// Whether this node signed that tagged hash.
    pub fn verify(&self, digest: &Digest, signature: &Signature) -> Result<(), SignatureError> {
        let wrong = SignatureError { signer: *self };
        let key = self.point().ok_or(wrong)?;
        let signature = schnorr::Signature::from_slice(&signature.0).map_err(|_| wrong)?;
        SECP256K1
            .verify_schnorr(&signature, &Message::from_digest(*digest), &key)
            .map_err(|_| wrong)
    }
}

impl std::fmt::Display for NodeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for NodeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeKey(redacted, {})", self.id())
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({})", hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signer_and_only_that_message_verify() {
        let (key, other) = (NodeKey::new(&[1; 32]).unwrap(), NodeKey::new(&[2; 32]).unwrap());
        let signature = key.sign(&[7; 32]);
        assert_eq!(key.id().verify(&[7; 32], &signature), Ok(()));
        assert!(key.id().verify(&[8; 32], &signature).is_err());
        assert!(other.id().verify(&[7; 32], &signature).is_err());
        assert!(NodeId::new([0xff; 32]).verify(&[7; 32], &signature).is_err());
        assert!(NodeKey::new(&[0; 32]).is_none());
    }

    #[test]
    fn a_key_verifies_the_same_whether_it_is_among_those_seen_last_or_not() {
        let keys: Vec<_> = (1..=40).map(|n| NodeKey::new(&[n; 32]).unwrap()).collect();
        for _ in 0..2 {
            for (key, other) in keys.iter().zip(keys.iter().cycle().skip(1)) {
                let signature = key.sign(&[7; 32]);
                for _ in 0..2 {
                    assert_eq!(key.id().verify(&[7; 32], &signature), Ok(()));
                    assert!(other.id().verify(&[7; 32], &signature).is_err());
                    assert!(NodeId::new([0xff; 32]).verify(&[7; 32], &signature).is_err());
                }
            }
        }
        assert_eq!(LAST.with_borrow(VecDeque::len), POINTS);
    }
}
