//! `kofo signer`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The process that alone has the keys.
#[derive(Debug, Subcommand)]
pub(crate) enum SignerCommand {
    /// Make the signer's folder: a keystore with a new seed of 24 words, and nothing else.
    #[command(after_help = INIT_EXAMPLE)]
    Init(SignerInit),
    /// Open the keystore and answer nodes at a unix socket, until Ctrl-C.
    #[command(after_help = RUN_EXAMPLE)]
    Run(SignerRun),
}

#[derive(Debug, Args)]
pub(crate) struct SignerInit {
    /// Read 24 words from standard input, or ask for them, instead of drawing new ones.
    #[arg(long)]
    pub(crate) restore: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SignerRun {
    /// The folder with the keystore [default: the folder of --data].
    #[arg(long, value_name = "DIR")]
    pub(crate) keystore: Option<PathBuf>,
    /// Where to listen; whoever may write to it can ask [default: signer.sock in the keystore's folder].
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
}

const INIT_EXAMPLE: &str = "\
The passphrase comes from the file that KOFO_PASSPHRASE_FILE names, or from a prompt.

Example:
  kofo signer init --data ./signer
  kofo signer init --restore --data ./signer < words.txt";

const RUN_EXAMPLE: &str = "\
The passphrase comes from the file that KOFO_PASSPHRASE_FILE names, or from a prompt. When the signer is ready it says so in
one line on standard error. A node asks it from then on: make its folder with `kofo init --signer`.

Example:
  KOFO_PASSPHRASE_FILE=./pass kofo signer run --keystore ./signer --socket ./signer.sock &
  kofo init --signer unix:$PWD/signer.sock --data ./alice
  kofo node --data ./alice";
