//! Real daemons with the contracts deployed, and what they know of two nodes' money.

use super::ground::{Cost, Purse, Wallet};
use super::process::PASSPHRASE_FILE;
use anyhow::{Context, Result, bail};
use kofo_node::assets::Assets;
use kofo_node::config::{BitcoindAuth, Config, Endpoint, EvmProfile};
use kofo_node::files;
use kofo_node::init::init;
use kofo_node::keystore::{KdfCost, Passphrase, Words};
use kofo_node::regtest::token_code;
use kofo_node::run::node_key;
use kofo_node::wiring::{self, RegtestChains, contract_code};
use kofo_primitives::{Amount, NetworkId, NodeId, Seed};
use kofo_regtest::{Chain, Options, Regtest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

mod evm;

/// The network of all demos and tests.
pub const NETWORK: &str = "kofo-regtest";
/// What brings a node back whose folder is lost on purpose.
const WORDS_FILE: &str = "words";
/// Where the nodes' password for bitcoind lies in their folders.
const BITCOIND_PASSWORD_FILE: &str = "bitcoind.password";
/// Opens the keystores: they hold money of a regtest for minutes.
const PASSPHRASE: &str = "a passphrase of a demo";
/// What each node gets: coins that can be locked side by side.
const COINS: [u64; 3] = [100_000_000; 3];
/// All of them together, in satoshi.
pub(super) const BITCOIN_GIFT: u128 = 300_000_000;
/// The salt of all that is deployed.
const SALT: [u8; 32] = [0; 32];
const ETHER: u128 = 1_000_000_000_000_000_000;

/// Running daemons with our contracts and a test token.
pub struct Daemons {
    regtest: Regtest,
    assets: Assets,
    token: String,
}

/// The chain by CAIP-2.
#[must_use]
pub(super) const fn chain_id(chain: Chain) -> &'static str {
    match chain {
        Chain::Bitcoin => "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
        Chain::Ethereum => "eip155:31337",
        Chain::Echoin => "eip155:18",
    }
}

impl Daemons {
    /// Starts the daemons and prepares them.
    pub async fn up(options: Options) -> Result<Self> {
        let regtest = Regtest::up(options)
            .await
            .context("cannot bring up the daemons")?;
        Self::over(regtest).await
    }

    /// Deploys the contracts and the token on running daemons.
    pub async fn over(regtest: Regtest) -> Result<Self> {
        let (ethereum, echoin) = (regtest.ethereum().chain_id, regtest.echoin().chain_id);
        let code = contract_code(EvmProfile::Ethereum, ethereum);
        regtest.deploy(Chain::Ethereum, &code, SALT).await?;
        let code = contract_code(EvmProfile::Echoin, echoin);
        regtest.deploy(Chain::Echoin, &code, SALT).await?;
        let token = regtest.deploy(Chain::Ethereum, &token_code(), SALT).await?;
        let mut daemons = Self {
            regtest,
            assets: Assets::default(),
            token,
        };
        daemons.assets = daemons.config(NETWORK)?.assets();
        Ok(daemons)
    }

    /// The daemons.
    #[must_use]
    pub const fn regtest(&self) -> &Regtest {
        &self.regtest
    }

    /// The assets on them.
    #[must_use]
    pub const fn assets(&self) -> &Assets {
        &self.assets
    }

    /// Does what `kofo init` does: a keystore and a journal beside a configuration, which is [`Daemons::config`] or made
    /// from it. The passphrase is in a file beside them. The node's key, which is its account.
    pub fn init(&self, data: &Path, config: &Config) -> Result<NodeId> {
        let seed = self.init_with_seed(data, config)?;
        Ok(node_key(&seed, &config.network).id())
    }

    /// As [`Daemons::init`], and what all keys come from.
    pub(super) fn init_with_seed(&self, data: &Path, config: &Config) -> Result<Seed> {
        files::create_folder(data)?;
        files::replace(
            &data.join(BITCOIND_PASSWORD_FILE),
            self.regtest.bitcoin().rpc_password.as_bytes(),
        )?;
        new_folder(data, config)
    }

    /// The configuration of a node of a network on these daemons.
    pub fn config(&self, network: &str) -> Result<Config> {
        let bitcoind = self.regtest.bitcoin();
        let (user, file) = (bitcoind.rpc_user.clone(), BITCOIND_PASSWORD_FILE.into());
        let chains = RegtestChains {
            bitcoin: Some((
                Endpoint::new(&bitcoind.rpc_url)?,
                BitcoindAuth::Password { user, file },
            )),
            ethereum: Some(Endpoint::new(&self.regtest.ethereum().url)?),
            echoin: Some(Endpoint::new(&self.regtest.echoin().url)?),
            token: Some(self.token.clone()),
        };
        Ok(wiring::regtest(NetworkId::new(network)?, chains)?)
    }

