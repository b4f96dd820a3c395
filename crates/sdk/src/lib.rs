//! Swap assets across chains from a program of your own.
//!
//! A [`Wallet`] is a node: one that runs in your process ([`Wallet::embed`]), or one that runs elsewhere
//! ([`Wallet::connect`], [`Wallet::remote`]). Ask it for [`Quotes`], take one, and follow the [`Swap`] to its end; what a node must do
//! meanwhile so that no money is lost, it does by itself. Many wallets can be in one process, each in its own data folder.
//!
//! Amounts are decimal text in whole units with their symbol, such as `0.1btc`. The story in twenty lines is
//! `examples/wallet.rs`.

mod error;
mod quotes;
mod swap;
mod wallet;

pub use error::SdkError;
pub use quotes::{Quotes, Wish};
pub use swap::Swap;
pub use wallet::Wallet;

pub use kofo_node::config::{Config, NodeRole};
pub use kofo_node::init::{InitError, init, init_signed};
pub use kofo_node::keystore::{KdfCost, Passphrase, Words};
pub use kofo_node::rpc::types;
pub use kofo_node::rpc::{EventStream, StreamError};
pub use kofo_node::run::{SignedStart, Start};
pub use kofo_node::signer::{RemoteSigner, Signer, SignerError};
