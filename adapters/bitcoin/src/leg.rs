//! A leg under watch: what was seen of it, what was told of it, and what we send for it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bitcoin::{Amount, OutPoint, Transaction, Txid};
use kofo_primitives::{
    Act, ActKind, At, ChainEvent, FailClass, HtlcSpec, LegEvent, LegRef, Preimage, TxId, UnixTime,
};

use crate::fee::SatPerVb;
use crate::picture::{Fact, Picture, Sighting, Wanted};
use crate::prepared::Signed;
use crate::spend::preimage_in;
use crate::terms::Terms;

/// Beyond so many payments to one script somebody plays with us: more are not kept.
const MAX_SIGHTINGS: usize = 1_000;

/// What is being sent.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    pub(crate) signed: Signed,
    /// The tip's height when its first version was sent.
    pub(crate) since: u64,
    /// What its first version paid.
    pub(crate) start: SatPerVb,
    /// The tip's height when a better version was offered last.
    pub(crate) offered_at: Option<u64>,
    pub(crate) tried: Option<Instant>,
    /// The node said that it pays too little.
    pub(crate) too_cheap: bool,
}

/// What the core was told last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    lock: Option<Fact>,
    redeem: Option<Fact>,
    together: Option<Fact>,
    refund: Option<Fact>,
    cancel: Option<Fact>,
    wrong: Option<Amount>,
}

/// A leg under watch.
pub(crate) struct Leg {
    pub(crate) spec: HtlcSpec,
    pub(crate) terms: Terms,
    pub(crate) wanted: Wanted,
    /// Whether the key is ours, once the signer has said it. Another owner's leg is watched, and what that owner signed is
    /// sent.
    pub(crate) ours: Option<bool>,
    /// The next height to scan for it.
    pub(crate) next: u64,
    /// In blocks of the best chain, in its order.
    history: Vec<Sighting>,
    /// In the mempool, as of the last look.
    pub(crate) pending: Vec<Sighting>,
    told: Told,
    /// Somebody asked to be told everything again.
    pub(crate) asked_again: bool,
    /// The newest version of what was built, kept in memory so that a repeat gives the same.
    pub(crate) built: BTreeMap<ActKind, Signed>,
    pub(crate) sending: BTreeMap<ActKind, Sending>,
    /// When each of them is to be sent no more, by the chain's median time.
    pub(crate) not_after: BTreeMap<ActKind, Option<UnixTime>>,
    /// Builds that are not answered yet.
    pub(crate) asked: Vec<Act>,
}

