//! Preimage and hashlock, and the 32-byte ids of a swap.

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The 32 random bytes that open every leg of a swap. Whoever holds them first decides the swap: zeroised on drop,
/// never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, BorshSerialize, BorshDeserialize)]
pub struct Preimage([u8; 32]);

impl Preimage {
    /// Exactly 32 bytes: a longer preimage would open a leg on one chain only.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret bytes. Handing them to anyone is the reveal.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 of the preimage.
    #[must_use]
    pub fn hashlock(&self) -> Hashlock {
        Hashlock(Sha256::digest(self.0).into())
    }
}

impl std::fmt::Debug for Preimage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Preimage(redacted)")
    }
}

/// A text is not 32 bytes in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits, got {got:?}")]
pub struct ParseHexError {
    /// What came.
    pub got: String,
}

macro_rules! id32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name([u8; 32]);

        impl $name {
            /// From its 32 bytes.
            #[must_use]
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::ParseHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 32];
                match hex::decode_to_slice(text, &mut bytes) {
                    Ok(()) => Ok(Self(bytes)),
                    Err(_) => Err(crate::ParseHexError { got: text.chars().take(80).collect() }),
                }
            }
        }
    };
}

pub(crate) use id32;

id32!(
    /// SHA-256 of the preimage; the one condition that all legs of a swap share.
    Hashlock
);
id32!(
    /// The id of a swap: the id of the settlement order that it executes.
    SwapId
);
id32!(
    /// 32 fresh random bytes that a party draws for one swap, from which it derives its preimage and keys. Not secret:
    /// with the seed they restore the swap. Never taken from a peer.
    SwapNonce
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashlock_is_the_sha256_of_exactly_32_bytes() {
        let expected = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(Preimage::new([0; 32]).hashlock().to_string(), expected);
    }

    #[test]
    fn a_preimage_is_never_printed() {
        assert_eq!(format!("{:?}", Preimage::new([7; 32])), "Preimage(redacted)");
    }

    #[test]
    fn ids_are_64_hexadecimal_digits() {
        let id = Hashlock::new([0xab; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("abcd".parse::<SwapId>().is_err());
        assert!("zz".repeat(32).parse::<SwapId>().is_err());
    }
}
