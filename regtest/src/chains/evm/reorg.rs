//! Takes an anvil's last blocks away.

use serde_json::{Value, json};

use super::EvmDriver;
use crate::chains::clock::Clock;
use crate::error::{Error, Result};

/// A block that is to be empty is mined at most so often: whoever waits for a transaction may send it again meanwhile.
const EMPTY_TRIES: u32 = 50;

impl EvmDriver {
    /// Replaces the last `depth` blocks by `depth + 1` empty ones; what was in the old ones waits in the pool.
    ///
    /// Not by `anvil_reorg`: that dates the new blocks before the old ones, forgets the transactions and leaves those
    /// in the pool without their predecessors, none of which a real chain does.
    pub(crate) async fn reorg(&self, depth: u64, clock: &Clock) -> Result<()> {
        let old = self.tip().await?;
        if depth == 0 || depth > old.height {
            return Err(Error::ReorgDepth {
                chain: self.chain,
                asked: depth,
                most: old.height,
            });
        }
        let mut taken = Vec::new();
        for height in old.height - depth + 1..=old.height {
            self.take_block(height, &mut taken).await?;
        }
        self.take_pool(&mut taken).await?;
        self.rpc.call("anvil_rollback", json!([depth])).await?;
        // Later than the old tip: chain time stands still in no reorg of ours, and no new block equals an old one.
        let after = old.time.saturating_add(1);
        for _ in 0..=depth {
            self.mine_empty(after.max(clock.now()), &mut taken).await?;
        }
        for transaction in taken {
            if let Err(error) = self
                .rpc
                .call("eth_sendRawTransaction", json!([transaction]))
                .await
            {
                tracing::debug!(chain = %self.chain, %error, "a reorg made a transaction invalid");
            }
        }
        Ok(())
    }

    /// Mines one block with nothing in it. What is sent before it is mined, as by a node that misses its transaction,
    /// is taken too.
    async fn mine_empty(&self, not_before: u64, taken: &mut Vec<Value>) -> Result<()> {
        for _ in 0..EMPTY_TRIES {
            self.take_pool(taken).await?;
            self.mine_one(not_before).await?;
            let height = self.tip().await?.height;
            if !self.take_block(height, taken).await? {
                return Ok(());
            }
            self.rpc.call("anvil_rollback", json!([1])).await?;
        }
        Err(Error::NeverEmpty {
            chain: self.chain,
            tries: EMPTY_TRIES,
        })
    }

    /// Takes note of a block's transactions; whether there are any.
    async fn take_block(&self, height: u64, taken: &mut Vec<Value>) -> Result<bool> {
        let params = json!([format!("{height:#x}"), false]);
        let block = self.rpc.call("eth_getBlockByNumber", params).await?;
        let hashes = block["transactions"].as_array().into_iter().flatten();
        let before = taken.len();
        for hash in hashes {
            let raw = self.rpc.call("eth_getRawTransactionByHash", json!([hash]));
            taken.push(raw.await?);
        }
        Ok(taken.len() > before)
    }

    /// Takes note of what waits in the pool, and empties it.
    async fn take_pool(&self, taken: &mut Vec<Value>) -> Result<()> {
        for hash in self.pooled().await? {
            let raw = self.rpc.call("eth_getRawTransactionByHash", json!([hash]));
            taken.push(raw.await?);
        }
        self.rpc.call("anvil_dropAllTransactions", json!([])).await?;
        Ok(())
    }

    /// Hashes of the transactions that wait in the pool, each sender's in the order of their nonces.
    async fn pooled(&self) -> Result<Vec<Value>> {
        let content = self.rpc.call("txpool_content", json!([])).await?;
        let mut hashes = Vec::new();
        for part in ["pending", "queued"] {
            for sent in content[part]
                .as_object()
                .into_iter()
                .flat_map(|senders| senders.values())
            {
                let mut by_nonce: Vec<(u64, Value)> = Vec::new();
                for (nonce, transaction) in sent.as_object().into_iter().flatten() {
                    by_nonce.push((nonce.parse().unwrap_or(u64::MAX), transaction["hash"].clone()));
                }
                by_nonce.sort_by_key(|(nonce, _)| *nonce);
                hashes.extend(by_nonce.into_iter().map(|(_, hash)| hash));
            }
        }
        Ok(hashes)
    }
}
