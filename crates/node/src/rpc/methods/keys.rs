//! The methods about keys and money, and their parameters.

use super::super::types::{BackupMade, CopiesFound, TransferAsked, TransferShown};
use super::table::rpc_table;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;

rpc_table! {
    /// The methods about keys and money.
    #[rpc(server, client)]
    pub trait KeysRpc {
        #[acts]
        /// An encrypted backup of all swaps that go on, which the node's 24 words open and nothing else.
        #[method(name = "wallet.backup", param_kind = map)]
        async fn wallet_backup(&self) -> RpcResult<BackupMade>;

        #[acts]
        /// Asks those who may keep copies of our swaps, and begins what this node does not know to take it back or finish
        /// it. `from` has at most 16 texts: addresses of other parties or towers, each with its peer id.
        #[method(name = "wallet.restore", param_kind = map)]
        async fn wallet_restore(&self, from: Vec<String>) -> RpcResult<Vec<CopiesFound>>;

        #[acts]
        /// Pays somebody from the wallet, or says what that would cost. What is reserved for swaps is not touched.
        #[method(name = "wallet.send", param_kind = map)]
        async fn wallet_send(&self, transfer: TransferAsked) -> RpcResult<TransferShown>;
    }
}
