//! The key that encrypts a journal at rest.

use std::fmt;

use zeroize::ZeroizeOnDrop;

/// 32 bytes of key, wiped when dropped and never printed. Derive it from the node's passphrase or seed with a
/// proper key derivation; this crate does not stretch it.
#[derive(ZeroizeOnDrop)]
pub struct JournalKey([u8; 32]);

impl JournalKey {
    /// Takes 32 secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JournalKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(
            format!("{:?}", JournalKey::from_bytes([0xAB; 32])),
            "JournalKey(redacted)"
        );
    }
}
