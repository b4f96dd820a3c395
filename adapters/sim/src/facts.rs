//! From sightings to facts, and from facts to what is news.

use crate::leg::{Leg, Sighting, What};
use kofo_primitives::{Act, ActKind, Amount, At, FailClass, LegEvent, TxId};
use std::collections::BTreeMap;

/// What a conflict that is final makes impossible.
const MAY_DIE: [ActKind; 6] = [
    ActKind::Lock,
    ActKind::Redeem,
    ActKind::Refund,
    ActKind::Cancel,
    ActKind::RedeemTogether,
    ActKind::RefundTogether,
];

/// All that is true of a leg at one tip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) acts: BTreeMap<ActKind, (Act, At, TxId)>,
    /// Where the redeem that both signed is.
    pub(crate) together: Option<(At, TxId)>,
    /// What is locked in blocks, if that is not one lock of the agreed amount.
    pub(crate) wrong: Option<Amount>,
}

impl Facts {
    /// Whether what the act is for is done in a block, alone or together.
    pub(crate) fn mined(&self, kind: ActKind) -> bool {
        let together = matches!(self.together, Some((At::Block(_), _)));
        let alone = |kind| matches!(self.acts.get(&kind), Some((_, At::Block(_), _)));
        match kind {
            ActKind::Redeem | ActKind::RedeemTogether => together || alone(ActKind::Redeem),
            ActKind::Refund | ActKind::RefundTogether => alone(ActKind::Refund),
            ActKind::Lock | ActKind::Cancel => alone(kind),
        }
    }

    /// Whether the act is anywhere, alone or together.
    fn has(&self, kind: ActKind) -> bool {
        self.acts.contains_key(&kind) || (kind == ActKind::Redeem && self.together.is_some())
    }

    /// Whether something of the act is there no more, or at another place.
    fn lost(&self, now: &Self, kind: ActKind) -> bool {
        let together = kind == ActKind::Redeem && self.together.is_some() && now.together.is_none();
        together || (self.acts.contains_key(&kind) && !now.acts.contains_key(&kind))
    }
}

