//! The server: reads texts into values, asks the [`NodeApi`], and bounds everything.

mod clearing;
mod events;
mod keys;
mod market;

use super::api::{DEFAULT_EXPIRY, MAX_EXPIRY, MAX_OFFER_TEXT, MAX_PAGE, NodeApi, OfferTerms, Page};
use super::auth::{OwnerOnly, Tokens};
use super::error::{ApiError, ApiErrorKind};
use super::guard::{Rates, Rules};
use super::methods::{
    ClearingRpcServer, EventsRpcServer, FeedRpcServer, KeysRpcServer, MarketRpcServer, NodeRpcServer,
};
use super::types::{Balance, Id, NodeStatus, OfferMade, SwapList, SwapStatus, TowerStatus, WalletAddress};
use super::{MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, MAX_REQUESTS, MAX_WATCHERS};
use crate::assets::Assets;
use crate::events::EventLog;
use clearing::ClearingMethods;
use events::EventMethods;
pub(super) use events::Feeds;
use jsonrpsee::RpcModule;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::server::middleware::rpc::RpcServiceBuilder;
use jsonrpsee::server::{BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle};
use keys::KeysMethods;
use kofo_primitives::{Amount, AssetId, MAX_LEGS, Seconds};
use market::MarketMethods;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// `swap.watch` waits at most so long.
pub const MAX_WATCH: Duration = Duration::from_secs(25);
/// A client has so long to send its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(5);
/// How long callers that still wait are waited for at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// So many messages wait in a WebSocket's buffer; whoever sends more waits.
const BUFFERED: u32 = 32;
/// So many subscriptions has one connection.
const MAX_SUBSCRIPTIONS: u32 = 4;
/// A WebSocket's client is asked so often whether it is there, and is given up after twice that.
const PING: Duration = Duration::from_secs(20);

/// What a server is made of.
pub struct RpcParts {
    /// It listens on 127.0.0.1 at this port, or at a free one for 0.
    pub port: u16,
    /// Who may call.
    pub tokens: Tokens,
    /// What answers.
    pub api: Arc<dyn NodeApi>,
    /// How amounts are read.
    pub assets: Assets,
    /// What there is to tell.
    pub events: Arc<EventLog>,
    /// How often one may call.
    pub rates: Rates,
    /// A subscriber that takes nothing for so long is let go.
    pub patience: Duration,
}

impl RpcParts {
    /// With the usual limits.
    #[must_use]
    pub fn new(
        port: u16,
        tokens: Tokens,
        (api, assets): (Arc<dyn NodeApi>, Assets),
        events: Arc<EventLog>,
    ) -> Self {
        Self {
            port,
            tokens,
            api,
            assets,
            events,
            rates: Rates::default(),
            patience: Duration::from_secs(30),
        }
    }
}

/// The running server.
#[derive(Debug)]
pub struct RpcServer {
    address: SocketAddr,
    handle: ServerHandle,
    stopping: watch::Sender<bool>,
    feeds: Arc<Feeds>,
}

impl RpcServer {
    /// Listens.
    pub async fn start(parts: RpcParts) -> std::io::Result<Self> {
        let ping = PingConfig::new().ping_interval(PING).inactive_limit(2 * PING);
        let config = ServerConfig::builder()
            .max_request_body_size(MAX_REQUEST_BYTES)
            .max_response_body_size(MAX_ANSWER_BYTES)
            .max_connections(MAX_REQUESTS)
            .max_subscriptions_per_connection(MAX_SUBSCRIPTIONS)
            .set_message_buffer_capacity(BUFFERED)
            .enable_ws_ping(ping)
            .set_batch_request_config(BatchRequestConfig::Disabled)
            .set_first_request_timeout(Some(FIRST_REQUEST))
            .build();
        let server = Server::builder()
            .set_config(config)
            .set_http_middleware(
                tower::ServiceBuilder::new().layer(OwnerOnly::or_reader(parts.tokens.clone())),
            )
            .set_rpc_middleware(RpcServiceBuilder::new().layer(Rules::new(parts.rates)))
            .build((Ipv4Addr::LOCALHOST, parts.port))
            .await?;
        let address = server.local_addr()?;
        let (stopping, told_to_stop) = watch::channel(false);
        let feeds = Arc::default();
        let handle = server.start(methods(parts, told_to_stop, Arc::clone(&feeds)));
        Ok(Self {
            address,
            handle,
            stopping,
            feeds,
        })
    }

