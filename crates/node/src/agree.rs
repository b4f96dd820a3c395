//! How two nodes come to a swap: make an offer, accept one, answer an acceptance. Everything is checked against our
//! own chains before anything is recorded, and recorded before anything leaves.

mod answer;
mod approve;
mod error;
mod make;
mod matched;
mod one_sided;
mod take;

pub use error::AgreeError;
pub use matched::Held;

use crate::clock::{now, now_ms};
use crate::driver::{Begin, Driver, DriverError, Live};
use crate::engine::{Adapters, Core, Engine};
use crate::journal::SharedJournal;
use crate::limits::Limits;
use kofo_adapter_api::{AdapterError, ChainAdapter, PartyWanted, Signer};
use kofo_exchange::trading_time;
use kofo_journal::Journal;
use kofo_network::{AddressError, PeerAddress, Transport};
use kofo_primitives::{
    Amount, AssetId, ChainId, ClaimId, Contact, End, Health, LegId, NetworkId, NodeKey, Party, Role, Seed,
    SettlementOrder, SwapNonce, Tip, UnixTime,
};
use kofo_settlement::{Policy, Terms};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// With less room on the disk no swap begins (bytes): all records of a swap are far below a MiB.
const LEAST_FREE: u64 = 64 * 1024 * 1024;

/// What a node needs to come to a swap.
pub struct Agreement {
    /// Our network.
    pub network: NetworkId,
    /// The key by which we sign.
    pub key: NodeKey,
    /// What the keys of our claims and quotes come from; with a signer elsewhere, the household's.
    pub seed: Seed,
    /// What preimages come from, and every signature that moves money.
    pub signer: Arc<dyn Signer>,
    /// How fast the chains are.
    pub policy: Policy,
    /// How deep a fact must be to be final.
    pub depths: BTreeMap<ChainId, u32>,
    /// Our chains.
    pub adapters: Adapters,
    /// The most that a leg may be in a swap that we initiate, of each asset whose chain no node of ours follows.
    pub light_most: BTreeMap<AssetId, Amount>,
    /// Our swaps.
    pub engine: Engine,
    /// Our peers.
    pub transport: Arc<dyn Transport>,
    /// One agreement at a time: so that no two are given the same lane, key or funds.
    pub one_at_a_time: Mutex<()>,
    /// How much may leave without a second word of the owner.
    pub limits: Arc<Limits>,
    /// What our quotes promise and no swap has yet.
    pub held: Held,
}

/// What the chains said just now.
struct Moment {
    tips: BTreeMap<ChainId, Tip>,
    /// By which offers expire.
    trading: UnixTime,
    /// The latest of all clocks: the pessimistic one, for timelocks.
    latest: UnixTime,
}

impl Moment {
    fn heights(&self) -> BTreeMap<ChainId, u64> {
        self.tips
            .iter()
            .map(|(chain, tip)| (chain.clone(), tip.height))
            .collect()
    }
}

/// Where somebody can be reached who named these contacts.
pub(crate) fn address(contacts: &[Contact]) -> Result<PeerAddress, AddressError> {
    PeerAddress::from_multiaddrs(&contacts.iter().map(|c| c.as_str()).collect::<Vec<_>>())
}

impl Agreement {
    fn adapter(&self, asset: &AssetId) -> Result<&Arc<dyn ChainAdapter>, AgreeError> {
        let chain = asset.chain();
        let unknown = || AdapterError::UnknownAsset {
            asset: asset.clone(),
            chain: chain.clone(),
        };
        Ok(self.adapters.get(&chain).ok_or_else(unknown)?)
    }

    /// The key by which we are known in a swap: the node's own in a direct one, the claim's or the quote's in a matched
    /// one.
    pub(crate) fn signing_key(&self, order: &SettlementOrder, role: Role) -> NodeKey {
        match (order, role) {
            (SettlementOrder::Direct(_), _) => crate::run::node_key(&self.seed, &self.network),
            (SettlementOrder::Matched(order), Role::Initiator) => self
                .seed
                .claim_key(&self.network, &order.parts().claim.body.nonce),
            (SettlementOrder::Matched(order), Role::Participant) => {
                self.seed.fulfil_key(&self.network, &order.parts().terms.nonce)
            }
        }
    }

    fn depth(&self, asset: &AssetId) -> u32 {
        self.depths.get(&asset.chain()).copied().unwrap_or(1)
    }

    async fn moment(&self, chains: BTreeSet<ChainId>) -> Result<Moment, AgreeError> {
        let mut tips = BTreeMap::new();
        for chain in chains {
            if let Some(adapter) = self.adapters.get(&chain) {
                tips.insert(chain, adapter.tip().await?);
            }
        }
        let clock = now();
        let times = || tips.values().map(|tip: &Tip| tip.time);
        let (trading, latest) = (
            trading_time(clock, times()),
            times().max().map_or(clock, |t| t.max(clock)),
        );
        Ok(Moment {
            tips,
            trading,
            latest,
        })
    }

