//! A toy chain in this process: accounts, one coin, blocks, and hash-locks as a kind of transaction. It does what a chain
//! must be able to do for swaps, and nothing else: no fees, no peers, and a sender is taken at its word.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, At, Hashlock, Preimage, Seconds, Tip, TxId, UnixTime};
use kofo_primitives::{encode, tagged_hash};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Who owns coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(crate) struct Account(pub(crate) u32);

/// What coins are locked under. Each is used once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(crate) struct Lock {
    /// Who locks, and has it back from the timelock on.
    pub(crate) refunder: Account,
    /// Tells the locks of one refunder apart.
    pub(crate) lane: u32,
    /// Who has it for the preimage.
    pub(crate) redeemer: Account,
    /// SHA-256 of the preimage.
    pub(crate) hashlock: Hashlock,
    /// When a refund is first possible, by the time of the block that holds it.
    pub(crate) timelock: UnixTime,
}

// ANCHOR: deed
/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Deed {
    /// Locks so much of the sender's.
    Lock(Lock, Amount),
    /// Pays the redeemer; anybody may send it.
    Redeem(Lock, Preimage),
    /// Pays the refunder; anybody may send it.
    Refund(Lock),
    /// Nothing but to use up its ticket.
    Nothing,
}
// ANCHOR_END: deed

/// A transaction. Of those of one sender with one ticket one only is ever in a chain of blocks: that is how a lock is
/// cancelled.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Tx {
    /// Who sends it.
    pub(crate) from: Account,
    /// Any number that the sender has not used.
    pub(crate) ticket: [u8; 32],
    /// What it does.
    pub(crate) deed: Deed,
}

impl Tx {
    /// Its name.
    pub(crate) fn id(&self) -> TxId {
        TxId(tagged_hash("toy/tx", &[&encode(self)]))
    }

    fn rivals(&self, other: &Self) -> bool {
        self.from == other.from && self.ticket == other.ticket
    }
}

/// Why a transaction is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) &'static str);

/// What blocks came to.
#[derive(Clone, Debug, Default)]
struct Ledger {
    coins: BTreeMap<Account, u128>,
    /// What each lock holds: nothing once it has ended.
    locks: BTreeMap<Lock, u128>,
    used: BTreeSet<(Account, [u8; 32])>,
}

impl Ledger {
    fn apply(&mut self, tx: &Tx, time: UnixTime) -> Result<(), Refusal> {
        if self.used.contains(&(tx.from, tx.ticket)) {
            return Err(Refusal("its ticket is used"));
        }
        match &tx.deed {
            Deed::Nothing => {}
            Deed::Lock(lock, amount) => self.lock(tx.from, lock, amount.units())?,
            Deed::Redeem(lock, preimage) if preimage.hashlock() == lock.hashlock => {
                self.end(lock, lock.redeemer)?;
            }
            Deed::Redeem(..) => return Err(Refusal("the preimage does not open the lock")),
            Deed::Refund(lock) if time >= lock.timelock => self.end(lock, lock.refunder)?,
            Deed::Refund(_) => return Err(Refusal("the timelock has not passed")),
        }
        self.used.insert((tx.from, tx.ticket));
        Ok(())
    }

    fn lock(&mut self, from: Account, lock: &Lock, units: u128) -> Result<(), Refusal> {
        if lock.refunder != from || units == 0 || self.locks.contains_key(lock) {
            return Err(Refusal(
                "expected coins of the refunder's, and a lock that was never used",
            ));
        }
        let coins = self.coins.entry(from).or_default();
        *coins = coins.checked_sub(units).ok_or(Refusal("the sender has less"))?;
        self.locks.insert(lock.clone(), units);
        Ok(())
    }

    fn end(&mut self, lock: &Lock, to: Account) -> Result<(), Refusal> {
        let held = self.locks.get_mut(lock).filter(|held| **held > 0);
        let units = std::mem::take(held.ok_or(Refusal("nothing is locked there"))?);
        *self.coins.entry(to).or_default() += units;
        Ok(())
    }
}

#[derive(Debug)]
struct Block {
    /// No two blocks have the same, not even of one height.
    serial: u64,
    time: UnixTime,
    txs: Vec<Tx>,
}

/// What a node of the chain knows at one moment.
#[derive(Debug)]
pub(crate) struct State {
    /// What accounts were given at first.
    granted: BTreeMap<Account, u128>,
    /// Index = height.
    blocks: Vec<Block>,
    waiting: Vec<Tx>,
    now: UnixTime,
    blocks_ever: u64,
    /// Grows with every change that nodes hear of.
    pub(crate) version: u64,
}

