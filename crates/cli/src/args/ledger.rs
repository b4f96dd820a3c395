//! The command line of accounts, bonds and orders.

use clap::{Args, Subcommand, ValueEnum};
use kofo_node::rpc::types::Id;

#[derive(Debug, Args)]
pub(crate) struct BondArgs {
    /// How much, such as 100kofo.
    #[arg(value_name = "AMOUNT")]
    pub(crate) amount: String,
    /// What it secures: a provider's quotes, or a relay's share in fees.
    #[arg(long = "as", value_name = "provider|relay")]
    pub(crate) kind: BondAs,
}

/// What a bond is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BondAs {
    /// Quotes reserve a part of it.
    Provider,
    /// It weighs when a fee is divided.
    Relay,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StakeCommand {
    /// Stand for election as a validator, or add to the stake.
    #[command(after_help = "Example:\n  kofo stake add 1000kofo --key 02a1…")]
    Add(StakeArgs),
    /// Ask for the own stake or a part of it back. It comes after the network's unstaking time.
    #[command(after_help = "Example:\n  kofo stake remove 100kofo")]
    Remove {
        /// How much, such as 100kofo.
        #[arg(value_name = "AMOUNT")]
        amount: String,
    },
    /// Say which chains the validator observes, from the next epoch on: all of them.
    #[command(after_help = "Example:\n  kofo stake observe eip155:1 bip122:000000000019d6689c085ae165831e93")]
    Observe {
        /// The chains, by CAIP-2; none: it observes none any more.
        #[arg(value_name = "CHAIN")]
        chains: Vec<String>,
    },
    /// Say which pairs the validator trades: some networks elect nobody who does not.
    #[command(after_help = "Example:\n  kofo stake list btc/eth")]
    List {
        /// The pairs.
        #[arg(value_name = "PAIR", required = true)]
        pairs: Vec<String>,
    },
    /// Vote again, once the time for which it was jailed is over.
    #[command(after_help = "Example:\n  kofo stake unjail")]
    Unjail,
}

#[derive(Debug, Args)]
pub(crate) struct StakeArgs {
    /// How much more, such as 1000kofo.
    #[arg(value_name = "AMOUNT")]
    pub(crate) amount: String,
    /// The key by which it votes, as `kofo validator init` printed it: 66 hexadecimal digits.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
    /// What it keeps of its delegators' rewards, in basis points.
    #[arg(long, value_name = "BPS", default_value_t = 500, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub(crate) commission: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Delegation {
    /// The validator's account: 64 hexadecimal digits.
    #[arg(value_name = "VALIDATOR")]
    pub(crate) validator: Id,
    /// How much, such as 100kofo.
    #[arg(value_name = "AMOUNT")]
    pub(crate) amount: String,
}

#[derive(Debug, Args)]
pub(crate) struct RewardArgs {
    #[command(subcommand)]
    pub(crate) command: Option<RewardCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RewardCommand {
    /// Take all of it.
    #[command(after_help = "Example:\n  kofo reward collect")]
    Collect,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// The network's validators as this node sees them: power, height, and who does not answer.
    #[command(after_help = "Example:\n  kofo ledger status")]
    Status,
    /// What an account has: at its disposal, bonds, stake, rewards and what is on its way back.
    #[command(after_help = "Example:\n  kofo ledger account\n  kofo ledger account 5f21…")]
    Account {
        /// Whose: 64 hexadecimal digits [default: the node's own].
        #[arg(value_name = "KEY")]
        key: Option<Id>,
    },
    /// Give to another account.
    #[command(after_help = "Example:\n  kofo ledger transfer 5f21… 12.5kofo")]
    Transfer {
        /// To whom: 64 hexadecimal digits.
        #[arg(value_name = "KEY")]
        to: Id,
        /// How much, such as 12.5kofo.
        #[arg(value_name = "AMOUNT")]
        amount: String,
    },
    /// Give points to a developer, as the foundation.
    #[command(after_help = "Example:\n  kofo ledger grant 5f21… 1000")]
    Grant {
        /// Whom: 64 hexadecimal digits.
        #[arg(value_name = "KEY")]
        to: Id,
        /// How many.
        #[arg(value_name = "POINTS")]
        points: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// What became of an order: where it was committed, and how it ended.
    #[command(after_help = "Example:\n  kofo order show 3f0c…\n  kofo order show 3f0c… --proof --json")]
    Show {
        /// The order's id, which is the swap's: 64 hexadecimal digits.
        #[arg(value_name = "ID")]
        id: Id,
        /// Show the proof too: header, certificate, and the order's place under them. The node has verified it.
        #[arg(long)]
        proof: bool,
    },
    /// Prove to the validators how an order of this node's ended on Bitcoin, by the blocks of its own bitcoind.
    ///
    /// Validators see for themselves how orders end. Where they see nothing of a chain, or something else than happened, a
    /// proof settles it: the transaction that redeemed or refunded, in a block, with so many blocks on it as the network's
    /// genesis asks for. That something is only locked cannot be proved.
    #[command(after_help = "Example:\n  kofo order prove 3f0c…\n  kofo order prove 3f0c… --leg beta --json")]
    Prove {
        /// The order's id, which is the swap's: 64 hexadecimal digits.
        #[arg(value_name = "ID")]
        id: Id,
        /// Prove the end of this leg alone [default: both, as far as the network takes proofs of their chains].
        #[arg(long, value_name = "alpha|beta", value_parser = ["alpha", "beta"])]
        leg: Option<String>,
    },
}

pub(super) const BOND_EXAMPLE: &str = "\
A bond leaves after the network's unbonding time only, and can be slashed until then.

Example:
  kofo bond 500kofo --as provider --data ./bob";

pub(super) const DELEGATE_EXAMPLE: &str = "\
Example:
  kofo delegate 5f21… 100kofo
  kofo reward collect";
