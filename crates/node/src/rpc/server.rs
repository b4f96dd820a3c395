//! The server: reads texts into values, asks the [`NodeApi`], and bounds everything.

mod clearing;
mod keys;
mod market;

use super::api::{DEFAULT_EXPIRY, MAX_EXPIRY, MAX_OFFER_TEXT, MAX_PAGE, NodeApi, OfferTerms, Page};
use super::auth::{Cookie, OwnerOnly};
use super::error::{ApiError, ApiErrorKind};
use super::methods::{ClearingRpcServer, KeysRpcServer, MarketRpcServer, NodeRpcServer};
use super::types::{Balance, Id, NodeStatus, OfferMade, SwapList, SwapStatus, TowerStatus, WalletAddress};
use super::{MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, MAX_REQUESTS, MAX_WATCHERS};
use crate::assets::Assets;
use clearing::ClearingMethods;
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::server::{BatchRequestConfig, Server, ServerConfig, ServerHandle};
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

/// The running server.
#[derive(Debug)]
pub struct RpcServer {
    address: SocketAddr,
    handle: ServerHandle,
    stopping: watch::Sender<bool>,
}

impl RpcServer {
    /// Listens on 127.0.0.1 at this port, or at a free one for 0.
    pub async fn start(
        port: u16,
        cookie: Cookie,
        api: Arc<dyn NodeApi>,
        assets: Assets,
    ) -> std::io::Result<Self> {
        let config = ServerConfig::builder()
            .http_only()
            .max_request_body_size(MAX_REQUEST_BYTES)
            .max_response_body_size(MAX_ANSWER_BYTES)
            .max_connections(MAX_REQUESTS)
            .set_batch_request_config(BatchRequestConfig::Disabled)
            .set_first_request_timeout(Some(FIRST_REQUEST))
            .build();
        let server = Server::builder()
            .set_config(config)
            .set_http_middleware(tower::ServiceBuilder::new().layer(OwnerOnly::new(cookie)))
            .build((Ipv4Addr::LOCALHOST, port))
            .await?;
        let address = server.local_addr()?;
        let (stopping, told_to_stop) = watch::channel(false);
        let methods = Arc::new(Methods {
            api,
            assets,
            watchers: Semaphore::new(MAX_WATCHERS),
            told_to_stop,
        });
        let mut all = NodeMethods(Arc::clone(&methods)).into_rpc();
        all.merge(MarketMethods(Arc::clone(&methods)).into_rpc())
            .expect("no method has two meanings");
        all.merge(KeysMethods(Arc::clone(&methods)).into_rpc())
            .expect("no method has two meanings");
        all.merge(ClearingMethods(methods).into_rpc())
            .expect("no method has two meanings");
        let handle = server.start(all);
        Ok(Self {
            address,
            handle,
            stopping,
        })
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

/// What all methods need.
struct Methods {
    api: Arc<dyn NodeApi>,
    assets: Assets,
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
