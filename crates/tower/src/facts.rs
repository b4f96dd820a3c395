//! What a tower knows of one leg. Never journaled: `Watch` tells it again.

use kofo_primitives::{Act, ActKind, At, FailClass, HtlcSpec, LegEvent, Preimage, Tip};
use std::collections::BTreeMap;

/// The facts of one leg.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The last tip up to which all of this is known; `None` until the adapter has answered.
    pub(crate) tip: Option<Tip>,
    locked: Option<At>,
    wrong: bool,
    /// By redeem, refund or cancel. A mempool may hold two of them.
    ends: BTreeMap<ActKind, At>,
}

impl Facts {
    /// Enters what the adapter tells; a preimage that it shows is returned.
    pub(crate) fn note(&mut self, event: &LegEvent) -> Option<Preimage> {
        match event {
            LegEvent::Seen { act, at, .. } => return self.seen(act, *at),
            LegEvent::RedeemedTogether { at, .. } => {
                self.ends.insert(ActKind::Redeem, *at);
            }
            LegEvent::Unseen(act) => self.unseen(*act),
            LegEvent::Watched(tip) => self.tip = Some(*tip),
            LegEvent::Failed(ActKind::Lock, FailClass::WrongAmount { .. }) => {
                self.locked = None;
                self.wrong = true;
            }
            LegEvent::Built(..) | LegEvent::Failed(..) => {}
        }
        None
    }

    fn seen(&mut self, act: &Act, at: At) -> Option<Preimage> {
        match act {
            Act::Lock => {
                self.locked = Some(at);
                self.wrong = false;
            }
            Act::Redeem(preimage) => {
                self.ends.insert(ActKind::Redeem, at);
                return Some(preimage.clone());
            }
            Act::Refund | Act::Cancel => {
                self.ends.insert(act.kind(), at);
            }
        }
        None
    }

    fn unseen(&mut self, act: ActKind) {
        match act {
            ActKind::Lock => {
                self.locked = None;
                self.wrong = false;
            }
            ActKind::Redeem | ActKind::RedeemTogether => {
                self.ends.remove(&ActKind::Redeem);
            }
            ActKind::Refund | ActKind::RefundTogether => {
                self.ends.remove(&ActKind::Refund);
            }
            ActKind::Cancel => {
                self.ends.remove(&ActKind::Cancel);
            }
        }
    }

    /// A lock, right or wrong, is in a block and nothing in a block ended it.
    pub(crate) fn is_open(&self) -> bool {
        self.is_locked() && !self.ends.values().any(in_block)
    }

    /// A lock, right or wrong, is in a block.
    pub(crate) fn is_locked(&self) -> bool {
        self.wrong || self.locked.as_ref().is_some_and(in_block)
    }

    /// Somebody does this act in a mempool.
    pub(crate) fn waits(&self, act: ActKind) -> bool {
        self.ends.get(&act) == Some(&At::Mempool)
    }

    /// By which act it ended, once that is as deep as the leg asks.
    pub(crate) fn ended(&self, spec: &HtlcSpec) -> Option<ActKind> {
        let tip = self.tip?;
        let deep = |at: &At| match at {
            At::Mempool => false,
            At::Block(height) => {
                tip.height.saturating_add(1).saturating_sub(*height) >= u64::from(spec.depth.max(1))
            }
        };
        self.ends.iter().find(|(_, at)| deep(at)).map(|(act, _)| *act)
    }

    /// One word for people.
    pub(crate) fn state(&self) -> &'static str {
        let ended = self.ends.iter().find(|(_, at)| in_block(at));
        match (self.tip, ended) {
            (None, _) => "looking",
            (Some(_), Some((ActKind::Redeem, _))) => "redeemed",
            (Some(_), Some((ActKind::Refund, _))) => "refunded",
            (Some(_), Some(_)) => "cancelled",
            (Some(_), None) if self.is_locked() => "locked",
            (Some(_), None) => "not locked",
        }
    }
}

fn in_block(at: &At) -> bool {
    matches!(at, At::Block(_))
}
