//! How a leg ended, proved by its chain's own blocks: what a party hands in when validators see nothing of a chain, or
//! something else than happened.

use super::client::{Clearing, OrderFate};
use super::error::ClearingError;
use crate::clock::now_ms;
use crate::rpc::{ApiError, ApiErrorKind};
use kofo_adapter_api::AdapterError;
use kofo_bitcoin::BlockReader;
use kofo_bitcoin_proof::{BitcoinProofs, Found, Parts, Search, Seen, prove};
use kofo_clearance::{Fact, LegProofs, ProofLeg, ProofRule, Proven, Submission};
use kofo_primitives::{ChainId, HtlcSpec, LegId, SwapId, TxId};
use std::collections::BTreeMap;
use std::time::Duration;

/// So many blocks of a chain are looked through: a leg of any order is over long before.
const MAX_BLOCKS: u64 = 10_000;
/// Validators have so long (ms) to end an order by what was proved.
const PATIENCE_MS: u64 = 15_000;
/// Between two looks whether they did.
const BEAT: Duration = Duration::from_millis(250);

/// Whose blocks can be read, by chain.
pub type Readers = BTreeMap<ChainId, BlockReader>;

/// A leg of an order that is to be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegAsked {
    /// Which.
    pub leg: LegId,
    /// Its terms.
    pub spec: HtlcSpec,
}

/// What a chain proves of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Of which leg.
    pub leg: LegId,
    /// On which chain.
    pub chain: ChainId,
    /// How it ended.
    pub fact: Fact,
    /// In which transaction.
    pub tx: TxId,
    /// In the block of this height.
    pub height: u64,
    /// So many headers are in the proof, as many as the network's rule asks for.
    pub depth: u32,
    /// The proof, as validators read it.
    pub bytes: Vec<u8>,
}

/// Why nothing is proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveFailed {
    /// Only parties know an order's legs.
    #[error(
        "this node is no party of order {0}: expected the id of a swap with a fee that this node made or provides for"
    )]
    NoParty(SwapId),
    /// Nothing of an order that validators do not have can be proved to them.
    #[error("order {0} is not final: expected one that validators have committed")]
    NotFinal(SwapId),
    /// The network's rules take no proof of these chains.
    #[error("the network has no rule for proofs of {0}: what validators observe themselves must do")]
    NoRule(String),
    /// No blocks to read.
    #[error("a proof of {0} needs the blocks of a bitcoind of our own, and the configuration names none")]
    NoBlocks(ChainId),
    /// Nobody ended it.
    #[error("leg {leg} is {seen} in blocks {from} to {to} of {chain}: a proof shows only how a leg ended")]
    NotOver {
        /// Which leg.
        leg: LegId,
        /// On which chain.
        chain: ChainId,
        /// What was seen of it.
        seen: String,
        /// The first block that was looked through.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Not deep enough yet.
    #[error(
        "leg {leg} was ended by {tx}, which is {have} blocks deep: the network's rule asks for {want}; ask again \
         {missing} blocks later"
    )]
    Shallow {
        /// Which leg.
        leg: LegId,
        /// By which transaction.
        tx: TxId,
        /// How deep it is.
        have: u64,
        /// How deep it must be.
        want: u32,
        /// So many blocks are missing.
        missing: u64,
    },
    /// More blocks than anybody should have to look through.
    #[error("the leg may be in any of {0} blocks, expected at most {MAX_BLOCKS}: it is too old to be proved")]
    TooOld(u64),
    /// It cannot be made, or would prove nothing.
    #[error("there is no proof for leg {leg}: {why}")]
    NoProof {
        /// Which leg.
        leg: LegId,
        /// Why.
        why: String,
    },
    /// The chain's node.
    #[error(transparent)]
    Chain(#[from] AdapterError),
    /// Validators do not take it, or do not answer.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
}

impl Clearing {
    /// Proves to validators how legs of an order ended, as far as their chains show it, and waits a while for the order
    /// to end by that. What was proved; nothing of an order that is over.
    pub async fn prove(
        &self,
        readers: &Readers,
        order: SwapId,
        legs: &[LegAsked],
    ) -> Result<Vec<Proof>, ProveFailed> {
        let rules = &self.genesis().params.proofs;
        let rule_of = |leg: &LegAsked| rules.iter().find(|rule| rule.chain == leg.spec.chain());
        let ruled: Vec<_> = legs.iter().filter_map(|leg| Some((leg, rule_of(leg)?))).collect();
        if ruled.is_empty() {
            let chains: Vec<_> = legs.iter().map(|leg| leg.spec.chain().to_string()).collect();
            return Err(ProveFailed::NoRule(chains.join(" and ")));
        }
        match self.order(order).await? {
            OrderFate::Committed(committed) if committed.receipt.is_some() => return Ok(Vec::new()),
            OrderFate::Committed(_) => {}
            OrderFate::Open { .. } | OrderFate::Refused(_) => return Err(ProveFailed::NotFinal(order)),
        }
        let (mut proofs, mut failed) = (Vec::new(), None);
        for (leg, rule) in ruled {
            match self.prove_leg(readers, order, (leg, rule)).await {
                Ok(proof) => proofs.push(proof),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) if proofs.is_empty() => Err(error),
            Some(_) | None => {
                self.wait_ended(order).await;
                Ok(proofs)
            }
        }
    }

