//! One call of a daemon's JSON-RPC, within bounds.

use serde_json::{Value, json};
use std::time::Duration;

/// Whoever takes longer does not answer.
const ANSWER: Duration = Duration::from_secs(5);
/// A longer answer is none of these calls.
const MAX_ANSWER: usize = 1024 * 1024;

/// A daemon that is asked.
pub(super) struct Daemon {
    client: reqwest::Client,
    url: String,
    login: Option<(String, String)>,
}

impl Daemon {
    /// The daemon there; `login` is a user and a password.
    pub(super) fn new(url: &str, login: Option<(String, String)>) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        Ok(Self {
            client: client.map_err(|e| root(&e))?,
            url: url.to_owned(),
            login,
        })
    }

    /// What it answers to a method, or why it does not; never with the URL, which may hold a provider's key.
    pub(super) async fn call(&self, method: &str, params: Value) -> Result<Value, String> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = self.client.post(&self.url).json(&body);
        if let Some((user, password)) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        let mut answer = request.send().await.map_err(|e| root(&e.without_url()))?;
        let status = answer.status();
        if status == reqwest::StatusCode::UNAUTHORIZED || status == reqwest::StatusCode::FORBIDDEN {
            return Err(format!("it refuses our credentials ({status})"));
        }
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(|e| root(&e.without_url()))? {
            bytes.extend_from_slice(&more);
            if bytes.len() > MAX_ANSWER {
                return Err(format!(
                    "its answer to {method} is longer than {MAX_ANSWER} bytes"
                ));
            }
        }
        let mut answer: Value = serde_json::from_slice(&bytes)
            .map_err(|_| format!("what answers there is no JSON-RPC (HTTP {status})"))?;
        match answer.get("error").filter(|error| !error.is_null()) {
            Some(error) => {
                let said = error.get("message").and_then(Value::as_str).unwrap_or("an error");
                Err(format!(
                    "{method}: {}",
                    said.chars().take(200).collect::<String>()
                ))
            }
            None => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
        }
    }
}

/// The innermost cause: the outer ones speak of transports.
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", ANSWER.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
