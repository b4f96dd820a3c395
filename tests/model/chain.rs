//! One chain, as far as one leg is concerned: where its six transactions are, how high the chain is, and what time it
//! tells. Heights count only blocks that matter: those that hold something of the leg, or bury it until it is final.

use kofo_primitives::ActKind::{self, Cancel, Lock, Redeem, RedeemTogether, Refund, RefundTogether};

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Nowhere,
    Mempool,
    Block(u8),
}

impl Place {
    pub(crate) const fn in_block(self) -> bool {
        matches!(self, Self::Block(_))
    }
}

/// What a block takes of the mempool.
pub(crate) type Taken = &'static [ActKind];

pub(crate) const ACTS: [ActKind; 6] = [Lock, Redeem, Refund, Cancel, RedeemTogether, RefundTogether];

/// Both ways to redeem and to refund: alone and together.
pub(crate) const REDEEMS: [ActKind; 2] = [Redeem, RedeemTogether];
pub(crate) const REFUNDS: [ActKind; 2] = [Refund, RefundTogether];

/// All blocks that a miner may make of a leg's transactions; which of them are right depends on the chain.
pub(crate) const BLOCKS: [Taken; 9] = [
    &[],
    &[Lock],
    &[Redeem],
    &[Refund],
    &[Cancel],
    &[Lock, Redeem],
    &[Lock, Refund],
    &[RedeemTogether],
    &[RefundTogether],
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Chain {
    places: [Place; 6],
    pub(crate) height: u8,
    /// Index into the clock of the chain.
    pub(crate) time: u8,
    pub(crate) reorgs_left: u8,
}

impl Chain {
    pub(crate) const fn new(reorgs_left: u8) -> Self {
        Self {
            places: [Place::Nowhere; 6],
            height: 0,
            time: 0,
            reorgs_left,
        }
    }

    pub(crate) const fn place(&self, act: ActKind) -> Place {
        self.places[act as usize]
    }

    const fn put(&mut self, act: ActKind, place: Place) {
        self.places[act as usize] = place;
    }

    pub(crate) fn mined(&self, act: ActKind) -> bool {
        matches!(self.place(act), Place::Block(_))
    }

    pub(crate) fn waits(&self, act: ActKind) -> bool {
        self.place(act) == Place::Mempool
    }

    pub(crate) fn is_final(&self, act: ActKind, depth: u8) -> bool {
        matches!(self.place(act), Place::Block(at) if self.height + 1 - at >= depth)
    }

    /// Something is in a block that a reorg may still take away.
    pub(crate) fn unsettled(&self, depth: u8) -> bool {
        ACTS.into_iter()
            .any(|act| self.mined(act) && !self.is_final(act, depth))
    }

    /// The spend of the lock, or of what the lock would spend, that is in a block.
    pub(crate) fn ended(&self) -> Option<ActKind> {
        let ends = [Redeem, RedeemTogether, Refund, RefundTogether, Cancel];
        ends.into_iter().find(|act| self.mined(*act))
    }

    /// Whether one of these is in a block.
    pub(crate) fn any_mined(&self, acts: [ActKind; 2]) -> bool {
        acts.into_iter().any(|act| self.mined(act))
    }

    /// Whether one of these is final.
    pub(crate) fn any_final(&self, acts: [ActKind; 2], depth: u8) -> bool {
        acts.into_iter().any(|act| self.is_final(act, depth))
    }

    /// None of these is in a block or a mempool.
    pub(crate) fn none_of(&self, acts: [ActKind; 2]) -> bool {
        acts.into_iter().all(|act| self.place(act) == Place::Nowhere)
    }

    /// A node of the chain takes it into its mempool.
    pub(crate) fn accepts(&self, act: ActKind) -> bool {
        let locked = self.place(Lock) != Place::Nowhere;
        let right = match act {
            Lock => true,
            Redeem | Refund | RedeemTogether | RefundTogether => locked,
            Cancel => !self.mined(Lock),
        };
        right && self.place(act) == Place::Nowhere && self.ended().is_none()
    }

    pub(crate) fn submit(&mut self, act: ActKind) {
        self.put(act, Place::Mempool);
    }

    /// The chain with one block more, if such a block is right and matters.
    pub(crate) fn mine(&self, taken: Taken, depth: u8) -> Option<Self> {
        let locked = self.mined(Lock) || taken.contains(&Lock);
        let right = |act: ActKind| self.waits(act) && (act == Lock || locked != (act == Cancel));
        let matters = !taken.is_empty() || self.unsettled(depth);
        if !matters || self.ended().is_some() && !taken.is_empty() || !taken.iter().all(|act| right(*act)) {
            return None;
        }
        let mut next = *self;
        next.height += 1;
        for act in taken {
            next.put(*act, Place::Block(next.height));
        }
        next.evict_conflicts();
        Some(next)
    }

    /// What can no longer come into a block leaves the mempool.
    fn evict_conflicts(&mut self) {
        let (spent, locked) = (self.ended().is_some(), self.mined(Lock));
        let orphans = self.place(Lock) == Place::Nowhere;
        for act in ACTS {
            let dead = match act {
                Lock => spent,
                Redeem | Refund | RedeemTogether | RefundTogether => spent || orphans,
                Cancel => spent || locked,
            };
            if dead && self.waits(act) {
                self.put(act, Place::Nowhere);
            }
        }
    }

    /// Time passes, in a block that takes nothing.
    pub(crate) fn tick(&self, depth: u8) -> Self {
        let mut next = self.mine(&[], depth).unwrap_or(*self);
        next.time += 1;
        next
    }

    /// Another block takes the place of the newest: what that held waits again, or is forgotten.
    pub(crate) fn reorg(&self, vanish: bool) -> Option<Self> {
        let mut next = *self;
        next.reorgs_left = next.reorgs_left.checked_sub(1)?;
        let to = if vanish { Place::Nowhere } else { Place::Mempool };
        let newest = Place::Block(self.height);
        if !self.places.contains(&newest) {
            return None;
        }
        for act in ACTS.into_iter().filter(|act| self.place(*act) == newest) {
            next.put(act, to);
        }
        next.evict_conflicts();
        Some(next)
    }

    /// All nodes forget a transaction that waits.
    pub(crate) fn forget(&self, act: ActKind) -> Option<Self> {
        let mut next = *self;
        next.put(act, Place::Nowhere);
        next.evict_conflicts();
        self.waits(act).then_some(next)
    }
}
