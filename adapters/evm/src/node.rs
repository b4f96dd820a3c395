//! The JSON-RPC node of the chain. Each function is one call; all have a time limit.
//!
//! No function estimates or simulates a redeem, and the provider has none of alloy's fillers, which would.

mod trial;

use crate::bindings::{Erc20, HashLanes};
use crate::calls;
use alloy::consensus::Transaction as _;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionResponse as _;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder, RootProvider};
use alloy::rpc::types::{Block, Filter, Log, Transaction, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::{RpcError, TransportErrorKind, TransportResult};
use std::future::IntoFuture;
use std::time::Duration;

const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Messages of nodes are cut here: they end up in logs and in front of people.
const MESSAGE: usize = 200;
/// Nodes limit how many blocks one log query may span.
const LOG_SPAN: u64 = 5_000;

/// Why a node did not answer as expected.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NodeError {
    /// No connection, no answer in time, or an answer that is no JSON-RPC.
    #[error("no answer: {0}")]
    Lost(String),
    /// A contract says no, so the node is not to blame and asking again does not help.
    #[error("{0}")]
    Reverted(String),
    /// The node says no.
    #[error("error {code}: {message}")]
    Refused { code: i64, message: String },
    /// The answer lacks something or contradicts another.
    #[error("{0}")]
    Odd(&'static str),
}

type Result<T> = std::result::Result<T, NodeError>;

/// A block's header, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) height: u64,
    pub(crate) hash: B256,
    pub(crate) parent: B256,
    pub(crate) time: u64,
    pub(crate) base_fee: Option<u64>,
}

/// A transaction in a block or in the pool.
pub(crate) struct Tx {
    pub(crate) hash: B256,
    pub(crate) from: Address,
    pub(crate) to: Option<Address>,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
}

/// One of the contract's two events.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) slot: U256,
    /// Of a redeem.
    pub(crate) preimage: Option<B256>,
    pub(crate) tx: B256,
    pub(crate) height: u64,
    pub(crate) index: u64,
}

pub(crate) struct Node(RootProvider);

impl Node {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let url = url
            .parse()
            .map_err(|_| NodeError::Odd("the endpoint is no URL: expected http://host:port"))?;
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_http(url);
        Ok(Self(provider))
    }

    pub(crate) async fn chain_id(&self) -> Result<u64> {
        within(self.0.get_chain_id()).await
    }

    /// The best block.
    pub(crate) async fn best(&self) -> Result<Head> {
        let block = within(self.0.get_block_by_number(BlockNumberOrTag::Latest)).await?;
        block
            .map(|b| head(&b))
            .ok_or(NodeError::Odd("it has no block at all"))
    }

    pub(crate) async fn head(&self, hash: B256) -> Result<Head> {
        let block = within(self.0.get_block_by_hash(hash)).await?;
        block
            .map(|b| head(&b))
            .ok_or(NodeError::Odd("it has no block of a hash that it named"))
    }

    /// The hash of the best chain's block of this height.
    pub(crate) async fn hash_at(&self, height: u64) -> Result<Option<B256>> {
        let block = within(self.0.get_block_by_number(height.into())).await?;
        Ok(block.map(|b| b.header.hash))
    }

    /// All transactions of a block.
    pub(crate) async fn transactions(&self, block: BlockId) -> Result<Vec<Tx>> {
        let block = within(self.0.get_block(block).full()).await?;
        let block = block.ok_or(NodeError::Odd("it has no block that it should have"))?;
        Ok(block.transactions.txns().map(transaction).collect())
    }

    /// What a miner would take now: a window on the pool, in one call.
    pub(crate) async fn pending(&self) -> Result<Vec<Tx>> {
        self.transactions(BlockNumberOrTag::Pending.into()).await
    }

    pub(crate) async fn transaction(&self, hash: B256) -> Result<Option<Tx>> {
        let tx = within(self.0.get_transaction_by_hash(hash)).await?;
        Ok(tx.as_ref().map(transaction))
    }

    /// Height of the block that holds the transaction, and whether it succeeded.
    pub(crate) async fn receipt(&self, hash: B256) -> Result<Option<(u64, bool)>> {
        let receipt = within(self.0.get_transaction_receipt(hash)).await?;
        Ok(receipt.and_then(|r| Some((r.block_number?, r.status()))))
    }

    /// The contract's events in one block.
    pub(crate) async fn settled_in(&self, contract: Address, block: B256) -> Result<Vec<Settled>> {
        let filter = events(contract).at_block_hash(block);
        settled(within(self.0.get_logs(&filter)).await?)
    }

    /// The contract's events about one slot, between two heights.
    pub(crate) async fn settled_since(
        &self,
        contract: Address,
        slot: U256,
        from: u64,
        to: u64,
    ) -> Result<Vec<Settled>> {
        let mut found = Vec::new();
        let mut from = from;
        while from <= to {
            let last = to.min(from.saturating_add(LOG_SPAN));
            let filter = events(contract)
                .topic1(B256::from(slot))
                .from_block(from)
                .to_block(last);
            found.extend(settled(within(self.0.get_logs(&filter)).await?)?);
            from = last.saturating_add(1);
        }
        Ok(found)
    }

    /// The values of many slots in the state after one block.
    pub(crate) async fn slots(&self, contract: Address, which: &[U256], block: BlockId) -> Result<Vec<B256>> {
        let call = TransactionRequest::default()
            .to(contract)
            .input(calls::slots(which).into());
        let answer = within(self.0.call(call).block(block)).await?;
        if answer.is_empty() {
            // Before the contract was deployed.
            return Ok(vec![B256::ZERO; which.len()]);
        }
        let values = HashLanes::slotsCall::abi_decode_returns(&answer);
        let values = values.map_err(|_| NodeError::Odd("slots() of the contract gave no list"))?;
        if values.len() != which.len() {
            return Err(NodeError::Odd(
                "slots() of the contract gave a list of another length",
            ));
        }
        Ok(values)
    }

    pub(crate) async fn code(&self, address: Address) -> Result<Bytes> {
        within(self.0.get_code_at(address)).await
    }

    pub(crate) async fn nonce(&self, address: Address, block: BlockId) -> Result<u64> {
        within(self.0.get_transaction_count(address).block_id(block)).await
    }

    pub(crate) async fn coins(&self, address: Address) -> Result<U256> {
        within(self.0.get_balance(address)).await
    }

    pub(crate) async fn tokens(&self, token: Address, owner: Address) -> Result<U256> {
        self.word(token, Erc20::balanceOfCall { owner }.abi_encode())
            .await
    }

    pub(crate) async fn allowance(&self, token: Address, owner: Address, spender: Address) -> Result<U256> {
        self.word(token, Erc20::allowanceCall { owner, spender }.abi_encode())
            .await
    }

    /// Whether the token would pay somebody out of the contract today. Shows no preimage. `Err(Reverted)`: it would not.
    pub(crate) async fn would_pay(
        &self,
        token: Address,
        from: Address,
        to: Address,
        amount: U256,
    ) -> Result<bool> {
        let input = Erc20::transferCall { to, amount }.abi_encode();
        let call = TransactionRequest::default()
            .from(from)
            .to(token)
            .input(Bytes::from(input).into());
        let answer = within(self.0.call(call)).await?;
        Ok(answer.is_empty() || U256::try_from_be_slice(&answer) == Some(U256::from(1)))
    }

    pub(crate) async fn gas_price(&self) -> Result<u128> {
        within(self.0.get_gas_price()).await
    }

    /// Gives the node a signed transaction. An error says little: it may have been accepted.
    pub(crate) async fn send(&self, raw: &[u8]) -> Result<()> {
        within(self.0.send_raw_transaction(raw)).await.map(drop)
    }

    async fn word(&self, to: Address, input: Vec<u8>) -> Result<U256> {
        let call = TransactionRequest::default()
            .to(to)
            .input(Bytes::from(input).into());
        let answer = within(self.0.call(call)).await?;
        let word = answer.get(..32).map(U256::from_be_slice);
        word.ok_or(NodeError::Odd("a token answered with less than a word"))
    }
}

