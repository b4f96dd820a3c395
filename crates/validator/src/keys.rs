//! What a validator signs and listens with, all of it from the node's seed.

use kofo_network::Identity;
use kofo_primitives::{NetworkId, NodeKey, Seed, ValidatorKey, ValidatorSecret};
use zeroize::Zeroizing;

/// The keys of one validator or follower.
pub struct Keys {
    /// The account: that of the node with the same seed.
    pub account: NodeKey,
    /// By which its service is known among peers.
    pub identity: Identity,
    vote: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// The keys of a seed in a network.
    #[must_use]
    pub fn new(seed: &Seed, network: &NetworkId) -> Self {
        let secret = |label| Zeroizing::new(*seed.node_secret(label, network).expose());
        Self {
            account: kofo_node::run::node_key(seed, network),
            identity: Identity::from_secret(secret("kofo/validator-peer/v1")),
            vote: secret("kofo/validator/v1"),
        }
    }

    /// By which it votes.
    #[must_use]
    pub fn vote(&self) -> ValidatorSecret {
        ValidatorSecret::new(&self.vote).expect("fewer than one seed in 2^127 gives no key")
    }

    /// By which its votes are known.
    #[must_use]
    pub fn voter(&self) -> ValidatorKey {
        self.vote().key()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Keys({}, {}, secrets redacted)",
            self.account.id(),
            self.voter()
        )
    }
}