impl Leg {
    /// All that is true now.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.lock_fact(&mut facts);
        if let Some(seen) = self.ended(ActKind::Redeem).next() {
            facts.acts.insert(ActKind::Redeem, seen);
        }
        facts.together = self.redeemed_together();
        // Two notes are one refund, and it is over when the last of them is.
        if let Some(seen) = self.ended(ActKind::Refund).last().filter(|_| self.all_ended()) {
            facts.acts.insert(ActKind::Refund, seen);
        }
        if let Some(seen) = self.cancelled() {
            facts.acts.insert(ActKind::Cancel, seen);
        }
        facts
    }

    fn lock_fact(&self, facts: &mut Facts) {
        let mined: Vec<_> = locks(&self.mined).collect();
        let waiting: Vec<_> = locks(&self.waiting).collect();
        let found = if mined.is_empty() { &waiting } else { &mined };
        match found.as_slice() {
            [] => (),
            [(amount, seen)] if *amount == self.spec.amount => {
                facts.acts.insert(ActKind::Lock, (Act::Lock, seen.at, seen.tx));
            }
            // In the mempool it may still be replaced: not worth a word.
            _ if mined.is_empty() => (),
            wrong => {
                let units = wrong
                    .iter()
                    .fold(0u128, |sum, (amount, _)| sum.saturating_add(amount.units()));
                facts.wrong = Some(Amount::new(units));
            }
        }
    }

    /// Redeems or refunds of the contract's notes, those in blocks first.
    fn ended(&self, kind: ActKind) -> impl Iterator<Item = (Act, At, TxId)> {
        let all = self.mined.iter().chain(&self.waiting);
        all.filter_map(move |seen| match &seen.what {
            What::Ended(act) if act.kind() == kind => Some((act.clone(), seen.at, seen.tx)),
            What::Ended(_) | What::RedeemedTogether | What::Locked(_) | What::Taken => None,
        })
    }

    fn redeemed_together(&self) -> Option<(At, TxId)> {
        let mut all = self.mined.iter().chain(&self.waiting);
        all.find(|seen| matches!(seen.what, What::RedeemedTogether))
            .map(|seen| (seen.at, seen.tx))
    }

    fn all_ended(&self) -> bool {
        let ended = |note| {
            let all = self.mined.iter().chain(&self.waiting);
            all.clone()
                .any(|seen| seen.note == note && matches!(seen.what, What::Ended(_) | What::RedeemedTogether))
        };
        locks(&self.mined).all(|(_, seen)| ended(seen.note))
    }

    /// Our lock's notes were spent by something that is no version of it.
    fn cancelled(&self) -> Option<(Act, At, TxId)> {
        let seen = self.conflict(ActKind::Lock)?;
        Some((Act::Cancel, seen.at, seen.tx))
    }

    /// What spent a note of our transactions of this kind and is none of them; what is in a block first.
    pub(crate) fn conflict(&self, kind: ActKind) -> Option<&Sighting> {
        let ours = |id| self.of(kind).any(|tx| tx.id() == id);
        // Versions of one act conflict with each other, but each round gives another transaction, perhaps with other
        // legs in it: of those only the newest counts.
        let together = matches!(kind, ActKind::RedeemTogether | ActKind::RefundTogether);
        let takes = |note| {
            if together {
                self.newest(kind).is_some_and(|tx| tx.takes(note))
            } else {
                self.of(kind).any(|tx| tx.takes(note))
            }
        };
        let all = self.mined.iter().chain(&self.waiting);
        all.filter(|seen| matches!(seen.what, What::Taken))
            .find(|seen| takes(seen.note) && !ours(seen.tx))
    }

    /// What must be said so that what was told becomes what is true; and remembers that it was said.
    pub(crate) fn news(&mut self, height: u64) -> Vec<LegEvent> {
        let now = self.facts();
        let was = std::mem::replace(&mut self.told, now.clone());
        let mut news = Vec::new();
        let whole = std::mem::take(&mut self.tell_whole);
        for kind in [ActKind::Cancel, ActKind::Refund, ActKind::Redeem, ActKind::Lock] {
            if was.lost(&now, kind) || (whole && !now.has(kind)) {
                news.push(LegEvent::Unseen(kind));
            }
        }
        // That a redeem is nowhere took back both ways: the one that is left is told again.
        let again = was.lost(&now, ActKind::Redeem);
        if let Some(have) = now.wrong.filter(|_| was.wrong != now.wrong) {
            let need = self.spec.amount;
            let class = FailClass::WrongAmount { have, need };
            news.push(LegEvent::Failed(ActKind::Lock, class));
        }
        for (kind, seen) in &now.acts {
            if was.acts.get(kind) != Some(seen) || (again && *kind == ActKind::Redeem) {
                let (act, at, tx) = seen.clone();
                news.push(LegEvent::Seen {
                    act,
                    at,
                    tx: Some(tx),
                });
            }
        }
        if let Some((at, tx)) = now.together.filter(|seen| again || was.together != Some(*seen)) {
            news.push(LegEvent::RedeemedTogether { at, tx: Some(tx) });
        }
        for kind in MAY_DIE {
            if !self.is_dead(kind, &now, height) {
                self.told_dead.remove(&kind);
            } else if self.told_dead.insert(kind) {
                self.sending.remove(&kind);
                news.push(LegEvent::Failed(kind, FailClass::Dead));
            }
        }
        news
    }

    /// Ours can never be in a block: what it spends was spent by another that is final.
    fn is_dead(&self, kind: ActKind, now: &Facts, height: u64) -> bool {
        let depth = |seen: &Sighting| match seen.at {
            At::Block(at) => height.saturating_sub(at).saturating_add(1),
            At::Mempool => 0,
        };
        // What one party does alone is done if both did it; the other way round the signatures are worth nothing now.
        let done = now.mined(kind) && !matches!(kind, ActKind::RedeemTogether | ActKind::RefundTogether);
        !done
            && self
                .conflict(kind)
                .is_some_and(|seen| depth(seen) >= u64::from(self.spec.depth))
    }
}

fn locks(seen: &[Sighting]) -> impl Iterator<Item = (Amount, &Sighting)> {
    seen.iter().filter_map(|seen| match seen.what {
        What::Locked(amount) => Some((amount, seen)),
        What::Ended(_) | What::RedeemedTogether | What::Taken => None,
    })
}
