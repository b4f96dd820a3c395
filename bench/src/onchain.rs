//! What a swap costs on chain: starts the daemons, measures, compares.

mod btc;
mod evm;
mod figures;
mod limits;
mod peers;
mod tables;
mod whole;

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use kofo_regtest::{Chain, Options, Regtest};

use crate::Report;
use figures::{Beyond, Figures};
use peers::Peers;
use whole::Wholes;

/// All that was measured, and what it is compared with.
pub(crate) struct Outcome {
    figures: Figures,
    beyond: Beyond,
    peers: Peers,
}

/// Measures on daemons that live as long as this call.
pub(crate) async fn run() -> Result<Outcome> {
    let options = Options {
        chains: vec![Chain::Bitcoin, Chain::Ethereum],
        progress: Arc::new(|line| drop(writeln!(std::io::stderr(), "{line}"))),
        ..Options::manual()
    };
    let regtest = Regtest::up(options)
        .await
        .context("the benchmark needs bitcoind and anvil")?;
    let (btc, payouts) = btc::measure(&regtest).await.context("measuring on bitcoind")?;
    let (evm, acts) = evm::measure(&regtest).await.context("measuring on anvil")?;
    Ok(Outcome {
        figures: Figures { evm, btc },
        beyond: Beyond { acts, payouts },
        peers: Peers::read()?,
    })
}

impl Outcome {
    /// What `onchain` prints.
    pub(crate) fn report(&self) -> Result<Report> {
        Ok(Report {
            json: self.json()?,
            text: self.text()?,
            missed: self.missed()?,
        })
    }

    /// The figures that have limits, and nothing else.
    fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.figures)?)
    }

    /// Everything, as tables in Markdown.
    fn text(&self) -> Result<String> {
        Ok([
            tables::limits(&self.figures, &self.peers),
            Wholes::of(&self.figures, &self.peers)?.table(),
            tables::evm(&self.figures.evm, &self.peers),
            tables::batches(&self.beyond.acts, &self.peers),
            tables::acts(&self.beyond.acts, &self.peers),
            tables::btc(&self.beyond.payouts, &self.peers),
        ]
        .join("\n\n"))
    }

    /// A sentence for each figure that is above its limit, and for each peer whose whole swap needs less than ours.
    fn missed(&self) -> Result<Vec<String>> {
        let all = limits::all(&self.figures);
        let above = all.iter().filter_map(limits::Limit::missed);
        let whole = Wholes::of(&self.figures, &self.peers)?;
        Ok(above.chain(whole.not_least()).collect())
    }
}
