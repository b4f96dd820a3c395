//! The command line of claims, quotes, books and neighbours.

use crate::span::span;
use clap::{Args, Subcommand};
use kofo_node::rpc::types::Id;
use kofo_primitives::{MAX_HOPS, Seconds};

#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    pub(crate) made: Option<ClaimMade>,
    #[command(subcommand)]
    pub(crate) command: Option<ClaimCommand>,
}

#[derive(Debug, Args)]
pub(crate) struct ClaimMade {
    /// What you give in all, such as 0.1btc.
    #[arg(long, required = true, value_name = "AMOUNT")]
    pub(crate) give: String,
    /// The least that you want for all of it, such as 1.6eth. Quotes may be better.
    #[arg(long, required = true, value_name = "AMOUNT")]
    pub(crate) want: String,
    /// Let several providers fill it, each at least so much of what you give, such as 0.02btc [default: one fills it all].
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) partial: Option<String>,
    /// How long it is answered, such as 60s or 5m; 10m at most [default: 5m].
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) expires: Option<Seconds>,
    /// Do not tell anybody the least that you want before a quote is selected.
    #[arg(long)]
    pub(crate) hide_limit: bool,
    /// Select quotes yourself, by `kofo quotes ID --select QUOTE`; else the node takes the best.
    #[arg(long)]
    pub(crate) manual: bool,
    /// Have what you want paid to this address instead of to your wallet.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) pay_to: Option<String>,
    /// What relays, validators and the foundation get together, in an asset of the network's ledger, such as 0.3kofo: then
    /// validators make the order final before anything is locked. With none the swap is between two alone, and free.
    #[arg(long, value_name = "AMOUNT", default_value = "none")]
    pub(crate) fee: String,
    /// Who pays the fee: claimant, provider, or split:BPS, of which the claimant pays so many basis points [default:
    /// claimant].
    #[arg(long, value_name = "WHO", value_parser = payer)]
    pub(crate) fee_payer: Option<String>,
    /// Ask nobody who is farther away than so many hops.
    #[arg(long, value_name = "N", default_value_t = MAX_HOPS, value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_HOPS)))]
    pub(crate) max_hops: u8,
    /// Print the claim's id and end; the node goes on.
    #[arg(long, conflicts_with = "wait")]
    pub(crate) no_wait: bool,
    /// Follow the swaps that come of it too, until they end.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClaimCommand {
    /// List your claims, youngest first.
    #[command(after_help = "Example:\n  kofo claim list --data ./alice")]
    List,
    /// Take a claim back. Swaps that have begun go on.
    #[command(after_help = "Example:\n  kofo claim cancel 3f0c…")]
    Cancel(OneClaim),
    /// Follow a claim until it is over, as `kofo claim` itself does.
    #[command(after_help = "Example:\n  kofo claim watch 3f0c…")]
    Watch(OneClaim),
}

#[derive(Debug, Args)]
pub(crate) struct OneClaim {
    /// The claim's id: 64 hexadecimal digits.
    #[arg(value_name = "ID")]
    pub(crate) id: Id,
}

#[derive(Debug, Args)]
pub(crate) struct QuotesArgs {
    /// The claim's id: 64 hexadecimal digits.
    #[arg(value_name = "ID")]
    pub(crate) id: Id,
    /// Take this quote: its id, or as many of its first digits as tell it from the others.
    #[arg(long, value_name = "QUOTE", conflicts_with = "watch")]
    pub(crate) select: Option<String>,
    /// Show them again at each change, until the claim is over.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BookArgs {
    /// Two assets, such as btc/eth: prices are of one btc in eth [default: show the pairs].
    #[arg(value_name = "PAIR")]
    pub(crate) pair: Option<String>,
}

/// As the node reads it.
fn payer(text: &str) -> Result<String, String> {
    let wrong = || format!("expected claimant, provider, or split:1 to split:9999, got {text:?}");
    match text.split_once(':') {
        None if text == "claimant" || text == "provider" => Ok(text.to_owned()),
        Some(("split", bps)) if bps.parse().is_ok_and(|bps: u16| (1..10_000).contains(&bps)) => {
            Ok(bps.to_owned())
        }
        None | Some(_) => Err(wrong()),
    }
}

pub(super) const CLAIM_EXAMPLE: &str = "\
Example:
  kofo claim --give 0.1btc --want 1.6eth
  kofo claim --give 0.1btc --want 1.6eth --partial 0.02btc --expires 60s --wait
  kofo claim --give 0.1btc --want 1.6eth --fee 0.3kofo --fee-payer split:5000
  kofo claim --give 0.1btc --want 1.6eth --manual --no-wait";

pub(super) const QUOTES_EXAMPLE: &str = "\
Example:
  kofo quotes 3f0c…
  kofo quotes 3f0c… --select 81d2";
