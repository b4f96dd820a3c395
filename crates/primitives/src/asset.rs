//! Names of networks, chains and assets, in the field's own notation: CAIP-2 for chains, CAIP-19 for assets.

use crate::bytes::Text;
use borsh::{BorshDeserialize, BorshSerialize};

/// A text is no id of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got:?}")]
pub struct ParseIdError {
    /// The form that was expected, with an example.
    pub expected: &'static str,
    /// What came.
    pub got: String,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $most:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
        pub struct $name(Text<$most>);

        impl $name {
            /// Reads the id.
            pub fn new(text: &str) -> Result<Self, ParseIdError> {
                let valid: fn(&str) -> bool = $valid;
                let wrong = || ParseIdError { expected: $expected, got: text.chars().take(80).collect() };
                Text::new(text).filter(|t| valid(t.as_str())).map(Self).ok_or_else(wrong)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl BorshDeserialize for $name {
            fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
                let text = Text::<$most>::deserialize_reader(reader)?;
                Self::new(text.as_str()).map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e))
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::new(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

fn word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn chain(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(space, reference)| word(space) && word(reference))
}

text_id!(
    /// The set of chains and nodes that belong together, such as `kofo-regtest`. Part of everything that is signed.
    NetworkId, 32, "letters, digits, '-', '_' or '.', such as kofo-regtest", word
);

text_id!(
    /// One chain, as CAIP-2 names it: `bip122:<32 digits of the genesis hash>` or `eip155:<chain id>`.
    ChainId, 41, "a CAIP-2 chain id such as eip155:1", chain
);

text_id!(
    /// One asset on one chain, as CAIP-19 names it: `eip155:1/slip44:60`, `eip155:1/erc20:0x…`. Lower case, so that
    /// one asset has one name.
    AssetId, 128, "a CAIP-19 asset id in lower case such as eip155:1/slip44:60", |text| {
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        lower && text.split_once('/').is_some_and(|(on, asset)| on.len() <= 41 && chain(on) && chain(asset))
    }
);

impl AssetId {
    /// The chain that the asset is on.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        let (chain, _) = self.as_str().split_once('/').expect("checked when it was made");
        ChainId::new(chain).expect("checked when it was made")
    }

    /// What stands behind the slash: namespace and reference, such as `("erc20", "0x…")`.
    #[must_use]
    pub fn on_chain(&self) -> (&str, &str) {
        let (_, asset) = self.as_str().split_once('/').expect("checked when it was made");
        asset.split_once(':').expect("checked when it was made")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_names_its_chain() {
        let asset = AssetId::new("eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3").unwrap();
        assert_eq!(asset.chain(), ChainId::new("eip155:31337").unwrap());
        assert_eq!(
            asset.on_chain(),
            ("erc20", "0x5fbdb2315678afecb367f032d93f642f64180aa3")
        );
    }

    #[test]
    fn malformed_ids_are_refused_when_read_and_when_decoded() {
        for text in [
            "",
            "eip155",
            "eip155:1",
            "eip155:1/",
            "eip155:1/erc20",
            "EIP155:1/slip44:60",
            "a:b/c:d/e:f",
        ] {
            assert!(AssetId::new(text).is_err(), "{text:?}");
            assert!(
                borsh::from_slice::<AssetId>(&borsh::to_vec(text).unwrap()).is_err(),
                "{text:?}"
            );
        }
        assert!(ChainId::new("eip155:1 ").is_err());
        assert!(NetworkId::new("kofo regtest").is_err());
    }
}
