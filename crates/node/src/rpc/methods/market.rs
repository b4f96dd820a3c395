//! The methods about the market and their parameters.

use super::super::types::{BookShown, ClaimAsked, ClaimList, ClaimStatus, Id, PeerStatus};
use super::table::rpc_table;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;

rpc_table! {
    /// The market's methods. Parameters go by name.
    #[rpc(server, client)]
    pub trait MarketRpc {
        #[acts]
        /// Makes a claim and sends it to the neighbours.
        #[method(name = "claim.make", param_kind = map)]
        async fn claim_make(&self, claim: ClaimAsked) -> RpcResult<ClaimStatus>;

        #[reads]
        /// A claim with its quotes; with `after_seq`, as soon as its `seq` is more, or as it is after 25 s.
        #[method(name = "claim.quotes", param_kind = map)]
        async fn claim_quotes(&self, id: Id, after_seq: Option<u64>) -> RpcResult<ClaimStatus>;

        #[acts]
        /// Selects a quote.
        #[method(name = "claim.select", param_kind = map)]
        async fn claim_select(&self, id: Id, fulfil: Id) -> RpcResult<ClaimStatus>;

        #[acts]
        /// Takes a claim back.
        #[method(name = "claim.cancel", param_kind = map)]
        async fn claim_cancel(&self, id: Id) -> RpcResult<ClaimStatus>;

        #[reads]
        /// Our claims, youngest first.
        #[method(name = "claim.list", param_kind = map)]
        async fn claim_list(&self) -> RpcResult<ClaimList>;

        #[reads]
        /// What is known of a pair's books, by its symbols, such as `btc/eth`.
        #[method(name = "book.show", param_kind = map)]
        async fn book_show(&self, pair: String) -> RpcResult<BookShown>;

        #[reads]
        /// The neighbours.
        #[method(name = "peers.list", param_kind = map)]
        async fn peers_list(&self) -> RpcResult<Vec<PeerStatus>>;
    }
}