    /// How many subscriptions to events there are.
    #[must_use]
    pub fn subscribers(&self) -> u64 {
        self.feeds.open.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// How many subscriptions there are and were.
    #[cfg(test)]
    pub(super) fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL to call.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more requests, lets go of those who watch, and gives the rest a moment to be answered.
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        // An error says that it has stopped already.
        let _stopped = self.handle.stop();
        let _in_time = tokio::time::timeout(LAST_ANSWERS, self.handle.stopped()).await;
    }
}

/// All methods: one line for each area.
pub(super) fn methods(
    parts: RpcParts,
    told_to_stop: watch::Receiver<bool>,
    feeds: Arc<Feeds>,
) -> RpcModule<()> {
    let methods = Arc::new(Methods {
        api: parts.api,
        assets: parts.assets,
        events: parts.events,
        patience: parts.patience,
        feeds,
        watchers: Semaphore::new(MAX_WATCHERS),
        told_to_stop,
    });
    let own = || Arc::clone(&methods);
    let areas: [jsonrpsee::Methods; 6] = [
        NodeMethods(own()).into_rpc().into(),
        MarketMethods(own()).into_rpc().into(),
        ClearingMethods(own()).into_rpc().into(),
        KeysMethods(own()).into_rpc().into(),
        EventsRpcServer::into_rpc(EventMethods(own())).into(),
        FeedRpcServer::into_rpc(EventMethods(own())).into(),
    ];
    let mut all = RpcModule::new(());
    for area in areas {
        all.merge(area).expect("no method has two meanings");
    }
    all
}

/// What all methods need.
struct Methods {
    api: Arc<dyn NodeApi>,
    assets: Assets,
    events: Arc<EventLog>,
    patience: Duration,
    feeds: Arc<Feeds>,
    watchers: Semaphore,
    told_to_stop: watch::Receiver<bool>,
}

impl Methods {
    fn amounts(&self, name: &str, texts: &[String]) -> Result<Vec<(AssetId, Amount)>, ApiError> {
        if !(1..=MAX_LEGS).contains(&texts.len()) {
            let kind = ApiErrorKind::InvalidParams;
            let message = format!("{name}: expected 1 to {MAX_LEGS} amounts, got {}", texts.len());
            return Err(ApiError::new(kind, message).hint("such as 0.1btc"));
        }
        texts.iter().map(|text| Ok(self.assets.parse(text)?)).collect()
    }

    /// What `changed` comes to, or `shown` after [`MAX_WATCH`].
    async fn watch<T>(
        &self,
        changed: impl Future<Output = Result<T, ApiError>>,
        shown: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let Ok(_place) = self.watchers.try_acquire() else {
            let message = format!("{MAX_WATCHERS} callers watch already");
            let hint = "try again, or ask without watching";
            return Err(ApiError::new(ApiErrorKind::Busy, message).hint(hint));
        };
        let mut told_to_stop = self.told_to_stop.clone();
        let stopped = async {
            // Also when the server is gone: whoever waited for more would wait for nothing.
            let _told = told_to_stop.wait_for(|stop| *stop).await;
        };
        tokio::select! {
            changed = changed => changed,
            () = tokio::time::sleep(MAX_WATCH) => shown.await,
            () = stopped => Err(ApiError::new(ApiErrorKind::Stopping, "the node is stopping")),
        }
    }
}

/// The node's own half of the methods.
struct NodeMethods(Arc<Methods>);

