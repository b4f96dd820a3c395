//! A small JSON-RPC client whose errors name the method, the address and what came back.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A call that takes longer than this has failed.
const TIMEOUT: Duration = Duration::from_secs(60);
/// No answer of a regtest daemon is larger than this.
const MAX_ANSWER: usize = 64 << 20;
/// How much of an unexpected answer an error repeats.
const SHOWN: usize = 300;

/// Why a call had no result.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The daemon could not be reached, or the connection broke.
    #[error("{method} to {url}: no answer: {source}")]
    NoAnswer {
        /// The method called.
        method: String,
        /// Where it was sent.
        url: String,
        /// The transport's reason.
        source: reqwest::Error,
    },
    /// The daemon answered with an error of its own.
    #[error("{method} to {url}: refused with code {code}: {message}")]
    Refused {
        /// The method called.
        method: String,
        /// Where it was sent.
        url: String,
        /// The daemon's code.
        code: i64,
        /// The daemon's words.
        message: String,
    },
    /// The answer is not what this method answers.
    #[error("{method} to {url}: expected {expected}, got HTTP {status} with: {got}")]
    Unexpected {
        /// The method called.
        method: String,
        /// Where it was sent.
        url: String,
        /// HTTP status.
        status: u16,
        /// What should have come.
        expected: &'static str,
        /// The beginning of what came.
        got: String,
    },
}

/// A client of one daemon. Cheap to clone.
#[derive(Clone)]
pub struct Rpc {
    url: String,
    login: Option<(String, String)>,
    http: reqwest::Client,
}

impl Rpc {
    /// A client for `url`, with user and password if the daemon wants them.
    ///
    /// No connection is kept: a pooled one belongs to the runtime that opened it, and tests that share one regtest
    /// run on a runtime each.
    pub fn new(url: impl Into<String>, login: Option<(String, String)>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .build()
            .expect("a client without TLS and proxy needs nothing from the system");
        Rpc {
            url: url.into(),
            login,
            http,
        }
    }

    /// Calls `method` with `params`, an array or (bitcoind only) an object of named ones.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let no_answer = |source| RpcError::NoAnswer {
            method: method.to_owned(),
            url: self.url.clone(),
            source,
        };
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = self.http.post(&self.url).json(&body);
        if let Some((user, password)) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                return Err(self.unexpected(method, status, "at most 64 MiB", &bytes));
            }
        }
        let Ok(answer) = serde_json::from_slice::<Value>(&bytes) else {
            return Err(self.unexpected(method, status, "JSON", &bytes));
        };
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            return Err(RpcError::Refused {
                method: method.to_owned(),
                url: self.url.clone(),
                code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
                message: error
                    .get("message")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            });
        }
        match answer {
            Value::Object(mut fields) if fields.contains_key("result") => {
                Ok(fields.remove("result").unwrap_or(Value::Null))
            }
            _ => Err(self.unexpected(method, status, "a result or an error", &bytes)),
        }
    }

    /// Calls `method` and reads the result as a `T`; `expected` says in words what that is.
    pub async fn call_as<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
        expected: &'static str,
    ) -> Result<T, RpcError> {
        let result = self.call(method, params).await?;
        let shown = result.to_string();
        serde_json::from_value(result).map_err(|_| self.unexpected(method, 200, expected, shown.as_bytes()))
    }

    /// The error for a result that has the wrong shape.
    pub(crate) fn unexpected(
        &self,
        method: &str,
        status: u16,
        expected: &'static str,
        got: &[u8],
    ) -> RpcError {
        let shown = &got[..got.len().min(SHOWN)];
        RpcError::Unexpected {
            method: method.to_owned(),
            url: self.url.clone(),
            status,
            expected,
            got: String::from_utf8_lossy(shown).into_owned(),
        }
    }
}
