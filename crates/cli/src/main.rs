//! The `kofo` binary: reads the command line, and asks the node, the regtest kit or the demo to do what it says.
//!
//! Standard output has the result and nothing else, standard error has all the rest. The program ends with 0 if what
//! was asked for was done, 1 if it was refused or failed, 2 if the command line is wrong, 3 if no node answers.

mod args;
mod audit;
mod daemon;
mod doctor;
mod failure;
mod genesis;
mod init;
mod ledger;
mod market;
mod node;
mod order;
mod out;
#[cfg(feature = "regtest")]
mod regtest;
mod secrets;
mod signer;
mod span;
mod swap;
mod top;
mod tower;
mod validator;
mod wallet;

use args::{Cli, Command, LogFormat, SignerCommand, TowerCommand, ValidatorCommand};
use clap::Parser;
use failure::Failure;
use out::Out;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

/// How long calls under way may hold up the end of the program.
const LAST_BREATH: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    let json = cli.scope.json;
    let result = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let result = runtime.block_on(run(cli));
            // What still waits for a chain's node is not waited for.
            runtime.shutdown_timeout(LAST_BREATH);
            result
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::of(&error).report(&error, json),
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let scope = cli.scope;
    start_log(&scope, &cli.command)?;
    let out = Out::new(scope.json);
    match cli.command {
        Command::Init(args) => init::run(&scope, &out, args).await,
        Command::Node(args) => daemon::run(&scope, &out, args).await,
        Command::Status => node::status(&scope, &out).await,
        Command::Top(args) => top::run(&scope, &out, args).await,
        Command::Doctor => doctor::run(&scope, &out).await,
        Command::Stop => node::stop(&scope, &out).await,
        Command::Audit => audit::run(&scope, &out).await,
        Command::Swap(command) => swap::run(&scope, &out, command).await,
        Command::Claim(args) => market::claim(&scope, &out, args).await,
        Command::Quotes(args) => market::quotes(&scope, &out, args).await,
        Command::Book(args) => market::book(&scope, &out, args).await,
        Command::Peers => market::peers(&scope, &out).await,
        Command::Bond(args) => ledger::bond(&scope, &out, args).await,
        Command::Unbond(args) => ledger::unbond(&scope, &out, args).await,
        Command::Delegate(args) => ledger::delegate(&scope, &out, args).await,
        Command::Undelegate(args) => ledger::undelegate(&scope, &out, args).await,
        Command::Stake(command) => ledger::stake(&scope, &out, command).await,
        Command::Reward(args) => ledger::reward(&scope, &out, args).await,
        Command::Ledger(command) => ledger::run(&scope, &out, command).await,
        Command::Order(command) => order::run(&scope, &out, command).await,
        Command::Validator(command) => validator::run(&scope, &out, command).await,
        Command::Genesis(command) => genesis::run(&scope, &out, command),
        Command::Signer(command) => signer::run(&scope, &out, command).await,
        Command::Wallet(command) => wallet::run(&scope, &out, command).await,
        Command::Tower(command) => tower::run(&scope, &out, command).await,
        #[cfg(feature = "regtest")]
        Command::Regtest(args) => regtest::run(&out, args).await,
        #[cfg(feature = "regtest")]
        Command::Demo(args) => kofo_cli::demo::run(args).await,
    }
}

/// Libraries that log what they send, which may be a redeem with its preimage, or a cookie. No filter makes them.
const TALKATIVE: [&str; 12] = [
    "alloy_json_rpc",
    "alloy_provider",
    "alloy_rpc_client",
    "alloy_transport",
    "alloy_transport_http",
    "corepc",
    "corepc_client",
    "hyper",
    "hyper_util",
    "jsonrpc",
    "jsonrpsee",
    "reqwest",
];

fn directive(target: &str) -> tracing_subscriber::filter::Directive {
    format!("{target}=warn")
        .parse()
        .expect("a target and a level make a directive")
}

/// The log goes to standard error: a daemon tells what it does, the other commands only what goes wrong.
fn start_log(scope: &args::Scope, command: &Command) -> anyhow::Result<()> {
    use tracing_subscriber::EnvFilter;
    let by_default = match command {
        Command::Node(_)
        | Command::Signer(SignerCommand::Run(_))
        | Command::Tower(TowerCommand::Run(_))
        | Command::Validator(ValidatorCommand::Run(_)) => "warn,kofo=info",
        _ => "warn",
    };
    let filter = match (&scope.log, std::env::var("RUST_LOG")) {
        (Some(filter), _) => filter.clone(),
        (None, Ok(filter)) if !filter.is_empty() => filter,
        (None, _) => by_default.to_owned(),
    };
    let filter = EnvFilter::try_new(&filter).map_err(|e| {
        failure::Usage(format!(
            "--log: expected a filter such as info or kofo_node=debug, got {filter:?}: {e}"
        ))
    })?;
    let quiet = |filter: EnvFilter, target: &&str| filter.add_directive(directive(target));
    let log = tracing_subscriber::fmt()
        .with_env_filter(TALKATIVE.iter().fold(filter, quiet))
        .with_writer(std::io::stderr);
    match scope.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        // The fields beside the message, so that programs find `swap` where they look for it.
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}
