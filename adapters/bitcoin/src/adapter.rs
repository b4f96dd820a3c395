//! The port of [`kofo_adapter_api`] on Bitcoin.

mod access;
mod entrusted;
mod rounds;
mod transfer;

pub use access::{Access, MAX_LIGHT_PEERS, MAX_WITNESSES, Witness};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Network, ScriptBuf};
use kofo_adapter_api::{
    AdapterError, ChainAdapter, Entrusted, PartyWanted, Round, RoundReply, RoundRequest, Signer, SignerError,
};
use kofo_adapter_api::{SignedTransfer, Transfer, Transferred};
use kofo_primitives::{
    Act, ActKind, Amount, AssetId, Bytes, ChainAction, ChainEvent, ChainId, End, HtlcSpec, LegRef, NetworkId,
    Party, Place, Prepared, Tip, Together,
};
use tokio::sync::{mpsc, watch};

use crate::engine::{Engine, Locked, Parts, tip};
use crate::fee::{self, SatPerVb};
use crate::keys::Payee;
use crate::leg::units;
use crate::nodes::Nodes;
use crate::ours::OurKeys;
use crate::party::{BitcoinParty, is_ordinary};
use crate::rpc::RpcError;
use crate::spend::Coin;
use crate::store::WalletStore;
use crate::terms::{Terms, malformed};
use crate::wallet::{OwnWallet, WalletError};

/// Actions that may wait for the task.
const ACTIONS: usize = 1_024;
/// Events that may wait for their reader.
const EVENTS: usize = 1_024;
/// How long a question waits for the wallet to catch up with the chain.
const PATIENCE: Duration = Duration::from_secs(10);
/// A leg is worth so many times the fees of its redeem and its refund today: should fees then grow tenfold, what
/// either may pay at most, half of the leg, is still enough.
const WORTH_OF_FEES: u64 = 10;
/// So much of an address that is none is shown, in characters.
const SHOWN: usize = 100;
/// Virtual bytes of a lock with a few inputs: what is reckoned with before it is built.
const LOCK_VBYTES: u64 = 270;

/// How to reach and use one Bitcoin network.
#[derive(Debug, Clone)]
pub struct BitcoinConfig {
    /// Mainnet, a test network, or regtest. The node must agree.
    pub network: Network,
    /// The kofo network, which separates the keys of one seed on different networks.
    pub kofo_network: NetworkId,
    /// By what the chain is seen.
    pub access: Access,
    /// The height before which nobody can have paid this wallet: 0 is right and slow.
    pub birthday: u64,
    /// The most that we pay, in satoshi per virtual byte. A lock that would cost more is not built; a redeem or
    /// refund pays no more than this.
    pub max_fee_rate: u64,
    /// How often to look for news: at most a second, or preimages are seen late.
    pub poll: Duration,
    /// How long a block takes on average: ten minutes, but for chains of tests. By this a fee's deadline is reckoned.
    pub block_time: Duration,
}

/// One Bitcoin chain, with our wallet on it.
pub struct BitcoinAdapter {
    chain: ChainId,
    asset: AssetId,
    keys: OurKeys,
    bitcoin: Network,
    most: SatPerVb,
    nodes: Arc<Nodes>,
    wallet: Arc<Mutex<OwnWallet>>,
    /// Up to where the wallet knows the chain.
    height: watch::Receiver<u64>,
    /// The best block that counts.
    view: watch::Receiver<Option<Tip>>,
    /// The locks of watched legs, as of the last look.
    locks: watch::Receiver<BTreeMap<LegRef, Locked>>,
    actions: mpsc::Sender<(LegRef, ChainAction)>,
    events: tokio::sync::Mutex<mpsc::Receiver<ChainEvent>>,
}

