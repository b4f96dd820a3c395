//! What only one key can read: ECDH on secp256k1, HKDF-SHA256, ChaCha20-Poly1305.
//!
//! `sealed = ephemeral x-only key (32) ‖ ciphertext ‖ tag (16)`. The shared secret is the x coordinate of
//! `ephemeral · recipient`, so that neither key's parity matters; the cipher's key is
//! `HKDF-SHA256(salt = ephemeral ‖ recipient, ikm = x, info = "kofo/seal/v1" ‖ context)` and is used once, with nonce 0.

use crate::bytes::{Bytes, TooLong};
use crate::node_id::{NodeId, NodeKey};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Sealing adds so many bytes.
pub const SEAL_OVERHEAD: usize = 32 + 16;

/// Why something sealed does not open, or something cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not sealed to this key in this context, or altered.
    #[error("this is not sealed to our key, or was altered on its way")]
    Unreadable,
    /// The recipient's key, or the ephemeral one, is none.
    #[error("the key to seal to is no point of the curve")]
    NoKey,
    /// Too long for its place.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// Seals `plain` to `to`. `ephemeral` is 32 fresh random bytes that are used for nothing else; `context` names the
/// message, so that nothing sealed for one place opens in another.
pub fn seal<const MOST: usize>(
    to: &NodeId,
    ephemeral: &[u8; 32],
    context: &[u8],
    plain: &[u8],
) -> Result<Bytes<MOST>, SealError> {
    let ephemeral = NodeKey::new(ephemeral).ok_or(SealError::NoKey)?;
    let shared = ephemeral.shared_x(to).ok_or(SealError::NoKey)?;
    let cipher = cipher(&shared, &ephemeral.id(), to, context);
    let sealed = cipher.encrypt(&Nonce::default(), Payload::from(plain));
    let sealed = sealed.expect("the cipher takes far longer messages than fit in memory");
    Ok(Bytes::new(
        [ephemeral.id().as_bytes(), sealed.as_slice()].concat(),
    )?)
}

/// Opens what was sealed to `key` in this context.
pub fn open<const MOST: usize>(
    key: &NodeKey,
    context: &[u8],
    sealed: &Bytes<MOST>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (ephemeral, rest) = sealed
        .as_slice()
        .split_first_chunk::<32>()
        .ok_or(SealError::Unreadable)?;
    let ephemeral = NodeId::new(*ephemeral);
    let shared = key.shared_x(&ephemeral).ok_or(SealError::Unreadable)?;
    let plain =
        cipher(&shared, &ephemeral, &key.id(), context).decrypt(&Nonce::default(), Payload::from(rest));
    plain.map(Zeroizing::new).map_err(|_| SealError::Unreadable)
}

fn cipher(shared: &[u8; 32], ephemeral: &NodeId, to: &NodeId, context: &[u8]) -> ChaCha20Poly1305 {
    let salt = [*ephemeral.as_bytes(), *to.as_bytes()].concat();
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(&salt), shared)
        .expand_multi_info(&[b"kofo/seal/v1", context], key.as_mut_slice())
        .expect("32 bytes are fewer than HKDF can give");
    ChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> NodeKey {
        NodeKey::new(&[n; 32]).unwrap()
    }

    #[test]
    fn only_the_addressee_opens_and_only_in_the_same_context() {
        // Keys of both parities are among these.
        for n in 1..20 {
            let sealed: Bytes<100> = seal(&key(n).id(), &[n + 100; 32], b"here", b"terms").unwrap();
            assert_eq!(open(&key(n), b"here", &sealed).unwrap().as_slice(), b"terms");
            assert_eq!(open(&key(n), b"there", &sealed), Err(SealError::Unreadable));
            assert_eq!(open(&key(n + 1), b"here", &sealed), Err(SealError::Unreadable));
        }
    }

    #[test]
    fn a_bit_that_flips_anywhere_is_noticed() {
        let sealed: Bytes<100> = seal(&key(1).id(), &[9; 32], b"", b"terms").unwrap();
        for bit in 0..sealed.as_slice().len() * 8 {
            let mut altered = sealed.as_slice().to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                open(&key(1), b"", &Bytes::<100>::new(altered).unwrap()),
                Err(SealError::Unreadable)
            );
        }
    }

    #[test]
    fn what_is_too_long_or_to_no_key_is_not_sealed() {
        assert!(matches!(
            seal::<52>(&key(1).id(), &[9; 32], b"", b"terms"),
            Err(SealError::TooLong(_))
        ));
        assert_eq!(
            seal::<53>(&key(1).id(), &[9; 32], b"", b"terms")
                .unwrap()
                .as_slice()
                .len(),
            5 + SEAL_OVERHEAD
        );
        assert_eq!(
            seal::<99>(&NodeId::new([0xff; 32]), &[9; 32], b"", b""),
            Err(SealError::NoKey)
        );
        assert_eq!(
            open(&key(1), b"", &Bytes::<9>::new([1]).unwrap()),
            Err(SealError::Unreadable)
        );
    }
}
