//! Tagged SHA-256: what one kind of message signs can never be read as another kind.

use sha2::{Digest as _, Sha256};

/// 32 bytes of SHA-256.
pub type Digest = [u8; 32];

/// `SHA256(SHA256(tag) ‖ SHA256(tag) ‖ part…)`, each part preceded by its length as 8 bytes little-endian, so that
/// `("1", "23")` and `("12", "3")` never sign alike.
#[must_use]
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> Digest {
    let tag = Sha256::digest(tag.as_bytes());
    let mut hasher = Sha256::new().chain_update(tag).chain_update(tag);
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_tag_nor_the_border_between_parts_can_be_moved() {
        assert_ne!(tagged_hash("a", &[b"1", b"23"]), tagged_hash("a", &[b"12", b"3"]));
        assert_ne!(tagged_hash("a", &[b"1"]), tagged_hash("b", &[b"1"]));
        assert_ne!(tagged_hash("a", &[]), tagged_hash("a", &[b""]));
    }
}
