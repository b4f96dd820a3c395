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
