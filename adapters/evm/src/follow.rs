//! Follows the best chain and keeps the facts of all legs: a constant number of calls a block, however many legs.
//!
//! For a new block: its header, the contract's events in it, one `slots(…)` of all watched slots in the state after it
//! (by block hash), and the whole block only if a watched slot changed. A lock has a depth because its slot holds the
//! commitment in every state from its block to the tip. Blocks are joined by parent hash; what a reorg takes away is
//! forgotten back to the common block, and beyond the remembered blocks everything is looked at anew.

use crate::facts::{Leg, SlotBlock};
use crate::node::{Head, Node, NodeError, Settled};
use alloy::primitives::{Address, B256, U256};
use kofo_primitives::{LegRef, Preimage};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// So many blocks are remembered, and so far apart may two looks be without starting over.
const REACH: usize = 64;

pub(crate) struct Follower {
    contract: Address,
    /// The best chain's last blocks, each the parent of the next. All facts are of its last block.
    chain: VecDeque<Head>,
    /// The watched slots in the state after that block.
    values: BTreeMap<U256, B256>,
    pub(crate) legs: BTreeMap<LegRef, Leg>,
    /// The node showed a lock that went away without an event.
    pub(crate) in_doubt: bool,
    /// Some endpoint has later blocks than all have.
    pub(crate) behind: bool,
    /// The latest time that any endpoint showed of a block: nothing is earlier than that.
    pub(crate) latest: u64,
    /// When the endpoints last agreed.
    agreed_at: Option<Instant>,
}

impl Follower {
    pub(crate) fn new(contract: Address) -> Self {
        Self {
            contract,
            chain: VecDeque::new(),
            values: BTreeMap::new(),
            legs: BTreeMap::new(),
            in_doubt: false,
            behind: false,
            latest: 0,
            agreed_at: None,
        }
    }

    /// The block of which the facts are.
    pub(crate) fn tip(&self) -> Option<Head> {
        self.chain.back().copied()
    }

    /// The chain's time by our own clock since the endpoints last agreed on it: what none of them can move.
    pub(crate) fn time_by_ourselves(&self) -> Option<u64> {
        let since = self.agreed_at?.elapsed().as_secs();
        Some(self.tip()?.time.saturating_add(since))
    }

    /// What a slot holds at the tip, if it is watched.
    pub(crate) fn value(&self, slot: U256) -> Option<B256> {
        self.values.get(&slot).copied()
    }

    /// Follows a leg from now on. What it was before this is known after the next [`Follower::advance`].
    pub(crate) fn watch(&mut self, leg: LegRef, new: Leg) {
        self.legs.insert(leg, new);
    }

    pub(crate) fn unwatch(&mut self, leg: LegRef) {
        self.legs.remove(&leg);
        let legs = &self.legs;
        self.values
            .retain(|slot, _| legs.values().any(|l| l.htlc.slot() == *slot));
    }

    /// Catches up with the node. Whether the tip changed. After an error it stands at a block in between, and the next
    /// call goes on from there.
    pub(crate) async fn advance(&mut self, node: &Node) -> Result<bool, NodeError> {
        let before = self.tip();
        let agreed = node.agreed(before).await?;
        let best = agreed.head;
        (self.behind, self.latest) = (!agreed.whole, agreed.latest);
        self.agreed_at = Some(Instant::now());
        if before != Some(best) {
            self.join(node, best).await?;
        }
        let unscanned: Vec<_> = self
            .legs
            .iter()
            .filter(|(_, leg)| !leg.scanned)
            .map(|(r, _)| *r)
            .collect();
        for leg in unscanned {
            self.scan(node, leg).await?;
        }
        Ok(before != self.tip())
    }

    async fn join(&mut self, node: &Node, best: Head) -> Result<(), NodeError> {
        let mut missing = vec![best];
        let base = loop {
            let lowest = missing.last().copied().unwrap_or(best);
            if let Some(base) = self.chain.iter().position(|head| head.hash == best.hash) {
                missing.clear();
                break base;
            }
            if let Some(base) = self.chain.iter().position(|head| head.hash == lowest.parent) {
                break base;
            }
            let oldest = self.chain.front().map_or(u64::MAX, |head| head.height);
            if lowest.height <= oldest || missing.len() >= REACH {
                return self.start_over(best);
            }
            missing.push(node.head(lowest.parent).await?);
        };
        self.back_to(node, base).await?;
        for head in missing.into_iter().rev() {
            self.take(node, head).await?;
        }
        Ok(())
    }

