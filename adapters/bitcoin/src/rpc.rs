//! The few questions that we ask a bitcoind, and nothing of its client library beyond this file.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bitcoin::block::Header;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Amount, Block, BlockHash, OutPoint, Transaction, Txid};
use corepc_client::{Auth, Client, GetBlockCountError};
use serde_json::{Value, json};

/// Unknown transaction or block.
const NOT_FOUND: i64 = -5;
const HEADER: &str = "getblockheader";
/// Outpoints per question about who spends them.
const OUTPOINTS_PER_CALL: usize = 500;

/// Our own node answers everything that we ask within this, unless it hangs: then the witnesses do what they can.
const OWN_PATIENCE: Duration = Duration::from_secs(15);
/// A witness that has not answered by then is silent.
const WITNESS_PATIENCE: Duration = Duration::from_secs(3);
/// A silent witness is asked nothing for so long: it must not slow down what our own node can do.
const WITNESS_PAUSE: Duration = Duration::from_secs(5);

/// How to log in at bitcoind.
#[derive(Clone)]
pub enum RpcAuth {
    /// The file that bitcoind writes at each start.
    Cookie(PathBuf),
    /// `rpcuser` and `rpcpassword`.
    UserPass {
        /// Name.
        user: String,
        /// Password.
        password: String,
    },
}

impl std::fmt::Debug for RpcAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cookie(path) => write!(f, "Cookie({})", path.display()),
            Self::UserPass { user, .. } => write!(f, "UserPass({user}, redacted)"),
        }
    }
}

/// What bitcoind answered instead of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RpcError {
    /// It understood and refuses.
    #[error("the node refuses {method}: {message} (code {code})")]
    Refused {
        method: &'static str,
        code: i64,
        message: String,
    },
    /// It cannot be reached, or does not speak as bitcoind speaks.
    #[error("the node does not answer {method}: {why}")]
    Trouble { method: &'static str, why: String },
}

/// A best block, with the time that follows from its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Best {
    pub(crate) hash: BlockHash,
    pub(crate) height: u64,
    /// Median time past, unix seconds.
    pub(crate) median_time: u64,
}

/// A connection that logs in anew when bitcoind was restarted.
pub(crate) struct Rpc {
    url: String,
    auth: RpcAuth,
    /// Nothing before the first login.
    client: RwLock<Option<Arc<Client>>>,
    /// A witness: since when it is silent.
    silent: Option<RwLock<Option<Instant>>>,
}

impl Rpc {
    /// Our own node: what it does not answer, nobody does.
    pub(crate) fn own(url: String, auth: RpcAuth) -> Self {
        let client = RwLock::default();
        let silent = None;
        Self {
            url,
            auth,
            client,
            silent,
        }
    }

    /// A second opinion, for which nothing waits long.
    pub(crate) fn witness(url: String, auth: RpcAuth) -> Self {
        Self {
            silent: Some(RwLock::default()),
            ..Self::own(url, auth)
        }
    }

    pub(crate) async fn best_hash(&self) -> Result<BlockHash, RpcError> {
        parse("getbestblockhash", self.call("getbestblockhash", &[]).await?)
    }

    /// The best block with the height and the time that the node says it has.
    pub(crate) async fn best(&self) -> Result<Best, RpcError> {
        let hash = self.best_hash().await?;
        let header = self.described(hash).await?;
        Ok(Best {
            hash,
            height: number(&header, "height")?,
            median_time: number(&header, "mediantime")?,
        })
    }

    /// The height that the node says a block has.
    pub(crate) async fn height(&self, hash: BlockHash) -> Result<u64, RpcError> {
        number(&self.described(hash).await?, "height")
    }

    async fn described(&self, hash: BlockHash) -> Result<Value, RpcError> {
        self.call(HEADER, &[json!(hash)]).await
    }

    pub(crate) async fn header(&self, hash: BlockHash) -> Result<Header, RpcError> {
        decode(HEADER, &self.call(HEADER, &[json!(hash), json!(false)]).await?)
    }

    pub(crate) async fn block_hash(&self, height: u64) -> Result<BlockHash, RpcError> {
        parse("getblockhash", self.call("getblockhash", &[json!(height)]).await?)
    }

    pub(crate) async fn block(&self, hash: BlockHash) -> Result<Block, RpcError> {
        const METHOD: &str = "getblock";
        decode(METHOD, &self.call(METHOD, &[json!(hash), json!(0)]).await?)
    }

    pub(crate) async fn mempool(&self) -> Result<Vec<Txid>, RpcError> {
        parse("getrawmempool", self.call("getrawmempool", &[]).await?)
    }

