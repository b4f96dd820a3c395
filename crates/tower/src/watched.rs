//! One entrusted swap: when the tower acts for its owner. Pure; each arm names its rule in `docs/protocol/tower.md`.

use crate::facts::Facts;
use crate::package::{Entry, Package};
use crate::status::{LegWatch, Watching};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::Entrusted;
use kofo_primitives::{
    Act, ActKind, ChainAction, ChainId, End, FailClass, HtlcSpec, LegEvent, LegId, Preimage, Prepared,
    Seconds, Signed, Tip,
};
use std::collections::{BTreeMap, BTreeSet};

/// The owner has the first go at a redeem for so many blocks of the leg's chain.
pub const GRACE_REDEEM: u64 = 1;
/// The owner has the first go at a refund for so many blocks of the leg's chain.
pub const GRACE_REFUND: u64 = 2;
/// A leg on which nothing is locked is given up so long after its timelock, by its chain's own time.
pub const LINGER: Seconds = Seconds(7 * 24 * 60 * 60);

/// One level more is paid after so many blocks without success.
const PATIENT: u64 = 3;
/// With less left until the timelock, or against a rival in the mempool, one level more is paid with every block.
const URGENT: Seconds = Seconds::minutes(120);
/// With less left until the timelock the highest level is paid at once.
const LAST: Seconds = Seconds::minutes(20);
/// Everything owed is asked for again after so many tips, in case it was lost on the way.
const REPEAT_AFTER_TIPS: u32 = 5;

/// What was prepared for a leg.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Built {
    act: ActKind,
    level: u8,
    /// The tip at which the first level was prepared.
    began: Tip,
    tx: Prepared,
}

/// What is durable of a swap.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Kept {
    pub(crate) package: Signed<Package>,
    /// Once it was seen on a chain or in a mempool, or its owner was told it; never before.
    pub(crate) preimage: Option<Preimage>,
    pub(crate) built: BTreeMap<LegId, Built>,
}

/// What a swap owes the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    Ask(ChainAction),
    TakeOver {
        act: Act,
        level: u8,
        entrusted: Entrusted,
    },
}

/// How far the tower is with a leg.
#[derive(Clone, Debug, Default)]
struct Turn {
    facts: Facts,
    /// The height at which its act became due.
    due_since: Option<u64>,
    /// The adapter is being asked for this level.
    asking: Option<u8>,
    /// Levels that the adapter did not take at this tip.
    refused: BTreeSet<u8>,
    trouble: Option<String>,
}

/// One entrusted swap.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    kept: Kept,
    turns: BTreeMap<LegId, Turn>,
    asked: Vec<(LegId, Duty)>,
    tips_since: u32,
}

impl Watched {
    /// A swap that was just entrusted, or comes from the journal.
    pub(crate) fn new(kept: Kept) -> Self {
        let legs = kept.package.body.legs.keys();
        Self {
            turns: legs.map(|leg| (*leg, Turn::default())).collect(),
            kept,
            asked: Vec::new(),
            tips_since: 0,
        }
    }

    pub(crate) const fn kept(&self) -> &Kept {
        &self.kept
    }

    pub(crate) const fn package(&self) -> &Package {
        &self.kept.package.body
    }

    /// A later package of the same legs. What was seen and prepared stays.
    pub(crate) fn replace(&mut self, package: Signed<Package>) {
        self.kept.package = package;
        for turn in self.turns.values_mut() {
            turn.refused.clear();
        }
        self.look();
    }

    /// Its owner was told the preimage. Whether that is news; `None` if it opens something else.
    pub(crate) fn told(&mut self, preimage: Preimage) -> Option<bool> {
        let hashlock = self.package().legs.values().next()?.spec.hashlock;
        if preimage.hashlock() != hashlock {
            return None;
        }
        let news = self.kept.preimage.is_none();
        self.kept.preimage = Some(preimage);
        self.look();
        Some(news)
    }

    fn entry(&self, leg: LegId) -> Option<&Entry> {
        self.package().legs.get(&leg)
    }

    pub(crate) fn spec(&self, leg: LegId) -> Option<&HtlcSpec> {
        self.entry(leg).map(|entry| &entry.spec)
    }

    pub(crate) fn is_on(&self, chain: &ChainId) -> bool {
        self.package()
            .legs
            .values()
            .any(|entry| entry.spec.chain() == *chain)
    }

    /// Takes what an adapter tells of a leg. Whether something changed that must be durable.
    pub(crate) fn hear(&mut self, leg: LegId, event: &LegEvent) -> bool {
        let Some((turn, hashlock)) = self
            .turns
            .get_mut(&leg)
            .zip(self.kept.package.body.legs.get(&leg).map(|e| e.spec.hashlock))
        else {
            return false;
        };
        let durable = match event {
            // W6: the adapter pays more by itself where it can.
            LegEvent::Built(act, tx) => match self.kept.built.get_mut(&leg) {
                Some(built) if built.act == *act && built.tx != *tx => {
                    built.tx = tx.clone();
                    true
                }
                Some(_) | None => false,
            },
            LegEvent::Failed(act, class) => {
                turn.trouble = Some(class.to_string());
                let ours = self.kept.built.get(&leg).is_some_and(|built| built.act == *act);
                let dead = *class == FailClass::Dead && ours;
                dead && self.kept.built.remove(&leg).is_some()
            }
            LegEvent::Seen { .. }
            | LegEvent::RedeemedTogether { .. }
            | LegEvent::Unseen(_)
            | LegEvent::Watched(_) => false,
        };
        // W4: whoever shows it, wherever; never unlearned.
        let shown = turn
            .facts
            .note(event)
            .filter(|shown| shown.hashlock() == hashlock);
        let learned = self.kept.preimage.is_none() && shown.is_some();
        if learned {
            self.kept.preimage = shown;
        }
        self.look();
        durable || learned
    }