    fn start_over(&mut self, best: Head) -> Result<(), NodeError> {
        self.chain = VecDeque::from([best]);
        self.values.clear();
        self.legs.values_mut().for_each(Leg::start_over);
        Ok(())
    }

    /// Forgets the blocks above the one at this place.
    async fn back_to(&mut self, node: &Node, base: usize) -> Result<(), NodeError> {
        let Some(head) = self
            .chain
            .get(base)
            .copied()
            .filter(|head| self.tip() != Some(*head))
        else {
            return Ok(());
        };
        let slots: Vec<_> = self.values.keys().copied().collect();
        let values = self.read(node, &slots, head.hash).await?;
        self.chain.truncate(base.saturating_add(1));
        self.values = slots.into_iter().zip(values).collect();
        self.legs
            .values_mut()
            .for_each(|leg| leg.forget_above(head.height));
        Ok(())
    }

    /// Takes in the block that follows the tip: first everything is asked, then everything is changed.
    async fn take(&mut self, node: &Node, head: Head) -> Result<(), NodeError> {
        let slots: Vec<_> = self.values.keys().copied().collect();
        let (mut events, mut values, mut txs) = (Vec::new(), Vec::new(), Vec::new());
        if !slots.is_empty() {
            events = node.settled_in(self.contract, head.hash).await?;
            values = self.read(node, &slots, head.hash).await?;
            let moved = slots
                .iter()
                .zip(&values)
                .any(|(slot, new)| self.values.get(slot) != Some(new));
            if moved || events.iter().any(|event| self.values.contains_key(&event.slot)) {
                txs = node.transactions(head.hash.into()).await?;
            }
        }
        let new: BTreeMap<U256, B256> = slots.into_iter().zip(values).collect();
        for leg in self.legs.values_mut().filter(|leg| leg.scanned) {
            let slot = leg.htlc.slot();
            let (Some(old), Some(new)) = (self.values.get(&slot), new.get(&slot)) else {
                continue;
            };
            let events = events.iter().filter(|event| event.slot == slot).collect();
            let block = SlotBlock {
                height: head.height,
                old: *old,
                new: *new,
                events,
                txs: &txs,
            };
            self.in_doubt |= !leg.apply(&block);
        }
        self.values = new;
        self.chain.push_back(head);
        while self.chain.len() > REACH {
            self.chain.pop_front();
        }
        Ok(())
    }

    async fn read(&self, node: &Node, slots: &[U256], block: B256) -> Result<Vec<B256>, NodeError> {
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        node.slots(self.contract, slots, block.into()).await
    }

    /// Learns a leg's past, up to the tip, from events and from the states of old blocks.
    async fn scan(&mut self, node: &Node, at: LegRef) -> Result<(), NodeError> {
        let (Some(tip), Some(leg)) = (self.tip(), self.legs.get(&at)) else {
            return Ok(());
        };
        let (slot, from) = (leg.htlc.slot(), leg.spec.from_height.min(tip.height));
        let past = Past {
            node,
            contract: self.contract,
            slot,
        };
        let value = past.value(tip.hash.into()).await?;
        let events = node.settled_since(self.contract, slot, from, tip.height).await?;
        let mut found = Leg::new(leg.spec.clone(), leg.htlc.clone());
        let mut since = from;
        for event in &events {
            past.take_event(&mut found, event, since).await?;
            since = event.height;
        }
        let free = U256::from_be_bytes(value.0) <= U256::from(1);
        if !free && found.facts.end.is_none() {
            let height = past.first(value, since, tip.height).await;
            let txs = node.transactions(height.into()).await?;
            found.apply(&SlotBlock {
                height,
                old: B256::ZERO,
                new: value,
                events: Vec::new(),
                txs: &txs,
            });
        }
        if node.hash_at(tip.height).await? != Some(tip.hash) {
            return Err(NodeError::Odd("the chain changed while its past was read"));
        }
        self.values.insert(slot, value);
        if let Some(leg) = self.legs.get_mut(&at) {
            let (cancel, glimpse) = (leg.facts.cancel, leg.facts.glimpse.take());
            leg.facts = found.facts;
            leg.facts.cancel = cancel;
            leg.facts.glimpse = leg.facts.glimpse.take().or(glimpse);
            leg.scanned = true;
        }
        Ok(())
    }

