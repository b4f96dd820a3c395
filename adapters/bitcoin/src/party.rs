//! What one party of a Bitcoin leg gives the other: a fresh key and the script its money goes to.

use bitcoin::secp256k1::PublicKey;
use bitcoin::{Script, ScriptBuf};

/// Bytes of a compressed public key.
const KEY_BYTES: usize = 33;
/// The longest standard payout script: a witness program of 40 bytes with its version and length.
const MAX_PAYOUT_BYTES: usize = 42;

/// One party of a Bitcoin leg. Encoded as the compressed key (33 bytes) followed by the payout script; the
/// encoding is unique, so it may be signed and hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitcoinParty {
    /// Fresh for this swap and this leg: two legs that share keys would share an address.
    pub key: PublicKey,
    /// Where this party's redeem or refund pays to.
    pub payout: ScriptBuf,
}

/// Why bytes are not a [`BitcoinParty`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    /// Fewer bytes than a key and a script, or more than the longest payout script.
    #[error("a bitcoin party has 34 to 75 bytes (key, then payout script), not {got}")]
    Length {
        /// Bytes given.
        got: usize,
    },
    /// The first 33 bytes are no point of the curve.
    #[error("the first 33 bytes of a bitcoin party must be a compressed public key")]
    Key,
    /// The payout would not be relayed, or could never be spent.
    #[error("payout script {script} is not P2TR, P2WPKH, P2WSH, P2SH or P2PKH: give an ordinary address")]
    Payout {
        /// The script as given.
        script: ScriptBuf,
    },
}

impl BitcoinParty {
    /// Checks that the payout is one of the standard kinds.
    pub fn new(key: PublicKey, payout: ScriptBuf) -> Result<Self, PartyError> {
        if is_ordinary(&payout) {
            Ok(Self { key, payout })
        } else {
            Err(PartyError::Payout { script: payout })
        }
    }

    /// The key, then the payout script.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.key.serialize().to_vec();
        bytes.extend_from_slice(self.payout.as_bytes());
        bytes
    }

    /// The inverse of [`Self::to_bytes`]; refuses everything that it would not produce.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PartyError> {
        let length = PartyError::Length { got: bytes.len() };
        if bytes.len() > KEY_BYTES + MAX_PAYOUT_BYTES {
            return Err(length);
        }
        let Some((key, payout)) = bytes
            .split_at_checked(KEY_BYTES)
            .filter(|(_, payout)| !payout.is_empty())
        else {
            return Err(length);
        };
        let key = PublicKey::from_slice(key).map_err(|_| PartyError::Key)?;
        Self::new(key, ScriptBuf::from_bytes(payout.to_vec()))
    }
}

/// Anchors and future witness versions are left out on purpose: money sent there may be anybody's.
pub(crate) fn is_ordinary(script: &Script) -> bool {
    script.is_p2tr() || script.is_p2wpkh() || script.is_p2wsh() || script.is_p2sh() || script.is_p2pkh()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";

    fn party() -> BitcoinParty {
        let payout = ScriptBuf::from_hex("00140102030405060708090a0b0c0d0e0f1011121314").unwrap();
        BitcoinParty::new(KEY.parse().unwrap(), payout).unwrap()
    }

    #[test]
    fn a_party_survives_encoding() {
        assert_eq!(BitcoinParty::from_bytes(&party().to_bytes()), Ok(party()));
    }

    #[test]
    fn a_payout_that_nobody_or_anybody_can_spend_is_refused() {
        for script in ["6a0101", "51024e73", "51", "5220"] {
            let script = ScriptBuf::from_hex(script).unwrap();
            let refused = BitcoinParty::new(party().key, script.clone());
            assert_eq!(refused, Err(PartyError::Payout { script }));
        }
    }

    #[test]
    fn a_party_without_payout_or_with_too_much_is_refused() {
        let bytes = party().to_bytes();
        assert_eq!(
            BitcoinParty::from_bytes(&bytes[..33]),
            Err(PartyError::Length { got: 33 })
        );
        assert_eq!(
            BitcoinParty::from_bytes(&[2; 76]),
            Err(PartyError::Length { got: 76 })
        );
        assert_eq!(
            BitcoinParty::from_bytes(&[2; 10]),
            Err(PartyError::Length { got: 10 })
        );
    }

    #[test]
    fn bytes_that_are_no_point_are_no_key() {
        let mut bytes = party().to_bytes();
        bytes[0] = 5;
        assert_eq!(BitcoinParty::from_bytes(&bytes), Err(PartyError::Key));
    }

    proptest! {
        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            if let Ok(party) = BitcoinParty::from_bytes(&bytes) {
                prop_assert_eq!(party.to_bytes(), bytes);
            }
        }

        #[test]
        fn a_changed_byte_never_decodes_to_the_same_party(at in 0usize..55, bit in 0u8..8) {
            let mut bytes = party().to_bytes();
            bytes[at] ^= 1 << bit;
            prop_assert_ne!(BitcoinParty::from_bytes(&bytes), Ok(party()));
        }
    }
}