impl BitcoinAdapter {
    /// Connects, checks that the node is on the right network, opens the wallet, and starts the task. Must be
    /// called within a tokio runtime; the signer must answer, for it names our wallet. The task ends when the adapter is dropped.
    pub async fn start(
        config: BitcoinConfig,
        signer: Arc<dyn Signer>,
        store: Arc<dyn WalletStore>,
    ) -> Result<Self, AdapterError> {
        let (chain, asset) = (chain_id(config.network), asset_id(config.network));
        let node = |error: RpcError| node_error(&chain, &error);
        let nodes = Arc::new(access::nodes(&config)?);
        // A light client knows its genesis, and its peers by the network's magic bytes. It has no peer yet.
        if !nodes.strangers {
            check_genesis(nodes.ours.block_hash(0).await.map_err(node)?, config.network)?;
        }
        for witness in &nodes.witnesses {
            // One that is away now must not keep the node from starting: there may be a redeem to send.
            if let Ok(genesis) = witness.block_hash(0).await {
                check_genesis(genesis, config.network)?;
            }
        }
        let keys = OurKeys {
            signer,
            network: config.kofo_network,
        };
        let wallet = keys.wallet(config.network == Network::Bitcoin).await;
        let wallet = wallet.map_err(|error| signer_error(&chain, error))?;
        let wallet = OwnWallet::open(&wallet, config.network, config.birthday, store)
            .map_err(|error| storage_error(&chain, &error))?;
        let wallet = Arc::new(Mutex::new(wallet));
        let (actions, taken) = mpsc::channel(ACTIONS);
        let (told, events) = mpsc::channel(EVENTS);
        let (caught_up, height) = watch::channel(0);
        let (seen, view) = watch::channel(None);
        let (found, locks) = watch::channel(BTreeMap::new());
        // A cap below what nodes relay would strand redeems.
        let most = SatPerVb(config.max_fee_rate.max(1));
        let parts = Parts {
            nodes: Arc::clone(&nodes),
            chain: config.network,
            wallet: Arc::clone(&wallet),
            keys: keys.clone(),
            asset: asset.clone(),
            most,
            poll: config.poll,
            block_time: config.block_time,
            caught_up,
            view: seen,
            locks: found,
        };
        tokio::spawn(Engine::new(parts, taken, told).run());
        let events = tokio::sync::Mutex::new(events);
        Ok(Self {
            chain,
            asset,
            keys,
            bitcoin: config.network,
            most,
            nodes,
            wallet,
            height,
            view,
            locks,
            actions,
            events,
        })
    }

    /// The best block that all nodes agree on.
    async fn common_tip(&self) -> Result<Tip, AdapterError> {
        self.caught_up().await?;
        let tip = *self.view.borrow();
        tip.ok_or_else(|| AdapterError::Node {
            chain: self.chain.clone(),
            why: "expected all nodes to name the same blocks, they do not: wait, or look at the witnesses"
                .into(),
        })
    }

    /// Waits until the wallet knows the best block of this moment, as long as it is not far behind.
    async fn caught_up(&self) -> Result<(), AdapterError> {
        let best = self
            .nodes
            .ours
            .best()
            .await
            .map_err(|error| node_error(&self.chain, &error))?;
        let mut height = self.height.clone();
        match tokio::time::timeout(PATIENCE, height.wait_for(|height| *height >= best.height)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(AdapterError::Stopped(self.chain.clone())),
            Err(_) => {
                let (have, want) = (*self.height.borrow(), best.height);
                let why = format!("the wallet has scanned {have} of {want} blocks; ask again later");
                Err(AdapterError::Node {
                    chain: self.chain.clone(),
                    why,
                })
            }
        }
    }

