//! The node's RPC: JSON-RPC 2.0 over HTTP on 127.0.0.1, for the owner of the data folder alone.
//!
//! The methods are named as the commands (`swap.offer`, `node.status`, …); [`NodeRpcClient`],
//! [`MarketRpcClient`] and [`ClearingRpcClient`] call them and [`RpcServer`] answers them out of a [`NodeApi`]. Who may read the cookie file may call: each start writes a new
//! random cookie, and a request without it, or for another host, is turned away before its body is read.

pub mod api;
mod auth;
mod client;
mod error;
mod methods;
mod server;
pub mod types;

pub use api::{ClearingApi, KeysApi, MarketApi, NodeApi};
pub(crate) use auth::is_own_host;
pub use auth::{COOKIE_FILE, Cookie, CookieError, Guarded, OwnerOnly};
pub use client::{ConnectError, NODE_FILE, NodeFile, RpcClient, connect};
pub use error::{ApiError, ApiErrorData, ApiErrorKind};
pub use methods::{ClearingRpcClient, KeysRpcClient, MarketRpcClient, NodeRpcClient};
pub use server::{MAX_WATCH, RpcServer};

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
