//! The chain itself, and everything that a simulation can do to it.

use crate::ledger::{Ledger, Refusal};
use crate::tx::{AccountId, Note, NoteId, Owner, SimTx};
use kofo_primitives::{Amount, AssetId, ChainId, Health, Seconds, Tip, TxId, UnixTime};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// The fee that a block asks for until [`SimChain::set_fee_floor`] says otherwise.
const FIRST_FEE_FLOOR: Amount = Amount::new(10);

/// One block of the best chain.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its height; the first block has 0.
    pub height: u64,
    /// The chain's time, by which it judges refunds.
    pub time: UnixTime,
    /// Its hash: unlike that of any other block ever mined, also after a reorg.
    pub hash: [u8; 32],
    /// The hash of the block before.
    pub parent: [u8; 32],
    /// In the order in which they apply.
    pub txs: Vec<SimTx>,
}

/// What becomes of the transactions of blocks that a reorg drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// They wait in the mempool again.
    Return,
    /// They are gone until somebody sends them again.
    Vanish,
}

/// A handle of one chain; clones share it.
#[derive(Clone, Debug)]
pub struct SimChain(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    id: ChainId,
    assets: BTreeSet<AssetId>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
pub(crate) struct State {
    /// Index = height.
    pub(crate) blocks: Vec<Block>,
    /// After each block; empty blocks share their parent's.
    ledgers: Vec<Arc<Ledger>>,
    /// In order of arrival.
    pub(crate) mempool: Vec<SimTx>,
    pub(crate) fee_floor: Amount,
    pub(crate) health: Health,
    /// Grows with everything that nodes are told of.
    pub(crate) announced: u64,
    now: UnixTime,
    minted: BTreeMap<AssetId, u128>,
    /// Makes each block's and each minted note's id unlike all others.
    serial: u64,
    calls: u64,
    pub(crate) cut: bool,
    refuse: u32,
    fail_after_accepting: u32,
}

impl State {
    pub(crate) fn ledger(&self) -> &Ledger {
        self.ledgers.last().expect("the first block is never dropped")
    }

    pub(crate) fn best(&self) -> &Block {
        self.blocks.last().expect("the first block is never dropped")
    }

    pub(crate) fn tip(&self) -> Tip {
        let best = self.best();
        Tip {
            height: best.height,
            time: best.time,
        }
    }

    fn next_id(&mut self) -> [u8; 32] {
        self.serial = self.serial.saturating_add(1);
        Sha256::digest(self.serial.to_be_bytes()).into()
    }

    fn receive(&mut self, tx: SimTx) -> Result<TxId, Refusal> {
        if self.cut {
            return Err(Refusal::Busy);
        }
        if self.refuse > 0 {
            self.refuse = self.refuse.saturating_sub(1);
            return Err(Refusal::Busy);
        }
        let answer = self.admit(tx);
        if answer.is_ok() && self.fail_after_accepting > 0 {
            self.fail_after_accepting = self.fail_after_accepting.saturating_sub(1);
            return Err(Refusal::Busy);
        }
        answer
    }

    fn admit(&mut self, tx: SimTx) -> Result<TxId, Refusal> {
        let id = tx.id();
        if self.mempool.contains(&tx) {
            return Ok(id);
        }
        self.ledger().allows(&tx, self.now)?;
        let rivals = self.mempool.iter().filter(|other| other.conflicts_with(&tx));
        if let Some(most) = rivals.map(|other| other.fee).max().filter(|most| *most >= tx.fee) {
            return Err(Refusal::Conflict(most));
        }
        self.mempool.retain(|other| !other.conflicts_with(&tx));
        self.mempool.push(tx);
        self.announced = self.announced.saturating_add(1);
        Ok(id)
    }

    fn drop_blocks(&mut self, blocks: u32, txs: Dropped) {
        for _ in 0..blocks {
            if self.blocks.len() < 2 {
                break;
            }
            self.ledgers.pop();
            let dropped = self.blocks.pop().map(|block| block.txs).unwrap_or_default();
            if txs == Dropped::Return {
                self.mempool
                    .retain(|tx| !dropped.iter().any(|back| back.conflicts_with(tx)));
                self.mempool.extend(dropped);
            }
        }
    }

    /// One block with all that waits, pays enough and is allowed now; the best payers first.
    fn mine_one(&mut self) {
        let (height, parent) = (self.best().height.saturating_add(1), self.best().hash);
        let time = self.now.max(self.best().time);
        let mut ledger = self.ledgers.last().cloned().unwrap_or_default();
        let mut waiting = std::mem::take(&mut self.mempool);
        waiting.sort_by_key(|tx| std::cmp::Reverse(tx.fee));
        let mut txs: Vec<SimTx> = Vec::new();
        // A child may stand before its parent: go round until nothing more fits.
        loop {
            let takes = |tx: &SimTx| tx.fee >= self.fee_floor && ledger.allows(tx, time).is_ok();
            let Some(next) = waiting.iter().position(takes) else {
                break;
            };
            let tx = waiting.remove(next);
            Arc::make_mut(&mut ledger).apply(&tx, height);
            txs.push(tx);
        }
        waiting.retain(|tx| !txs.iter().any(|mined| mined.conflicts_with(tx)));
        self.mempool = waiting;
        let hash = self.next_id();
        self.ledgers.push(ledger);
        self.blocks.push(Block {
            height,
            time,
            hash,
            parent,
            txs,
        });
    }
}

impl SimChain {
    /// A chain of one empty block of that time.
    #[must_use]
    pub fn new(id: ChainId, assets: impl IntoIterator<Item = AssetId>, time: UnixTime) -> Self {
        let first = Block {
            height: 0,
            time,
            hash: [0; 32],
            parent: [0; 32],
            txs: Vec::new(),
        };
        let state = State {
            blocks: vec![first],
            ledgers: vec![Arc::default()],
            mempool: Vec::new(),
            fee_floor: FIRST_FEE_FLOOR,
            health: Health::Healthy,
            announced: 0,
            now: time,
            minted: BTreeMap::new(),
            serial: 0,
            calls: 0,
            cut: false,
            refuse: 0,
            fail_after_accepting: 0,
        };
        let assets: BTreeSet<_> = assets.into_iter().collect();
        assert!(
            assets.iter().all(|asset| asset.chain() == id),
            "assets of {id} only"
        );
        Self(Arc::new(Shared {
            id,
            assets,
            state: Mutex::new(state),
            changed: Notify::new(),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ChainId {
        &self.0.id
    }

    /// Whether the asset is one of this chain.
    #[must_use]
    pub fn knows(&self, asset: &AssetId) -> bool {
        self.0.assets.contains(asset)
    }

    pub(crate) fn changed(&self) -> &Notify {
        &self.0.changed
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .state
            .lock()
            .expect("no method panics while it holds the chain")
    }

    /// One request of a node: it is counted.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&State) -> T) -> T {
        let mut state = self.state();
        state.calls = state.calls.saturating_add(1);
        question(&state)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = {
            let mut state = self.state();
            state.announced = state.announced.saturating_add(1);
            change(&mut state)
        };
        self.0.changed.notify_waiters();
        answer
    }

    // --- money ---------------------------------------------------------------------------------------------------

    /// Gives an account a new note, which no reorg takes away. Two locks at once need two notes.
    pub fn fund(&self, account: AccountId, asset: &AssetId, amount: Amount) {
        assert!(self.knows(asset), "{asset} is not on {}", self.id());
        self.change(|state| {
            let id = NoteId {
                tx: TxId(state.next_id()),
                index: 0,
            };
            let note = Note {
                owner: Owner::Account(account),
                asset: asset.clone(),
                amount,
                born: 0,
            };
            for ledger in &mut state.ledgers {
                Arc::make_mut(ledger).notes.insert(id, note.clone());
            }
            let minted = state.minted.entry(asset.clone()).or_default();
            *minted = minted.saturating_add(amount.units());
        });
    }

    /// What an account has in blocks, reserved or not.
    #[must_use]
    pub fn balance(&self, account: AccountId, asset: &AssetId) -> Amount {
        let mine = |owner: &Owner| *owner == Owner::Account(account);
        self.state().ledger().sum(asset, mine)
    }

    /// The notes of an owner in blocks that nothing in the mempool spends.
    #[must_use]
    pub fn notes(&self, owner: &Owner, asset: &AssetId) -> Vec<(NoteId, Amount)> {
        let state = self.state();
        let notes = state.ledger().notes.iter();
        notes
            .filter(|(_, note)| note.owner == *owner && note.asset == *asset)
            .filter(|(id, _)| !state.mempool.iter().any(|tx| tx.takes(**id)))
            .map(|(id, note)| (*id, note.amount))
            .collect()
    }

    /// What is locked in contracts.
    #[must_use]
    pub fn locked(&self, asset: &AssetId) -> Amount {
        let locked = |owner: &Owner| matches!(owner, Owner::Contract(_));
        self.state().ledger().sum(asset, locked)
    }

    /// The fees that all blocks took.
    #[must_use]
    pub fn fees(&self, asset: &AssetId) -> Amount {
        Amount::new(self.state().ledger().fees.get(asset).copied().unwrap_or(0))
    }

    /// All notes and all fees: equal to [`SimChain::minted`], or money was made or lost.
    #[must_use]
    pub fn total(&self, asset: &AssetId) -> Amount {
        let notes = self.state().ledger().sum(asset, |_| true);
        notes
            .checked_add(self.fees(asset))
            .expect("no more than was minted")
    }

    /// All that [`SimChain::fund`] ever gave.
    #[must_use]
    pub fn minted(&self, asset: &AssetId) -> Amount {
        Amount::new(self.state().minted.get(asset).copied().unwrap_or(0))
    }

    // --- blocks --------------------------------------------------------------------------------------------------

    /// The best block.
    #[must_use]
    pub fn tip(&self) -> Tip {
        self.state().tip()
    }

    /// The block of this height, if there is one.
    #[must_use]
    pub fn block(&self, height: u64) -> Option<Block> {
        let index = usize::try_from(height).ok()?;
        self.state().blocks.get(index).cloned()
    }

    /// The ids of what waits, in order of arrival.
    #[must_use]
    pub fn waiting(&self) -> Vec<TxId> {
        self.state().mempool.iter().map(SimTx::id).collect()
    }

    /// Mines so many blocks, all of the present time, and announces the last.
    pub fn mine(&self, blocks: u32) {
        self.change(|state| (0..blocks).for_each(|_| state.mine_one()));
    }

    /// Mines so many blocks that nodes hear of only with the next announcement.
    pub fn mine_quietly(&self, blocks: u32) {
        let mut state = self.state();
        (0..blocks).for_each(|_| state.mine_one());
    }

    /// Announces the best block, perhaps again.
    pub fn announce(&self) {
        self.change(|_| ());
    }

    /// Moves the time that the next block will have.
    pub fn advance(&self, span: Seconds) {
        let mut state = self.state();
        state.now = state.now.plus(span);
    }

    /// Drops the newest blocks (never the first), so that others can be mined in their place.
    pub fn drop_blocks(&self, blocks: u32, txs: Dropped) {
        self.change(|state| state.drop_blocks(blocks, txs));
    }

    /// Replaces the newest blocks by one more, all empty, before anybody looks.
    pub fn reorg(&self, blocks: u32, txs: Dropped) {
        self.change(|state| {
            state.drop_blocks(blocks, txs);
            let waiting = std::mem::take(&mut state.mempool);
            (0..=blocks).for_each(|_| state.mine_one());
            state.mempool = waiting;
        });
    }

    // --- transactions --------------------------------------------------------------------------------------------

    /// Offers a transaction to the mempool. A better-paying one replaces those that spend the same.
    pub fn submit(&self, tx: SimTx) -> Result<TxId, Refusal> {
        let answer = {
            let mut state = self.state();
            state.calls = state.calls.saturating_add(1);
            state.receive(tx)
        };
        self.0.changed.notify_waiters();
        answer
    }

    // --- faults --------------------------------------------------------------------------------------------------

    /// The next so many broadcasts are refused.
    pub fn refuse_broadcasts(&self, times: u32) {
        self.state().refuse = times;
    }

    /// The next so many broadcasts answer with an error although they were accepted.
    pub fn fail_after_accepting(&self, times: u32) {
        self.state().fail_after_accepting = times;
    }

    /// No node answers its adapter, or all do again. The chain goes on.
    pub fn cut(&self, cut: bool) {
        self.change(|state| state.cut = cut);
    }

    /// Forgets all that waits.
    pub fn evict_mempool(&self) {
        self.change(|state| state.mempool.clear());
    }

    /// Blocks take only what pays at least so much from now on.
    pub fn set_fee_floor(&self, floor: Amount) {
        self.change(|state| state.fee_floor = floor);
    }

    /// What nodes think of themselves from now on.
    pub fn set_health(&self, health: Health) {
        self.change(|state| state.health = health);
    }

    /// How many requests nodes made so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }
}