impl State {
    /// The best block.
    pub(crate) fn tip(&self) -> Tip {
        let height = self.blocks.len().saturating_sub(1) as u64;
        let time = self.blocks.last().map_or(self.now, |block| block.time);
        Tip { height, time }
    }

    /// What the best block differs by from every other one.
    pub(crate) fn best(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.serial)
    }

    /// All transactions: first those that wait, then those in blocks, oldest first. So what is said last counts.
    pub(crate) fn txs(&self) -> impl Iterator<Item = (At, &Tx)> {
        let waiting = self.waiting.iter().map(|tx| (At::Mempool, tx));
        let mined = (0..).zip(&self.blocks);
        waiting
            .chain(mined.flat_map(|(height, block)| block.txs.iter().map(move |tx| (At::Block(height), tx))))
    }

    /// What an account has in blocks.
    pub(crate) fn coins(&self, account: Account) -> Amount {
        Amount::new(self.ledger().coins.get(&account).copied().unwrap_or(0))
    }

    /// A toy counts from the first block each time.
    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger {
            coins: self.granted.clone(),
            ..Ledger::default()
        };
        for block in &self.blocks {
            for tx in &block.txs {
                ledger
                    .apply(tx, block.time)
                    .expect("a block has what was possible in it");
            }
        }
        ledger
    }

    fn receive(&mut self, tx: Tx) -> Result<(), Refusal> {
        if self.txs().any(|(_, other)| *other == tx) {
            return Ok(());
        }
        // What does nothing takes the place of what waits with its ticket.
        let rivals = self.waiting.iter().any(|other| other.rivals(&tx));
        if rivals && tx.deed != Deed::Nothing {
            return Err(Refusal("another with its ticket waits"));
        }
        self.ledger().apply(&tx, self.now)?;
        self.waiting.retain(|other| !other.rivals(&tx));
        self.waiting.push(tx);
        Ok(())
    }

    /// A block of all that waits and is possible; the rest is forgotten.
    fn mine_one(&mut self, waiting: Vec<Tx>) {
        let (time, mut ledger) = (self.now, self.ledger());
        let possible = |tx: &Tx| ledger.apply(tx, time).is_ok();
        let txs = waiting.into_iter().filter(possible).collect();
        self.blocks_ever += 1;
        self.blocks.push(Block {
            serial: self.blocks_ever,
            time,
            txs,
        });
    }
}

/// A handle of the chain; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ToyChain(Arc<(Mutex<State>, Notify)>);

impl ToyChain {
    /// The one asset.
    pub(crate) fn asset() -> AssetId {
        AssetId::new("toy:pond/coin:shell").expect("an asset id")
    }

    /// A chain of one empty block, with coins for some.
    pub(crate) fn new(time: UnixTime, granted: impl IntoIterator<Item = (Account, Amount)>) -> Self {
        let granted = granted
            .into_iter()
            .map(|(account, amount)| (account, amount.units()));
        let mut state = State {
            granted: granted.collect(),
            blocks: Vec::new(),
            waiting: Vec::new(),
            now: time,
            blocks_ever: 0,
            version: 0,
        };
        state.mine_one(Vec::new());
        Self(Arc::new((Mutex::new(state), Notify::new())))
    }

    /// Looks at it.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever waits for news.
    pub(crate) fn changed(&self) -> &Notify {
        &self.0.1
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let done = {
            let mut state = self.state();
            state.version += 1;
            change(&mut state)
        };
        self.changed().notify_waiters();
        done
    }

    /// Offers a transaction to all.
    pub(crate) fn submit(&self, tx: Tx) -> Result<(), Refusal> {
        self.change(|state| state.receive(tx))
    }

    /// Mines so many blocks, so long after each other, before anybody looks.
    pub(crate) fn mine(&self, blocks: u32, every: Seconds) {
        self.change(|state| {
            for _ in 0..blocks {
                state.now = state.now.plus(every);
                let waiting = std::mem::take(&mut state.waiting);
                state.mine_one(waiting);
            }
        });
    }

    /// Replaces so many newest blocks by one more, all empty and so much later; what was in them waits again.
    pub(crate) fn reorg(&self, blocks: u32, later: Seconds) {
        self.change(|state| {
            state.now = state.now.plus(later);
            let kept = state.blocks.len().saturating_sub(blocks as usize).max(1);
            let dropped = state.blocks.split_off(kept);
            (0..=blocks).for_each(|_| state.mine_one(Vec::new()));
            let txs = dropped.into_iter().flat_map(|block| block.txs);
            for tx in txs.chain(std::mem::take(&mut state.waiting)).collect::<Vec<_>>() {
                // What is not possible any more is forgotten.
                let _refused = state.receive(tx);
            }
        });
    }
}
