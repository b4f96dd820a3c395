//! The configuration of a node on the chains of `kofo regtest`.

use super::{adapter_profile, contract_address};
use crate::assets::Asset;
use crate::config::{
    Backend, BitcoinConfig, BitcoindAuth, ChainConfig, Config, Endpoint, EvmConfig, EvmProfile, LightMost,
    TimelockPolicy,
};
use bitcoin::Network;
use kofo_primitives::{AssetId, ChainId, NetworkId, ParseIdError};

/// Digits behind the point of the token of `kofo regtest`.
pub const TOKEN_DECIMALS: u8 = 18;
const ETHEREUM_CHAIN: u64 = 31_337;
const ECHOIN_CHAIN: u64 = 18;

/// Where the chains of a regtest answer; a chain that is left out is not in the configuration.
#[derive(Clone, Debug, Default)]
pub struct RegtestChains {
    /// bitcoind.
    pub bitcoin: Option<(Endpoint, BitcoindAuth)>,
    /// The anvil that plays Ethereum.
    pub ethereum: Option<Endpoint>,
    /// The anvil that plays Echoin.
    pub echoin: Option<Endpoint>,
    /// The token USDX on the anvil that plays Ethereum: `0x` and 40 hexadecimal digits.
    pub token: Option<String>,
}

/// The configuration of a node on these chains.
pub fn regtest(network: NetworkId, chains: RegtestChains) -> Result<Config, ParseIdError> {
    let mut all = Vec::new();
    if let Some((endpoint, auth)) = chains.bitcoin {
        all.push(bitcoin(endpoint, auth));
    }
    if let Some(endpoint) = chains.ethereum {
        let mut chain = evm(
            "ethereum",
            "ETH",
            (EvmProfile::Ethereum, ETHEREUM_CHAIN, 60),
            endpoint,
        )?;
        if let Some(token) = chains.token {
            let id = format!("{}/erc20:{}", chain.id, token.to_ascii_lowercase());
            chain
                .assets
                .push(asset("USDX", AssetId::new(&id)?, TOKEN_DECIMALS));
        }
        all.push(chain);
    }
    if let Some(endpoint) = chains.echoin {
        let numbers = (EvmProfile::Echoin, ECHOIN_CHAIN, ECHOIN_CHAIN);
        all.push(evm("echoin", "EC", numbers, endpoint)?);
    }
    let mut config = Config::new(network, all);
    config.timelocks = TimelockPolicy::Test;
    Ok(config)
}

/// What to deploy on a chain, with salt 0, so that our contract is there.
#[must_use]
pub fn contract_code(profile: EvmProfile, chain: u64) -> Vec<u8> {
    kofo_evm::creation_code(adapter_profile(profile), chain)
}

fn asset(symbol: &str, id: AssetId, decimals: u8) -> Asset {
    Asset {
        symbol: symbol.into(),
        id,
        decimals,
        freezable: false,
    }
}

fn bitcoin(endpoint: Endpoint, auth: BitcoindAuth) -> ChainConfig {
    ChainConfig {
        name: "bitcoin".into(),
        id: kofo_bitcoin::chain_id(Network::Regtest),
        depth: 1,
        assets: vec![asset("BTC", kofo_bitcoin::asset_id(Network::Regtest), 8)],
        backend: Backend::Bitcoin(BitcoinConfig {
            endpoint,
            auth,
            trusted: true,
            witnesses: vec![],
            fee_cap: 200,
            birthday: 0,
        }),
    }
}

fn evm(
    name: &str,
    symbol: &str,
    (profile, number, coin): (EvmProfile, u64, u64),
    endpoint: Endpoint,
) -> Result<ChainConfig, ParseIdError> {
    let id = ChainId::new(&format!("eip155:{number}"))?;
    let coin = AssetId::new(&format!("{id}/slip44:{coin}"))?;
    Ok(ChainConfig {
        name: name.into(),
        depth: 1,
        assets: vec![asset(symbol, coin, 18)],
        backend: Backend::Evm(EvmConfig {
            endpoint,
            trusted: true,
            witnesses: Vec::new(),
            light_most: LightMost::new(),
            tower_wage: None,
            profile,
            contract: contract_address(profile, number),
            fee_floor: profile.least_fee(),
            fee_cap: 100,
        }),
        id,
    })
}
