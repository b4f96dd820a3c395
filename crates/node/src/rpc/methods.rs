//! The methods of the RPC and their parameters: one table for server, client and document.

mod clearing;
mod events;
mod keys;
mod market;
mod table;

pub use clearing::ClearingRpcClient;
pub(super) use clearing::ClearingRpcServer;
pub use events::{EventsRpcClient, FeedRpcClient};
pub(super) use events::{EventsRpcServer, FeedRpcServer};
pub use keys::KeysRpcClient;
pub(super) use keys::KeysRpcServer;
pub use market::MarketRpcClient;
pub(super) use market::MarketRpcServer;
use table::rpc_table;
pub use table::{Access, Method, Param};

use super::types::{Balance, Id, NodeStatus, OfferMade, SwapList, SwapStatus, TowerStatus, WalletAddress};
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;

rpc_table! {
    /// The node's methods. Parameters go by name.
    #[rpc(server, client)]
    pub trait NodeRpc {
        #[acts]
        /// Makes an offer. `give` and `want` are texts such as `0.1btc`; `expires_in` is in seconds.
        #[method(name = "swap.offer", param_kind = map)]
        async fn swap_offer(
            &self,
            give: Vec<String>,
            want: Vec<String>,
            expires_in: Option<u64>,
        ) -> RpcResult<OfferMade>;

        #[acts]
        /// Accepts an offer by its URI.
        #[method(name = "swap.accept", param_kind = map)]
        async fn swap_accept(&self, offer: String) -> RpcResult<SwapStatus>;

        #[reads]
        /// Offers and swaps, youngest first; at most 100 at a time.
        #[method(name = "swap.list", param_kind = map)]
        async fn swap_list(
            &self,
            skip: Option<u32>,
            limit: Option<u32>,
            live_only: Option<bool>,
        ) -> RpcResult<SwapList>;

        #[reads]
        /// One offer or swap.
        #[method(name = "swap.show", param_kind = map)]
        async fn swap_show(&self, id: Id) -> RpcResult<SwapStatus>;

        #[reads]
        /// One offer or swap, as soon as its `seq` is more than `after_seq`, or as it is after 25 s.
        #[method(name = "swap.watch", param_kind = map)]
        async fn swap_watch(&self, id: Id, after_seq: u64) -> RpcResult<SwapStatus>;

        #[acts]
        /// Gives up an offer or swap of which nothing of ours is locked.
        #[method(name = "swap.abort", param_kind = map)]
        async fn swap_abort(&self, id: Id) -> RpcResult<SwapStatus>;

        #[acts]
        /// Approves a swap above a limit, which waits for it.
        #[method(name = "swap.approve", param_kind = map)]
        async fn swap_approve(&self, id: Id) -> RpcResult<SwapStatus>;

        #[acts]
        /// Declines a swap that waits to be approved: nothing is locked for it.
        #[method(name = "swap.decline", param_kind = map)]
        async fn swap_decline(&self, id: Id) -> RpcResult<SwapStatus>;

        #[acts]
        /// Asks for our lock back as soon as its timelock has passed.
        #[method(name = "swap.refund", param_kind = map)]
        async fn swap_refund(&self, id: Id) -> RpcResult<SwapStatus>;

        #[reads]
        /// How the node is.
        #[method(name = "node.status", param_kind = map)]
        async fn node_status(&self) -> RpcResult<NodeStatus>;

        #[reads]
        /// What the wallet has.
        #[method(name = "wallet.balances", param_kind = map)]
        async fn wallet_balances(&self) -> RpcResult<Vec<Balance>>;

        #[acts]
        /// Where the wallet receives an asset, by its symbol.
        #[method(name = "wallet.address", param_kind = map)]
        async fn wallet_address(&self, asset: String) -> RpcResult<WalletAddress>;

        #[acts]
        /// Adds a tower by its address, which ends in its peer id.
        #[method(name = "tower.add", param_kind = map)]
        async fn tower_add(&self, address: String) -> RpcResult<TowerStatus>;

        #[reads]
        /// All towers.
        #[method(name = "tower.list", param_kind = map)]
        async fn tower_list(&self) -> RpcResult<Vec<TowerStatus>>;

        #[acts]
        /// Removes a tower by its address or peer id.
        #[method(name = "tower.remove", param_kind = map)]
        async fn tower_remove(&self, tower: String) -> RpcResult<TowerStatus>;

        #[acts]
        /// Stops the node.
        #[method(name = "node.stop", param_kind = map)]
        async fn node_stop(&self) -> RpcResult<()>;
    }
}

/// All methods that the node has.
pub fn table() -> impl Iterator<Item = &'static Method> {
    [
        METHODS,
        market::METHODS,
        clearing::METHODS,
        keys::METHODS,
        events::METHODS,
        events::FEED,
    ]
    .into_iter()
    .flatten()
}
