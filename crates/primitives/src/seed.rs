//! Preimages and swap keys from one seed and a fresh nonce.
//!
//! The nonce is drawn by ourselves and durable before anything derived from it leaves; it is never an id that the
//! other side can influence, so that no preimage and no key is ever used twice.

use crate::asset::NetworkId;
use crate::hashlock::{Preimage, SwapNonce};
use crate::leg::{End, LegId, Side};
use crate::link_key::LinkKey;
use crate::node_id::NodeKey;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A BIP-39 seed: 64 bytes from which everything a node owns is derived.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 64]);

/// The 32 secret bytes of one key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct LegSecret([u8; 32]);

impl Seed {
    /// From the 64 bytes that BIP-39 gives.
    #[must_use]
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The secret bytes, for the wallets of the chains.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 64] {
        &self.0
    }

    /// `HKDF(seed, "kofo/preimage/v1" ‖ network ‖ nonce)`.
    #[must_use]
    pub fn preimage(&self, network: &NetworkId, nonce: &SwapNonce) -> Preimage {
        Preimage::new(self.derive("kofo/preimage/v1", network, &[nonce.as_bytes()]))
    }

    /// `HKDF(seed, "kofo/key/v1" ‖ network ‖ nonce ‖ side ‖ index ‖ end)`: our key of one leg of one swap.
    #[must_use]
    pub fn leg_secret(&self, network: &NetworkId, nonce: &SwapNonce, leg: LegId, end: End) -> LegSecret {
        let side = match leg.side {
            Side::Alpha => 0,
            Side::Beta => 1,
        };
        let end = match end {
            End::Redeemer => 0,
            End::Refunder => 1,
        };
        LegSecret(self.derive(
            "kofo/key/v1",
            network,
            &[nonce.as_bytes(), &[side, leg.index, end]],
        ))
    }

    /// `HKDF(seed, label ‖ network)`: a key of the node itself, such as its journal's or its transport identity's.
    #[must_use]
    pub fn node_secret(&self, label: &str, network: &NetworkId) -> LegSecret {
        LegSecret(self.derive(label, network, &[]))
    }

    /// The seed of a node whose signer is elsewhere: two halves, `HKDF(seed, "kofo/household/v1" ‖ network)` and the
    /// same with `"kofo/household/v1/2"`. All that is the node's own comes from it; what guards money does not.
    #[must_use]
    pub fn household(&self, network: &NetworkId) -> Self {
        let mut both = [0; 64];
        let (first, second) = both.split_at_mut(32);
        first.copy_from_slice(self.node_secret("kofo/household/v1", network).expose());
        second.copy_from_slice(self.node_secret("kofo/household/v1/2", network).expose());
        let household = Self::new(both);
        both.zeroize();
        household
    }

    /// `HKDF(seed, "kofo/claim-key/v1" ‖ network ‖ nonce)`: what signs the claim with that nonce.
    #[must_use]
    pub fn claim_key(&self, network: &NetworkId, nonce: &[u8; 32]) -> NodeKey {
        self.key("kofo/claim-key/v1", network, nonce)
    }

    /// `HKDF(seed, "kofo/seal-key/v1" ‖ network ‖ nonce)`: what opens the quotes for the claim with that nonce.
    #[must_use]
    pub fn seal_key(&self, network: &NetworkId, nonce: &[u8; 32]) -> NodeKey {
        self.key("kofo/seal-key/v1", network, nonce)
    }

    /// `HKDF(seed, "kofo/fulfil-key/v1" ‖ network ‖ nonce)`: what signs the quote with that nonce, and opens what is
    /// sealed to it.
    #[must_use]
    pub fn fulfil_key(&self, network: &NetworkId, nonce: &SwapNonce) -> NodeKey {
        self.key("kofo/fulfil-key/v1", network, nonce.as_bytes())
    }

    /// `HKDF(seed, "kofo/listing-key/v1" ‖ network)`: what signs the listings of this node, and nothing else.
    #[must_use]
    pub fn listing_key(&self, network: &NetworkId) -> NodeKey {
        let secret = self.node_secret("kofo/listing-key/v1", network);
        NodeKey::new(secret.expose()).expect("fewer than one seed in 2^127 gives no key")
    }

    fn key(&self, label: &str, network: &NetworkId, nonce: &[u8; 32]) -> NodeKey {
        let secret = LegSecret(self.derive(label, network, &[nonce]));
        NodeKey::new(secret.expose()).expect("fewer than one nonce in 2^127 gives no key")
    }

    /// `HKDF(seed, "kofo/link/v1" ‖ network ‖ epoch (8 bytes, little-endian) ‖ peer)`: the base of our end of the link
    /// with that peer, by its transport name, in that epoch.
    #[must_use]
    pub fn link_key(&self, network: &NetworkId, epoch: u64, peer: &[u8]) -> LinkKey {
        let secret = LegSecret(self.derive("kofo/link/v1", network, &[&epoch.to_le_bytes(), peer]));
        LinkKey::new(secret.expose()).expect("fewer than one link in 2^127 gives no key")
    }

    fn derive(&self, label: &str, network: &NetworkId, parts: &[&[u8]]) -> [u8; 32] {
        // The label ends at the 0 byte and the network at the next one; what follows has a fixed length per label.
        let mut info = vec![label.as_bytes(), &[0], network.as_str().as_bytes(), &[0]];
        info.extend_from_slice(parts);
        let mut out = [0; 32];
        let hkdf = Hkdf::<Sha256>::new(None, &self.0);
        hkdf.expand_multi_info(&info, &mut out)
            .expect("32 bytes are fewer than HKDF can give");
        out
    }
}

