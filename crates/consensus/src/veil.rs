//! What a proposer sends to all is under a veil: the engine gives it to whoever connects and asks for it, validator or
//! not, and offers no way to choose.
//!
//! XChaCha20-Poly1305 under a key that validators share. The nonce is a hash of the key and the payload, so one payload
//! has one sealed form: it can be sealed again when it is sent on, and its proposer's signature over its hash still holds.
//! No nonce is used for two payloads.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use kofo_primitives::tagged_hash;
use std::sync::Arc;
use zeroize::Zeroizing;

const NONCE: usize = 24;
/// A sealed payload is longer by this.
pub(crate) const SEAL_BYTES: usize = NONCE + 16;

/// The key that validators share, and nobody else has; it may become known later than the engine starts. Without it
/// nothing is proposed to others, and their proposals cannot be read.
#[derive(Clone)]
pub struct Veil(Arc<dyn Fn() -> Option<Zeroizing<[u8; 32]>> + Send + Sync>);

impl Veil {
    /// Asks for the key each time it is needed.
    pub fn of(key: impl Fn() -> Option<Zeroizing<[u8; 32]>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(key))
    }

    /// Of a follower, who is sent no proposals.
    #[must_use]
    pub fn none() -> Self {
        Self::of(|| None)
    }

    pub(crate) fn seal(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let key = (self.0)()?;
        let digest = tagged_hash("kofo/veil-nonce/v1", &[&*key, payload]);
        let nonce = digest.get(..NONCE)?;
        let cipher = XChaCha20Poly1305::new(Key::from_slice(&*key));
        let sealed = cipher.encrypt(XNonce::from_slice(nonce), payload).ok()?;
        Some([nonce, &sealed].concat())
    }

    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let key = (self.0)()?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let cipher = XChaCha20Poly1305::new(Key::from_slice(&*key));
        cipher.decrypt(XNonce::from_slice(nonce), sealed).ok()
    }
}

impl std::fmt::Debug for Veil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = (self.0)().is_some();
        write!(f, "Veil(known: {known}, redacted)")
    }
}

/// A veil for tests.
#[cfg(test)]
pub(crate) fn some_veil(n: u8) -> Veil {
    Veil::of(move || Some(Zeroizing::new([n; 32])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_payload_has_one_sealed_form_and_who_has_another_key_or_none_reads_nothing() {
        let (ours, others) = (some_veil(1), some_veil(2));
        let sealed = ours.seal(b"an order").unwrap();
        assert_eq!(ours.seal(b"an order").unwrap(), sealed);
        assert_eq!(sealed.len(), 8 + SEAL_BYTES);
        assert_eq!(ours.open(&sealed).unwrap(), b"an order");
        assert!(!sealed.windows(8).any(|bytes| bytes == b"an order"));
        assert_eq!(others.open(&sealed), None);
        assert_eq!(Veil::none().open(&sealed), None);
        assert_eq!(Veil::none().seal(b"an order"), None);
    }

    #[test]
    fn what_is_altered_or_too_short_does_not_open() {
        let veil = some_veil(1);
        let sealed = veil.seal(b"").unwrap();
        assert_eq!(veil.open(&sealed).unwrap(), b"");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(veil.open(&altered), None, "byte {at}");
            assert_eq!(veil.open(&sealed[..at]), None, "{at} bytes");
        }
    }
}
