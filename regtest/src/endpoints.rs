//! Where the daemons answer, and with which credentials.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A running bitcoind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bitcoind {
    /// `http://127.0.0.1:PORT`.
    pub rpc_url: String,
    /// User name for HTTP basic authentication.
    pub rpc_user: String,
    /// Password for HTTP basic authentication, drawn anew at each start.
    pub rpc_password: String,
    /// Name of the wallet that holds the mined coins.
    pub wallet: String,
    /// `127.0.0.1:PORT`, where it talks to peers and serves compact block filters (BIP-157): what a light node asks.
    #[serde(default)]
    pub peer: String,
}

impl fmt::Debug for Bitcoind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bitcoind")
            .field("rpc_url", &self.rpc_url)
            .field("rpc_user", &self.rpc_user)
            .field("rpc_password", &"…")
            .field("wallet", &self.wallet)
            .field("peer", &self.peer)
            .finish()
    }
}

/// A running anvil.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anvil {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// 31337 for Ethereum, 18 for Echoin.
    pub chain_id: u64,
    /// The unlocked account that funds others; its key is anvil's tenth public development key.
    pub faucet: String,
}
