//! Blocks as our own bitcoind has them, for proofs that need no trust in us: whoever gets one checks it.

use bitcoin::consensus::serialize;
use kofo_adapter_api::AdapterError;
use kofo_primitives::ChainId;

use crate::rpc::{Rpc, RpcAuth, RpcError};

/// Reads blocks by their heights.
pub struct BlockReader {
    chain: ChainId,
    rpc: Rpc,
}

impl BlockReader {
    /// By a bitcoind that we trust to give the blocks of its best chain. Connects with the first question.
    #[must_use]
    pub fn new(chain: ChainId, url: String, auth: RpcAuth) -> Self {
        let rpc = Rpc::own(url, auth);
        Self { chain, rpc }
    }

    fn failed(&self, error: &RpcError) -> AdapterError {
        AdapterError::Node {
            chain: self.chain.clone(),
            why: error.to_string(),
        }
    }

    /// The height of the best block.
    pub async fn height(&self) -> Result<u64, AdapterError> {
        let best = self.rpc.best().await.map_err(|error| self.failed(&error))?;
        Ok(best.height)
    }

    /// The header at a height, as nodes serialize it.
    pub async fn header(&self, height: u64) -> Result<[u8; 80], AdapterError> {
        let asked = async {
            let hash = self.rpc.block_hash(height).await?;
            self.rpc.header(hash).await
        };
        let header = asked.await.map_err(|error| self.failed(&error))?;
        Ok(serialize(&header).try_into().expect("a header has 80 bytes"))
    }

    /// The block at a height, as nodes serialize it. A node that has pruned it says so.
    pub async fn block(&self, height: u64) -> Result<Vec<u8>, AdapterError> {
        let asked = async {
            let hash = self.rpc.block_hash(height).await?;
            self.rpc.block(hash).await
        };
        let block = asked.await.map_err(|error| self.failed(&error))?;
        Ok(serialize(&block))
    }
}

impl std::fmt::Debug for BlockReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlockReader({})", self.chain)
    }
}