    fn wallet(&self) -> MutexGuard<'_, OwnWallet> {
        self.wallet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, asset: &AssetId) -> Result<(), AdapterError> {
        if *asset == self.asset {
            return Ok(());
        }
        Err(AdapterError::UnknownAsset {
            asset: asset.clone(),
            chain: self.chain.clone(),
        })
    }

    /// Whom the leg pays, if it is ours.
    async fn payee(&self, leg: LegRef, spec: &HtlcSpec, terms: &Terms) -> Result<Payee, AdapterError> {
        let found = self.keys.whose(self.keys.leg(leg, spec, None)).await;
        found
            .map_err(|error| signer_error(&self.chain, error))?
            .ok_or_else(|| {
                let expected = "one that we made for this nonce, leg and payout";
                malformed("our key", expected, terms.ours().key.to_string())
            })
    }

    /// Where a redeem to somebody else pays.
    fn payout(&self, end: End, pay_to: &str) -> Result<ScriptBuf, AdapterError> {
        let refused = |expected: String| {
            let got: String = pay_to.chars().take(SHOWN).collect();
            malformed("address to pay to", &expected, got)
        };
        if end != End::Redeemer {
            return Err(refused(
                "none at the end that locks: a refund is always our own".into(),
            ));
        }
        let address = pay_to.parse::<Address<NetworkUnchecked>>().ok();
        let address = address.and_then(|address| address.require_network(self.bitcoin).ok());
        address
            .map(|address| address.script_pubkey())
            .filter(|script| is_ordinary(script))
            .ok_or_else(|| {
                let kinds = "P2TR, P2WPKH, P2WSH, P2SH or P2PKH";
                refused(format!("a {kinds} address of the network {}", self.bitcoin))
            })
    }

    /// The coin of the leg's lock, if the leg is watched, and final if it must be.
    fn locked(&self, leg: LegRef, finally: bool) -> Option<Coin> {
        let locks = self.locks.borrow();
        let locked = locks.get(&leg).filter(|locked| locked.is_final || !finally)?;
        Some(locked.coin)
    }

    /// Where our wallet is paid for the first time.
    fn fresh_payout(&self, taken: &[Party]) -> Result<ScriptBuf, AdapterError> {
        let taken = taken
            .iter()
            .filter_map(|party| BitcoinParty::from_bytes(party.as_slice()).ok());
        let taken: BTreeSet<ScriptBuf> = taken.map(|party| party.payout).collect();
        let address = self.wallet().fresh_address(&taken);
        let address = address.map_err(|error| storage_error(&self.chain, &error))?;
        Ok(address.script_pubkey())
    }

    async fn check_ours(&self, leg: LegRef, spec: &HtlcSpec, terms: &Terms) -> Result<(), AdapterError> {
        let payee = self.payee(leg, spec, terms).await?;
        let ours = terms.ours();
        if payee == Payee::Us && !self.wallet().is_ours(&ours.payout) {
            return Err(malformed(
                "our payout",
                "a script of our wallet",
                ours.payout.to_string(),
            ));
        }
        if terms.redeemer.payout == terms.refunder.payout {
            let expected = "one for each party: a redeem together would look like a refund";
            return Err(malformed("payout", expected, ours.payout.to_string()));
        }
        Ok(())
    }

    /// Dust, and what today's fees would eat up.
    fn check_worth(&self, terms: &Terms, rate: SatPerVb) -> Result<(), AdapterError> {
        let payouts = [&terms.redeemer.payout, &terms.refunder.payout].map(|p| p.minimal_non_dust());
        let dust = payouts.into_iter().fold(
            terms.htlc.script_pubkey().minimal_non_dust(),
            bitcoin::Amount::max,
        );
        let (asset, have) = (self.asset.clone(), units(terms.amount));
        if terms.amount < dust {
            return Err(AdapterError::Dust {
                asset,
                have,
                least: units(dust),
            });
        }
        let least = least_worth(terms, rate);
        if terms.amount < least {
            return Err(AdapterError::Uneconomic {
                asset,
                have,
                least: units(least),
            });
        }
        Ok(())
    }

    fn check_funds(&self, terms: &Terms, rate: SatPerVb) -> Result<(), AdapterError> {
        let have = self.wallet().spendable();
        let need = terms
            .amount
            .checked_add(rate.fee(LOCK_VBYTES))
            .unwrap_or(bitcoin::Amount::MAX_MONEY);
        if have < need {
            let (have, need) = (units(have), units(need));
            return Err(AdapterError::Funds {
                asset: self.asset.clone(),
                have,
                need,
            });
        }
        Ok(())
    }
}

#[async_trait]
impl ChainAdapter for BitcoinAdapter {
    fn chain(&self) -> &ChainId {
        &self.chain
    }

    async fn act(&self, leg: LegRef, action: ChainAction) {
        if self.actions.send((leg, action)).await.is_err() {
            tracing::error!(chain = %self.chain, "the adapter has stopped: an action is lost");
        }
    }

    async fn next(&self) -> Option<ChainEvent> {
        self.events.lock().await.recv().await
    }

    async fn tip(&self) -> Result<Tip, AdapterError> {
        if !self.nodes.witnesses.is_empty() {
            return self.common_tip().await;
        }
        let best = self
            .nodes
            .ours
            .best()
            .await
            .map_err(|error| node_error(&self.chain, &error))?;
        Ok(tip(&best))
    }

    async fn party(&self, wanted: PartyWanted<'_>) -> Result<Party, AdapterError> {
        self.known(wanted.asset)?;
        let pay_to = wanted.pay_to.map(|address| self.payout(wanted.end, address));
        let pay_to = pay_to.transpose()?;
        self.caught_up().await?;
        let bound = pay_to.is_some();
        let payout = match pay_to {
            Some(payout) => payout,
            None => self.fresh_payout(wanted.taken)?,
        };
        let of = (wanted.leg, wanted.end);
        let key = self
            .keys
            .key(wanted.nonce, of, bound.then_some(payout.as_script()));
        let key = key.await.map_err(|error| signer_error(&self.chain, error))?;
        let party = BitcoinParty::new(key, payout);
        let party = party.map_err(|error| malformed("payout", "an ordinary address", error.to_string()))?;
        Ok(Bytes::new(party.to_bytes()).expect("a key and a payout are at most 75 bytes"))
    }

    fn place(&self, asset: &AssetId) -> Result<Place, AdapterError> {
        self.known(asset)?;
        Ok(Place::default())
    }

