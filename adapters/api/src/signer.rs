//! Who holds the keys: a [`Signer`], in this process ([`LocalSigner`]) or in another one.
//!
//! A node asks it for exactly what a swap needs. What chains need of it differs too much for one list of operations, so
//! each adapter has its own questions and its own half of the keys ([`Keys`]), and whoever carries a question from one
//! process to another carries bytes. A question says what a transaction is for, not only what to sign: the keys look at
//! it themselves and refuse what no swap needs.

use async_trait::async_trait;
use kofo_primitives::{Hashlock, NetworkId, Preimage, Seed, SwapNonce};
use zeroize::Zeroizing;

/// At most so many bytes has a question or an answer.
pub const MOST_ASKED: usize = 1_048_576;

/// Why a signer gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// No answer came; one may come later. What waits for it is asked again.
    #[error("the signer does not answer: {0}; start it (`kofo signer run`), or wait")]
    Unreachable(String),
    /// It answers that it does not do this. Asking again does not help.
    #[error("the signer refuses: {0}")]
    Refused(String),
}

/// Who holds the keys of one node. Asking twice is harmless, but for what is signed with a nonce: that is signed once.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The hashlock of our swap with this nonce.
    async fn hashlock(&self, network: &NetworkId, nonce: &SwapNonce) -> Result<Hashlock, SignerError>;

    /// The preimage of our swap with this nonce. Whoever asks is about to write it into its journal: not before the
    /// swap is agreed.
    async fn preimage(&self, network: &NetworkId, nonce: &SwapNonce) -> Result<Preimage, SignerError>;

    /// What the node's own keys come from: its identity, its journal's key, the keys of its claims and quotes. Derived
    /// one-way: no key of a wallet and no preimage follows from it.
    async fn household(&self, network: &NetworkId) -> Result<Seed, SignerError>;

    /// What the adapter of `family` asks of its half of the keys, in its own form; at most [`MOST_ASKED`] bytes.
    async fn ask(&self, family: &str, question: &[u8]) -> Result<Zeroizing<Vec<u8>>, SignerError>;
}

/// One adapter's half of the keys: answers what that adapter asks.
pub trait Keys: Send + Sync {
    /// The name that the adapter gives when it asks.
    fn family(&self) -> &'static str;

    /// The answer, or why there is none. Believes nothing of the question that it can compute itself.
    fn answer(&self, question: &[u8]) -> Result<Vec<u8>, SignerError>;
}

/// The seed in this process, and the keys that adapters made of it.
pub struct LocalSigner {
    seed: Seed,
    keys: Vec<Box<dyn Keys>>,
}

impl LocalSigner {
    /// A signer that knows of no chain yet.
    #[must_use]
    pub const fn new(seed: Seed) -> Self {
        Self {
            seed,
            keys: Vec::new(),
        }
    }

    /// With the half of one adapter's keys that is made of the seed.
    #[must_use]
    pub fn with<K: Keys + 'static>(mut self, keys: impl FnOnce(Seed) -> K) -> Self {
        self.keys.push(Box::new(keys(self.seed.clone())));
        self
    }
}

#[async_trait]
impl Signer for LocalSigner {
    async fn hashlock(&self, network: &NetworkId, nonce: &SwapNonce) -> Result<Hashlock, SignerError> {
        Ok(self.seed.preimage(network, nonce).hashlock())
    }

    async fn preimage(&self, network: &NetworkId, nonce: &SwapNonce) -> Result<Preimage, SignerError> {
        Ok(self.seed.preimage(network, nonce))
    }

    async fn household(&self, network: &NetworkId) -> Result<Seed, SignerError> {
        Ok(self.seed.household(network))
    }

    async fn ask(&self, family: &str, question: &[u8]) -> Result<Zeroizing<Vec<u8>>, SignerError> {
        let keys = self.keys.iter().find(|keys| keys.family() == family);
        let known = || self.keys.iter().map(|keys| keys.family()).collect::<Vec<_>>();
        let unknown = || {
            let known = known().join(", ");
            SignerError::Refused(format!(
                "expected a family of chains among {known}, got {family:?}"
            ))
        };
        Ok(Zeroizing::new(keys.ok_or_else(unknown)?.answer(question)?))
    }
}

impl std::fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalSigner(redacted)")
    }
}
