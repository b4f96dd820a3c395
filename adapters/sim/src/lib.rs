//! An in-memory chain and its adapter: the same port, the same conformance suite as the real chains, and nothing that
//! differs between two runs: no clock, no randomness, no tasks.
//!
//! * [`SimChain`] is the chain: a cheap handle that all nodes of a simulation share. It mines, reorganises and
//!   misbehaves only when told to. Money is numbered [`Note`]s, so that conflicts and conservation are real.
//! * [`SimAdapter`] is one node's adapter on it. Its inherent [`SimAdapter::act_now`] and [`SimAdapter::poll`] need no
//!   runtime; the trait's methods wrap them. A restart is dropping it and making a new one.
//!
//! What it leaves out: one party's signature is taken at its word (only what both sign is checked), a transaction moves one asset and pays its fee in it.
//!
//! ```
//! use kofo_primitives::{Amount, AssetId, ChainId, Seconds, UnixTime};
//! use kofo_sim::{AccountId, SimAdapter, SimChain};
//!
//! let coin = AssetId::new("sim:one/coin:a").unwrap();
//! let chain = SimChain::new(ChainId::new("sim:one").unwrap(), [coin.clone()], UnixTime(1_000));
//! chain.fund(AccountId(1), &coin, Amount::new(500));
//! let adapter = SimAdapter::new(chain.clone(), AccountId(1));
//! chain.advance(Seconds(60));
//! chain.mine(1);
//! assert!(adapter.poll().is_some());
//! assert_eq!(chain.total(&coin), Amount::new(500));
//! ```

mod adapter;
mod chain;
mod ending;
mod facts;
mod follow;
mod ledger;
mod leg;
mod tx;
mod wallet;

pub use adapter::SimAdapter;
pub use chain::{Block, Dropped, Kind, SimChain};
pub use ledger::Refusal;
pub use tx::{
    AccountId, Both, Contract, Key, Note, NoteId, Owner, Pay, Signature, SimParty, SimRedeemer, SimTx, Spend,
};
