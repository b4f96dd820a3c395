//! `kofo genesis new`: what a network begins with, from the entries of its first validators and sane rules.

mod pledge;
mod proof_by;

pub(crate) use pledge::Pledge;
pub(crate) use proof_by::ProofBy;

use crate::args::{GenesisCommand, GenesisNew, Scope};
use crate::failure::Usage;
use crate::out::Out;
use anyhow::{Context, bail};
use kofo_clearance::{Genesis, GenesisBalance, GenesisValidator, LedgerAsset, ProofRule};
use kofo_cli::founding::{self, DECIMALS, Entry, Founding, MOST_DECIMALS, Profile, ledger_asset};
use kofo_node::assets::Assets;
use kofo_node::clearing::GenesisFile;
use kofo_node::config::{CONFIG_FILE, Config};
use kofo_primitives::{Amount, NetworkId, NodeId};
use pledge::Purse;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(crate) fn run(scope: &Scope, out: &Out, command: GenesisCommand) -> anyhow::Result<()> {
    let GenesisCommand::New(args) = command;
    let config = config(scope, &args)?;
    let network = scope.network.clone().unwrap_or_else(|| config.network.clone());
    let genesis = genesis(network, &args, &config)?;
    let (digest, validators) = (genesis.digest(), genesis.validators.len());
    let file = GenesisFile { genesis };
    file.save_new(&args.out)?;
    let genesis = &file.genesis;
    let digest = NodeId::new(digest).to_string();
    let made = json!({ "file": args.out, "network": genesis.network.as_str(), "digest": digest, "validators": validators });
    out.result(&made, |_| args.out.display().to_string())?;
    out.note(&format!(
        "genesis {digest} of network {}, validators: {validators}; copy the file into the folder of every validator and node",
        genesis.network
    ));
    Ok(())
}

/// Where the chains, and the timelocks that their swaps need, are taken from.
fn config(scope: &Scope, args: &GenesisNew) -> anyhow::Result<Config> {
    match &args.chains {
        None => Ok(Config::load(&scope.data())?),
        Some(path) => {
            let why = || format!("cannot read {}", path.display());
            let bytes = kofo_node::files::read_bounded(path, kofo_node::config::MAX_CONFIG_BYTES);
            let text = String::from_utf8(bytes.with_context(why)?).with_context(why)?;
            Ok(Config::parse(
                &text,
                Path::new(path.file_name().unwrap_or(CONFIG_FILE.as_ref())),
            )?)
        }
    }
}

fn genesis(network: NetworkId, args: &GenesisNew, config: &Config) -> anyhow::Result<Genesis> {
    let assets = assets(&network, &args.assets)?;
    let stake = assets.first().context("a ledger has an asset")?;
    let validators = validators(&args.validators, stake)?;
    let founding = Founding {
        foundation: foundation(args, &validators)?,
        balances: balances(&args.balances, &founding::named(&assets)?)?,
        profile: args.profile,
        proofs: proofs(&args.proofs, config)?,
        network,
        assets,
        validators,
        config,
    };
    founding.genesis()
}

fn assets(network: &NetworkId, asked: &[String]) -> anyhow::Result<Vec<LedgerAsset>> {
    let read = |text: &String| {
        let (symbol, decimals) = match text.split_once(':') {
            None => (text.as_str(), Some(DECIMALS)),
            Some((symbol, decimals)) => (symbol, decimals.parse().ok()),
        };
        let wrong = || {
            Usage(format!(
                "--asset: expected a symbol such as kofo or gold:8, got {text:?}"
            ))
        };
        let decimals = decimals
            .filter(|decimals| *decimals <= MOST_DECIMALS)
            .ok_or_else(wrong)?;
        ledger_asset(network, symbol, decimals).ok_or_else(|| wrong().into())
    };
    asked.iter().map(read).collect()
}

fn proofs(asked: &[ProofBy], config: &Config) -> anyhow::Result<Vec<ProofRule>> {
    for ProofBy(rule) in asked {
        if !config.chains.iter().any(|chain| chain.id == rule.chain) {
            bail!(
                "--proof: {} is not among the chains of the configuration",
                rule.chain
            );
        }
    }
    Ok(asked.iter().map(|ProofBy(rule)| rule.clone()).collect())
}

fn validators(files: &[PathBuf], stake: &LedgerAsset) -> anyhow::Result<Vec<GenesisValidator>> {
    let mut validators: Vec<GenesisValidator> = Vec::with_capacity(files.len());
    for file in files {
        let validator = Entry::load(file)?.validator(stake.decimals);
        let validator = validator.with_context(|| file.display().to_string())?;
        let same =
            |other: &&GenesisValidator| other.account == validator.account || other.key == validator.key;
        if validators.iter().any(|other| same(&other)) {
            bail!(
                "{}: its account or key is that of another entry: each validator is named once",
                file.display()
            );
        }
        validators.push(validator);
    }
    Ok(validators)
}

fn foundation(args: &GenesisNew, validators: &[GenesisValidator]) -> anyhow::Result<NodeId> {
    match (args.foundation, args.profile, validators.first()) {
        (Some(account), _, _) => Ok(account),
        (None, Profile::Dev, Some(first)) => Ok(first.account),
        (None, _, _) => {
            let message = "expected --foundation KEY, the account that gets the foundation's part of fees";
            Err(Usage(message.to_owned()).into())
        }
    }
}

fn balances(pledges: &[Pledge], named: &Assets) -> anyhow::Result<Vec<GenesisBalance>> {
    let mut balances: Vec<GenesisBalance> = Vec::new();
    for pledge in pledges {
        let (asset, amount) = named
            .parse(&pledge.amount)
            .with_context(|| format!("--balance {pledge}"))?;
        let of = |row: &GenesisBalance| row.account == pledge.account && row.asset == asset;
        let at = balances.iter().position(of);
        let at = at.unwrap_or_else(|| {
            let (account, zero) = (pledge.account, Amount::ZERO);
            balances.push(GenesisBalance {
                account,
                asset: asset.clone(),
                free: zero,
                provider: zero,
                relay: zero,
            });
            balances.len() - 1
        });
        let row = &mut balances[at];
        let purse = match pledge.purse {
            Purse::Free => &mut row.free,
            Purse::Provider => &mut row.provider,
            Purse::Relay => &mut row.relay,
        };
        *purse = purse
            .checked_add(amount)
            .with_context(|| format!("--balance {pledge}: more than can be counted"))?;
    }
    Ok(balances)
}

#[cfg(test)]
mod tests;