    /// Gives a node money of every kind; each gift is in a block when this returns.
    pub async fn fund(&self, bitcoin: &str, owner: &str) -> Result<()> {
        for coin in COINS {
            self.regtest.fund_bitcoin(bitcoin, coin).await?;
        }
        self.regtest.fund_evm(Chain::Ethereum, owner, 100 * ETHER).await?;
        self.regtest
            .fund_evm(Chain::Echoin, owner, 10_000 * ETHER)
            .await?;
        self.mint(owner, 100_000 * ETHER).await
    }

    /// The height of every chain.
    pub async fn heights(&self) -> Result<BTreeMap<Chain, u64>> {
        let mut heights = BTreeMap::new();
        for chain in Chain::ALL {
            heights.insert(chain, self.regtest.tip(chain).await?.height);
        }
        Ok(heights)
    }

    /// Moves all chains to `time` or later.
    pub async fn advance_to(&self, time: u64) -> Result<()> {
        let mut latest = 0;
        for chain in Chain::ALL {
            latest = latest.max(self.regtest.tip(chain).await?.time);
        }
        // Also when a chain is there already: those that are not must come after it.
        Ok(self
            .regtest
            .advance_to(time.max(latest.saturating_add(1)))
            .await?)
    }

    /// What a transaction cost, asked of the daemon.
    pub async fn cost(&self, chain: Chain, txid: &str) -> Result<Cost> {
        let (symbol, unit, size, units) = match chain {
            Chain::Bitcoin => {
                let tx = self
                    .regtest
                    .rpc(chain, "getrawtransaction", json!([txid, 2]))
                    .await?;
                ("BTC", "vB", number(&tx["vsize"])?, satoshi(&tx["fee"])?)
            }
            Chain::Ethereum | Chain::Echoin => {
                let (gas, wei) = self.gas(chain, txid).await?;
                (
                    if chain == Chain::Ethereum { "ETH" } else { "EC" },
                    "gas",
                    gas,
                    wei,
                )
            }
        };
        let asset = self.assets.by_symbol(symbol)?;
        let fee = self.assets.show(&asset.id, Amount::new(units));
        Ok(Cost {
            size,
            unit,
            fee,
            symbol: symbol.to_owned(),
            units,
        })
    }

    /// What each of these nodes has and paid.
    pub async fn purses(&self, wallets: &[&Wallet]) -> Result<Vec<Purse>> {
        let mut purses = vec![Purse::default(); wallets.len()];
        for (chain, symbol) in [(Chain::Ethereum, "ETH"), (Chain::Echoin, "EC")] {
            let coins = self.coins(chain, wallets).await?;
            for (purse, coins) in purses.iter_mut().zip(coins) {
                purse.has.insert(symbol.to_owned(), coins.has);
                purse.gas.insert(symbol.to_owned(), coins.gas);
            }
        }
        for (purse, wallet) in purses.iter_mut().zip(wallets) {
            purse
                .has
                .insert("USDX".to_owned(), self.tokens(&wallet.owner).await?);
            purse.has.insert("BTC".to_owned(), wallet.satoshi);
        }
        Ok(purses)
    }
}

/// A folder with a configuration, a keystore with a fresh seed, a journal, and the passphrase in a file beside them.
pub(super) fn new_folder(data: &Path, config: &Config) -> Result<Seed> {
    files::create_folder(data)?;
    files::replace(&data.join(PASSPHRASE_FILE), PASSPHRASE.as_bytes())?;
    let passphrase = Passphrase::from_file(&data.join(PASSPHRASE_FILE))?;
    let words = Words::draw()?;
    // Trials lose the folder on purpose, and only the words bring it back.
    files::replace(&data.join(WORDS_FILE), words.expose().as_bytes())?;
    let seed = words.seed();
    init(data, config, &seed, &passphrase, KdfCost::WEAK)?;
    Ok(seed)
}

fn number(value: &Value) -> Result<u64> {
    value
        .as_u64()
        .with_context(|| format!("expected a number, got {value}"))
}

/// bitcoind prints amounts as JSON numbers of eight decimals, which a double holds exactly enough to print them again.
fn satoshi(value: &Value) -> Result<u128> {
    let Some(whole) = value.as_f64() else {
        bail!("expected an amount, got {value}");
    };
    Ok(Amount::parse_units(&format!("{whole:.8}"), 8)?.units())
}

#[cfg(test)]
mod tests {
    use super::satoshi;
    use serde_json::json;

    #[test]
    fn amounts_of_bitcoind_are_read_to_the_satoshi() {
        for (printed, expected) in [
            ("0.00000001", 1),
            ("0.00000155", 155),
            ("20999999.97690000", 2_099_999_997_690_000),
            ("1", 100_000_000),
        ] {
            let value: serde_json::Value = serde_json::from_str(printed).unwrap();
            assert_eq!(satoshi(&value).unwrap(), expected, "{printed}");
        }
        assert!(satoshi(&json!("1")).is_err());
    }
}
