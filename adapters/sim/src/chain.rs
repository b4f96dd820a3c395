//! The chain itself, and everything that a simulation can do to it.

mod state;

pub(crate) use state::State;

use crate::ledger::Refusal;
use crate::tx::{AccountId, Note, NoteId, Owner, SimTx};
use kofo_primitives::{Amount, AssetId, ChainId, Health, Seconds, Tip, TxId, UnixTime};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

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

/// What a chain's money is made of. It decides what two parties gain by signing together, and what a third party needs
/// to act for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Like Bitcoin: two signatures replace the preimage and the timelock, and a third party sends only what the owner
    /// signed in advance, at a few levels of fee.
    Outputs,
    /// Like an EVM chain: two signatures replace the timelock only, and anybody may redeem or refund for the owner.
    Accounts,
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

impl SimChain {
    /// A chain of [`Kind::Outputs`], of one empty block of that time.
    #[must_use]
    pub fn new(id: ChainId, assets: impl IntoIterator<Item = AssetId>, time: UnixTime) -> Self {
        Self::of_kind(Kind::Outputs, id, assets, time)
    }

    /// A chain of one empty block of that time.
    #[must_use]
    pub fn of_kind(
        kind: Kind,
        id: ChainId,
        assets: impl IntoIterator<Item = AssetId>,
        time: UnixTime,
    ) -> Self {
        let state = State::new(kind, time);
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

    /// What its money is made of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.state().kind
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

    /// From now on blocks have the time of so long ago, as Bitcoin's median time lags its clocks.
    pub fn set_lag(&self, lag: Seconds) {
        self.state().lag = lag;
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