    /// A chain has a new tip.
    pub(crate) fn tip(&mut self, chain: &ChainId, tip: Tip) {
        self.tips_since = self.tips_since.saturating_add(1);
        let legs = &self.kept.package.body.legs;
        for (leg, turn) in &mut self.turns {
            let here = legs.get(leg).is_some_and(|entry| entry.spec.chain() == *chain);
            // A tip says nothing about a leg whose picture is not complete.
            if here && turn.facts.tip.is_some() {
                turn.facts.tip = Some(tip);
                turn.refused.clear();
            }
        }
        self.look();
    }

    /// Notes since when each leg's act is due.
    fn look(&mut self) {
        let due: Vec<_> = self
            .turns
            .iter()
            .map(|(leg, turn)| {
                let height = turn.facts.tip.map(|tip| tip.height);
                (*leg, self.due(*leg, turn).and(height))
            })
            .collect();
        for (leg, height) in due {
            if let Some(turn) = self.turns.get_mut(&leg) {
                turn.due_since = height.map(|now| turn.due_since.map_or(now, |since| since.min(now)));
            }
        }
    }

    /// The act that the owner would do now.
    fn due(&self, leg: LegId, turn: &Turn) -> Option<Act> {
        let (entry, tip) = (self.entry(leg)?, turn.facts.tip?);
        if entry.levels.is_empty() || !turn.facts.is_open() {
            return None;
        }
        match entry.spec.end {
            // W4: only with a preimage that is public.
            End::Redeemer => self.kept.preimage.clone().map(Act::Redeem),
            // W5: only past the timelock by the chain's own time.
            End::Refunder => (tip.time >= entry.spec.timelock).then_some(Act::Refund),
        }
    }

    /// All that is owed for all legs.
    fn pending(&self) -> Vec<(LegId, Duty)> {
        let mut owed = Vec::new();
        for (leg, turn) in &self.turns {
            let Some(entry) = self.entry(*leg) else { continue };
            let duties = match turn.facts.tip {
                // W3.
                None => vec![Duty::Ask(ChainAction::Watch {
                    spec: entry.spec.clone(),
                    held: self
                        .kept
                        .built
                        .get(leg)
                        .map(|built| built.tx.clone())
                        .into_iter()
                        .collect(),
                })],
                Some(tip) => self.acts(*leg, entry, turn, tip),
            };
            owed.extend(duties.into_iter().map(|duty| (*leg, duty)));
        }
        owed
    }

    fn acts(&self, leg: LegId, entry: &Entry, turn: &Turn, tip: Tip) -> Vec<Duty> {
        let (Some(act), Some(since)) = (self.due(leg, turn), turn.due_since) else {
            return Vec::new();
        };
        let built = self.kept.built.get(&leg).filter(|built| built.act == act.kind());
        let mut duties = Vec::new();
        if let Some(built) = built {
            duties.push(Duty::Ask(ChainAction::Broadcast {
                act: built.act,
                tx: built.tx.clone(),
                not_after: None,
            }));
        }
        // The owner first, and longer if it has begun.
        let grace = match entry.spec.end {
            _ if turn.facts.waits(act.kind()) && !is_urgent(entry, &turn.facts, tip) => PATIENT,
            End::Redeemer => GRACE_REDEEM,
            End::Refunder => GRACE_REFUND,
        };
        if built.is_none() && tip.height < since.saturating_add(grace) {
            return duties;
        }
        let wanted = level(built, entry, &turn.facts, tip);
        let next = next_level(wanted, entry.levels.len(), &turn.refused)
            .filter(|level| built.is_none_or(|built| *level > built.level));
        let entrusted =
            next.and_then(|level| entry.levels.get(usize::from(level)).cloned().map(|e| (level, e)));
        if let (Some((level, entrusted)), None) = (entrusted, turn.asking) {
            duties.push(Duty::TakeOver {
                act,
                level,
                entrusted,
            });
        }
        duties
    }

    /// What is owed and was not asked for last time; now and then all of it.
    pub(crate) fn owed(&mut self) -> Vec<(LegId, Duty)> {
        let owed = self.pending();
        let repeat = self.tips_since >= REPEAT_AFTER_TIPS;
        if repeat {
            self.tips_since = 0;
        }
        let fresh: Vec<_> = owed
            .iter()
            .filter(|duty| repeat || !self.asked.contains(duty))
            .cloned()
            .collect();
        for (leg, duty) in &fresh {
            if let (Duty::TakeOver { level, .. }, Some(turn)) = (duty, self.turns.get_mut(leg)) {
                turn.asking = Some(*level);
            }
        }
        self.asked = owed;
        fresh
    }