    /// A transaction in the mempool, if it is (still) there.
    pub(crate) async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, RpcError> {
        const METHOD: &str = "getrawtransaction";
        match self.call(METHOD, &[json!(txid), json!(false)]).await {
            Ok(hex) => decode(METHOD, &hex).map(Some),
            Err(RpcError::Refused { code: NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The mempool transactions that spend any of these outpoints. One call for five hundred of them.
    pub(crate) async fn mempool_spenders(&self, outpoints: &[OutPoint]) -> Result<Vec<Txid>, RpcError> {
        const METHOD: &str = "gettxspendingprevout";
        let mut spenders = Vec::new();
        for chunk in outpoints.chunks(OUTPOINTS_PER_CALL) {
            let asked: Vec<Value> = chunk
                .iter()
                .map(|o| json!({ "txid": o.txid, "vout": o.vout }))
                .collect();
            let answer = self.call(METHOD, &[Value::Array(asked)]).await?;
            let rows = answer
                .as_array()
                .ok_or_else(|| trouble(METHOD, format!("no list: {answer}")))?;
            for spender in rows.iter().filter_map(|row| row.get("spendingtxid")) {
                spenders.push(parse(METHOD, spender.clone())?);
            }
        }
        spenders.sort_unstable();
        spenders.dedup();
        Ok(spenders)
    }

    pub(crate) async fn send(&self, tx: &Transaction) -> Result<(), RpcError> {
        self.call("sendrawtransaction", &[json!(serialize_hex(tx))])
            .await
            .map(drop)
    }

    /// What bitcoind thinks gets a transaction into one of the next `blocks`, per 1,000 vbytes; nothing if it
    /// has seen too little.
    pub(crate) async fn estimate_fee(&self, blocks: u32) -> Result<Option<Amount>, RpcError> {
        let answer = self
            .call("estimatesmartfee", &[json!(blocks), json!("economical")])
            .await?;
        bitcoin_amount("estimatesmartfee", &answer["feerate"])
    }

    /// The least that its mempool takes now, per 1,000 vbytes.
    pub(crate) async fn least_fee(&self) -> Result<Option<Amount>, RpcError> {
        let answer = self.call("getmempoolinfo", &[]).await?;
        bitcoin_amount("getmempoolinfo", &answer["mempoolminfee"])
    }

    async fn call(&self, method: &'static str, args: &[Value]) -> Result<Value, RpcError> {
        let Some(silent) = &self.silent else {
            return self.ask_within(OWN_PATIENCE, method, args).await;
        };
        let since = *silent.read().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() < WITNESS_PAUSE) {
            return Err(trouble(method, "it did not answer a moment ago".into()));
        }
        let answer = self.ask_within(WITNESS_PATIENCE, method, args).await;
        let now_silent = matches!(answer, Err(RpcError::Trouble { .. })).then(Instant::now);
        *silent.write().unwrap_or_else(PoisonError::into_inner) = now_silent;
        answer
    }

    async fn ask_within(
        &self,
        patience: Duration,
        method: &'static str,
        args: &[Value],
    ) -> Result<Value, RpcError> {
        let answer = tokio::time::timeout(patience, self.ask(method, args)).await;
        answer.unwrap_or_else(|_| Err(trouble(method, format!("no answer within {patience:?}"))))
    }

    fn client(&self) -> Result<Arc<Client>, RpcError> {
        let known = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(client) => Ok(client),
            None => self.log_in(),
        }
    }

    fn log_in(&self) -> Result<Arc<Client>, RpcError> {
        let client = Arc::new(connect(&self.url, &self.auth)?);
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn ask(&self, method: &'static str, args: &[Value]) -> Result<Value, RpcError> {
        let client = self.client()?;
        // Boxed into a typed error of the client for its way of telling the code; the type itself is private.
        let error = match client.call::<Value>(method, args).await {
            Ok(value) => return Ok(value),
            Err(error) => GetBlockCountError::from(error),
        };
        match error.rpc_code() {
            Some(code) => Err(RpcError::Refused {
                method,
                code,
                message: error.to_string(),
            }),
            None => {
                // The cookie changes when bitcoind restarts. Where there is none yet, the old client is as good.
                let _ = self.log_in();
                Err(trouble(method, error.to_string()))
            }
        }
    }
}

fn connect(url: &str, auth: &RpcAuth) -> Result<Client, RpcError> {
    let auth = match auth {
        RpcAuth::Cookie(path) => Auth::CookieFile(path.clone()),
        RpcAuth::UserPass { user, password } => Auth::UserPass(user.clone(), password.clone()),
    };
    Client::new_with_auth(url, auth).map_err(|error| trouble("login", error.to_string()))
}

fn number(header: &Value, field: &str) -> Result<u64, RpcError> {
    header[field]
        .as_u64()
        .ok_or_else(|| trouble(HEADER, format!("no number in {field}: {header}")))
}

fn trouble(method: &'static str, why: String) -> RpcError {
    RpcError::Trouble { method, why }
}

fn parse<T: serde::de::DeserializeOwned>(method: &'static str, value: Value) -> Result<T, RpcError> {
    serde_json::from_value(value).map_err(|error| trouble(method, error.to_string()))
}

fn decode<T: bitcoin::consensus::Decodable>(method: &'static str, value: &Value) -> Result<T, RpcError> {
    let hex = value.as_str().ok_or_else(|| trouble(method, "no text".into()))?;
    deserialize_hex(hex).map_err(|error| trouble(method, error.to_string()))
}

/// The library's own reading of bitcoind's decimal coins: no float of ours touches money.
fn bitcoin_amount(method: &'static str, value: &Value) -> Result<Option<Amount>, RpcError> {
    if value.is_null() {
        return Ok(None);
    }
    bitcoin::amount::serde::as_btc::deserialize(value)
        .map(Some)
        .map_err(|error| trouble(method, format!("{value} is no amount: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_read_exactly_and_nonsense_is_trouble() {
        assert_eq!(
            bitcoin_amount("m", &json!(0.00001)),
            Ok(Some(Amount::from_sat(1_000)))
        );
        assert_eq!(
            bitcoin_amount("m", &json!(0.00012345)),
            Ok(Some(Amount::from_sat(12_345)))
        );
        assert_eq!(bitcoin_amount("m", &Value::Null), Ok(None));
        assert!(bitcoin_amount("m", &json!("much")).is_err());
        assert!(bitcoin_amount("m", &json!(-1)).is_err());
    }

    #[test]
    fn passwords_are_never_printed() {
        let auth = RpcAuth::UserPass {
            user: "me".into(),
            password: "hunter2".into(),
        };
        assert_eq!(format!("{auth:?}"), "UserPass(me, redacted)");
    }
}