    async fn check(&self, leg: LegRef, spec: &HtlcSpec) -> Result<(), AdapterError> {
        let terms = Terms::read(spec, &self.asset)?;
        self.check_ours(leg, spec, &terms).await?;
        let rate = fee::ask(&self.nodes)
            .await
            .map_err(|error| node_error(&self.chain, &error))?;
        self.check_worth(&terms, rate.min(self.most))?;
        match spec.end {
            End::Redeemer => Ok(()),
            End::Refunder => {
                self.caught_up().await?;
                self.check_funds(&terms, rate)
            }
        }
    }

    async fn sign_transfer(&self, transfer: &Transfer, keep: Amount) -> Result<SignedTransfer, AdapterError> {
        self.sign_payment(transfer, keep).await
    }

    async fn send_transfer(
        &self,
        transfer: &Transfer,
        signed: &SignedTransfer,
    ) -> Result<Transferred, AdapterError> {
        self.send_payment(transfer, signed).await
    }

    async fn drop_transfer(&self, transfer: &Transfer) {
        self.wallet().release(transfer.holder());
    }

    async fn balance(&self, asset: &AssetId) -> Result<Amount, AdapterError> {
        self.known(asset)?;
        self.caught_up().await?;
        Ok(units(self.wallet().spendable()))
    }

    async fn address(&self, asset: &AssetId) -> Result<String, AdapterError> {
        self.known(asset)?;
        let address = self.wallet().fresh_address(&BTreeSet::new());
        address
            .map(|address| address.to_string())
            .map_err(|error| storage_error(&self.chain, &error))
    }

    async fn open_round(&self, what: Together, legs: &[(LegRef, HtlcSpec)]) -> Result<Round, AdapterError> {
        self.ask_together(what, legs).await
    }

    async fn cosign(
        &self,
        what: Together,
        legs: &[(LegRef, HtlcSpec)],
        request: &RoundRequest,
    ) -> Result<RoundReply, AdapterError> {
        self.help_together(what, legs, request).await
    }

    async fn entrust(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        act: ActKind,
    ) -> Result<Vec<Entrusted>, AdapterError> {
        self.give(leg, spec, act).await
    }

    async fn take_over(
        &self,
        leg: LegRef,
        spec: &HtlcSpec,
        act: &Act,
        entrusted: &Entrusted,
    ) -> Result<Prepared, AdapterError> {
        self.take(leg, spec, act, entrusted)
    }
}

/// The least that is worth a swap at this rate.
fn least_worth(terms: &Terms, rate: SatPerVb) -> bitcoin::Amount {
    let htlc = &terms.htlc;
    let redeem = htlc.redeem_vsize(1, &terms.redeemer.payout);
    let refund = htlc.refund_vsize(1, &terms.refunder.payout);
    rate.fee(redeem.saturating_add(refund).saturating_mul(WORTH_OF_FEES))
}

fn check_genesis(genesis: bitcoin::BlockHash, network: Network) -> Result<(), AdapterError> {
    let expected = bitcoin::constants::genesis_block(network).block_hash();
    if genesis == expected {
        return Ok(());
    }
    Err(malformed(
        "genesis block",
        &expected.to_string(),
        genesis.to_string(),
    ))
}

/// The CAIP-2 id of a Bitcoin network: the first half of its genesis block's hash.
pub fn chain_id(network: Network) -> ChainId {
    let genesis = bitcoin::constants::genesis_block(network)
        .block_hash()
        .to_string();
    let half = genesis.get(..32).expect("a block hash has 64 digits");
    ChainId::new(&format!("bip122:{half}")).expect("letters and digits make a CAIP-2 reference")
}

/// The CAIP-19 id of the coin of a Bitcoin network.
pub fn asset_id(network: Network) -> AssetId {
    AssetId::new(&format!("{}/slip44:0", chain_id(network))).expect("a CAIP-2 id with a coin type")
}

fn node_error(chain: &ChainId, error: &RpcError) -> AdapterError {
    AdapterError::Node {
        chain: chain.clone(),
        why: error.to_string(),
    }
}

fn signer_error(chain: &ChainId, source: SignerError) -> AdapterError {
    AdapterError::Signer {
        chain: chain.clone(),
        source,
    }
}

fn storage_error(chain: &ChainId, error: &WalletError) -> AdapterError {
    AdapterError::Storage {
        chain: chain.clone(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_their_caip_names() {
        let main = asset_id(Network::Bitcoin);
        assert_eq!(main.as_str(), "bip122:000000000019d6689c085ae165831e93/slip44:0");
        let regtest = chain_id(Network::Regtest);
        assert_eq!(regtest.as_str(), "bip122:0f9188f13cb7b2c71f2a335e3a4fc328");
    }
}