async fn within<T>(call: impl IntoFuture<Output = TransportResult<T>>) -> Result<T> {
    match tokio::time::timeout(TIME_LIMIT, call.into_future()).await {
        Err(_) => Err(NodeError::Lost(format!(
            "nothing within {} s",
            TIME_LIMIT.as_secs()
        ))),
        Ok(answer) => answer.map_err(|e| error(&e)),
    }
}

/// Keeps the node's own words, but no text that could hold what we sent.
fn error(error: &RpcError<TransportErrorKind>) -> NodeError {
    match error {
        RpcError::ErrorResp(e) => {
            let data = e.as_revert_data();
            match data.and_then(|data| trial::contract_says(&data)) {
                Some(why) => NodeError::Reverted(why.to_owned()),
                None if trial::is_revert(e.code, &e.message) => NodeError::Reverted(cut(&e.message)),
                None => NodeError::Refused {
                    code: e.code,
                    message: cut(&e.message),
                },
            }
        }
        RpcError::Transport(e) => NodeError::Lost(cut(&e.to_string())),
        RpcError::NullResp => NodeError::Odd("an empty answer"),
        _ => NodeError::Odd("an answer of another form"),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE).collect()
}

fn head(block: &Block) -> Head {
    let header = &block.header;
    Head {
        height: header.inner.number,
        hash: header.hash,
        parent: header.inner.parent_hash,
        time: header.inner.timestamp,
        base_fee: header.inner.base_fee_per_gas,
    }
}

fn transaction(tx: &Transaction) -> Tx {
    Tx {
        hash: tx.tx_hash(),
        from: tx.from(),
        to: tx.to(),
        value: tx.value(),
        input: tx.input().clone(),
    }
}

fn events(contract: Address) -> Filter {
    Filter::new().address(contract).event_signature(vec![
        HashLanes::Redeemed::SIGNATURE_HASH,
        HashLanes::Returned::SIGNATURE_HASH,
    ])
}

fn settled(logs: Vec<Log>) -> Result<Vec<Settled>> {
    let odd = || NodeError::Odd("an event of the contract that is no event of the contract");
    let mut found = Vec::with_capacity(logs.len());
    for log in logs {
        let slot = log
            .topics()
            .get(1)
            .map(|topic| U256::from_be_bytes(topic.0))
            .ok_or_else(odd)?;
        let preimage = if log.topic0() == Some(&HashLanes::Redeemed::SIGNATURE_HASH) {
            Some(B256::try_from(log.data().data.as_ref()).map_err(|_| odd())?)
        } else {
            None
        };
        let place = (log.transaction_hash, log.block_number, log.log_index);
        let (Some(tx), Some(height), Some(index)) = place else {
            return Err(odd());
        };
        found.push(Settled {
            slot,
            preimage,
            tx,
            height,
            index,
        });
    }
    found.sort_by_key(|event| (event.height, event.index));
    Ok(found)
}
