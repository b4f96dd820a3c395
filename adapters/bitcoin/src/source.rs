//! Where the chain is read from and our transactions go to: a bitcoind, or a light client among its peers.

use async_trait::async_trait;
use bitcoin::block::Header;
use bitcoin::{Amount, Block, BlockHash, OutPoint, ScriptBuf, Transaction, Txid};

use crate::rpc::{Best, Rpc, RpcError};

/// A block, and what of it could concern us.
pub(crate) struct Asked<'a> {
    pub(crate) height: u64,
    pub(crate) hash: BlockHash,
    /// What our wallet and the watched legs are paid by.
    pub(crate) scripts: &'a [ScriptBuf],
}

/// One view of the chain. Nothing that it says is believed further than [`crate::nodes`] allows.
#[async_trait]
pub(crate) trait Source: Send + Sync {
    async fn best_hash(&self) -> Result<BlockHash, RpcError>;

    /// The best block with the height and the time that it is said to have.
    async fn best(&self) -> Result<Best, RpcError>;

    async fn height(&self, hash: BlockHash) -> Result<u64, RpcError>;

    async fn header(&self, hash: BlockHash) -> Result<Header, RpcError>;

    async fn block_hash(&self, height: u64) -> Result<BlockHash, RpcError>;

    /// Whether the block may pay to, or spend from, one of the scripts. Who cannot tell without reading it says yes.
    async fn may_touch(&self, asked: &Asked<'_>) -> Result<bool, RpcError>;

    async fn block(&self, hash: BlockHash) -> Result<Block, RpcError>;

    /// What is known to wait for a block.
    async fn mempool(&self) -> Result<Vec<Txid>, RpcError>;

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, RpcError>;

    /// What of that spends any of these outpoints.
    async fn mempool_spenders(&self, outpoints: &[OutPoint]) -> Result<Vec<Txid>, RpcError>;

    async fn send(&self, tx: &Transaction) -> Result<(), RpcError>;

    /// What gets a transaction into one of the next `blocks`, per 1,000 vbytes; nothing if too little was seen.
    async fn estimate_fee(&self, blocks: u32) -> Result<Option<Amount>, RpcError>;

    /// The least that is relayed now, per 1,000 vbytes.
    async fn least_fee(&self) -> Result<Option<Amount>, RpcError>;
}

#[async_trait]
impl Source for Rpc {
    async fn best_hash(&self) -> Result<BlockHash, RpcError> {
        self.best_hash().await
    }

    async fn best(&self) -> Result<Best, RpcError> {
        self.best().await
    }

    async fn height(&self, hash: BlockHash) -> Result<u64, RpcError> {
        self.height(hash).await
    }

    async fn header(&self, hash: BlockHash) -> Result<Header, RpcError> {
        self.header(hash).await
    }

    async fn block_hash(&self, height: u64) -> Result<BlockHash, RpcError> {
        self.block_hash(height).await
    }

    async fn may_touch(&self, _asked: &Asked<'_>) -> Result<bool, RpcError> {
        Ok(true)
    }

    async fn block(&self, hash: BlockHash) -> Result<Block, RpcError> {
        self.block(hash).await
    }

    async fn mempool(&self) -> Result<Vec<Txid>, RpcError> {
        self.mempool().await
    }

    async fn mempool_transaction(&self, txid: Txid) -> Result<Option<Transaction>, RpcError> {
        self.mempool_transaction(txid).await
    }

    async fn mempool_spenders(&self, outpoints: &[OutPoint]) -> Result<Vec<Txid>, RpcError> {
        self.mempool_spenders(outpoints).await
    }

    async fn send(&self, tx: &Transaction) -> Result<(), RpcError> {
        self.send(tx).await
    }

    async fn estimate_fee(&self, blocks: u32) -> Result<Option<Amount>, RpcError> {
        self.estimate_fee(blocks).await
    }

    async fn least_fee(&self) -> Result<Option<Amount>, RpcError> {
        self.least_fee().await
    }
}
