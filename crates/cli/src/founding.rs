//! The genesis of a new network, made of its first validators and rules that suit most.

mod entry;
mod pairs;
mod rules;

pub use entry::Entry;
pub use rules::{DECIMALS, MOST_DECIMALS, Profile, ledger_asset};

use anyhow::{Context, Result, bail};
use kofo_clearance::{Genesis, GenesisBalance, GenesisValidator, LedgerAsset, ProofRule, SHARE_CONTEXT};
use kofo_node::assets::{Asset, Assets};
use kofo_node::clock;
use kofo_node::config::Config;
use kofo_primitives::{Bytes, NetworkId, NodeId, NodeKey, seal};
use zeroize::Zeroizing;

/// What founders decide.
#[derive(Clone, Debug)]
pub struct Founding<'a> {
    /// The network.
    pub network: NetworkId,
    /// Which rules.
    pub profile: Profile,
    /// The ledger's assets, as [`ledger_asset`] makes them. The first is what validators stake.
    pub assets: Vec<LedgerAsset>,
    /// The first validators.
    pub validators: Vec<GenesisValidator>,
    /// The first balances.
    pub balances: Vec<GenesisBalance>,
    /// Who gets the foundation's part of fees.
    pub foundation: NodeId,
    /// The chains whose own proofs count.
    pub proofs: Vec<ProofRule>,
    /// Whose chains orders may be of, and how far apart their timelocks must be.
    pub config: &'a Config,
}

impl Founding<'_> {
    /// The genesis, which begins now, with a fresh key that openings are sealed to.
    pub fn genesis(self) -> Result<Genesis> {
        let (validators, balances) = (self.validators, self.balances);
        let pairs = pairs::rules(self.config)?;
        let mut params = rules::params(self.profile, self.foundation, self.assets, pairs)?;
        params.proofs = self.proofs;
        let seats = usize::from(params.seats);
        if validators.is_empty() || validators.len() > seats {
            let got = validators.len();
            bail!("expected 1 to {seats} validators, which is the seats of this profile, got {got}");
        }
        let (seal_key, shares) = shared_key(&validators)?;
        let (version, time_ms) = (1, clock::now_ms());
        Ok(Genesis {
            version,
            network: self.network,
            time_ms,
            params,
            validators,
            balances,
            seal_key,
            shares,
        })
    }
}

/// The ledger's assets by their symbols.
pub fn named(assets: &[LedgerAsset]) -> Result<Assets> {
    let named = assets.iter().map(|asset| Asset {
        symbol: asset.symbol.as_str().to_owned(),
        id: asset.asset.clone(),
        decimals: asset.decimals,
        freezable: false,
    });
    Ok(Assets::new(named.collect())?)
}

/// A fresh key, and its secret for each validator's eyes.
fn shared_key(validators: &[GenesisValidator]) -> Result<(NodeId, Vec<(NodeId, Bytes<128>)>)> {
    let secret = drawn()?;
    let key = NodeKey::new(&secret).context("the drawn key is none: try again")?;
    let mut shares = Vec::with_capacity(validators.len());
    for validator in validators {
        let account = validator.account;
        let share = seal(&account, &*drawn()?, SHARE_CONTEXT, secret.as_slice());
        shares.push((
            account,
            share.with_context(|| format!("{account} is the account of no key"))?,
        ));
    }
    Ok((key.id(), shares))
}

fn drawn() -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|e| anyhow::anyhow!("the system gives no randomness: {e}"))?;
    Ok(bytes)
}