    /// The adapter took a level over, or did not. Whether something changed that must be durable.
    pub(crate) fn took_over(
        &mut self,
        leg: LegId,
        act: ActKind,
        level: u8,
        tx: Result<Prepared, String>,
    ) -> bool {
        let Some(turn) = self.turns.get_mut(&leg).filter(|turn| turn.asking == Some(level)) else {
            return false;
        };
        turn.asking = None;
        self.asked
            .retain(|(of, duty)| *of != leg || !matches!(duty, Duty::TakeOver { .. }));
        match (tx, turn.facts.tip) {
            (Ok(tx), Some(tip)) => {
                let began = self.kept.built.get(&leg).map_or(tip, |built| built.began);
                turn.trouble = None;
                let built = Built {
                    act,
                    level,
                    began,
                    tx,
                };
                self.kept.built.insert(leg, built);
                true
            }
            (Ok(_), None) => false,
            (Err(why), _) => {
                turn.refused.insert(level);
                turn.trouble = Some(why);
                false
            }
        }
    }

    /// An action did not reach its adapter: it is owed again.
    pub(crate) fn owe_all_again(&mut self) {
        self.tips_since = REPEAT_AFTER_TIPS;
    }

    /// W7: nothing is left to do for the owner.
    pub(crate) fn is_over(&self) -> bool {
        let side = self.package().role.locks();
        let ends = |ours: bool| {
            let legs = self
                .turns
                .iter()
                .filter(move |(leg, _)| (leg.side == side) == ours);
            legs.map(|(leg, turn)| self.end(*leg, turn))
        };
        let over = |ours| ends(ours).all(|end| end != LegEnd::Open);
        let given_back = ends(true).all(|end| matches!(end, LegEnd::By(ActKind::Refund | ActKind::Cancel)));
        over(true) && over(false) || given_back && self.kept.preimage.is_none()
    }

    fn end(&self, leg: LegId, turn: &Turn) -> LegEnd {
        let Some((spec, tip)) = self.spec(leg).zip(turn.facts.tip) else {
            return LegEnd::Open;
        };
        let late = tip.time >= spec.timelock.plus(LINGER);
        match turn.facts.ended(spec) {
            Some(act) => LegEnd::By(act),
            None if !turn.facts.is_locked() && late => LegEnd::Nothing,
            None => LegEnd::Open,
        }
    }

    /// For people.
    pub(crate) fn watching(&self) -> Watching {
        let package = self.package();
        let leg = |(leg, turn): (&LegId, &Turn)| {
            let entry = self.entry(*leg)?;
            let built = self.kept.built.get(leg);
            Some(LegWatch {
                leg: *leg,
                chain: entry.spec.chain(),
                asset: entry.spec.asset.clone(),
                amount: entry.spec.amount,
                timelock: entry.spec.timelock,
                end: entry.spec.end,
                levels: u8::try_from(entry.levels.len()).unwrap_or(u8::MAX),
                state: turn.facts.state(),
                sent: built.map(|built| built.level),
                trouble: turn.trouble.clone(),
            })
        };
        Watching {
            owner: package.owner,
            swap: package.swap,
            sequence: package.sequence,
            role: package.role,
            preimage_is_known: self.kept.preimage.is_some(),
            legs: self.turns.iter().filter_map(leg).collect(),
        }
    }
}

/// How a leg is over, if it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LegEnd {
    Open,
    By(ActKind),
    Nothing,
}

/// W6: the level that is to be paid at this tip.
fn level(built: Option<&Built>, entry: &Entry, facts: &Facts, tip: Tip) -> u8 {
    let top = u8::try_from(entry.levels.len().saturating_sub(1)).unwrap_or(u8::MAX);
    if entry.spec.end == End::Redeemer && tip.time.until(entry.spec.timelock) <= LAST {
        return top;
    }
    let Some(built) = built else { return 0 };
    let blocks = tip.height.saturating_sub(built.began.height);
    let raised = blocks / if is_urgent(entry, facts, tip) { 1 } else { PATIENT };
    u8::try_from(raised).unwrap_or(u8::MAX).max(built.level).min(top)
}

/// Whether the other party could come first soon.
fn is_urgent(entry: &Entry, facts: &Facts, tip: Tip) -> bool {
    match entry.spec.end {
        End::Redeemer => tip.time.until(entry.spec.timelock) <= URGENT,
        // Nothing forces a refund but a redeem that comes before it.
        End::Refunder => facts.waits(ActKind::Redeem),
    }
}

/// The wanted level, or else the nearest above that was not refused, or else the nearest below.
fn next_level(wanted: u8, levels: usize, refused: &BTreeSet<u8>) -> Option<u8> {
    let levels = u8::try_from(levels).unwrap_or(u8::MAX);
    let mut order = (wanted..levels).chain((0..wanted.min(levels)).rev());
    order.find(|level| !refused.contains(level))
}