impl LegSecret {
    /// The secret bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(redacted)")
    }
}

impl std::fmt::Debug for LegSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LegSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str) -> NetworkId {
        NetworkId::new(name).unwrap()
    }

    #[test]
    fn derivation_is_pinned_so_that_a_seed_restores_old_swaps() {
        let (seed, nonce) = (Seed::new([1; 64]), SwapNonce::new([2; 32]));
        let preimage = seed.preimage(&network("kofo-test"), &nonce);
        let secret = seed.leg_secret(
            &network("kofo-test"),
            &nonce,
            LegId::first(Side::Alpha),
            End::Refunder,
        );
        assert_eq!(hex::encode(preimage.expose()), PREIMAGE);
        assert_eq!(hex::encode(secret.expose()), SECRET);
    }
    const PREIMAGE: &str = "f451971b9ad76c151823e4503cdaf0589993c6a72db6785562a52589ccffe74f";
    const SECRET: &str = "22ea365148cf02cec7a82a1f5eb89cef3fcdd44586bed0f4b03d12acc17e21ec";

    #[test]
    fn no_two_networks_nonces_legs_or_ends_share_a_secret() {
        let seed = Seed::new([1; 64]);
        let mut seen = std::collections::BTreeSet::new();
        for name in ["a", "b", "ab"] {
            for nonce in 0..4 {
                let nonce = SwapNonce::new([nonce; 32]);
                assert!(seen.insert(*seed.preimage(&network(name), &nonce).expose()));
                for side in [Side::Alpha, Side::Beta] {
                    for end in [End::Redeemer, End::Refunder] {
                        for index in 0..4 {
                            let secret = seed.leg_secret(&network(name), &nonce, LegId { side, index }, end);
                            assert!(seen.insert(*secret.expose()));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_household_has_none_of_the_secrets_of_its_seed() {
        let (seed, nonce, network) = (Seed::new([1; 64]), SwapNonce::new([2; 32]), network("a"));
        let household = seed.household(&network);
        assert_eq!(household.expose(), seed.household(&network).expose());
        assert_ne!(household.expose()[..32], household.expose()[32..]);
        assert!(household.preimage(&network, &nonce) != seed.preimage(&network, &nonce));
    }

    #[test]
    fn secrets_are_never_printed() {
        let seed = Seed::new([1; 64]);
        assert_eq!(format!("{seed:?}"), "Seed(redacted)");
        assert_eq!(
            format!("{:?}", seed.node_secret("kofo/x", &network("a"))),
            "LegSecret(redacted)"
        );
    }
}
