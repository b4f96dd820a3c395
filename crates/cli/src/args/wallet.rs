//! `kofo wallet`.

use super::ChainsArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum WalletCommand {
    /// Make a node with a new wallet: as `kofo init`.
    #[command(after_help = "Example:\n  kofo wallet new --data ./alice")]
    New(ChainsArgs),
    /// Where the wallet receives an asset.
    #[command(after_help = "Example:\n  kofo wallet address btc")]
    Address {
        /// The asset's symbol, such as btc.
        asset: String,
    },
    /// What the wallet can spend.
    #[command(visible_alias = "balances", after_help = "Example:\n  kofo wallet balance")]
    Balance,
    /// Pay somebody from the wallet. What is reserved for swaps is not touched. Shows the fee and asks before it pays.
    #[command(after_help = SEND_EXAMPLE)]
    Send(SendArgs),
    /// Write an encrypted backup of all swaps that go on. Only the node's 24 words open it. One that is kept up to date by
    /// itself: [backup] file in the configuration.
    #[command(after_help = "Example:\n  kofo wallet backup /mnt/other-disk/kofo.backup --data ./alice")]
    Backup {
        /// The file; what is there is replaced.
        file: PathBuf,
    },
    /// Make a lost node anew from its 24 words and a backup; or have a running one, which `kofo init --restore` made anew,
    /// ask those for its swaps who keep recovery records for it. It takes back, or redeems, what was under way.
    #[command(after_help = RESTORE_EXAMPLE)]
    Restore(RestoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The asset's symbol, such as btc.
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) asset: String,
    /// Whom, in the chain's own notation: a Bitcoin address, or an account of an EVM chain.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: String,
    /// How much, in whole units, such as 0.1. The fee comes on top.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) amount: String,
    /// The most to pay for it: satoshi per virtual byte, or gwei per gas [default: what the chain asks for today].
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) fee_rate: Option<u64>,
    /// Show what it would cost, and pay nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// The payment's name, 64 hexadecimal digits: the same name again is the same payment, and pays once [default: a
    /// fresh one].
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<kofo_node::rpc::types::Id>,
}

const SEND_EXAMPLE: &str = "\
The payment's id is told before it is made. If the command is cut short, say the same again with --id: it pays once.

Example:
  kofo wallet send --asset btc --to bcrt1q… --amount 0.1 --dry-run
  kofo wallet send --asset btc --to bcrt1q… --amount 0.1 --fee-rate 5 --yes";

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup that `kofo wallet backup` or [backup] file wrote; or, once or several times, the address of the other
    /// party of a swap, or of a tower.
    #[arg(long, value_name = "FILE|ADDRESS", required = true)]
    pub(crate) from: Vec<String>,
    /// Another configuration than the one in the backup.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

const RESTORE_EXAMPLE: &str = "\
The 24 words come from standard input or a prompt; the passphrase for the new keystore from the file that
KOFO_PASSPHRASE_FILE names, or a prompt. The lost node must not run any more, anywhere: two nodes with one seed lose money.

Without a backup: `kofo init --restore`, start the node, and have it ask whoever it swapped with, and its towers. Who lies
or has nothing harms nothing.

Example:
  kofo wallet restore --from kofo.backup --data ./alice < words.txt
  kofo wallet restore --from /ip4/203.0.113.5/tcp/9735/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
