//! The command line of `kofo validator`.

use super::ChainsArgs;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ValidatorCommand {
    /// Make a validator: its folder, a commented configuration, and a new seed of 24 words. Prints its entry for the
    /// genesis of its network, on standard output.
    #[command(after_help = VALIDATOR_INIT_EXAMPLE)]
    Init(ValidatorInit),
    /// Run the validator until Ctrl-C.
    #[command(after_help = VALIDATOR_RUN_EXAMPLE)]
    Run(ValidatorRun),
    /// How far it is: height, round, epoch, power, peers, mempool.
    #[command(after_help = "Example:\n  kofo validator status --data ./validator-1")]
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct ValidatorInit {
    /// What it stakes, in whole units of the network's first asset, such as 1000.
    #[arg(long, value_name = "AMOUNT", default_value = "1000", value_parser = whole_units)]
    pub(crate) stake: String,
    /// What it keeps of its delegators' rewards, in basis points.
    #[arg(long, value_name = "BPS", default_value_t = 500, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub(crate) commission: u16,
    /// Where other validators reach it: an address with a fixed port.
    #[arg(long, value_name = "ADDRESS", default_value = "/ip4/127.0.0.1/tcp/26650")]
    pub(crate) engine: String,
    /// Where everybody else reaches it: an address with a fixed port.
    #[arg(long, value_name = "ADDRESS", default_value = "/ip4/127.0.0.1/tcp/26651")]
    pub(crate) service: String,
    /// Make a follower: it follows what the validators decide, answers nodes, and does not vote.
    #[arg(long)]
    pub(crate) follower: bool,
    /// Two heights a second instead of one, for validators on one machine or in one room. All need the same.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Read 24 words from standard input, or ask for them, instead of drawing new ones.
    #[arg(long)]
    pub(crate) restore: bool,
    #[command(flatten)]
    pub(crate) chains: ChainsArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ValidatorRun {
    /// Follow what the validators decide, and do not vote.
    #[arg(long)]
    pub(crate) follower: bool,
}

fn whole_units(text: &str) -> Result<String, String> {
    let number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text != ".";
    if text.is_empty() || !number {
        return Err(format!(
            "expected a number of whole units such as 1000, got {text:?}"
        ));
    }
    Ok(text.to_owned())
}

const VALIDATOR_INIT_EXAMPLE: &str = "\
The passphrase comes from the file that KOFO_PASSPHRASE_FILE names, or from a prompt.

Example:
  kofo validator init --data ./validator-1 --network kofo-test > validator-1.toml
  kofo genesis new --network kofo-test --validator validator-1.toml …";

const VALIDATOR_RUN_EXAMPLE: &str = "\
Put the network's genesis.toml into the folder first. The passphrase comes from the file that KOFO_PASSPHRASE_FILE names,
or from a prompt.

Example:
  KOFO_PASSPHRASE_FILE=./pass kofo validator run --data ./validator-1
  kofo validator run --follower --data ./follower";
