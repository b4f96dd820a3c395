//! The command line.

mod genesis;
mod ledger;
mod market;
mod signer;
mod validator;
mod wallet;

pub(crate) use genesis::{GenesisCommand, GenesisNew, account};
pub(crate) use ledger::{
    BondArgs, BondAs, Delegation, LedgerCommand, OrderCommand, RewardArgs, RewardCommand, StakeCommand,
};
pub(crate) use market::{BookArgs, ClaimArgs, ClaimCommand, ClaimMade, QuotesArgs};

pub(crate) use signer::{SignerCommand, SignerInit, SignerRun};
pub(crate) use validator::{ValidatorCommand, ValidatorInit, ValidatorRun};
pub(crate) use wallet::{RestoreArgs, SendArgs, WalletCommand};

use crate::span::span;
use clap::{Args, Parser, Subcommand};
use kofo_node::config::NodeRole;
use kofo_node::rpc::types::Id;
use kofo_node::signer::SignerAt;
use kofo_primitives::{NetworkId, NodeId, Seconds};
use std::path::PathBuf;

/// Swaps assets across chains with whoever agreed to the price: each gets the other's asset, or its own back.
#[derive(Debug, Parser)]
#[command(name = "kofo", version, propagate_version = true, after_help = EXAMPLE, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) scope: Scope,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command may be told.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    /// The node's folder [default: $XDG_DATA_HOME/kofo/node, or ~/.local/share/kofo/node].
    #[arg(long, global = true, value_name = "DIR", env = "KOFO_DATA")]
    data: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The network that the node must be of.
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) network: Option<NetworkId>,
    /// What to log to standard error, such as info or kofo_node=debug [default: $RUST_LOG].
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// How the log is written: text for people, or json, one object a line, for programs.
    #[arg(
        long,
        global = true,
        value_name = "text|json",
        default_value = "text",
        env = "KOFO_LOG_FORMAT"
    )]
    pub(crate) log_format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for programs.
    Json,
}

