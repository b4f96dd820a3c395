//! Daemons and nodes of the measurements on real chains. A node is this very program, in a process of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use kofo_cli::demo::{Daemons, NETWORK};
use kofo_node::config::{Backend, Config, Endpoint, TimelockPolicy};
use kofo_regtest::{Mining, Options};

use super::counter::{Calls, Counter};

/// Time between blocks. Real ones come 120 and 6 times slower.
pub(super) const BITCOIN_EVERY: Duration = Duration::from_secs(5);
pub(super) const EVM_EVERY: Duration = Duration::from_secs(2);

/// Daemons whose blocks come by the clock and for no transaction's sake.
pub(super) async fn daemons() -> Result<Arc<Daemons>> {
    let options = Options {
        mining: Some(Mining {
            at_once: false,
            bitcoin_every: BITCOIN_EVERY,
            evm_every: EVM_EVERY,
        }),
        ..Options::default()
    };
    Ok(Arc::new(Daemons::up(options).await?))
}

/// A node on these daemons. With the timelocks of real chains it also asks for news as seldom as there.
pub(super) fn config(daemons: &Daemons, timelocks: TimelockPolicy) -> Result<Config> {
    let mut config = daemons.config(NETWORK)?;
    config.timelocks = timelocks;
    Ok(config)
}

/// What one node asks of the daemons of both chains of a swap.
pub(super) struct Counted {
    counters: Vec<Counter>,
}

impl Counted {
    /// Puts a counter before each daemon of the configuration.
    pub(super) async fn before(config: &mut Config) -> Result<Self> {
        let mut counters = Vec::new();
        for chain in &mut config.chains {
            let endpoint = match &mut chain.backend {
                Backend::Bitcoin(bitcoin) => &mut bitcoin.endpoint,
                // A chain that no leg is on is none of ours.
                Backend::Evm(evm) if chain.name == "ethereum" => &mut evm.endpoint,
                _ => continue,
            };
            let counter = Counter::before(endpoint.as_str()).await?;
            *endpoint = Endpoint::new(counter.url())?;
            counters.push(counter);
        }
        Ok(Self { counters })
    }

    /// All calls so far, by method: no two chains share one.
    pub(super) fn calls(&self) -> Result<Calls> {
        let mut all = Calls::new();
        for counter in &self.counters {
            all.extend(counter.calls()?);
        }
        Ok(all)
    }
}