    async fn prove_leg(
        &self,
        readers: &Readers,
        order: SwapId,
        (leg, rule): (&LegAsked, &ProofRule),
    ) -> Result<Proof, ProveFailed> {
        let proof = of_leg(readers, leg, rule).await?;
        let proven = Proven {
            order,
            leg: leg.leg,
            proof: proof.bytes.clone(),
        };
        self.submit(Submission::Proven(Box::new(proven))).await?;
        Ok(proof)
    }

    /// Whether the order ends is for the caller to see: it may need its other leg for that.
    async fn wait_ended(&self, order: SwapId) {
        let until_ms = now_ms().saturating_add(PATIENCE_MS);
        while now_ms() < until_ms {
            if let Ok(OrderFate::Committed(committed)) = self.glance(order).await
                && committed.receipt.is_some()
            {
                return;
            }
            tokio::time::sleep(BEAT).await;
        }
    }
}

/// The end of a leg in its chain's blocks, if it is there and as deep as the rule asks.
async fn of_leg(readers: &Readers, asked: &LegAsked, rule: &ProofRule) -> Result<Proof, ProveFailed> {
    let reader = readers
        .get(&rule.chain)
        .ok_or_else(|| ProveFailed::NoBlocks(rule.chain.clone()))?;
    let leg = as_validators_see(&asked.spec);
    let (found, (height, block), tip) = search(reader, asked, &leg).await?;
    let have = tip.saturating_sub(height).saturating_add(1);
    if have < rule.depth.into() {
        return Err(ProveFailed::Shallow {
            leg: asked.leg,
            tx: found.tx,
            have,
            want: rule.depth,
            missing: u64::from(rule.depth).saturating_sub(have),
        });
    }
    let no_proof = |why: String| ProveFailed::NoProof { leg: asked.leg, why };
    let mut above = Vec::new();
    for up in 1..u64::from(rule.depth) {
        above.push(reader.header(height.saturating_add(up)).await?);
    }
    let made = prove(&Parts {
        block: &block,
        above: &above,
        tx: found.tx,
        lock: &found.lock,
    });
    let bytes = made.map_err(|error| no_proof(error.to_string()))?;
    // A reorg while we read makes one that proves nothing.
    let fact = BitcoinProofs.fact(&leg, rule, &bytes);
    Ok(Proof {
        leg: asked.leg,
        chain: rule.chain.clone(),
        fact: fact.map_err(|error| no_proof(error.to_string()))?,
        tx: found.tx,
        height,
        depth: rule.depth,
        bytes,
    })
}

/// The end, its block with the height, and the height of the best one.
async fn search(
    reader: &BlockReader,
    asked: &LegAsked,
    leg: &ProofLeg<'_>,
) -> Result<(Found, (u64, Vec<u8>), u64), ProveFailed> {
    let no_proof = |why: String| ProveFailed::NoProof { leg: asked.leg, why };
    let mut search = Search::new(leg).map_err(|error| no_proof(error.to_string()))?;
    let (from, tip) = (asked.spec.from_height, reader.height().await?);
    let many = tip.saturating_sub(from).saturating_add(1);
    if many > MAX_BLOCKS {
        return Err(ProveFailed::TooOld(many));
    }
    for height in from..=tip {
        let block = reader.block(height).await?;
        let found = search.look(&block).map_err(|error| no_proof(error.to_string()))?;
        if let Some(found) = found {
            return Ok((found, (height, block), tip));
        }
    }
    Err(ProveFailed::NotOver {
        leg: asked.leg,
        chain: asked.spec.chain(),
        seen: match search.seen() {
            Seen::Nothing => "not locked".to_owned(),
            Seen::Locked => "locked and neither redeemed nor refunded".to_owned(),
            Seen::Unclear(tx) => format!("ended by {tx}, which does not show how,"),
        },
        from,
        to: tip,
    })
}

const fn as_validators_see(spec: &HtlcSpec) -> ProofLeg<'_> {
    ProofLeg {
        asset: &spec.asset,
        amount: spec.amount,
        place: &spec.place,
        redeemer: &spec.redeemer,
        refunder: &spec.refunder,
        hashlock: &spec.hashlock,
        timelock: spec.timelock,
    }
}

impl From<ProveFailed> for ApiError {
    fn from(error: ProveFailed) -> Self {
        let kind = match error {
            ProveFailed::Chain(error) => return error.into(),
            ProveFailed::Clearing(error) => return error.into(),
            ProveFailed::NoParty(_) | ProveFailed::NotFinal(_) => ApiErrorKind::NotFound,
            ProveFailed::NotOver { .. } | ProveFailed::Shallow { .. } => ApiErrorKind::WrongState,
            ProveFailed::NoRule(_)
            | ProveFailed::NoBlocks(_)
            | ProveFailed::TooOld(_)
            | ProveFailed::NoProof { .. } => ApiErrorKind::Refused,
        };
        Self::new(kind, error)
    }
}
