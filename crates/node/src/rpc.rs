//! The node's RPC: JSON-RPC 2.0 over HTTP and WebSocket on 127.0.0.1, for the owner of the data folder alone.
//!
//! The methods are named as the commands (`swap.offer`, `node.status`, …); [`NodeRpcClient`] and its kin call them and
//! [`RpcServer`] answers them out of a [`NodeApi`]. Who may read the cookie file may call, and whoever has the read token
//! may look: each start writes new random tokens, and a request without one, for another host, or from a web page is
//! turned away before its body is read. Events are paged by `events.list` and subscribed to over a WebSocket by
//! `events.subscribe`; [`EventStream`] does so and comes back by itself. `rpc.discover` gives the OpenRPC document.
//!
//! **To add a method** to the area `x` (`clearing`, `events`, `keys`, `market`; the node's own are in the files above):
//! 1. `types/x.rs`: what it takes and gives, with `Serialize, Deserialize, JsonSchema`, named in `types.rs`.
//! 2. `methods/x.rs`: its line in the area's `rpc_table!`. It begins with `#[reads]` if it changes nothing and spends
//!    nothing, so that the read token is enough, or else with `#[acts]`; then its documentation, `#[method(…)]` and the
//!    signature. Server, client, access and document come of this line.
//! 3. `api/x.rs`: what it asks of the node, in values; `server/x.rs`: how its texts are read; `service/x.rs`: what is done.
//! 4. `KOFO_WRITE=1 cargo test -p kofo-node document` writes `docs/openrpc.json` anew.
//!
//! **To add an area** name it in `methods.rs` (`mod`, `pub use`, and its `METHODS` in `table`) and in `server::methods`.

pub mod api;
mod auth;
mod client;
mod error;
mod guard;
mod methods;
pub mod openrpc;
mod server;
pub mod types;

pub use api::{ClearingApi, KeysApi, MarketApi, NodeApi};
pub(crate) use auth::from_web_page;
pub use auth::{COOKIE_FILE, Caller, Cookie, CookieError, Guarded, OwnerOnly, READ_FILE, Tokens};
pub use client::{
    Callee, ConnectError, EventStream, NODE_FILE, NodeFile, RpcClient, StreamError, connect, connect_as,
};
pub use error::{ApiError, ApiErrorData, ApiErrorKind};
pub use guard::{Rate, Rates};
pub use methods::{
    Access, ClearingRpcClient, EventsRpcClient, FeedRpcClient, KeysRpcClient, MarketRpcClient, Method,
    NodeRpcClient, Param, table,
};
pub use server::{MAX_WATCH, RpcParts, RpcServer};

/// A request has at most so many bytes.
pub const MAX_REQUEST_BYTES: u32 = 64 * 1024;
/// An answer has at most so many bytes.
pub const MAX_ANSWER_BYTES: u32 = 4 * 1024 * 1024;
/// At most so many requests are answered at a time; more get HTTP 429.
pub const MAX_REQUESTS: u32 = 64;
/// At most so many of them wait in `swap.watch` and `claim.quotes`.
pub const MAX_WATCHERS: usize = 32;

#[cfg(test)]
mod tests;
