//! `kofo regtest`: chains on this machine.

mod contracts;

use crate::args::{RegtestArgs, RegtestCommand};
use crate::out::Out;
use anyhow::Context;
use kofo_node::config::{BitcoindAuth, Endpoint};
use kofo_node::wiring::{RegtestChains, TOKEN_DECIMALS};
use kofo_primitives::Amount;
use kofo_regtest::people::{self, Status};
use kofo_regtest::{Chain, Chains, Options, Regtest};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a node keeps the password of the regtest's bitcoind.
const PASSWORD_FILE: &str = "bitcoind.password";

pub(crate) async fn run(out: &Out, args: RegtestArgs) -> anyhow::Result<()> {
    let dir = args.dir.unwrap_or_else(people::default_data_dir);
    match args.command {
        RegtestCommand::Up => up(out, dir).await,
        RegtestCommand::Down => {
            let ended = people::down(&dir).await?;
            out.result(&ended, |ended| format!("stopped {} processes", ended.len()))
        }
        RegtestCommand::Status => out.result(&people::status(&dir).await?, status_text),
        RegtestCommand::Mine { blocks, chain } => mine(out, &Regtest::attach(&dir)?, blocks, chain).await,
        RegtestCommand::Advance { seconds } => {
            let time = Regtest::attach(&dir)?.advance(seconds).await?;
            out.result(&json!({ "time": time }), |_| format!("all chains are at {time}"))
        }
        RegtestCommand::Reorg { blocks, chain } => {
            let tip = Regtest::attach(&dir)?.reorg(chain, blocks).await?;
            out.result(&tip, |tip| {
                format!("{chain}: height {}, {}", tip.height, tip.hash)
            })
        }
        RegtestCommand::Fund { address } => fund(out, &Regtest::attach(&dir)?, &address).await,
        RegtestCommand::Logs { chain, lines } => logs(out, &dir, chain, lines),
    }
}

async fn up(out: &Out, dir: PathBuf) -> anyhow::Result<()> {
    let options = Options {
        data_dir: Some(dir.clone()),
        progress: Arc::new(|line| Out::new(false).note(line)),
        ..Options::default()
    };
    let regtest = Regtest::up(options).await?;
    contracts::deploy(&regtest).await?;
    out.result(&people::status(&dir).await?, status_text)?;
    out.note("runs until Ctrl-C or `kofo regtest down`; a node on these chains: `kofo init --regtest`");
    Ok(people::serve(regtest).await?)
}

fn status_text(status: &Status) -> String {
    let mut text = format!("regtest in {}\n", status.data_dir.display());
    for chain in &status.chains {
        let tip = chain.tip.as_ref().map_or("does not answer".to_owned(), |tip| {
            format!("height {}, time {}", tip.height, tip.time)
        });
        let name = chain.daemon.chain;
        text.push_str(&format!("{name:<9} {:<24} {tip}\n", url(status, name)));
    }
    text
}

fn url(status: &Status, chain: Chain) -> &str {
    let endpoints = &status.endpoints;
    let url = match chain {
        Chain::Bitcoin => endpoints.bitcoin.as_ref().map(|node| &node.rpc_url),
        Chain::Ethereum => endpoints.ethereum.as_ref().map(|node| &node.url),
        Chain::Echoin => endpoints.echoin.as_ref().map(|node| &node.url),
    };
    url.map_or("", String::as_str)
}

async fn mine(out: &Out, chains: &Chains, blocks: u64, only: Option<Chain>) -> anyhow::Result<()> {
    let mut tips = Vec::new();
    for chain in only.map_or_else(|| chains.running(), |chain| vec![chain]) {
        tips.push((chain, chains.mine(chain, blocks).await?));
    }
    out.result(&tips, |tips| {
        let lines: Vec<_> = tips
            .iter()
            .map(|(chain, tip)| format!("{chain}: height {}, time {}", tip.height, tip.time))
            .collect();
        lines.join("\n")
    })
}

async fn fund(out: &Out, chains: &Chains, address: &str) -> anyhow::Result<()> {
    let gifts = chains.fund(address).await?;
    let mut lines = Vec::new();
    for gift in &gifts {
        let units = gift
            .amount
            .parse()
            .context("the kit gives a whole number of smallest units")?;
        let (symbol, decimals) = coin(gift.chain);
        let amount = Amount::new(units).display_units(decimals);
        lines.push(format!(
            "{amount} {symbol} on {}, transaction {}",
            gift.chain, gift.txid
        ));
    }
    if gifts.iter().any(|gift| gift.chain == Chain::Ethereum) {
        let txid = contracts::mint(chains, address).await?;
        let amount = Amount::new(contracts::GIFT).display_units(TOKEN_DECIMALS);
        lines.push(format!(
            "{amount} USDX on {}, transaction {txid}",
            Chain::Ethereum
        ));
    }
    out.result(&gifts, |_| lines.join("\n"))
}

/// The coin of a chain, and its decimals.
const fn coin(chain: Chain) -> (&'static str, u8) {
    match chain {
        Chain::Bitcoin => ("BTC", 8),
        Chain::Ethereum => ("ETH", 18),
        Chain::Echoin => ("EC", 18),
    }
}

fn logs(out: &Out, dir: &Path, only: Option<Chain>, lines: u16) -> anyhow::Result<()> {
    let mut all = serde_json::Map::new();
    for chain in only.map_or_else(|| Chain::ALL.to_vec(), |chain| vec![chain]) {
        let lines = people::logs(dir, chain, usize::from(lines))?;
        all.insert(chain.name().to_owned(), json!(lines));
    }
    out.result(&all, |all| {
        let mut text = String::new();
        for (chain, lines) in all {
            for line in lines
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|line| line.as_str())
            {
                text.push_str(&format!("{chain}: {line}\n"));
            }
        }
        text
    })
}

/// What a new node in `data` has to be told of the regtest that runs now. The password of bitcoind goes into a file of
/// the node's folder.
pub(crate) async fn chains_for(dir: Option<PathBuf>, data: &Path) -> anyhow::Result<RegtestChains> {
    let dir = dir.unwrap_or_else(people::default_data_dir);
    let up = "start the chains with `kofo regtest up`";
    let chains = Regtest::attach(&dir).context(up)?;
    let endpoints = people::status(&dir).await.context(up)?.endpoints;
    let token = contracts::deploy(&chains).await?;
    let bitcoin = match &endpoints.bitcoin {
        None => None,
        Some(node) => {
            kofo_node::files::create_folder(data)
                .with_context(|| format!("cannot make {}", data.display()))?;
            let password = data.join(PASSWORD_FILE);
            kofo_node::files::replace(&password, node.rpc_password.as_bytes())
                .with_context(|| format!("cannot write {}", password.display()))?;
            let auth = BitcoindAuth::Password {
                user: node.rpc_user.clone(),
                file: PASSWORD_FILE.into(),
            };
            Some((Endpoint::new(&node.rpc_url)?, auth))
        }
    };
    let endpoint = |url: &String| Endpoint::new(url);
    Ok(RegtestChains {
        bitcoin,
        ethereum: endpoints.ethereum.map(|node| endpoint(&node.url)).transpose()?,
        echoin: endpoints.echoin.map(|node| endpoint(&node.url)).transpose()?,
        token,
    })
}
