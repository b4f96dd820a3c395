//! The node as its owner commands it.

mod clearing;
mod keys;
mod market;

use crate::agree::{AgreeError, Agreement};
use crate::assets::Assets;
use crate::backup::Backups;
use crate::clearing::{Clearing, Readers};
use crate::clock::{now, now_ms};
use crate::driver::DriverError;
use crate::engine::{Core, Stopped};
use crate::events::EventLog;
use crate::market::Market;
use crate::rpc::api::{OfferTerms, Page};
use crate::rpc::types::{
    Balance, ChainStatus, Id, NodeStatus, OfferMade, SwapList, SwapStatus, TowerStatus, WalletAddress,
};
use crate::rpc::{ApiError, ApiErrorKind, NodeApi};
use crate::status;
use crate::towers::Towers;
use crate::transfers::Transfers;
use async_trait::async_trait;
use kofo_exchange::to_uri;
use kofo_primitives::{AssetId, Health, SwapId};
use kofo_settlement::{Input, Rejected};
use std::sync::Arc;
use tokio::sync::watch;

/// One node, as its RPC serves it.
pub struct Service {
    agreement: Arc<Agreement>,
    towers: Option<Arc<Towers>>,
    backups: Option<Arc<Backups>>,
    transfers: Option<Arc<Transfers>>,
    assets: Arc<Assets>,
    market: Option<Arc<Market>>,
    clearing: Option<Arc<Clearing>>,
    blocks: Readers,
    events: Option<Arc<EventLog>>,
    stop: watch::Sender<bool>,
    started_ms: u64,
}

/// What an id names.
enum Named {
    Swap(SwapId),
    Offer([u8; 32]),
}

impl Service {
    /// A service; `stop` is set when the owner wants the node to end.
    #[must_use]
    pub fn new(agreement: Arc<Agreement>, assets: Assets, stop: watch::Sender<bool>) -> Self {
        Self {
            agreement,
            towers: None,
            backups: None,
            transfers: None,
            assets: Arc::new(assets),
            market: None,
            clearing: None,
            blocks: Readers::new(),
            events: None,
            stop,
            started_ms: now_ms(),
        }
    }

    /// A service of a node that takes part in the market.
    #[must_use]
    pub fn with_market(mut self, market: Arc<Market>) -> Self {
        self.market = Some(market);
        self
    }

    /// A service of a node that knows its network's genesis, and can prove how legs ended on these chains.
    #[must_use]
    pub fn with_clearing(mut self, clearing: Option<Arc<Clearing>>, blocks: Readers) -> Self {
        self.clearing = clearing;
        self.blocks = blocks;
        self
    }

    /// A service of a node that makes backups.
    #[must_use]
    pub fn with_backups(mut self, backups: Arc<Backups>) -> Self {
        self.backups = Some(backups);
        self
    }

    /// A service of a node whose wallet pays others.
    #[must_use]
    pub fn with_transfers(mut self, transfers: Arc<Transfers>) -> Self {
        self.transfers = Some(transfers);
        self
    }

    /// A service of a node that may have towers.
    #[must_use]
    pub fn with_towers(mut self, towers: Arc<Towers>) -> Self {
        self.towers = Some(towers);
        self
    }

    /// A service of a node whose events are told.
    #[must_use]
    pub fn with_events(mut self, events: Arc<EventLog>) -> Self {
        self.events = Some(events);
        self
    }

    /// What became of claims and swaps, if anybody tells of it.
    #[must_use]
    pub const fn events(&self) -> Option<&Arc<EventLog>> {
        self.events.as_ref()
    }

    fn towers(&self) -> Result<&Towers, ApiError> {
        let without = || ApiError::new(ApiErrorKind::WrongState, "this node runs without towers");
        self.towers.as_deref().ok_or_else(without)
    }

    async fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Core) -> R + Send + 'static,
    ) -> Result<R, ApiError> {
        Ok(self.agreement.engine.call(job).await?)
    }

    async fn named(&self, id: Id) -> Result<Named, ApiError> {
        self.with(move |core| named(core, id))
            .await?
            .ok_or_else(|| not_found(id))
    }

    /// What is to be approved or declined, which an offer never is.
    async fn waiting(&self, id: Id) -> Result<Named, ApiError> {
        match self.named(id).await? {
            Named::Offer(_) => {
                let why = "it is but an offer, and waits for no approval: to take it back use abort";
                Err(ApiError::new(ApiErrorKind::WrongState, why))
            }
            swap @ Named::Swap(_) => Ok(swap),
        }
    }

    async fn input(&self, id: SwapId, input: Input) -> Result<SwapStatus, ApiError> {
        self.with(move |core| core.driver.input(id, input))
            .await?
            .map_err(refused)?;
        self.show(id.into()).await
    }
}

