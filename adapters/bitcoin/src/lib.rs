//! Bitcoin under the chain port of [`kofo_adapter_api`]: the taproot HTLC, a wallet, and one bitcoind or none.
//!
//! The pure part ([`Htlc`], [`BitcoinParty`], [`Spend`]) decides what an output and a transaction look like and
//! needs neither node nor wallet. [`BitcoinAdapter`] is the rest: one task that follows the chain and keeps our
//! coins.
//!
//! * Depends on bitcoind (Core or Knots, from version 25) over JSON-RPC, without wallet, index or ZMQ; or on the peers of
//!   a light client ([`Access::Light`]), which sees no mempool: what that costs stands in `light.rs`.
//! * Promises what `kofo_adapter_api` asks for. A timelock T is judged by the chain's median time past: a refund
//!   is valid in the first block after one whose median time is T or more. A `Party` is a compressed public key
//!   (33 bytes) followed by a payout script; a `Place` is empty.
//! * A `Prepared` is borsh of a version (u8, 1), the act, the fee in satoshi (u64) and the signed transaction's
//!   bytes; it reserves the transaction's inputs.
//! * Money is never spent before it is final: a lock takes coins as deep as the leg's own depth, and no change of
//!   an unconfirmed lock. All versions of a lock, and its cancel, spend the same coins.
//! * Two parties redeem, or return, by key path with MuSig2 ([`KeySpend`]; rules B7 to B12): secret nonces live in
//!   memory, sign once, and are in no journal. What an owner entrusts is signed in advance (B13): it pays the owner
//!   and nobody else, and of a leg of somebody else this adapter sends that and can sign nothing.
//!
//! ```
//! use kofo_bitcoin::Htlc;
//!
//! let redeemer = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9".parse().unwrap();
//! let refunder = "03dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659".parse().unwrap();
//! let htlc = Htlc::new(redeemer, refunder, [7; 32], 1_800_000_000).unwrap();
//! assert!(htlc.script_pubkey().is_p2tr());
//! ```

mod adapter;
mod blocks;
mod engine;
mod entrust;
mod fee;
mod htlc;
mod keys;
mod leg;
mod light;
mod musig;
mod nodes;
mod ours;
mod party;
mod picture;
mod prepared;
mod proof;
mod round;
mod rpc;
mod signing;
mod source;
mod spend;
mod store;
mod terms;
mod together;
#[cfg(test)]
mod vectors;
mod wallet;

pub use bitcoin::Network;

pub use adapter::{
    Access, BitcoinAdapter, BitcoinConfig, MAX_LIGHT_PEERS, MAX_WITNESSES, Witness, asset_id, chain_id,
};
pub use blocks::BlockReader;
pub use entrust::EntrustError;
pub use htlc::{Htlc, HtlcError, PREIMAGE_BYTES};
pub use light::{Checkpoint, LightPeer, NoLightPeer};
pub use musig::{Help, MusigError, NONCE_BYTES, NoAggregate, PARTIAL_BYTES};
pub use party::{BitcoinParty, PartyError};
pub use round::RoundError;
pub use rpc::RpcAuth;
pub use signing::{BitcoinKeys, local_signer};
pub use spend::{Coin, Spend, SpendError, preimage_in};
pub use store::{MemoryStore, WalletStore, WalletStoreError};
pub use together::{AskedSpend, KeyInput, KeySpend, KeySpendError};