impl Scope {
    /// The node's folder.
    pub(crate) fn data(&self) -> PathBuf {
        let set = |name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let by_default = || {
            set("XDG_DATA_HOME")
                .or_else(|| set("HOME").map(|home| home.join(".local/share")))
                .map_or_else(|| PathBuf::from("kofo-node"), |data| data.join("kofo/node"))
        };
        self.data.clone().unwrap_or_else(by_default)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a node: its folder, a commented configuration, and a new seed of 24 words.
    #[command(after_help = INIT_EXAMPLE)]
    Init(InitArgs),
    /// Run the node until Ctrl-C or `kofo stop`. All other commands ask it.
    #[command(after_help = NODE_EXAMPLE)]
    Node(NodeArgs),
    /// How the node is: network, role, addresses, chains.
    #[command(after_help = "Example:\n  kofo status --data ./alice")]
    Status,
    /// The node at a glance, again and again: swaps with state and next deadline, book, peers, validators, alarms. q ends it.
    #[command(after_help = "Example:\n  kofo top --data ./alice\n  kofo top --once | head -5")]
    Top(TopArgs),
    /// Look at all that the node needs, whether it runs or not, and say what to do: daemons, ports, clocks, fees, disk, journal,
    /// peers. Ends with 1 if something fails.
    #[command(
        after_help = "Example:\n  kofo doctor --data ./alice\n  KOFO_PASSPHRASE_FILE=./pass kofo doctor --json"
    )]
    Doctor,
    /// Stop the node in good order.
    #[command(after_help = "Example:\n  kofo stop --data ./alice")]
    Stop,
    /// Read the whole journal and say whether anything was altered, lost or moved. The node must not run.
    #[command(after_help = "Example:\n  kofo audit --data ./alice")]
    Audit,
    /// Offer, accept and follow swaps.
    #[command(
        subcommand,
        after_help = "Example:\n  kofo swap offer --give 0.1btc --want 2eth"
    )]
    Swap(SwapCommand),
    /// Ask the network who gives what you want, and swap with whoever quotes best.
    ///
    /// Shows quotes as they come, until swaps have begun or the claim is over. With --json: the claim with its quotes, one
    /// object for each change.
    #[command(after_help = market::CLAIM_EXAMPLE, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Claim(ClaimArgs),
    /// The quotes for a claim, the best first; select one.
    #[command(after_help = market::QUOTES_EXAMPLE)]
    Quotes(QuotesArgs),
    /// What providers say that they trade: both sides of a pair's book, or the pairs there are.
    #[command(after_help = "Example:\n  kofo book\n  kofo book btc/eth")]
    Book(BookArgs),
    /// The node's neighbours: roles, addresses, scores, claims passed and quotes that came back.
    #[command(after_help = "Example:\n  kofo peers --data ./alice")]
    Peers,
    /// The node's own money.
    #[command(subcommand, after_help = "Example:\n  kofo wallet balance")]
    Wallet(WalletCommand),
    /// The process that alone has the keys, if the node has not.
    #[command(
        subcommand,
        after_help = "Example:\n  kofo signer run --keystore ./signer --socket ./signer.sock"
    )]
    Signer(SignerCommand),
    /// Towers: other nodes that act for this one while it is away, to its own payouts only.
    #[command(subcommand, after_help = TOWER_EXAMPLE)]
    Tower(TowerCommand),
    /// Run a validator: it votes on orders, and observes chains, with its stake at risk.
    #[command(
        subcommand,
        after_help = "Example:\n  kofo validator run --data ./validator-1"
    )]
    Validator(ValidatorCommand),
    /// What a network begins with.
    #[command(subcommand, after_help = "Example:\n  kofo genesis new --help")]
    Genesis(GenesisCommand),
    /// Put up, or add to, a bond of the node's account.
    #[command(after_help = ledger::BOND_EXAMPLE)]
    Bond(BondArgs),
    /// Ask for a bond or a part of it back. It comes after the network's unbonding time.
    #[command(after_help = "Example:\n  kofo unbond 100kofo --as provider")]
    Unbond(BondArgs),
    /// Back a validator: a part of its rewards is yours, and of what it forfeits too.
    #[command(after_help = ledger::DELEGATE_EXAMPLE)]
    Delegate(Delegation),
    /// Take your backing of a validator back. It comes after the network's unbonding time.
    #[command(after_help = "Example:\n  kofo undelegate 5f21… 100kofo")]
    Undelegate(Delegation),
    /// Stand for election as a validator, and what goes with it. The node has the validator's seed.
    #[command(subcommand, after_help = "Example:\n  kofo stake add 1000kofo --key 02a1…")]
    Stake(StakeCommand),
    /// What the account earned as a validator or by delegations, and has not collected.
    #[command(after_help = "Example:\n  kofo reward\n  kofo reward collect")]
    Reward(RewardArgs),
    /// Accounts of the network's ledger.
    #[command(subcommand, after_help = "Example:\n  kofo ledger account")]
    Ledger(LedgerCommand),
    /// Orders that validators made final.
    #[command(subcommand, after_help = "Example:\n  kofo order show 3f0c… --proof")]
    Order(OrderCommand),
    /// Chains on this machine: a real bitcoind, and two anvils as Ethereum and Echoin.
    #[cfg(feature = "regtest")]
    #[command(after_help = "Example:\n  kofo regtest up")]
    Regtest(RegtestArgs),
    /// Two nodes swap before your eyes, on chains of this machine.
    #[cfg(feature = "regtest")]
    #[command(after_help = "Example:\n  kofo demo direct --sim")]
    Demo(kofo_cli::demo::DemoArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Read 24 words from standard input, or ask for them, instead of drawing new ones. Swaps that were under way are
    /// not known to the new folder: `kofo wallet restore` makes one with them, from a backup.
    #[arg(long)]
    pub(crate) restore: bool,
    /// Make a folder without keys: this signer has them, such as unix:/run/kofo/signer.sock (a relative path begins at the
    /// folder). It must run now, and whenever the node has something to sign.
    #[arg(long, value_name = "unix:PATH", conflicts_with = "restore")]
    pub(crate) signer: Option<SignerAt>,
    #[command(flatten)]
    pub(crate) chains: ChainsArgs,
}

/// Whose chains a new folder is for.
#[derive(Debug, Args)]
pub(crate) struct ChainsArgs {
    /// Use the chains that `kofo regtest up` runs now; its contracts are deployed.
    #[cfg(feature = "regtest")]
    #[arg(long)]
    pub(crate) regtest: bool,
    /// The folder of that regtest.
    #[cfg(feature = "regtest")]
    #[arg(long, value_name = "DIR", requires = "regtest")]
    pub(crate) regtest_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// Print one frame and end; so it is too where standard output is no terminal.
    #[arg(long)]
    pub(crate) once: bool,
    /// Ask the node every so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
}