fn named(core: &Core, id: Id) -> Option<Named> {
    let swap = SwapId::from(id);
    if core.driver.swaps().contains_key(&swap) {
        return Some(Named::Swap(swap));
    }
    let of_offer = |live: &crate::driver::Live| live.order().origin() == id.0;
    match core.driver.offers().get(&id.0) {
        Some(entry) => Some(entry.accepted.map_or(Named::Offer(id.0), Named::Swap)),
        None => core
            .driver
            .swaps()
            .iter()
            .find(|(_, live)| of_offer(live))
            .map(|(swap, _)| Named::Swap(*swap)),
    }
}

fn shown(core: &Core, assets: &Assets, named: &Named) -> Option<SwapStatus> {
    match named {
        Named::Swap(id) => {
            let live = core.driver.swaps().get(id)?;
            Some(status::of_swap(live, &core.book.page(*id), assets))
        }
        Named::Offer(id) => {
            let entry = core.driver.offers().get(id)?;
            Some(status::of_offer(entry, assets, entry.offer.body.expires < now()))
        }
    }
}

fn not_found(id: Id) -> ApiError {
    ApiError::new(ApiErrorKind::NotFound, format!("there is no swap or offer {id}"))
        .hint("see `kofo swap list`")
}

fn refused(error: DriverError) -> ApiError {
    let kind = match &error {
        DriverError::Rejected(Rejected::NotNow { .. }) => ApiErrorKind::WrongState,
        DriverError::NotWaiting(_) => ApiErrorKind::WrongState,
        DriverError::NoSuchSwap(_) => ApiErrorKind::NotFound,
        DriverError::TooMany => ApiErrorKind::Busy,
        _ => ApiErrorKind::Internal,
    };
    ApiError::new(kind, error)
}

impl From<Stopped> for ApiError {
    fn from(stopped: Stopped) -> Self {
        Self::new(ApiErrorKind::Stopping, stopped)
    }
}

#[async_trait]
impl NodeApi for Service {
    async fn offer(&self, terms: OfferTerms) -> Result<OfferMade, ApiError> {
        let offer = self
            .agreement
            .make(&terms.give, &terms.want, terms.expires_in)
            .await?;
        let uri = to_uri(&offer).map_err(AgreeError::from)?;
        let money = |legs: &[(AssetId, _)]| {
            legs.iter()
                .map(|(asset, amount)| self.assets.money(asset, *amount))
                .collect()
        };
        Ok(OfferMade {
            id: Id(offer.body.id()),
            uri,
            give: money(&terms.give),
            want: money(&terms.want),
            expires: offer.body.expires.0,
        })
    }

    async fn accept(&self, offer: &str) -> Result<SwapStatus, ApiError> {
        let swap = self.agreement.take(offer).await?;
        self.show(swap.into()).await
    }

    async fn list(&self, page: Page) -> Result<SwapList, ApiError> {
        let assets = Arc::clone(&self.assets);
        self.with(move |core| {
            let offers = core
                .driver
                .offers()
                .iter()
                .filter(|(_, entry)| entry.accepted.is_none());
            let offers = offers.map(|(id, entry)| (entry.made_ms, Named::Offer(*id)));
            let swaps = core
                .driver
                .swaps()
                .iter()
                .map(|(id, live)| (live.at_ms(), Named::Swap(*id)));
            let mut all: Vec<_> = offers.chain(swaps).collect();
            all.sort_by_key(|(at_ms, _)| std::cmp::Reverse(*at_ms));
            let wanted = all.iter().filter_map(|(_, named)| shown(core, &assets, named));
            let wanted = wanted.filter(|swap| !page.live_only || swap.outcome.is_none());
            let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
            let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
            let mut swaps: Vec<_> = wanted.skip(skip).take(limit.saturating_add(1)).collect();
            let more = swaps.len() > limit;
            swaps.truncate(limit);
            SwapList { swaps, more }
        })
        .await
    }

    async fn show(&self, id: Id) -> Result<SwapStatus, ApiError> {
        let assets = Arc::clone(&self.assets);
        let shown = self
            .with(move |core| named(core, id).and_then(|named| shown(core, &assets, &named)))
            .await?;
        shown.ok_or_else(|| not_found(id))
    }

    async fn watch(&self, id: Id, after_seq: u64) -> Result<SwapStatus, ApiError> {
        let mut changes = self.agreement.engine.changes();
        loop {
            changes.borrow_and_update();
            let status = self.show(id).await?;
            if status.seq > after_seq || status.outcome.is_some() {
                return Ok(status);
            }
            changes.changed().await.map_err(|_| ApiError::from(Stopped))?;
        }
    }

