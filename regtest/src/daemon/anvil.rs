//! anvil, as Ethereum or as Echoin.

use std::fs;
use std::path::Path;

use crate::chain::Chain;
use crate::endpoints::Anvil;

/// The tenth of anvil's public development accounts; the first nine are left to tests.
const FAUCET: &str = "0xa0ee7a142d267c1f36714e4a8f75612f20a79720";
/// What each development account has at the start, in ether.
const BALANCE: &str = "1000000000";

pub(crate) struct Setup {
    pub(crate) endpoint: Anvil,
    hardfork: &'static str,
    port: u16,
}

impl Setup {
    /// An anvil on `port` with the rules of `chain`.
    pub(crate) fn new(chain: Chain, port: u16) -> Setup {
        let (chain_id, hardfork) = match chain {
            Chain::Echoin => (18, "petersburg"),
            Chain::Bitcoin | Chain::Ethereum => (31_337, "osaka"),
        };
        let url = format!("http://127.0.0.1:{port}");
        Setup {
            endpoint: Anvil {
                url,
                chain_id,
                faucet: FAUCET.to_owned(),
            },
            hardfork,
            port,
        }
    }

    /// It mines nothing by itself: the miner does, on all chains alike.
    pub(crate) fn arguments(&self, dir: &Path) -> Vec<String> {
        let chain_id = self.endpoint.chain_id.to_string();
        let port = self.port.to_string();
        let state = dir.join("state.json").display().to_string();
        let cache = dir.join("cache").display().to_string();
        let fixed = [
            ("--host", "127.0.0.1"),
            ("--port", &port),
            ("--chain-id", &chain_id),
            ("--hardfork", self.hardfork),
            ("--balance", BALANCE),
            ("--state", &state),
            ("--cache-path", &cache),
        ];
        let pairs = fixed
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
        pairs.chain(["--no-mining".to_owned()]).collect()
    }
}

/// Read from its own log: on the port itself another anvil may answer.
pub(crate) fn ready(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains("Listening on"))
}