impl Leg {
    pub(crate) fn new(spec: HtlcSpec, terms: Terms) -> Self {
        Self {
            wanted: terms.wanted(spec.depth),
            next: spec.from_height,
            spec,
            terms,
            ours: None,
            history: Vec::new(),
            pending: Vec::new(),
            told: Told::default(),
            asked_again: true,
            built: BTreeMap::new(),
            sending: BTreeMap::new(),
            not_after: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    /// Keeps the best-paying version of what was built.
    pub(crate) fn keep(&mut self, signed: Signed) {
        if signed.kind == ActKind::Lock {
            self.wanted.lock_inputs.extend(signed.outpoints());
        }
        match self.built.get(&signed.kind) {
            Some(old) if old.fee > signed.fee && old.same_inputs(&signed) => (),
            _ => drop(self.built.insert(signed.kind, signed)),
        }
    }

    /// Adds a transaction of a block. A spend is always kept: whoever floods the script with dust must not hide
    /// the preimage behind it.
    pub(crate) fn record(&mut self, sighting: Sighting, spends: bool) {
        if spends || self.history.len() < MAX_SIGHTINGS {
            self.history.push(sighting);
        } else {
            tracing::warn!(txid = %sighting.txid, "too many payments to one leg: ignored");
        }
    }

    /// Forgets all blocks from this height.
    pub(crate) fn rewind(&mut self, height: u64) {
        self.history
            .retain(|sighting| sighting.height.is_some_and(|seen| seen < height));
        self.next = self.next.min(height).max(self.spec.from_height);
    }

    /// Every outpoint whose spend says something about the leg.
    pub(crate) fn outpoints(&self) -> Vec<OutPoint> {
        let seen = self.history.iter().chain(&self.pending);
        let coins = seen
            .flat_map(|s| self.wanted.outputs_of(&s.tx, s.txid))
            .map(|coin| coin.outpoint);
        coins.chain(self.wanted.lock_inputs.iter().copied()).collect()
    }

    /// All that was seen, in whatever block.
    #[cfg(test)]
    fn picture(&self) -> Picture {
        self.picture_up_to(u64::MAX)
    }

    /// What was seen, where blocks above a height do not count yet: what is in them is seen as in the mempool.
    pub(crate) fn picture_up_to(&self, height: u64) -> Picture {
        let seen = self.history.iter().chain(&self.pending).cloned();
        let seen: Vec<Sighting> = seen
            .map(|sighting| Sighting {
                height: sighting.height.filter(|seen| *seen <= height),
                ..sighting
            })
            .collect();
        self.wanted.picture(&seen)
    }

    /// The block in which another transaction than this one spends one of these outpoints, if one does.
    pub(crate) fn spent_otherwise(&self, signed: &Signed) -> Option<u64> {
        let (txid, taken): (_, Vec<OutPoint>) = (signed.tx.compute_txid(), signed.outpoints().collect());
        let conflicts = |seen: &&Sighting| {
            let mut inputs = seen.tx.input.iter();
            seen.txid != txid && inputs.any(|input| taken.contains(&input.previous_output))
        };
        self.history.iter().find(conflicts).and_then(|seen| seen.height)
    }

    /// Whether nothing of the lock is in a block: then the mempool is searched for it.
    pub(crate) fn awaits_lock(&self) -> bool {
        !matches!(self.told.lock, Some(Fact { at: At::Block(_), .. }))
    }

    pub(crate) fn knows(&self, txid: Txid) -> bool {
        self.history
            .iter()
            .chain(&self.pending)
            .any(|sighting| sighting.txid == txid)
    }

    pub(crate) fn is_touched_by(&self, tx: &Transaction, txid: Txid) -> bool {
        let outpoints = self.outpoints();
        tx.input
            .iter()
            .any(|input| outpoints.contains(&input.previous_output))
            || self.wanted.outputs_of(tx, txid).next().is_some()
    }

    pub(crate) fn in_mempool(&self, txid: Txid) -> bool {
        self.pending.iter().any(|sighting| sighting.txid == txid)
    }

    /// Whether the act is to be sent no more after some time.
    pub(crate) fn is_limited(&self, kind: ActKind) -> bool {
        self.not_after.get(&kind).copied().flatten().is_some()
    }

    /// Whether the act may still be sent at this median time.
    pub(crate) fn may_send(&self, kind: ActKind, median_time: u64) -> bool {
        self.not_after
            .get(&kind)
            .copied()
            .flatten()
            .is_none_or(|last| median_time <= last.0)
    }

    /// Our node took what is being sent. A redeem is shown by that, even if the mempool forgets it before the next look.
    pub(crate) fn shown(&mut self, leg: LegRef, kind: ActKind, out: &mut VecDeque<ChainEvent>) {
        let Some(sending) = self.sending.get(&kind).filter(|_| kind == ActKind::Redeem) else {
            return;
        };
        let tx = &sending.signed.tx;
        let preimage = tx
            .input
            .iter()
            .find_map(|input| preimage_in(&input.witness, self.spec.hashlock.as_bytes()));
        if let Some(preimage) = preimage.filter(|_| self.told.redeem.is_none()) {
            let act = Act::Redeem(Preimage::new(preimage));
            let (at, tx) = (At::Mempool, Some(tx_id(tx.compute_txid())));
            out.push_back(ChainEvent::Leg(leg, LegEvent::Seen { act, at, tx }));
        }
    }

    /// Tells the preimage, if one was seen, and nothing else: while no block counts, it alone proves itself.
    pub(crate) fn tell_preimage(&mut self, leg: LegRef, picture: &Picture, out: &mut VecDeque<ChainEvent>) {
        if let Some((fact, preimage)) = picture.redeem.filter(|_| self.told.redeem.is_none()) {
            let fact = Fact {
                at: At::Mempool,
                ..fact
            };
            self.told.redeem = Some(fact);
            let (act, tx) = (Act::Redeem(Preimage::new(preimage)), Some(tx_id(fact.txid)));
            let at = fact.at;
            out.push_back(ChainEvent::Leg(leg, LegEvent::Seen { act, at, tx }));
        }
    }

    /// Tells what changed since it was told last, or the whole picture if somebody asked; whether somebody did.
    pub(crate) fn tell(&mut self, leg: LegRef, picture: &Picture, out: &mut VecDeque<ChainEvent>) -> bool {
        let whole = std::mem::take(&mut self.asked_again);
        if whole {
            self.told = Told::default();
        }
        let now = Told {
            lock: picture.lock,
            redeem: picture.redeem.map(|(fact, _)| fact),
            together: picture.together,
            refund: picture.refund,
            cancel: picture.cancel,
            wrong: picture.wrong,
        };
        let told = std::mem::replace(&mut self.told, now);
        let mut push = |event| out.push_back(ChainEvent::Leg(leg, event));
        for (act, before, after) in [
            (Act::Lock, told.lock, now.lock),
            (Act::Cancel, told.cancel, now.cancel),
            (Act::Refund, told.refund, now.refund),
        ] {
            match after {
                Some(fact) if before != after => push(LegEvent::Seen {
                    act,
                    at: fact.at,
                    tx: Some(tx_id(fact.txid)),
                }),
                None if whole || before.is_some() => push(LegEvent::Unseen(act.kind())),
                Some(_) | None => (),
            }
        }
        tell_redeem(whole, [told.redeem, told.together], picture, &mut push);
        if let Some(have) = now.wrong.filter(|_| told.wrong != now.wrong) {
            let class = FailClass::WrongAmount {
                have: units(have),
                need: self.spec.amount,
            };
            push(LegEvent::Failed(ActKind::Lock, class));
        }
        whole
    }
}

/// Tells of both ways to redeem what changed. `Unseen` covers both: where one way takes the other's place, it comes
/// first.
fn tell_redeem(whole: bool, before: [Option<Fact>; 2], picture: &Picture, push: &mut impl FnMut(LegEvent)) {
    let now = [picture.redeem.map(|(fact, _)| fact), picture.together];
    let gone = |(before, now): (&Option<Fact>, &Option<Fact>)| before.is_some() && now.is_none();
    let gone = before.iter().zip(&now).any(gone);
    if gone || (whole && now == [None, None]) {
        push(LegEvent::Unseen(ActKind::Redeem));
    }
    let [alone, together] = before.map(|before| before.filter(|_| !gone));
    if let Some((fact, preimage)) = picture.redeem.filter(|(fact, _)| alone != Some(*fact)) {
        push(LegEvent::Seen {
            act: Act::Redeem(Preimage::new(preimage)),
            at: fact.at,
            tx: Some(tx_id(fact.txid)),
        });
    }
    if let Some(fact) = picture.together.filter(|fact| together != Some(*fact)) {
        push(LegEvent::RedeemedTogether {
            at: fact.at,
            tx: Some(tx_id(fact.txid)),
        });
    }
}

/// Bitcoin prints ids with the bytes reversed.
fn tx_id(txid: Txid) -> TxId {
    use bitcoin::hashes::Hash;
    let mut bytes = txid.to_byte_array();
    bytes.reverse();
    TxId(bytes)
}

pub(crate) fn units(amount: Amount) -> kofo_primitives::Amount {
    kofo_primitives::Amount::new(u128::from(amount.to_sat()))
}

#[cfg(test)]
mod tests;