    async fn abort(&self, id: Id) -> Result<SwapStatus, ApiError> {
        match self.named(id).await? {
            Named::Swap(swap) => self.input(swap, Input::Abort).await,
            Named::Offer(offer) => {
                // Not while somebody is accepting it.
                let _alone = self.agreement.one_at_a_time.lock().await;
                self.with(move |core| core.driver.withdraw(offer))
                    .await?
                    .map_err(refused)?;
                self.show(id).await
            }
        }
    }

    async fn approve(&self, id: Id) -> Result<SwapStatus, ApiError> {
        if let Named::Swap(swap) = self.waiting(id).await? {
            self.agreement.approve(swap).await?;
        }
        self.show(id).await
    }

    async fn decline(&self, id: Id) -> Result<SwapStatus, ApiError> {
        if let Named::Swap(swap) = self.waiting(id).await? {
            self.with(move |core| core.driver.decline(swap))
                .await?
                .map_err(refused)?;
        }
        self.show(id).await
    }

    async fn refund(&self, id: Id) -> Result<SwapStatus, ApiError> {
        match self.named(id).await? {
            Named::Swap(swap) => self.input(swap, Input::GiveUp).await,
            Named::Offer(_) => {
                let why = "it is but an offer: nothing of ours is locked; to take it back use abort";
                Err(ApiError::new(ApiErrorKind::WrongState, why))
            }
        }
    }

    async fn status(&self) -> Result<NodeStatus, ApiError> {
        let mut chains = Vec::new();
        for (chain, adapter) in &self.agreement.adapters {
            let (tip, on) = (adapter.tip().await, chain.clone());
            let faulty = self
                .with(move |core| core.driver.health(&on) == Health::Fault)
                .await?;
            let fault = faulty.then(|| "its nodes contradict each other or do not answer".to_owned());
            chains.push(ChainStatus {
                chain: chain.to_string(),
                height: tip.as_ref().ok().map(|tip| tip.height),
                time: tip.as_ref().ok().map(|tip| tip.time.0),
                trouble: tip.err().map(|error| error.to_string()).or(fault),
            });
        }
        let (live, all) = self
            .with(|core| (core.driver.live_count(), core.driver.swaps().len()))
            .await?;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Ok(NodeStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            network: self.agreement.network.to_string(),
            role: self.role().to_string(),
            neighbours: count(self.neighbours()),
            market: self.troubles(),
            node: self.agreement.key.id().to_string(),
            listen: self.agreement.transport.listen_addresses(),
            chains,
            live: count(live),
            ended: count(all.saturating_sub(live)),
            uptime: now_ms().saturating_sub(self.started_ms) / 1000,
        })
    }

    async fn balances(&self) -> Result<Vec<Balance>, ApiError> {
        let mut balances = Vec::new();
        for asset in self.assets.iter() {
            let Some(adapter) = self.agreement.adapters.get(&asset.id.chain()) else {
                continue;
            };
            let balance = adapter.balance(&asset.id).await;
            balances.push(Balance {
                asset: asset.id.to_string(),
                spendable: balance
                    .as_ref()
                    .ok()
                    .map(|amount| self.assets.money(&asset.id, *amount)),
                trouble: balance.err().map(|error| error.to_string()),
            });
        }
        Ok(balances)
    }

    async fn address(&self, asset: AssetId) -> Result<WalletAddress, ApiError> {
        let known = self.assets.by_id(&asset)?;
        let unknown = || kofo_adapter_api::AdapterError::UnknownAsset {
            asset: asset.clone(),
            chain: asset.chain(),
        };
        let adapter = self.agreement.adapters.get(&asset.chain()).ok_or_else(unknown)?;
        let address = adapter.address(&asset).await?;
        Ok(WalletAddress {
            symbol: known.symbol.clone(),
            asset: asset.to_string(),
            address,
        })
    }

    async fn tower_add(&self, address: &str) -> Result<TowerStatus, ApiError> {
        Ok(self.towers()?.add(address).await?)
    }

    async fn tower_list(&self) -> Result<Vec<TowerStatus>, ApiError> {
        Ok(self.towers()?.list())
    }

    async fn tower_remove(&self, tower: &str) -> Result<TowerStatus, ApiError> {
        Ok(self.towers()?.remove(tower)?)
    }

    async fn stop(&self) -> Result<(), ApiError> {
        self.stop.send_replace(true);
        Ok(())
    }
}
