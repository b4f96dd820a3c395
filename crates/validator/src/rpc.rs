//! The validator's RPC: JSON-RPC 2.0 over HTTP on 127.0.0.1, for the owner of the data folder alone, found and called
//! as a node's is ([`kofo_node::rpc::connect`] with the validator's folder).

use crate::daemon::{FOLDER, Shared};
use crate::status::{AccountShown, OrderShown, Status};
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::server::{BatchRequestConfig, Server, ServerConfig, ServerHandle};
use kofo_node::rpc::types::Id;
use kofo_node::rpc::{ApiError, ApiErrorKind, ConnectError, Cookie, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES};
use kofo_node::rpc::{MAX_REQUESTS, OwnerOnly, RpcClient};
use kofo_primitives::NodeId;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long callers that still wait are waited for at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// The methods. Parameters go by name.
#[rpc(server, client)]
pub trait ValidatorRpc {
    /// How it is.
    #[method(name = "validator.status", param_kind = map)]
    async fn validator_status(&self) -> RpcResult<Status>;

    /// An order by any of its ids, with every payment.
    #[method(name = "validator.order", param_kind = map)]
    async fn validator_order(&self, id: Id) -> RpcResult<OrderShown>;

    /// What an account has.
    #[method(name = "validator.account", param_kind = map)]
    async fn validator_account(&self, key: Id) -> RpcResult<AccountShown>;

    /// Stops it in good order; returns at once.
    #[method(name = "validator.stop", param_kind = map)]
    async fn validator_stop(&self) -> RpcResult<()>;
}

/// A client of the validator that runs in this data folder. Connects with the first call only.
pub fn connect(data: &Path) -> Result<RpcClient, ConnectError> {
    kofo_node::rpc::connect(&data.join(FOLDER))
}

struct Methods {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

#[async_trait]
impl ValidatorRpcServer for Methods {
    async fn validator_status(&self) -> RpcResult<Status> {
        Ok(self.shared.status())
    }

    async fn validator_order(&self, id: Id) -> RpcResult<OrderShown> {
        let found = self.shared.order(id);
        let found = found.map_err(|e| ApiError::new(ApiErrorKind::Internal, e))?;
        let unknown = || ApiError::new(ApiErrorKind::NotFound, format!("no order {id} is committed here"));
        Ok(found.ok_or_else(unknown)?)
    }

    async fn validator_account(&self, key: Id) -> RpcResult<AccountShown> {
        let head = self.shared.replica.now();
        Ok(head.ledger.account(NodeId::new(key.0)).into())
    }

    async fn validator_stop(&self) -> RpcResult<()> {
        self.stop.send_replace(true);
        Ok(())
    }
}

/// The running server.
pub(crate) struct RpcServer {
    address: SocketAddr,
    handle: ServerHandle,
}

impl RpcServer {
    /// Listens on 127.0.0.1 at this port, or at a free one for 0.
    pub(crate) async fn start(
        port: u16,
        cookie: Cookie,
        shared: Arc<Shared>,
        stop: watch::Sender<bool>,
    ) -> std::io::Result<Self> {
        let config = ServerConfig::builder()
            .http_only()
            .max_request_body_size(MAX_REQUEST_BYTES)
            .max_response_body_size(MAX_ANSWER_BYTES)
            .max_connections(MAX_REQUESTS)
            .set_batch_request_config(BatchRequestConfig::Disabled)
            .build();
        let server = Server::builder()
            .set_config(config)
            .set_http_middleware(tower::ServiceBuilder::new().layer(OwnerOnly::new(cookie)))
            .build((Ipv4Addr::LOCALHOST, port))
            .await?;
        let address = server.local_addr()?;
        let handle = server.start(Methods { shared, stop }.into_rpc());
        Ok(Self { address, handle })
    }

    /// The URL to call.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more requests and gives the rest a moment to be answered.
    pub(crate) async fn stop(self) {
        // An error says that it has stopped already.
        let _stopped = self.handle.stop();
        let _in_time = tokio::time::timeout(LAST_ANSWERS, self.handle.stopped()).await;
    }
}
