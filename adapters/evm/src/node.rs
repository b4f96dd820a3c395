//! The chain's nodes: one of our own, and up to three witnesses.
//!
//! What the endpoints must agree on, and what they need not:
//!
//! * **A block counts** only if all endpoints give the same header (hash, parent, time, base fee) at its height. A witness
//!   that lags or is down: no block counts beyond what is agreed. One that is behind takes nothing back.
//! * **Facts** that make us lock, reveal or refund are asked of all, by the hash of an agreed block, and must be equal:
//!   values of slots, events, the transactions of a block, receipts, nonces, the contract's code. Where they differ
//!   nothing is concluded ([`NodeError::Apart`]); after [`crate::EvmConfig::patience`] the chain counts as faulty until
//!   they agree again.
//! * **Preimages** are taken from any endpoint: the hashlock tells whether they are right.
//! * **Acts that need no time** (a redeem whose preimage is public) wait for nobody: when there is no agreement they go
//!   by the first endpoint that answers; but what they pay follows the lowest base fee of any, and our own clock.
//! * **Too late** is what any endpoint says is too late: a redeem that shows a preimage, or a lock, is not sent past its
//!   time by the latest block of any of them.
//! * **Transactions** go to all, but a redeem that shows an unrevealed preimage to our own node only. What one of them
//!   takes is taken. Where none of them is ours ([`EvmConfig::strangers`]) it goes to all, at once: one alone could keep it
//!   to itself. Nothing else shows a preimage: no call and no estimate of gas is made with one.
//! * **Prices**: the base fee is of an agreed block; where the node names a price, the lowest one counts. All is capped.
//! * **Our own money** (balances, allowances, whether a token would pay) is our node's word alone: a lie there costs a
//!   failed transaction.
//!
//! Chain id and contract code of each endpoint are compared before anything of it counts. The calls per block and
//! endpoint do not depend on the number of swaps.

mod agree;
mod endpoint;
mod trial;

use crate::account::Call;
use crate::config::EvmConfig;
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256};
use endpoint::Endpoint;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Our own node has so long to answer.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// A witness has less, because we go on without it.
const WITNESS_LIMIT: Duration = Duration::from_secs(3);
/// So many transactions at once are on their way to a witness; more are not sent to it this time.
const ON_THEIR_WAY: usize = 64;

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
    /// The endpoints do not agree, or a witness does not answer: nothing is concluded.
    #[error("the endpoints do not agree: {0}")]
    Apart(String),
    /// Whoever has the keys: what waits for it is tried again, as if the node had not answered.
    #[error(transparent)]
    Signer(#[from] kofo_adapter_api::SignerError),
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tx {
    pub(crate) hash: B256,
    pub(crate) from: Address,
    pub(crate) to: Option<Address>,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
}

/// One of the contract's two events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) slot: U256,
    /// Of a redeem.
    pub(crate) preimage: Option<B256>,
    pub(crate) tx: B256,
    pub(crate) height: u64,
    pub(crate) index: u64,
}

/// Who is given a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Our own node: it shows what nobody knows yet.
    Ours,
    /// Everybody.
    All,
}

/// What every endpoint must be.
#[derive(Clone)]
struct Expected {
    chain_id: u64,
    contract: Address,
    code: Vec<u8>,
}

struct Witness {
    endpoint: Arc<Endpoint>,
    /// It has shown that it is of our chain.
    known: AtomicBool,
    sending: Arc<Semaphore>,
}

/// All endpoints of a chain.
pub(crate) struct Node {
    ours: Endpoint,
    witnesses: Vec<Witness>,
    /// The first endpoint is no more ours than the others.
    strangers: bool,
    expected: Expected,
}

impl Node {
    /// All endpoints of the configuration; asks them nothing yet. `contract` must have this code.
    pub(crate) fn new(config: &EvmConfig, contract: Address, code: Vec<u8>) -> Result<Self> {
        let witness = |url: &String| {
            Ok(Witness {
                endpoint: Arc::new(Endpoint::new(url, WITNESS_LIMIT)?),
                known: AtomicBool::new(false),
                sending: Arc::new(Semaphore::new(ON_THEIR_WAY)),
            })
        };
        Ok(Self {
            ours: Endpoint::new(&config.url, TIME_LIMIT)?,
            witnesses: config.witnesses.iter().map(witness).collect::<Result<_>>()?,
            strangers: config.strangers,
            expected: Expected {
                chain_id: config.chain_id,
                contract,
                code,
            },
        })
    }

    pub(crate) fn has_witnesses(&self) -> bool {
        !self.witnesses.is_empty()
    }

    /// The best block that all agree on.
    pub(crate) async fn best(&self) -> Result<Head> {
        Ok(self.agreed(None).await?.head)
    }

    pub(crate) async fn head(&self, hash: B256) -> Result<Head> {
        self.same("a block's header", |e| Box::pin(e.head(hash))).await
    }

    /// The hash of the best chain's block of this height.
    pub(crate) async fn hash_at(&self, height: u64) -> Result<Option<B256>> {
        self.same("the block of a height", |e| Box::pin(e.hash_at(height)))
            .await
    }

    /// All transactions of a block.
    pub(crate) async fn transactions(&self, block: BlockId) -> Result<Vec<Tx>> {
        self.same("a block's transactions", |e| Box::pin(e.transactions(block)))
            .await
    }

    /// What miners would take now, as far as any endpoint shows it: a window on the pools.
    pub(crate) async fn pending(&self) -> Vec<Tx> {
        let shown = self.each(|e| Box::pin(e.pending())).await;
        self.heard("the pool", shown)
    }

