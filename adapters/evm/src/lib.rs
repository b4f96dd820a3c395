//! EVM chains behind the chain port: Ethereum and its like (`Profile::Ethereum`) and Echoin (`Profile::Echoin`).
//!
//! * **On chain**: the HashLanes contract (`contracts/src/HashLanes.sol`), one for coins and all ERC-20 tokens, at an
//!   address that CREATE2 derives from its bytecode and the chain id ([`contract_address`]). Its code is compared at
//!   start.
//! * **Accounts**, all from the seed: an *owner* that locks and receives, and a few *gas accounts* that send redeems and
//!   refunds, so that a lock that waits never holds up a redeem. The owner fills the gas accounts before it locks, with
//!   what redeem and refund may cost at the fee cap.
//! * **Facts** come from state, not from receipts: a lock is final when its slot holds the commitment in all of the last
//!   `depth` states of one chain of blocks. A slot that is cleared without an event concludes nothing. The number of
//!   calls per block does not depend on the number of swaps.
//! * **Nonces** of locks are in the `Prepared` bytes, which the core journals; redeems and refunds lease theirs when
//!   they are sent.
//! * **Preimages** leave in `eth_sendRawTransaction` of a redeem and in nothing else: gas limits are fixed, nothing is
//!   estimated or simulated.
//! * **Together**: a redeemer that gives up signs a release (EIP-712), and the refunder has the asset back before the
//!   timelock. **Towers** need nothing from an owner, because anyone may redeem or refund to it; an owner may leave one
//!   a wage ([`TowerWage`]).
//! * **Fees** climb to a cap before the deadline ([`FeePolicy`]), and redeems that nobody can take go in one transaction.
//! * **Witnesses**: up to three more endpoints, without whose word nothing is believed of the chain but a preimage.
//!
//! A party to a leg is 20 bytes (redeemer: the address) or 22 (refunder: address, lane as big-endian u16); a place is
//! the 20 bytes of the contract. Timelocks: a refund is valid in a block whose timestamp is at or past `timelock`.
//!
//! ```no_run
//! use kofo_adapter_api::ChainAdapter;
//! use kofo_evm::{EvmAdapter, EvmConfig, local_signer};
//! use kofo_primitives::{NetworkId, Seed};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = EvmConfig::ethereum("http://127.0.0.1:8545", 31_337, NetworkId::new("kofo-regtest")?)?;
//! let coin = config.coin.clone();
//! let adapter = EvmAdapter::start(config, local_signer(&Seed::new([7; 64]))).await?;
//! let fund_me = adapter.address(&coin).await?;
//! # let _ = fund_me;
//! # Ok(())
//! # }
//! ```

mod account;
mod adapter;
pub mod bindings;
mod build;
mod calls;
mod config;
mod contract;
mod engine;
mod entrust;
mod facts;
mod fees;
mod follow;
mod htlc;
mod keys;
mod node;
mod nonces;
mod payee;
mod prepared;
mod purse;
mod round;
mod send;
mod transfer;
#[cfg(test)]
mod vectors;
mod word;

pub use account::local_signer;
pub use adapter::EvmAdapter;
pub use config::{EvmConfig, MAX_WITNESSES, Profile};
pub use contract::{CREATE2_DEPLOYER, SALT, contract_address, creation_code, domain, runtime_code};
pub use entrust::TowerWage;
pub use fees::{Fee, FeePolicy};
pub use htlc::{commitment, slot, terms};
pub use keys::EvmKeys;
pub use word::{redeem_for_digest, release_digest};