fn invalid(name: &str, expected: impl std::fmt::Display, got: impl std::fmt::Display) -> ApiError {
    let message = format!("{name}: expected {expected}, got {got}");
    ApiError::new(ApiErrorKind::InvalidParams, message)
        .expected(expected)
        .got(got)
}

#[async_trait]
impl NodeRpcServer for NodeMethods {
    async fn swap_offer(
        &self,
        give: Vec<String>,
        want: Vec<String>,
        expires_in: Option<u64>,
    ) -> RpcResult<OfferMade> {
        let expires_in = expires_in.map_or(DEFAULT_EXPIRY, Seconds);
        if !(Seconds(1)..=MAX_EXPIRY).contains(&expires_in) {
            let expected = format!("1 to {} seconds", MAX_EXPIRY.0);
            return Err(invalid("expires_in", expected, expires_in.0).into());
        }
        let (give, want) = (self.0.amounts("give", &give)?, self.0.amounts("want", &want)?);
        let terms = OfferTerms {
            give,
            want,
            expires_in,
        };
        Ok(self.0.api.offer(terms).await?)
    }

    async fn swap_accept(&self, offer: String) -> RpcResult<SwapStatus> {
        let offer = offer.trim();
        if offer.is_empty() || offer.len() > MAX_OFFER_TEXT {
            let expected = format!("an offer of 1 to {MAX_OFFER_TEXT} bytes");
            return Err(invalid("offer", expected, format!("{} bytes", offer.len())).into());
        }
        Ok(self.0.api.accept(offer).await?)
    }

    async fn swap_list(
        &self,
        skip: Option<u32>,
        limit: Option<u32>,
        live_only: Option<bool>,
    ) -> RpcResult<SwapList> {
        let limit = limit.unwrap_or(MAX_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(invalid("limit", format!("1 to {MAX_PAGE}"), limit).into());
        }
        let page = Page {
            skip: skip.unwrap_or(0),
            limit,
            live_only: live_only.unwrap_or(false),
        };
        Ok(self.0.api.list(page).await?)
    }

    async fn swap_show(&self, id: Id) -> RpcResult<SwapStatus> {
        Ok(self.0.api.show(id).await?)
    }

    async fn swap_watch(&self, id: Id, after_seq: u64) -> RpcResult<SwapStatus> {
        let changed = self.0.api.watch(id, after_seq);
        Ok(self.0.watch(changed, self.0.api.show(id)).await?)
    }

    async fn swap_abort(&self, id: Id) -> RpcResult<SwapStatus> {
        Ok(self.0.api.abort(id).await?)
    }

    async fn swap_approve(&self, id: Id) -> RpcResult<SwapStatus> {
        Ok(self.0.api.approve(id).await?)
    }

    async fn swap_decline(&self, id: Id) -> RpcResult<SwapStatus> {
        Ok(self.0.api.decline(id).await?)
    }

    async fn swap_refund(&self, id: Id) -> RpcResult<SwapStatus> {
        Ok(self.0.api.refund(id).await?)
    }

    async fn node_status(&self) -> RpcResult<NodeStatus> {
        Ok(self.0.api.status().await?)
    }

    async fn wallet_balances(&self) -> RpcResult<Vec<Balance>> {
        Ok(self.0.api.balances().await?)
    }

    async fn wallet_address(&self, asset: String) -> RpcResult<WalletAddress> {
        let id = self
            .0
            .assets
            .by_symbol(&asset)
            .map_err(ApiError::from)?
            .id
            .clone();
        Ok(self.0.api.address(id).await?)
    }

    async fn tower_add(&self, address: String) -> RpcResult<TowerStatus> {
        Ok(self.0.api.tower_add(address.trim()).await?)
    }

    async fn tower_list(&self) -> RpcResult<Vec<TowerStatus>> {
        Ok(self.0.api.tower_list().await?)
    }

    async fn tower_remove(&self, tower: String) -> RpcResult<TowerStatus> {
        Ok(self.0.api.tower_remove(tower.trim()).await?)
    }

    async fn node_stop(&self) -> RpcResult<()> {
        Ok(self.0.api.stop().await?)
    }
}