#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// What the node does for others: wallet (nothing), relay (passes claims and quotes on) or provider (and quotes itself)
    /// [default: `role` in DIR/kofo.toml].
    #[arg(long, value_name = "wallet|relay|provider")]
    pub(crate) role: Option<NodeRole>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SwapCommand {
    /// Offer a swap: prints a URI for the other party, and waits for it in the node.
    #[command(
        after_help = "Example:\n  kofo swap offer --give 0.1btc --want 2eth --expires 30m --file offer.kofo"
    )]
    Offer(OfferArgs),
    /// Accept an offer, by its URI or from a file. Starts the swap.
    #[command(
        after_help = "Example:\n  kofo swap accept offer.kofo\n  kofo swap accept kofo:offer1AQwAAABrb2Zv…"
    )]
    Accept {
        /// The URI, a file with it, or - for standard input.
        #[arg(value_name = "URI|FILE|-")]
        offer: String,
    },
    /// List offers and swaps, youngest first.
    #[command(after_help = "Example:\n  kofo swap list --live")]
    List {
        /// Only those that go on.
        #[arg(long)]
        live: bool,
        /// Skip so many.
        #[arg(long, default_value_t = 0, value_name = "N")]
        skip: u32,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
    },
    /// Show a swap: state, what is at risk, the next deadline and what happens then.
    #[command(after_help = SHOW_EXAMPLE)]
    Show(One),
    /// Follow a swap until it ends: one line, or with --json one object, for each change.
    #[command(after_help = "Example:\n  kofo swap watch 3f0c…")]
    Watch(One),
    /// Give up an offer or swap of which nothing of ours is locked.
    #[command(after_help = "Example:\n  kofo swap abort 3f0c…")]
    Abort(One),
    /// Approve a swap above a limit of kofo.toml: it waits for this with nothing locked, as `kofo swap list` shows.
    #[command(after_help = "Example:\n  kofo swap approve 3f0c…")]
    Approve(One),
    /// Decline a swap that waits to be approved. Nothing is locked for it.
    #[command(after_help = "Example:\n  kofo swap decline 3f0c…")]
    Decline(One),
    /// Take our lock back as soon as its timelock has passed. The node does so by itself too.
    #[command(after_help = "Example:\n  kofo swap refund 3f0c…")]
    Refund(One),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The swap's id, or the offer's: 64 hexadecimal digits.
    pub(crate) id: Id,
}

