//! Our keys of legs: one for each end, and another for a redeem that pays somebody else's address.
//!
//! A party with our key and a payout that is not of our wallet is what a thief would make of ours. So the key of a
//! redeem to somebody else's address is derived from that address too: nobody but us can name a payout together with
//! the key that belongs to it, and nothing has to be kept to tell what we meant from what somebody altered.

use bitcoin::Script;
use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use kofo_primitives::{End, LegId, NetworkId, Seed, SwapNonce};

use crate::party::BitcoinParty;

/// What the second derivation is for; a zero byte ends it.
const PAY_TO: &[u8] = b"kofo/pay-to/v1\0";

/// Whom our end of a leg pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(crate) enum Payee {
    /// Our own wallet.
    Us,
    /// An address that we were told to pay to.
    Another,
}

/// Whose key of which leg.
#[derive(Clone, Copy)]
pub(crate) struct LegKey<'a> {
    pub(crate) seed: &'a Seed,
    pub(crate) network: &'a NetworkId,
    pub(crate) nonce: &'a SwapNonce,
    pub(crate) leg: LegId,
    pub(crate) end: End,
}

impl LegKey<'_> {
    /// The secret where our wallet is paid. `None` has probability 2^-128.
    pub(crate) fn own(&self) -> Option<SecretKey> {
        let secret = self.seed.leg_secret(self.network, self.nonce, self.leg, self.end);
        SecretKey::from_slice(secret.expose()).ok()
    }

    /// The secret where this payout of somebody else is paid.
    pub(crate) fn paying(&self, payout: &Script) -> Option<SecretKey> {
        let secret = self.seed.leg_secret(self.network, self.nonce, self.leg, self.end);
        let mut engine = HmacEngine::<sha256::Hash>::new(secret.expose());
        engine.input(PAY_TO);
        engine.input(payout.as_bytes());
        SecretKey::from_slice(Hmac::from_engine(engine).as_byte_array()).ok()
    }

    /// The secret of this party, if it is ours, and whom it pays. A refund pays nobody but us.
    pub(crate) fn of(&self, party: &BitcoinParty) -> Option<(SecretKey, Payee)> {
        let own = self.own().map(|secret| (secret, Payee::Us));
        let other = (self.end == End::Redeemer).then(|| self.paying(&party.payout));
        let other = other.flatten().map(|secret| (secret, Payee::Another));
        let mut found = None;
        for (mut secret, payee) in own.into_iter().chain(other) {
            if public(&secret) == party.key {
                found = Some((secret, payee));
            } else {
                secret.non_secure_erase();
            }
        }
        found
    }
}

/// The public key of a secret.
pub(crate) fn public(secret: &SecretKey) -> PublicKey {
    secret.public_key(&Secp256k1::signing_only())
}

#[cfg(test)]
mod tests {
    use bitcoin::ScriptBuf;
    use kofo_primitives::Side;

    use super::*;

    fn script(byte: u8) -> ScriptBuf {
        ScriptBuf::from_hex(&format!("0014{}", format!("{byte:02x}").repeat(20))).unwrap()
    }

    fn with<T>(end: End, test: impl FnOnce(LegKey<'_>) -> T) -> T {
        let (seed, nonce) = (Seed::new([1; 64]), SwapNonce::new([2; 32]));
        let network = NetworkId::new("kofo-test").unwrap();
        test(LegKey {
            seed: &seed,
            network: &network,
            nonce: &nonce,
            leg: LegId::first(Side::Alpha),
            end,
        })
    }

    fn party(secret: Option<SecretKey>, payout: u8) -> BitcoinParty {
        BitcoinParty::new(public(&secret.unwrap()), script(payout)).unwrap()
    }

    #[test]
    fn a_key_tells_whom_its_party_pays() {
        with(End::Redeemer, |key| {
            let whom = |party: &BitcoinParty| key.of(party).map(|(_, payee)| payee);
            assert_eq!(whom(&party(key.own(), 7)), Some(Payee::Us));
            assert_eq!(whom(&party(key.paying(&script(7)), 7)), Some(Payee::Another));
        });
    }

    #[test]
    fn whoever_changes_the_payout_of_a_party_has_no_key_of_ours_for_it() {
        with(End::Redeemer, |key| {
            assert!(key.of(&party(key.paying(&script(7)), 8)).is_none());
        });
    }

    #[test]
    fn a_refund_to_somebody_else_is_not_ours() {
        with(End::Refunder, |key| {
            assert!(key.of(&party(key.paying(&script(7)), 7)).is_none());
            assert!(key.of(&party(key.own(), 7)).is_some());
        });
    }

    #[test]
    fn the_derivation_is_pinned_so_that_a_seed_restores_old_swaps() {
        with(End::Redeemer, |key| {
            let secret = key.paying(&script(7)).unwrap();
            assert_eq!(secret.display_secret().to_string(), PINNED);
        });
    }

    const PINNED: &str = "6687496e009b85b41d92e39b56a5325b0364a153246739a56340e5408ae21b8d";
}
