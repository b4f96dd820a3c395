//! Who a node is on the network: an ed25519 key, unrelated to any key that holds money.

use std::fmt;
use std::str::FromStr;

use libp2p::identity::Keypair;
use thiserror::Error;
use zeroize::Zeroizing;

/// The secret half of a node's network identity. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct Identity(Keypair);

impl Identity {
    /// The identity of a 32-byte ed25519 secret key. The copy that comes in is wiped.
    pub fn from_secret(mut secret: Zeroizing<[u8; 32]>) -> Self {
        let key = Keypair::ed25519_from_bytes(&mut secret[..]);
        Self(key.expect("every 32 bytes are an ed25519 secret key"))
    }

    /// A fresh identity from the operating system's randomness.
    pub fn generate() -> Self {
        Self(Keypair::generate_ed25519())
    }

    /// The public name of this identity.
    pub fn peer_id(&self) -> PeerId {
        PeerId(self.0.public().to_peer_id())
    }

    pub(crate) fn into_keypair(self) -> Keypair {
        self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, secret redacted)", self.peer_id())
    }
}

/// The public name of a peer: the hash of its public key, printed in base58 (`12D3Koo…`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub(crate) libp2p::PeerId);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

/// A text that is no peer id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected a peer id such as 12D3KooW…, got {got:?}; copy it from the peer's address")]
pub struct PeerIdError {
    /// The first characters of what came.
    pub got: String,
}

impl FromStr for PeerId {
    type Err = PeerIdError;

    fn from_str(text: &str) -> Result<Self, PeerIdError> {
        text.parse().map(Self).map_err(|_| PeerIdError {
            got: text.chars().take(80).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_is_always_one_peer_id() {
        let of = |byte: u8| Identity::from_secret(Zeroizing::new([byte; 32])).peer_id();
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        // Pinned: a changed derivation would cut every node off from those who know its address.
        assert_eq!(
            of(7).to_string(),
            "12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7"
        );
    }

    #[test]
    fn a_peer_id_survives_its_text() {
        let id = Identity::generate().peer_id();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            "nobody".parse::<PeerId>(),
            Err(PeerIdError {
                got: "nobody".to_owned()
            })
        );
    }

    #[test]
    fn debug_shows_the_public_name_and_no_secret() {
        let identity = Identity::from_secret(Zeroizing::new([7; 32]));
        assert_eq!(
            format!("{identity:?}"),
            format!("Identity({}, secret redacted)", identity.peer_id())
        );
    }
}