#[derive(Debug, Args)]
pub(crate) struct OfferArgs {
    /// What you give, such as 0.1btc; may be repeated.
    #[arg(long, required = true, value_name = "AMOUNT")]
    pub(crate) give: Vec<String>,
    /// What you want for it, such as 2eth; may be repeated.
    #[arg(long, required = true, value_name = "AMOUNT")]
    pub(crate) want: Vec<String>,
    /// How long it can be accepted, such as 90s, 30m, 2h or 1d [default: 1h].
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) expires: Option<Seconds>,
    /// Write the offer into this file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TowerCommand {
    /// Run a tower on a folder of its own, made by `kofo init`, until Ctrl-C. On Ethereum and Echoin it pays for what it
    /// sends: fund it.
    #[command(after_help = TOWER_RUN_EXAMPLE)]
    Run(TowerRunArgs),
    /// What the tower of this folder watches.
    #[command(after_help = "Example:\n  kofo tower status --data ./tower")]
    Status,
    /// Let a tower act for this node: it is given every swap that goes on, as soon as there is something to give.
    #[command(
        after_help = "Example:\n  kofo tower add /ip4/203.0.113.5/tcp/9000/p2p/12D3KooW… --data ./alice"
    )]
    Add {
        /// Where it is, as `kofo tower run` prints it.
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
    /// The towers of this node, and whether each has what it needs.
    #[command(after_help = "Example:\n  kofo tower list --data ./alice")]
    List,
    /// Give a tower nothing any more. What it was given it keeps.
    #[command(after_help = "Example:\n  kofo tower remove 12D3KooW… --data ./alice")]
    Remove {
        /// Its address or peer id, as `kofo tower list` prints it.
        #[arg(value_name = "ADDRESS|PEER_ID")]
        tower: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TowerRunArgs {
    /// Serve this node, by the key that `kofo status` prints; may be repeated.
    #[arg(long, value_name = "NODE_ID", required_unless_present = "open", value_parser = account)]
    pub(crate) allow: Vec<NodeId>,
    /// Serve everybody who asks, within bounds: on Ethereum and Echoin strangers spend the gas of this tower.
    #[arg(long, conflicts_with = "allow")]
    pub(crate) open: bool,
}

#[cfg(feature = "regtest")]
#[derive(Debug, Args)]
pub(crate) struct RegtestArgs {
    /// The folder of the daemons' files [default: $XDG_DATA_HOME/kofo/regtest, or ~/.local/share/kofo/regtest].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: RegtestCommand,
}

#[cfg(feature = "regtest")]
#[derive(Debug, Subcommand)]
pub(crate) enum RegtestCommand {
    /// Start the daemons, deploy the contracts, and mine until Ctrl-C or `kofo regtest down`. Fetches what is missing.
    #[command(after_help = "Example:\n  kofo regtest up &\n  kofo init --regtest --data ./alice")]
    Up,
    /// Stop the daemons.
    #[command(after_help = "Example:\n  kofo regtest down")]
    Down,
    /// What runs, where it answers, and how far the chains are.
    #[command(after_help = "Example:\n  kofo regtest status --json")]
    Status,
    /// Mine blocks.
    #[command(after_help = "Example:\n  kofo regtest mine 6 --chain bitcoin")]
    Mine {
        /// How many.
        #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
        blocks: u64,
        /// On which chain [default: all].
        #[arg(long)]
        chain: Option<kofo_regtest::Chain>,
    },
    /// Move the time of all chains together.
    #[command(after_help = "Example:\n  kofo regtest advance 3600")]
    Advance {
        /// By how much.
        #[arg(value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
        seconds: u64,
    },
    /// Replace the last blocks of a chain by as many and one more.
    #[command(after_help = "Example:\n  kofo regtest reorg 1 --chain ethereum")]
    Reorg {
        /// How many.
        #[arg(value_parser = clap::value_parser!(u64).range(1..=100))]
        blocks: u64,
        /// On which chain.
        #[arg(long, default_value = "bitcoin")]
        chain: kofo_regtest::Chain,
    },
    /// Give an address a round sum on each chain that it can belong to, and of the test token.
    #[command(after_help = "Example:\n  kofo regtest fund $(kofo wallet address btc)")]
    Fund {
        /// A Bitcoin address, or an account of an EVM chain.
        address: String,
    },
    /// The last lines that the daemons printed.
    #[command(after_help = "Example:\n  kofo regtest logs --chain bitcoin --lines 50")]
    Logs {
        /// Whose [default: all].
        #[arg(long)]
        chain: Option<kofo_regtest::Chain>,
        /// How many lines of each.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        lines: u16,
    },
}

const EXAMPLE: &str = "\
Example:
  kofo demo --sim                                 see it work, in seconds
  kofo regtest up &                               chains to play with
  kofo init --regtest --data ./alice              a node on them
  kofo node --data ./alice &
  kofo swap offer --give 0.1btc --want 2eth --data ./alice";

const INIT_EXAMPLE: &str = "\
The passphrase comes from the file that KOFO_PASSPHRASE_FILE names, or from a prompt.

Example:
  kofo init --data ./alice
  kofo init --restore --data ./alice < words.txt
  kofo init --signer unix:/run/kofo/signer.sock --data ./alice";

const NODE_EXAMPLE: &str = "\
The passphrase comes from the file that KOFO_PASSPHRASE_FILE names, or from a prompt. When the node is ready it says
so, with its addresses, in one line on standard error, and in DIR/node.json.

Example:
  KOFO_PASSPHRASE_FILE=./pass kofo node --data ./alice
  KOFO_PASSPHRASE_FILE=./pass kofo node --role relay --data ./relay";

const TOWER_EXAMPLE: &str = "\
Example:
  kofo tower run --allow $(kofo status --data ./alice --json | jq -r .node) --data ./tower &
  kofo tower add /ip4/127.0.0.1/tcp/9000/p2p/12D3KooW… --data ./alice";

const TOWER_RUN_EXAMPLE: &str = "\
The passphrase comes from the file that KOFO_PASSPHRASE_FILE names, or from a prompt. When the tower is ready it prints
its addresses, and DIR/tower.json has them. Owners remember one: give it a port of its own in DIR/kofo.toml (listen).

Example:
  kofo init --data ./tower
  KOFO_PASSPHRASE_FILE=./pass kofo tower run --allow 79be667e… --data ./tower";

const SHOW_EXAMPLE: &str = "\
Example:
  kofo swap show 3f0c… --json";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_an_example() {
        fn look(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("Example:"), "{path}: {help:?}");
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                look(sub, &path);
            }
        }
        look(&Cli::command(), "");
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
