//! How another process finds and calls a running node.

mod stream;

pub use stream::{EventStream, StreamError};

use super::auth::{Caller, Cookie, CookieError};
use super::server::MAX_WATCH;
use super::{MAX_ANSWER_BYTES, MAX_REQUEST_BYTES};
use jsonrpsee::http_client::{HeaderMap, HeaderValue, HttpClient};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file in the data folder by which a running node is found.
pub const NODE_FILE: &str = "node.json";
const MAX_NODE_FILE: u64 = 16 * 1024;

/// A client of one node; its calls are those of [`super::NodeRpcClient`].
pub type RpcClient = HttpClient;

/// What a running node tells about itself in [`NODE_FILE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFile {
    /// The URL of its RPC.
    pub rpc: String,
    /// Its process.
    pub pid: u32,
    /// Its network.
    pub network: String,
    /// Its name among peers.
    pub peer_id: String,
    /// Its addresses for peers, each with its peer id.
    pub listen: Vec<String>,
}

/// Why no node can be called.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no node file.
    #[error("no node runs in {data}: start it with `kofo node --data {data}`", data = data.display())]
    NotRunning {
        /// The data folder.
        data: PathBuf,
    },
    /// The node file is not what a node writes.
    #[error("{path} is not what a node writes: {why}; restart the node")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No cookie.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// No client can be made.
    #[error("no client of the node can be made: {0}")]
    Client(String),
}

impl NodeFile {
    /// Reads the node file of a data folder.
    pub fn load(data: &Path) -> Result<Self, ConnectError> {
        let path = data.join(NODE_FILE);
        let bytes = match crate::files::read_bounded(&path, MAX_NODE_FILE) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(ConnectError::NotRunning {
                    data: data.to_owned(),
                });
            }
            Err(e) => {
                let why = e.to_string();
                return Err(ConnectError::Malformed { path, why });
            }
        };
        serde_json::from_slice(&bytes).map_err(|e| ConnectError::Malformed {
            path,
            why: e.to_string(),
        })
    }

    /// Writes the node file, after which other processes find the node.
    pub fn save(&self, data: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        crate::files::replace(&data.join(NODE_FILE), &text)
    }
}

/// Which node is called, and as whom.
#[derive(Clone, Debug)]
pub enum Callee {
    /// The node that runs in a data folder, with the token that it wrote there when it started.
    In {
        /// The data folder.
        data: PathBuf,
        /// Whose token is taken.
        caller: Caller,
    },
    /// A node of another machine whose RPC a tunnel such as `ssh -L` brings to a port of this one.
    At {
        /// The tunnel's port on 127.0.0.1.
        port: u16,
        /// What stands in the node's token file. A node that starts again has another one.
        token: Cookie,
    },
}

impl Callee {
    /// A client of it, with the calls of [`super::NodeRpcClient`] and its siblings. Connects with the first call only.
    pub fn client(&self) -> Result<RpcClient, ConnectError> {
        let Way { port, headers } = self.way()?;
        HttpClient::builder()
            .set_headers(headers)
            .max_request_size(MAX_REQUEST_BYTES)
            .max_response_size(MAX_ANSWER_BYTES)
            .request_timeout(MAX_WATCH + Duration::from_secs(35))
            .build(format!("http://127.0.0.1:{port}"))
            .map_err(|e| ConnectError::Client(e.to_string()))
    }

    fn way(&self) -> Result<Way, ConnectError> {
        match self {
            Self::In { data, caller } => {
                let port = port_of(data)?;
                Way::with(port, &Cookie::load_for(data, *caller)?)
            }
            Self::At { port, token } => Way::with(*port, token),
        }
    }
}

/// A client of the node that runs in this data folder, as its owner.
pub fn connect(data: &Path) -> Result<RpcClient, ConnectError> {
    connect_as(data, Caller::Owner)
}

/// As [`connect`], with that token.
pub fn connect_as(data: &Path, caller: Caller) -> Result<RpcClient, ConnectError> {
    let data = data.to_owned();
    Callee::In { data, caller }.client()
}

/// How a node is reached. A token goes to this machine and nowhere else.
struct Way {
    port: u16,
    headers: HeaderMap,
}

impl Way {
    fn with(port: u16, token: &Cookie) -> Result<Self, ConnectError> {
        let value = HeaderValue::from_str(&token.authorization());
        let mut value = value.map_err(|e| ConnectError::Client(e.to_string()))?;
        value.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("authorization", value);
        Ok(Self { port, headers })
    }
}

/// The RPC's port on this machine, whatever else the node file may say.
fn port_of(data: &Path) -> Result<u16, ConnectError> {
    let node = NodeFile::load(data)?;
    let port = node.rpc.strip_prefix("http://127.0.0.1:").unwrap_or_default();
    port.parse().map_err(|_| ConnectError::Malformed {
        path: data.join(NODE_FILE),
        why: format!("expected an RPC on 127.0.0.1, got {:?}", node.rpc),
    })
}
