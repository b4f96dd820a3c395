//! Who holds the keys of this node's money: the seed in this process, or another process that alone has it.
//!
//! The node asks a [`Signer`] for every signature and every preimage. With [`local`] that is the seed, in memory here.
//! With [`RemoteSigner`] it is a process behind a unix socket ([`SignerServer`], `kofo signer run`), and the node has its
//! household seed only: its identity, its journal's key, the keys of its claims and quotes, its account in the clearance
//! layer; no key of a wallet and no preimage that was not asked for follows from that.

mod at;
mod frame;
mod remote;
mod run;
mod serve;

pub use at::{SignerAt, SignerAtError};
pub use remote::RemoteSigner;
pub use run::{SignerProcess, SignerRunError};
pub use serve::{SignerServeError, SignerServer};

pub use kofo_adapter_api::{Signer, SignerError};

use kofo_adapter_api::LocalSigner;
use kofo_primitives::Seed;
use std::sync::Arc;

/// The seed in this process, for every family of chains. It signs what swaps need, and payments to others.
#[must_use]
pub fn local(seed: &Seed) -> Arc<dyn Signer> {
    let signer = LocalSigner::new(seed.clone());
    let signer = signer.with(|seed| kofo_bitcoin::BitcoinKeys::new(seed).paying());
    Arc::new(signer.with(|seed| kofo_evm::EvmKeys::new(seed).paying()))
}

/// The same, for nodes in other processes: it signs what swaps need and nothing else, whoever may have taken over the node.
#[must_use]
pub fn confined(seed: &Seed) -> Arc<dyn Signer> {
    let signer = LocalSigner::new(seed.clone());
    let signer = signer.with(kofo_bitcoin::BitcoinKeys::new);
    Arc::new(signer.with(kofo_evm::EvmKeys::new))
}

#[cfg(test)]
mod tests;