    /// Looks for preimages of open legs in the pools, in one call to each endpoint; and, while they do not agree, in all
    /// events since what they agreed on: whoever shows a preimage is believed.
    pub(crate) async fn overhear(&mut self, node: &Node, together: bool) {
        let open = |leg: &Leg| !leg.scanned || leg.is_open() || leg.facts.glimpse.is_some();
        if !self.legs.values().any(open) {
            return;
        }
        let pending = node.pending().await;
        let ours: Vec<_> = pending.iter().filter(|tx| tx.to == Some(self.contract)).collect();
        let events = if together {
            Vec::new()
        } else {
            node.overheard(self.contract, self.agreed_up_to()).await
        };
        for leg in self.legs.values_mut() {
            let in_pool = ours.iter().find_map(|tx| {
                let preimage: Preimage = crate::calls::shown_preimage(leg.htlc.hashlock, &tx.input)?;
                Some((preimage, tx.hash))
            });
            let in_event = || {
                events.iter().find_map(|event| {
                    let preimage = Preimage::new(event.preimage?.0);
                    (preimage.hashlock() == leg.spec.hashlock).then_some((preimage, event.tx))
                })
            };
            match in_pool.or_else(in_event) {
                Some((preimage, tx)) => leg.glimpse(preimage, tx),
                None => leg.no_glimpse(),
            }
        }
    }

    /// The first height of which not everything is known.
    fn agreed_up_to(&self) -> u64 {
        let unscanned = self.legs.values().filter(|leg| !leg.scanned);
        let oldest = unscanned.map(|leg| leg.spec.from_height).min();
        let next = self.tip().map(|tip| tip.height.saturating_add(1));
        oldest.into_iter().chain(next).min().unwrap_or(0)
    }
}

/// One slot in the states of old blocks.
struct Past<'a> {
    node: &'a Node,
    contract: Address,
    slot: U256,
}

impl Past<'_> {
    async fn value(&self, block: alloy::eips::BlockId) -> Result<B256, NodeError> {
        let values = self.node.slots(self.contract, &[self.slot], block).await?;
        values
            .first()
            .copied()
            .ok_or(NodeError::Odd("slots() of the contract gave an empty list"))
    }

    async fn take_event(&self, leg: &mut Leg, event: &Settled, since: u64) -> Result<(), NodeError> {
        let before = event.height.saturating_sub(1);
        // A node that forgot that state cannot say; then the transaction itself must.
        let old = self.value(before.into()).await.unwrap_or_default();
        let tx = self.node.transaction(event.tx).await?;
        let txs: Vec<_> = tx.into_iter().collect();
        let (height, new) = (event.height, B256::ZERO);
        let held = old == leg.htlc.commitment();
        leg.apply(&SlotBlock {
            height,
            old,
            new,
            events: vec![event],
            txs: &txs,
        });
        if held && leg.facts.lock.is_some_and(|(at, _)| at == height) {
            let locked = self.first(old, since, before).await;
            let txs = self.node.transactions(locked.into()).await?;
            leg.facts.lock = None;
            let end = leg.facts.end.take();
            leg.apply(&SlotBlock {
                height: locked,
                old: B256::ZERO,
                new: old,
                events: Vec::new(),
                txs: &txs,
            });
            leg.facts.end = end;
        }
        Ok(())
    }

    /// The lowest height in `from ..= to` from which on the slot holds the value, given that it does so at `to`. A state
    /// that the node does not have any more counts as not holding it: the depth is then understated, never overstated.
    async fn first(&self, value: B256, from: u64, to: u64) -> u64 {
        let (mut low, mut high) = (from, to);
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            if self.value(middle.into()).await.ok() == Some(value) {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        high
    }
}
