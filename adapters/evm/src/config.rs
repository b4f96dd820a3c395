//! What an adapter is told about its chain.

use crate::entrust::TowerWage;
use crate::fees::FeePolicy;
use kofo_primitives::{AssetId, ChainId, NetworkId, ParseIdError};
use std::time::Duration;

/// A family of EVM chains with one build of the contract and one way to pay for gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// EIP-1559 transactions; the contract for Cancun and later.
    Ethereum,
    /// Legacy transactions with a gas price floor; the contract for Petersburg; a block is final when it is there.
    Echoin,
}

/// Everything that an adapter is told. Build with [`EvmConfig::ethereum`] or [`EvmConfig::echoin`] and change what
/// differs.
#[derive(Clone, Debug)]
pub struct EvmConfig {
    /// The JSON-RPC endpoint of a node of our own: redeems with a preimage go there.
    pub url: String,
    /// Up to 3 endpoints of others: nothing is believed of the chain that they do not confirm, and no transaction that
    /// shows an unrevealed preimage goes there.
    pub witnesses: Vec<String>,
    /// The node at `url` is not ours either. What shows an unrevealed preimage then goes to all at once: whoever is honest
    /// among them brings it into a block. Needs a witness.
    pub strangers: bool,
    /// EIP-155 chain id; compared with the node's at start.
    pub chain_id: u64,
    /// How the chain is spoken to.
    pub profile: Profile,
    /// The network of kofo, which our keys are derived for.
    pub network: NetworkId,
    /// The chain's own coin, such as `eip155:1/slip44:60`.
    pub coin: AssetId,
    /// The ERC-20 tokens that may be swapped, such as `eip155:1/erc20:0x…`. Those that return nothing (USDT) work; a
    /// token that keeps a fee, or says false, is refused before anything of it is locked.
    pub tokens: Vec<AssetId>,
    /// What may be paid for gas.
    pub fees: FeePolicy,
    /// How many accounts send redeems and refunds, each one transaction at a time. At least 1.
    pub gas_accounts: u8,
    /// What a tower may keep of what it redeems for us. None by default: then its gas is its own.
    pub tower_wage: Option<TowerWage>,
    /// How often the node is asked for a new block.
    pub poll: Duration,
    /// The endpoints may disagree, or one of them may lag, for so long before the chain counts as faulty.
    pub patience: Duration,
}

/// How many witnesses an adapter asks at most.
pub const MAX_WITNESSES: usize = 3;

impl EvmConfig {
    /// Ethereum and its like, with the defaults of this crate.
    pub fn ethereum(url: &str, chain_id: u64, network: NetworkId) -> Result<Self, ParseIdError> {
        Ok(Self {
            url: url.to_owned(),
            witnesses: Vec::new(),
            strangers: false,
            chain_id,
            profile: Profile::Ethereum,
            network,
            coin: AssetId::new(&format!("eip155:{chain_id}/slip44:60"))?,
            tokens: Vec::new(),
            fees: FeePolicy::ETHEREUM,
            gas_accounts: 2,
            tower_wage: None,
            poll: Duration::from_millis(500),
            patience: Duration::from_secs(60),
        })
    }

    /// Echoin (chain id 18), with the defaults of this crate. The reference of its coin's id is the chain id: it has no
    /// registered SLIP-44 number.
    pub fn echoin(url: &str, chain_id: u64, network: NetworkId) -> Result<Self, ParseIdError> {
        Ok(Self {
            profile: Profile::Echoin,
            coin: AssetId::new(&format!("eip155:{chain_id}/slip44:{chain_id}"))?,
            fees: FeePolicy::ECHOIN,
            ..Self::ethereum(url, chain_id, network)?
        })
    }

    /// The chain's id.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        self.coin.chain()
    }
}
