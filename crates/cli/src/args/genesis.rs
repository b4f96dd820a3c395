//! The command line of `kofo genesis`.

use crate::genesis::{Pledge, ProofBy};
use clap::{Args, Subcommand};
use kofo_cli::founding::Profile;
use kofo_node::rpc::types::Id;
use kofo_primitives::NodeId;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum GenesisCommand {
    /// Write the genesis of a new network: all its validators and nodes need this same file.
    #[command(after_help = GENESIS_EXAMPLE)]
    New(GenesisNew),
}

#[derive(Debug, Args)]
pub(crate) struct GenesisNew {
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE", default_value = "genesis.toml")]
    pub(crate) out: PathBuf,
    /// A validator's entry, as `kofo validator init` printed it; may be repeated.
    #[arg(long = "validator", value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) validators: Vec<PathBuf>,
    /// An asset of the ledger, with its decimals if they are not 6, such as kofo or gold:8; may be repeated. The first is
    /// what validators stake.
    #[arg(long = "asset", value_name = "SYMBOL[:DECIMALS]", default_value = "kofo")]
    pub(crate) assets: Vec<String>,
    /// What an account has from the beginning: at its disposal, or as a bond; may be repeated.
    #[arg(long = "balance", value_name = "KEY=AMOUNT[:provider|:relay]")]
    pub(crate) balances: Vec<Pledge>,
    /// The foundation's account [default with --profile dev: the first validator's].
    #[arg(long, value_name = "KEY", value_parser = account)]
    pub(crate) foundation: Option<NodeId>,
    /// The rules: council (25 seats, no power over 12 %, epochs of a day, bonds leave after 7 and stakes after 21 days), or
    /// dev (4 seats, epochs of a minute).
    #[arg(long, value_enum, default_value = "council")]
    pub(crate) profile: Profile,
    /// Let a chain's own proof overrule what validators say of it: its easiest header target in compact form, and how many
    /// headers; may be repeated. Whoever can make such headers decides, so the target must be one that costs.
    #[arg(long = "proof", value_name = "CHAIN=TARGET:DEPTH")]
    pub(crate) proofs: Vec<ProofBy>,
    /// Take the chains and timelocks of this node's configuration [default: kofo.toml in the data folder].
    #[arg(long, value_name = "FILE")]
    pub(crate) chains: Option<PathBuf>,
}

/// The key of a node, which is its account: 64 hexadecimal digits.
pub(crate) fn account(text: &str) -> Result<NodeId, String> {
    let id: Id = text.parse().map_err(|e| format!("{e}"))?;
    Ok(NodeId::new(id.0))
}

const GENESIS_EXAMPLE: &str = "\
Example:
  kofo genesis new --network kofo-test --profile dev --asset kofo \\
    --validator validator-*.toml --balance 5f21…=1000kofo --balance 5f21…=500kofo:provider
  kofo genesis new --network kofo --foundation 5f21… --validator *.toml \\
    --proof bip122:000000000019d6689c085ae165831e93=0x1703ffff:6";
