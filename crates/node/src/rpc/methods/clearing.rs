//! The methods about the clearance layer and their parameters.

use super::super::types::{AccountShown, ActDone, ClearanceShown, Id, OrderProved, OrderShown};
use super::table::rpc_table;
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;

rpc_table! {
    /// The clearance layer's methods. Parameters go by name; amounts are of an asset of the ledger, such as `100kofo`. An act
    /// returns once it is in the ledger.
    #[rpc(server, client)]
    pub trait ClearingRpc {
        #[reads]
        /// What became of an order; with `proof`, the proofs as bytes too.
        #[method(name = "order.show", param_kind = map)]
        async fn order_show(&self, id: Id, proof: Option<bool>) -> RpcResult<OrderShown>;

        #[acts]
        /// Proves to validators how the legs of an order of this node's ended, by blocks of their chains: for when validators
        /// see nothing of a chain. `leg`: `alpha` or `beta`, else all whose chain the network takes proofs of.
        #[method(name = "order.prove", param_kind = map)]
        async fn order_prove(&self, id: Id, leg: Option<String>) -> RpcResult<OrderProved>;

        #[reads]
        /// The clearance layer: its validators and how far they are.
        #[method(name = "ledger.status", param_kind = map)]
        async fn ledger_status(&self) -> RpcResult<ClearanceShown>;

        #[reads]
        /// What an account has; our own without `key`.
        #[method(name = "ledger.account", param_kind = map)]
        async fn ledger_account(&self, key: Option<Id>) -> RpcResult<AccountShown>;

        #[acts]
        /// Gives to another account.
        #[method(name = "ledger.transfer", param_kind = map)]
        async fn ledger_transfer(&self, to: Id, amount: String) -> RpcResult<ActDone>;

        #[acts]
        /// Gives points to a developer; the foundation alone may.
        #[method(name = "ledger.grant", param_kind = map)]
        async fn ledger_grant(&self, to: Id, points: u64) -> RpcResult<ActDone>;

        #[acts]
        /// Puts up, or adds to, a bond: `kind` is `provider` or `relay`.
        #[method(name = "bond.add", param_kind = map)]
        async fn bond_add(&self, kind: String, amount: String) -> RpcResult<ActDone>;

        #[acts]
        /// Asks for a bond or a part of it back: it comes once the unbonding time is over.
        #[method(name = "bond.remove", param_kind = map)]
        async fn bond_remove(&self, kind: String, amount: String) -> RpcResult<ActDone>;

        #[acts]
        /// Stands for election, or adds to its stake. `key`: the vote key, 66 hexadecimal digits.
        #[method(name = "stake.add", param_kind = map)]
        async fn stake_add(&self, key: String, commission_bps: u16, amount: String) -> RpcResult<ActDone>;

        #[acts]
        /// Asks for its own stake or a part of it back.
        #[method(name = "stake.remove", param_kind = map)]
        async fn stake_remove(&self, amount: String) -> RpcResult<ActDone>;

        #[acts]
        /// Says which chains it observes, by CAIP-2, from the next epoch on.
        #[method(name = "stake.observe", param_kind = map)]
        async fn stake_observe(&self, chains: Vec<String>) -> RpcResult<ActDone>;

        #[acts]
        /// Says which pairs it trades, such as `btc/eth`.
        #[method(name = "stake.list", param_kind = map)]
        async fn stake_list(&self, pairs: Vec<String>) -> RpcResult<ActDone>;

        #[acts]
        /// Wants to vote again after it was jailed.
        #[method(name = "stake.unjail", param_kind = map)]
        async fn stake_unjail(&self) -> RpcResult<ActDone>;

        #[acts]
        /// Backs a validator, by its account.
        #[method(name = "delegate.add", param_kind = map)]
        async fn delegate_add(&self, to: Id, amount: String) -> RpcResult<ActDone>;

        #[acts]
        /// Takes its backing back.
        #[method(name = "delegate.remove", param_kind = map)]
        async fn delegate_remove(&self, from: Id, amount: String) -> RpcResult<ActDone>;

        #[acts]
        /// Takes what it earned.
        #[method(name = "reward.collect", param_kind = map)]
        async fn reward_collect(&self) -> RpcResult<ActDone>;
    }
}
