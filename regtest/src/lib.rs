//! Starts and drives real bitcoind and anvil, for tests and for people.
//!
//! [`Regtest::up`] finds the programs (or fetches them, see [`fetch`]), starts them on free ports with a folder of
//! their own, and kills them when it is dropped; if this process dies, the kernel kills them. [`Chains`] mines,
//! moves time, reorganises and funds, in the owner or in another process ([`Regtest::attach`]). [`people`] has what
//! stands behind `kofo regtest`.
//!
//! Three chains: Bitcoin (bitcoind, regtest), Ethereum (anvil, chain id 31337, osaka) and Echoin (anvil, chain id 18,
//! petersburg, which refuses all but legacy transactions). All follow one clock, which runs with the wall clock and
//! jumps with [`Chains::advance`]; no daemon mines by itself.
//!
//! ```no_run
//! use kofo_regtest::{Chain, Options, Regtest};
//!
//! # async fn example() -> kofo_regtest::Result<()> {
//! let regtest = Regtest::up(Options::manual()).await?;
//! regtest.fund_evm(Chain::Ethereum, "0x00000000000000000000000000000000000000aa", 1_000_000).await?;
//! regtest.mine(Chain::Bitcoin, 3).await?;
//! let time = regtest.advance(3_600).await?;
//! assert_eq!(regtest.tip(Chain::Echoin).await?.time, time);
//! # Ok(())
//! # }
//! ```
//!
//! Depends on nothing of this workspace. Linux only: `setpriv` ties the daemons to this process.

mod chain;
mod chains;
mod daemon;
mod data_dir;
mod endpoints;
mod error;
pub mod fetch;
pub mod http;
mod miner;
pub mod people;
mod ports;
mod process;
mod regtest;
mod rpc;
mod state;

pub use chain::{Chain, Tip, UnknownChain};
pub use chains::{CREATE2_DEPLOYER, Chains, Endpoints, Gift};
pub use endpoints::{Anvil, Bitcoind};
pub use error::{Error, Result};
pub use miner::Mining;
pub use ports::{free_port, free_ports};
pub use process::ProcessId;
pub use regtest::{Options, Regtest};
pub use rpc::{Rpc, RpcError};
pub use state::{RunningDaemon, State};
