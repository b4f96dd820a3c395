//! The methods about events, and the document about all methods.

use super::super::types::{EventNotice, EventPage};
use super::table::{Access, Method, Param, rpc_table};
use jsonrpsee::core::{RpcResult, SubscriptionResult};
use jsonrpsee::proc_macros::rpc;

rpc_table! {
    /// Events: what became of claims and swaps, in order, each with a cursor.
    #[rpc(server, client)]
    pub trait EventsRpc {
        #[reads]
        /// The events after a cursor, oldest first: at most `limit`, 1 to 500, else 100. Without `after`: from the oldest that
        /// is kept. An error of kind `gap` says that events after it are gone: read `swap.list`, and go on without `after`.
        #[method(name = "events.list", param_kind = map)]
        async fn events_list(&self, after: Option<u64>, limit: Option<u32>) -> RpcResult<EventPage>;

        #[reads]
        /// This document: all methods, by OpenRPC.
        #[method(name = "rpc.discover", param_kind = map)]
        async fn rpc_discover(&self) -> RpcResult<serde_json::Value>;
    }
}

/// The subscription to events, over a WebSocket.
#[rpc(server, client)]
pub trait FeedRpc {
    /// All events after a cursor, and each new one as it comes; without `after`: from the oldest that is kept.
    #[subscription(name = "events.subscribe" => "events", unsubscribe = "events.unsubscribe", item = EventNotice, param_kind = map)]
    async fn events_subscribe(&self, after: Option<u64>) -> SubscriptionResult;
}

/// The lines of the subscription.
pub(in crate::rpc) const FEED: &[Method] = &[
    Method {
        name: "events.subscribe",
        docs: &[
            " All events after a cursor, and each new one as it comes, over a WebSocket; without `after`: from the oldest that is",
            " kept. The result is the subscription's id. The last notice says why the subscription ended, and after which cursor",
            " to subscribe again.",
        ],
        access: Access::Reads,
        params: |generator| vec![Param::of::<Option<u64>>("after", "Option<u64>", generator)],
        result: |generator| generator.subschema_for::<SubscriptionId>(),
        notices: Some(|generator| generator.subschema_for::<EventNotice>()),
    },
    Method {
        name: "events.unsubscribe",
        docs: &[" Ends a subscription, by its id, as the only parameter in an array. Whether there was one."],
        access: Access::Reads,
        params: |generator| {
            vec![Param::of::<SubscriptionId>(
                "subscription",
                "SubscriptionId",
                generator,
            )]
        },
        result: |generator| generator.subschema_for::<bool>(),
        notices: None,
    },
];

/// A subscription's id: a number or a text.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only described")]
enum SubscriptionId {
    Number(u64),
    Text(String),
}