    /// A chain whose nodes cannot be relied upon takes part in no new swap, and none begins that the journal may have
    /// no room for: a full disk stops the node with money at risk.
    async fn healthy(&self, chains: BTreeSet<ChainId>) -> Result<(), AgreeError> {
        let faulty = move |driver: &Driver<SharedJournal>| {
            chains
                .into_iter()
                .find(|chain| driver.health(chain) == Health::Fault)
        };
        let look = move |core: &mut Core| Ok((faulty(&core.driver), core.driver.journal().space()?));
        let (faulty, space) = self.engine.call(look).await?.map_err(DriverError::Journal)?;
        match faulty {
            Some(chain) => Err(AgreeError::Fault(chain)),
            None if space.free < LEAST_FREE => Err(AgreeError::Disk { free: space.free }),
            None => Ok(()),
        }
    }

    async fn party(
        &self,
        (leg, end): (LegId, End),
        asset: &AssetId,
        pay_to: Option<&str>,
        drawn: &mut Drawn,
    ) -> Result<Party, AgreeError> {
        let chain = asset.chain();
        let live = {
            let chain = chain.clone();
            self.engine.call(move |core| core.driver.taken(&chain)).await?
        };
        let mine = drawn
            .parties
            .iter()
            .filter(|(on, _)| *on == chain)
            .map(|(_, party)| party.clone());
        let taken: Vec<Party> = live.into_iter().chain(self.held.on(&chain)).chain(mine).collect();
        let wanted = PartyWanted {
            asset,
            leg,
            end,
            nonce: &drawn.nonce,
            taken: &taken,
            pay_to,
        };
        let party = self.adapter(asset)?.party(wanted).await?;
        drawn.parties.push((chain, party.clone()));
        Ok(party)
    }

    /// Whoever reveals first acts upon what the chains are said to be. Where strangers say it, that is for little money.
    fn dared(&self, role: Role, asset: &AssetId, amount: Amount) -> Result<(), AgreeError> {
        let most = self.light_most.get(asset).filter(|_| role == Role::Initiator);
        match most.filter(|most| amount > **most) {
            Some(most) => Err(AgreeError::Dared {
                asset: asset.clone(),
                have: amount,
                most: *most,
            }),
            None => Ok(()),
        }
    }

    /// Each leg is right on its chain and can be afforded today.
    async fn check(&self, terms: &Terms) -> Result<(), AgreeError> {
        for (id, leg) in terms.legs() {
            self.dared(terms.role(), &leg.spec.asset, leg.spec.amount)?;
            self.adapter(&leg.spec.asset)?
                .check(terms.leg_ref(*id), &leg.spec)
                .await?;
        }
        Ok(())
    }

    /// Records the swap; durable when it returns. Above a limit it waits for the owner: whether it does.
    async fn begin(&self, begin: Begin) -> Result<bool, AgreeError> {
        let claim = begin
            .order
            .as_matched()
            .map(|order| order.parts().fulfil.body.claim);
        let (limits, promised) = (Arc::clone(&self.limits), self.held.promised(claim));
        let begin = move |core: &mut Core| {
            let over = limits.over(&core.driver, &begin.terms, &promised, now_ms());
            let swap = match over {
                None => core.driver.begin(begin),
                Some(over) => core.driver.begin_waiting(begin, &over.to_string()),
            }?;
            Ok::<_, DriverError>(core.driver.swaps().get(&swap).is_some_and(Live::waits))
        };
        let waits = self.engine.call(begin).await??;
        if let Some(claim) = claim {
            self.held.keep_no_promise(&claim);
        }
        Ok(waits)
    }

    /// Whether so much may be promised of an asset beside all else.
    async fn free(&self, claim: ClaimId, asset: &AssetId, give: Amount) -> Result<(), AgreeError> {
        let promised = self.held.promised(Some(claim));
        let promised = promised.get(asset).copied().unwrap_or(Amount::ZERO);
        let (limits, asset) = (Arc::clone(&self.limits), asset.clone());
        let look = move |core: &mut Core| limits.exceeds(&core.driver, (&asset, give), promised, now_ms());
        self.engine
            .call(look)
            .await?
            .map_or(Ok(()), |over| Err(over.into()))
    }
}

/// A fresh nonce, and the parties that were made with it.
struct Drawn {
    nonce: SwapNonce,
    parties: Vec<(ChainId, Party)>,
}

impl Drawn {
    fn new() -> Result<Self, AgreeError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| AgreeError::Random(e.to_string()))?;
        Ok(Self {
            nonce: SwapNonce::new(bytes),
            parties: Vec::new(),
        })
    }
}
