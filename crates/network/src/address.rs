//! Where a peer is said to be.

use std::fmt;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use thiserror::Error;

use crate::identity::{PeerId, PeerIdError};

/// The most addresses one peer may be given: all are dialed at once.
pub const MAX_ADDRESSES: usize = 8;
/// The longest text of one address that is looked at, in bytes.
const MAX_ADDRESS_BYTES: usize = 256;

/// A peer and the addresses where it is said to listen. The peer id is what counts: whoever answers
/// at an address without that identity is not talked to.
///
/// No address at all is legal: such a peer is reachable only while it is connected to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    peer: PeerId,
    addresses: Vec<Multiaddr>,
}

impl PeerAddress {
    /// `peer` at `addresses`, multiaddrs such as `/ip4/203.0.113.5/tcp/9000`, with or without a
    /// trailing `/p2p/<peer id>`.
    pub fn new<S: AsRef<str>>(peer: PeerId, addresses: &[S]) -> Result<Self, AddressError> {
        if addresses.len() > MAX_ADDRESSES {
            return Err(AddressError::TooMany { got: addresses.len() });
        }
        let addresses = addresses
            .iter()
            .map(|text| {
                let (address, named) = parse(text.as_ref())?;
                match named {
                    Some(other) if other != peer => Err(AddressError::OtherPeer {
                        peer: Box::new(peer),
                        other: Box::new(other),
                    }),
                    _ => Ok(address),
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { peer, addresses })
    }

    /// The peer whom all of `addresses` name in their `/p2p/<peer id>`, as printed by
    /// [`listen_addresses`](crate::Transport::listen_addresses).
    pub fn from_multiaddrs<S: AsRef<str>>(addresses: &[S]) -> Result<Self, AddressError> {
        let first = addresses
            .first()
            .ok_or(AddressError::Nobody {
                address: String::new(),
            })?
            .as_ref();
        let (_, peer) = parse(first)?;
        let peer = peer.ok_or_else(|| AddressError::Nobody {
            address: first.to_owned(),
        })?;
        Self::new(peer, addresses)
    }

    /// A peer that is reachable only while it is connected.
    pub(crate) fn nowhere(peer: PeerId) -> Self {
        Self {
            peer,
            addresses: Vec::new(),
        }
    }

    /// Who is meant.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The addresses as text, each with its `/p2p/<peer id>`.
    pub fn multiaddrs(&self) -> Vec<String> {
        self.addresses
            .iter()
            .map(|address| full(address, self.peer))
            .collect()
    }

    pub(crate) fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }
}

/// Why a text is no usable address of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not a multiaddr.
    #[error("expected an address such as /ip4/203.0.113.5/tcp/9000, got {got:?}: {reason}")]
    Malformed {
        /// The first characters of what came.
        got: String,
        /// What the parser disliked.
        reason: String,
    },
    /// The address ends in something that is no peer id.
    #[error(transparent)]
    PeerId(#[from] PeerIdError),
    /// The address names no peer and none was given.
    #[error("address {address:?} does not say whose it is; append /p2p/<peer id>")]
    Nobody {
        /// The address that came.
        address: String,
    },
    /// An address of somebody else.
    #[error("expected an address of {peer}, got one of {other}; give each peer its own addresses")]
    OtherPeer {
        /// Whose addresses were expected.
        peer: Box<PeerId>,
        /// Whom the address names.
        other: Box<PeerId>,
    },
    /// More than [`MAX_ADDRESSES`].
    #[error("expected at most {MAX_ADDRESSES} addresses of one peer, got {got}; give the best ones")]
    TooMany {
        /// How many came.
        got: usize,
    },
}

/// `address` with the `/p2p/` of `peer`.
pub(crate) fn full(address: &Multiaddr, peer: PeerId) -> String {
    format!("{}/p2p/{peer}", bare(address))
}

/// `address` without any trailing `/p2p/`.
pub(crate) fn bare(address: &Multiaddr) -> Multiaddr {
    let mut bare = address.clone();
    if let Some(Protocol::P2p(_)) = bare.iter().last() {
        bare.pop();
    }
    bare
}

/// A bare address, and the peer that the text names at its end.
pub(crate) fn parse(text: &str) -> Result<(Multiaddr, Option<PeerId>), AddressError> {
    let malformed = |reason: &dyn fmt::Display| AddressError::Malformed {
        got: text.chars().take(80).collect(),
        reason: reason.to_string(),
    };
    if text.len() > MAX_ADDRESS_BYTES {
        return Err(malformed(&format_args!(
            "{} bytes, at most {MAX_ADDRESS_BYTES}",
            text.len()
        )));
    }
    let address: Multiaddr = text.parse().map_err(|error| malformed(&error))?;
    if address.is_empty() {
        return Err(malformed(&"empty"));
    }
    let named = match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(PeerId(peer)),
        _ => None,
    };
    Ok((bare(&address), named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn an_address_survives_its_text() {
        let peer = Identity::generate().peer_id();
        let address = PeerAddress::new(
            peer,
            &["/ip4/127.0.0.1/tcp/9000", "/ip4/127.0.0.1/udp/9000/quic-v1"],
        );
        let address = address.expect("well-formed");
        assert_eq!(
            PeerAddress::from_multiaddrs(&address.multiaddrs()),
            Ok(address.clone())
        );
        assert_eq!(
            address.multiaddrs()[0],
            format!("/ip4/127.0.0.1/tcp/9000/p2p/{peer}")
        );
    }

    #[test]
    fn an_address_of_somebody_else_is_refused() {
        let (peer, other) = (Identity::generate().peer_id(), Identity::generate().peer_id());
        let text = format!("/ip4/127.0.0.1/tcp/9000/p2p/{other}");
        assert_eq!(
            PeerAddress::new(peer, &[text]),
            Err(AddressError::OtherPeer {
                peer: Box::new(peer),
                other: Box::new(other)
            })
        );
    }

    #[test]
    fn an_address_without_a_peer_must_be_given_one() {
        let text = "/ip4/127.0.0.1/tcp/9000";
        let nobody = AddressError::Nobody {
            address: text.to_owned(),
        };
        assert_eq!(PeerAddress::from_multiaddrs(&[text]), Err(nobody));
        assert!(matches!(
            PeerAddress::from_multiaddrs::<&str>(&[]),
            Err(AddressError::Nobody { .. })
        ));
    }

    #[test]
    fn malformed_oversized_and_too_many_addresses_are_refused() {
        let peer = Identity::generate().peer_id();
        let of = |text: &str| PeerAddress::new(peer, &[text]);
        assert!(matches!(
            of("localhost:9000"),
            Err(AddressError::Malformed { .. })
        ));
        assert!(matches!(of(""), Err(AddressError::Malformed { .. })));
        assert!(matches!(
            of(&"/ip4/127.0.0.1".repeat(1000)),
            Err(AddressError::Malformed { .. })
        ));
        let many = vec!["/ip4/127.0.0.1/tcp/1"; MAX_ADDRESSES + 1];
        assert_eq!(
            PeerAddress::new(peer, &many),
            Err(AddressError::TooMany {
                got: MAX_ADDRESSES + 1
            })
        );
    }
}
