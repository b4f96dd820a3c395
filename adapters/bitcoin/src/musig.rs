//! BIP-327 key aggregation.
//!
//! The only module that sees secp256k1 0.33 (the version with MuSig2); everything else here, and everything
//! public, is the 0.29 of `bitcoin`. The border is crossed by bytes.

use bitcoin::secp256k1::{PublicKey, XOnlyPublicKey};
use secp256k1_musig::PublicKey as MusigKey;
use secp256k1_musig::musig::KeyAggCache;
use secp256k1_musig::sort_pubkeys;

/// Why two keys have no aggregate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the public key {key} has no MuSig2 aggregate with the other party's: draw fresh keys")]
pub struct NoAggregate {
    /// The first key as given.
    pub key: PublicKey,
}

/// The BIP-327 `KeyAgg` of two keys, sorted first, so that both parties get the same key in whatever order
/// they name themselves.
pub(crate) fn aggregate(first: &PublicKey, second: &PublicKey) -> Result<XOnlyPublicKey, NoAggregate> {
    let none = || NoAggregate { key: *first };
    let keys = [
        MusigKey::from_byte_array_compressed(first.serialize()).map_err(|_| none())?,
        MusigKey::from_byte_array_compressed(second.serialize()).map_err(|_| none())?,
    ];
    let mut sorted = [&keys[0], &keys[1]];
    sort_pubkeys(&mut sorted);
    let aggregate = KeyAggCache::new(&sorted).agg_pk().to_byte_array();
    XOnlyPublicKey::from_slice(&aggregate).map_err(|_| none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hex: &str) -> PublicKey {
        hex.parse().unwrap()
    }

    // Two of the keys of BIP-327's own test vectors.
    const A: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
    const B: &str = "03dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659";

    #[test]
    fn the_order_of_the_parties_does_not_matter() {
        assert_eq!(
            aggregate(&key(A), &key(B)).unwrap(),
            aggregate(&key(B), &key(A)).unwrap()
        );
    }

    #[test]
    fn the_aggregate_is_what_bip_327_defines() {
        assert_eq!(
            aggregate(&key(A), &key(B)).unwrap(),
            reference_aggregate(&key(A), &key(B))
        );
        assert_eq!(
            aggregate(&key(B), &key(A)).unwrap(),
            reference_aggregate(&key(A), &key(B))
        );
    }

    /// BIP-327 `KeyAgg` of two keys in plain steps, with the other curve library: L is the hash of the sorted
    /// keys, the second distinct key has coefficient 1, the first has the hash of L and itself.
    fn reference_aggregate(one: &PublicKey, two: &PublicKey) -> XOnlyPublicKey {
        use bitcoin::hashes::{Hash, HashEngine, sha256};
        use bitcoin::secp256k1::{Scalar, Secp256k1};

        fn tagged(tag: &[u8], parts: &[&[u8]]) -> [u8; 32] {
            let tag = sha256::Hash::hash(tag);
            let mut engine = sha256::Hash::engine();
            engine.input(tag.as_byte_array());
            engine.input(tag.as_byte_array());
            parts.iter().for_each(|part| engine.input(part));
            sha256::Hash::from_engine(engine).to_byte_array()
        }

        let mut keys = [one.serialize(), two.serialize()];
        keys.sort();
        let list = tagged(b"KeyAgg list", &[&keys[0], &keys[1]]);
        let coefficient = Scalar::from_be_bytes(tagged(b"KeyAgg coefficient", &[&list, &keys[0]])).unwrap();
        let first = PublicKey::from_slice(&keys[0]).unwrap();
        let second = PublicKey::from_slice(&keys[1]).unwrap();
        let secp = Secp256k1::new();
        first
            .mul_tweak(&secp, &coefficient)
            .unwrap()
            .combine(&second)
            .unwrap()
            .x_only_public_key()
            .0
    }
}
