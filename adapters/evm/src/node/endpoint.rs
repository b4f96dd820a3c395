//! One JSON-RPC endpoint. Each function is one call; all have a time limit.
//!
//! No function estimates or simulates a redeem, and the provider has none of alloy's fillers, which would.

use super::{Head, NodeError, Result, Settled, Tx, trial};
use crate::bindings::{Erc20, HashLanes};
use crate::calls;
use crate::fees::PAYEE_TOKEN_GAS;
use alloy::consensus::Transaction as _;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionResponse as _;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder, RootProvider};
use alloy::rpc::types::{Block, Filter, Log, Transaction, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::{RpcError, TransportErrorKind, TransportResult};
use std::future::IntoFuture;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Messages of nodes are cut here: they end up in logs and in front of people.
const MESSAGE: usize = 200;
/// Nodes limit how many blocks one log query may span.
const LOG_SPAN: u64 = 5_000;
/// An endpoint that did not answer is asked again after so long.
const REST: Duration = Duration::from_secs(2);

pub(crate) struct Endpoint {
    pub(super) provider: RootProvider,
    /// It has so long to answer.
    limit: Duration,
    rests_until: Mutex<Option<Instant>>,
}

impl Endpoint {
    pub(super) fn new(url: &str, limit: Duration) -> Result<Self> {
        let url = url
            .parse()
            .map_err(|_| NodeError::Odd("the endpoint is no URL: expected http://host:port"))?;
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_http(url);
        Ok(Self {
            provider,
            limit,
            rests_until: Mutex::new(None),
        })
    }

    /// It did not answer a moment ago, so it is not asked now: whoever hangs holds up nobody twice.
    pub(super) fn rests(&self) -> bool {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn rest(&self) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }

    pub(super) async fn chain_id(&self) -> Result<u64> {
        self.within(self.provider.get_chain_id()).await
    }

    /// The best block.
    pub(super) async fn best(&self) -> Result<Head> {
        let block = self
            .within(self.provider.get_block_by_number(BlockNumberOrTag::Latest))
            .await?;
        block
            .map(|b| head(&b))
            .ok_or(NodeError::Odd("it has no block at all"))
    }

    pub(super) async fn head(&self, hash: B256) -> Result<Head> {
        let block = self.within(self.provider.get_block_by_hash(hash)).await?;
        block
            .map(|b| head(&b))
            .ok_or(NodeError::Odd("it has no block of a hash that it named"))
    }

    /// The best chain's block of this height.
    pub(super) async fn head_at(&self, height: u64) -> Result<Option<Head>> {
        let block = self
            .within(self.provider.get_block_by_number(height.into()))
            .await?;
        Ok(block.map(|b| head(&b)))
    }

    /// The hash of the best chain's block of this height.
    pub(super) async fn hash_at(&self, height: u64) -> Result<Option<B256>> {
        Ok(self.head_at(height).await?.map(|head| head.hash))
    }

    /// All transactions of a block.
    pub(super) async fn transactions(&self, block: BlockId) -> Result<Vec<Tx>> {
        let block = self.within(self.provider.get_block(block).full()).await?;
        let block = block.ok_or(NodeError::Odd("it has no block that it should have"))?;
        Ok(block.transactions.txns().map(transaction).collect())
    }

    /// What a miner would take now: a window on the pool, in one call.
    pub(super) async fn pending(&self) -> Result<Vec<Tx>> {
        self.transactions(BlockNumberOrTag::Pending.into()).await
    }

    pub(super) async fn transaction(&self, hash: B256) -> Result<Option<Tx>> {
        let tx = self.within(self.provider.get_transaction_by_hash(hash)).await?;
        Ok(tx.as_ref().map(transaction))
    }

    /// Height of the block that holds the transaction, and whether it succeeded.
    pub(super) async fn receipt(&self, hash: B256) -> Result<Option<(u64, bool)>> {
        let receipt = self.within(self.provider.get_transaction_receipt(hash)).await?;
        Ok(receipt.and_then(|r| Some((r.block_number?, r.status()))))
    }

    /// The contract's events in one block.
    pub(super) async fn settled_in(&self, contract: Address, block: B256) -> Result<Vec<Settled>> {
        let filter = events(contract).at_block_hash(block);
        settled(self.within(self.provider.get_logs(&filter)).await?)
    }

    /// The contract's events about one slot, between two heights.
    pub(super) async fn settled_since(
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
            found.extend(settled(self.within(self.provider.get_logs(&filter)).await?)?);
            from = last.saturating_add(1);
        }
        Ok(found)
    }

    /// The contract's events from a height on, up to its best block.
    pub(super) async fn settled_from(&self, contract: Address, from: u64) -> Result<Vec<Settled>> {
        let filter = events(contract).from_block(from);
        settled(self.within(self.provider.get_logs(&filter)).await?)
    }

    /// The values of many slots in the state after one block.
    pub(super) async fn slots(&self, contract: Address, which: &[U256], block: BlockId) -> Result<Vec<B256>> {
        let call = TransactionRequest::default()
            .to(contract)
            .input(calls::slots(which).into());
        let answer = self.within(self.provider.call(call).block(block)).await?;
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

    pub(super) async fn code(&self, address: Address) -> Result<Bytes> {
        self.within(self.provider.get_code_at(address)).await
    }

    pub(super) async fn nonce(&self, address: Address, block: BlockId) -> Result<u64> {
        self.within(self.provider.get_transaction_count(address).block_id(block))
            .await
    }

    pub(super) async fn coins(&self, address: Address) -> Result<U256> {
        self.within(self.provider.get_balance(address)).await
    }

    pub(super) async fn tokens(&self, token: Address, owner: Address) -> Result<U256> {
        self.word(token, Erc20::balanceOfCall { owner }.abi_encode())
            .await
    }

    pub(super) async fn allowance(&self, token: Address, owner: Address, spender: Address) -> Result<U256> {
        self.word(token, Erc20::allowanceCall { owner, spender }.abi_encode())
            .await
    }

    /// Whether the token would pay somebody out of the contract today, with the gas that a redeem leaves it. Shows no preimage. `Err(Reverted)`: it would not.
    pub(super) async fn would_pay(
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
            .gas_limit(PAYEE_TOKEN_GAS)
            .input(Bytes::from(input).into());
        let answer = self.within(self.provider.call(call)).await?;
        Ok(answer.is_empty() || U256::try_from_be_slice(&answer) == Some(U256::from(1)))
    }

    pub(super) async fn gas_price(&self) -> Result<u128> {
        self.within(self.provider.get_gas_price()).await
    }

    /// Gives the node a signed transaction. An error says little: it may have been accepted.
    pub(super) async fn send(&self, raw: &[u8]) -> Result<()> {
        self.within(self.provider.send_raw_transaction(raw))
            .await
            .map(drop)
    }

    pub(super) async fn within<T>(&self, call: impl IntoFuture<Output = TransportResult<T>>) -> Result<T> {
        match tokio::time::timeout(self.limit, call.into_future()).await {
            Err(_) => {
                let seconds = self.limit.as_secs();
                Err(NodeError::Lost(format!("nothing within {seconds} s")))
            }
            Ok(answer) => answer.map_err(|e| error(&e)),
        }
    }

    async fn word(&self, to: Address, input: Vec<u8>) -> Result<U256> {
        let call = TransactionRequest::default()
            .to(to)
            .input(Bytes::from(input).into());
        let answer = self.within(self.provider.call(call)).await?;
        let word = answer.get(..32).map(U256::from_be_slice);
        word.ok_or(NodeError::Odd("a token answered with less than a word"))
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

pub(super) fn cut(text: &str) -> String {
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