    /// The contract's events from a height on, as far as any endpoint shows them.
    pub(crate) async fn overheard(&self, contract: Address, from: u64) -> Vec<Settled> {
        let shown = self.each(|e| Box::pin(e.settled_from(contract, from))).await;
        self.heard("events", shown)
    }

    fn heard<T>(&self, what: &str, shown: Vec<Result<Vec<T>>>) -> Vec<T> {
        let mut all = Vec::new();
        for answer in shown {
            match answer {
                Ok(some) => all.extend(some),
                Err(error) => tracing::debug!(%error, what, "an endpoint does not show"),
            }
        }
        all
    }

    pub(crate) async fn transaction(&self, hash: B256) -> Result<Option<Tx>> {
        self.same("a transaction", |e| Box::pin(e.transaction(hash)))
            .await
    }

    /// Height of the block that holds the transaction, and whether it succeeded.
    pub(crate) async fn receipt(&self, hash: B256) -> Result<Option<(u64, bool)>> {
        self.same("a receipt", |e| Box::pin(e.receipt(hash))).await
    }

    /// The contract's events in one block.
    pub(crate) async fn settled_in(&self, contract: Address, block: B256) -> Result<Vec<Settled>> {
        self.same("the contract's events", |e| {
            Box::pin(e.settled_in(contract, block))
        })
        .await
    }

    /// The contract's events about one slot, between two heights.
    pub(crate) async fn settled_since(
        &self,
        contract: Address,
        slot: U256,
        from: u64,
        to: u64,
    ) -> Result<Vec<Settled>> {
        self.same("the contract's past events", |e| {
            Box::pin(e.settled_since(contract, slot, from, to))
        })
        .await
    }

    /// The values of many slots in the state after one block.
    pub(crate) async fn slots(&self, contract: Address, which: &[U256], block: BlockId) -> Result<Vec<B256>> {
        self.same("the contract's state", |e| {
            Box::pin(e.slots(contract, which, block))
        })
        .await
    }

    pub(crate) async fn code(&self, address: Address) -> Result<Bytes> {
        self.same("the contract's code", |e| Box::pin(e.code(address)))
            .await
    }

    /// As our own node has it.
    pub(crate) async fn our_code(&self, address: Address) -> Result<Bytes> {
        self.ours.code(address).await
    }

    pub(crate) async fn nonce(&self, address: Address, block: BlockId) -> Result<u64> {
        self.same("an account's nonce", |e| Box::pin(e.nonce(address, block)))
            .await
    }

    /// The lowest price that any endpoint names.
    pub(crate) async fn gas_price(&self) -> Result<u128> {
        let prices = self.each(|e| Box::pin(e.gas_price())).await;
        let mut answers = prices.into_iter();
        let ours = answers
            .next()
            .unwrap_or(Err(NodeError::Odd("there is no endpoint")));
        let lowest = answers.filter_map(Result::ok).min();
        match (ours, lowest) {
            (Ok(ours), Some(lowest)) => Ok(ours.min(lowest)),
            (Err(_), Some(lowest)) => Ok(lowest),
            (ours, None) => ours,
        }
    }

    /// The best block of each endpoint that answers, our own first.
    pub(crate) async fn bests(&self) -> Vec<Head> {
        let bests = self.each(|e| Box::pin(e.best())).await;
        bests.into_iter().filter_map(Result::ok).collect()
    }

    /// As the first endpoint that answers has it: how many transactions of the account are in blocks.
    pub(crate) async fn any_nonce(&self, address: Address) -> Result<u64> {
        self.any(|e| Box::pin(e.nonce(address, BlockId::latest()))).await
    }

    /// As the first endpoint that answers has it: what the slots hold after its best block.
    pub(crate) async fn any_slots(&self, contract: Address, which: &[U256]) -> Result<Vec<B256>> {
        self.any(|e| Box::pin(e.slots(contract, which, BlockId::latest())))
            .await
    }

    /// What our own node says that slots hold now.
    pub(crate) async fn our_slots(&self, contract: Address, which: &[U256]) -> Result<Vec<B256>> {
        self.ours.slots(contract, which, BlockId::latest()).await
    }

    pub(crate) async fn coins(&self, address: Address) -> Result<U256> {
        self.ours.coins(address).await
    }

    pub(crate) async fn tokens(&self, token: Address, owner: Address) -> Result<U256> {
        self.ours.tokens(token, owner).await
    }

    pub(crate) async fn allowance(&self, token: Address, owner: Address, spender: Address) -> Result<U256> {
        self.ours.allowance(token, owner, spender).await
    }

    /// Whether the token would pay somebody out of the contract today. Shows no preimage. `Err(Reverted)`: it would not.
    pub(crate) async fn would_pay(
        &self,
        token: Address,
        from: Address,
        to: Address,
        amount: U256,
    ) -> Result<bool> {
        self.ours.would_pay(token, from, to, amount).await
    }

    /// Whether the call would succeed today with the gas that it names. [`NodeError::Reverted`]: it would not.
    pub(crate) async fn try_call(&self, from: Address, call: &Call) -> Result<()> {
        self.ours.try_call(from, call).await
    }

    /// Whether the last of these calls, made one after the other, would succeed today. Not every node can say: older
    /// ones answer with another error than [`NodeError::Reverted`].
    pub(crate) async fn try_calls(&self, from: Address, calls: &[Call]) -> Result<()> {
        self.ours.try_calls(from, calls).await
    }
}
