//! One swap in the driver: its terms, its state, the tips it may rely on, and what was asked of the chains last.

use super::records::Begin;
use super::{Ask, Effect};
use kofo_primitives::{
    ActKind, ChainAction, ChainId, Contact, LegEvent, LegId, NodeId, Role, SettlementOrder, Text, Tip,
    Together,
};
use kofo_settlement::{Ended, FreshTips, Input, Phase, Rejected, Swap, Terms, Tips};
use std::collections::{BTreeMap, BTreeSet};

/// Everything owed is asked for again after so many tips, in case it was lost on the way.
const REPEAT_AFTER_TIPS: u32 = 5;

/// A redeem that both signed cannot be bumped: after so many blocks without it we redeem alone.
const BLOCKS_TOGETHER: u32 = 3;

/// One swap.
#[derive(Clone, Debug)]
pub struct Live {
    begin: Begin,
    chains: BTreeSet<ChainId>,
    swap: Swap,
    tips: FreshTips,
    /// Legs of which the adapter has told the whole picture since we asked last.
    answered: BTreeSet<LegId>,
    asked: Vec<(LegId, ChainAction)>,
    tips_since: u32,
    /// Signatures that we asked the other party for. In memory only: a restarted process asks again.
    rounds: BTreeMap<LegId, Progress>,
    /// For how many tips of its chain a redeem that both signed has waited.
    waited: BTreeMap<LegId, u32>,
    /// Where the taker of our offer can be reached.
    contacts: Vec<Contact>,
    approval: Approval,
}

/// Whether the owner has to say a second word before anything is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Approval {
    NotNeeded,
    Awaited(Text<200>),
    /// When, by our clock (ms).
    Given(u64),
}

/// How far we are with asking for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Somebody asks.
    Open,
    /// We got none, and act alone.
    Alone,
    /// We got none, and ask again at the next tip.
    Rests,
}

impl Progress {
    pub(super) const fn after_failure(what: Together) -> Self {
        match what {
            Together::Redeem => Self::Alone,
            Together::Refund => Self::Rests,
        }
    }
}

impl Live {
    pub(super) fn begin(begin: Begin) -> Result<Self, Rejected> {
        let swap = Swap::begin(&begin.terms, begin.preimage.clone())?;
        Ok(Self::new(begin, swap))
    }

    /// A swap that was under way when its node was lost.
    pub(super) fn restored(begin: Begin) -> Result<Self, Rejected> {
        let swap = Swap::restored(&begin.terms, begin.preimage.clone())?;
        Ok(Self::new(begin, swap))
    }

    /// A swap that waits until its owner approves it, for a reason.
    pub(super) fn waiting(begin: Begin, why: Text<200>) -> Result<Self, Rejected> {
        let mut live = Self::begin(begin)?;
        live.approval = Approval::Awaited(why);
        Ok(live)
    }

    fn new(begin: Begin, swap: Swap) -> Self {
        let chains = begin.terms.chains();
        Self {
            begin,
            chains,
            swap,
            tips: FreshTips::default(),
            answered: BTreeSet::new(),
            asked: Vec::new(),
            tips_since: 0,
            rounds: BTreeMap::new(),
            waited: BTreeMap::new(),
            contacts: Vec::new(),
            approval: Approval::NotNeeded,
        }
    }

    /// Gives it an input; whether the state changed.
    pub(super) fn apply(&mut self, input: &Input) -> Result<bool, Rejected> {
        let next = self.swap.apply(&self.begin.terms, input)?;
        let changed = next != self.swap;
        self.swap = next;
        if let Input::Leg(leg, LegEvent::Failed(kind, _)) = input {
            self.together_failed(*leg, *kind);
        }
        if changed && matches!(input, Input::Leg(_, LegEvent::Built(..))) {
            // The signer may have taken hours: what we knew of time counts no more.
            self.tips.forget();
            self.answered.clear();
            // The same questions are open again, as if they had never been asked.
            self.asked.clear();
        }
        Ok(changed)
    }

    /// The chain's nodes contradict each other: what they told counts again when they have told all of it again.
    pub(super) fn distrust(&mut self, chain: &ChainId) {
        self.tips.forget_chain(chain);
        let legs = self.begin.terms.legs();
        let elsewhere = |id: &LegId| legs.get(id).is_some_and(|leg| leg.spec.chain() != *chain);
        self.answered.retain(elsewhere);
        // To watch is owed again, and asked for again.
        self.asked.clear();
    }

    /// The adapter has told all there is about one leg.
    pub(super) fn answered(&mut self, leg: LegId) {
        self.answered.insert(leg);
    }

    /// A chain has a new tip: what the machine is to be told. A tip says nothing about a leg whose picture is not
    /// complete: what a reorg took away while we were down would still look as if it were there.
    pub(super) fn hear(&mut self, chain: &ChainId, tip: Tip) -> Option<Input> {
        self.tips_since = self.tips_since.saturating_add(1);
        let mut legs = self
            .begin
            .terms
            .legs()
            .iter()
            .filter(|(_, leg)| leg.spec.chain() == *chain);
        if !legs.all(|(id, _)| self.answered.contains(id)) {
            return None;
        }
        self.tips.note(chain, tip);
        self.rounds.retain(|_, progress| *progress != Progress::Rests);
        Some(Input::Tips(self.tips.get().clone()))
    }

    /// What is owed and was not asked for last time; now and then all of it.
    pub(super) fn owed(&mut self) -> Vec<Effect> {
        let mut owed = self.swap.pending(&self.begin.terms, self.tips.get());
        owed.retain(|(leg, action)| !self.waits_for_a_signature(*leg, action));
        if self.waits() {
            // Nothing is locked, and nothing built, without the owner's word.
            owed.retain(|(_, action)| matches!(action, ChainAction::Watch { .. } | ChainAction::Unwatch));
        }
        let repeat = self.tips_since >= REPEAT_AFTER_TIPS;
        if repeat {
            self.tips_since = 0;
        }
        let fresh = owed
            .iter()
            .filter(|action| repeat || !self.asked.contains(action));
        let effects = fresh
            .filter_map(|(leg, action)| self.effect(*leg, action))
            .collect();
        self.asked = owed;
        effects
    }

    fn effect(&self, leg: LegId, action: &ChainAction) -> Option<Effect> {
        let spec = &self.begin.terms.legs().get(&leg)?.spec;
        Some(Effect {
            chain: spec.chain(),
            leg: self.begin.terms.leg_ref(leg),
            action: action.clone(),
        })
    }

    /// The signatures that we would like of the other party now.
    pub(super) fn asks(&self) -> Vec<(LegId, Together)> {
        self.swap.asks(&self.begin.terms, self.tips.get())
    }

    /// Those that nobody asks for yet. Whoever takes them comes back with [`Self::round_over`].
    pub(super) fn fresh_asks(&mut self) -> Vec<Ask> {
        let swap = self.begin.terms.swap();
        let mut fresh = self.asks();
        fresh.retain(|(leg, _)| !self.rounds.contains_key(leg));
        self.rounds
            .extend(fresh.iter().map(|(leg, _)| (*leg, Progress::Open)));
        let ask = |(leg, what)| Ask { swap, leg, what };
        fresh.into_iter().map(ask).collect()
    }

    pub(super) fn round_over(&mut self, leg: LegId, progress: Option<Progress>) {
        match progress {
            Some(progress) => self.rounds.insert(leg, progress),
            None => self.rounds.remove(&leg),
        };
    }

    /// What both signed is of no use: a redeem is done alone from here, a refund is asked for again at the next tip.
    fn together_failed(&mut self, leg: LegId, kind: ActKind) {
        for what in [Together::Redeem, Together::Refund] {
            if what.kind() == kind {
                self.rounds.insert(leg, Progress::after_failure(what));
            }
        }
    }

    /// A new tip of this chain: the redeems that both signed and that no block took in too long.
    pub(super) fn overdue(&mut self, chain: &ChainId) -> Vec<LegId> {
        let legs = self.begin.terms.legs().iter();
        let here = legs.filter(|(_, leg)| leg.spec.chain() == *chain);
        let mut overdue = Vec::new();
        for (id, _) in here {
            let waits = self.swap.legs().get(id).is_some_and(|leg| {
                leg.built.contains_key(&ActKind::RedeemTogether) && !leg.ended.is_some_and(Ended::in_block)
            });
            if !waits {
                self.waited.remove(id);
                continue;
            }
            let blocks = self.waited.entry(*id).or_default();
            *blocks = blocks.saturating_add(1);
            if *blocks > BLOCKS_TOGETHER {
                overdue.push(*id);
            }
        }
        overdue
    }

    /// A redeem alone waits while the other party is asked, and no longer than there is time for it.
    fn waits_for_a_signature(&self, leg: LegId, action: &ChainAction) -> bool {
        let alone = match action {
            ChainAction::Build(act) => act.kind() == ActKind::Redeem,
            ChainAction::Broadcast { act, .. } => *act == ActKind::Redeem,
            ChainAction::Watch { .. } | ChainAction::Unwatch => false,
        };
        let asked = self.rounds.get(&leg) == Some(&Progress::Open);
        alone && asked && self.asks().contains(&(leg, Together::Redeem))
    }

    pub(super) fn reach_by(&mut self, contacts: Vec<Contact>) {
        self.contacts = contacts;
    }

    /// Where the other party can be reached.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        match self.begin.order.contacts(self.other_role()) {
            // The taker of an offer says it beside the order.
            [] => &self.contacts,
            named => named,
        }
    }

    /// By which key the other party signs.
    #[must_use]
    pub fn other_party(&self) -> NodeId {
        self.begin.order.party(self.other_role())
    }

    fn other_role(&self) -> Role {
        match self.begin.terms.role() {
            Role::Initiator => Role::Participant,
            Role::Participant => Role::Initiator,
        }
    }

    pub(super) fn owe_all_again(&mut self) {
        self.tips_since = REPEAT_AFTER_TIPS;
    }

    /// Whether it is not over.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        !matches!(self.swap.phase(), Phase::Done(_))
    }

    pub(super) fn is_on(&self, chain: &ChainId) -> bool {
        self.chains.contains(chain)
    }

    /// Its terms.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.begin.terms
    }

    /// Its order.
    #[must_use]
    pub const fn order(&self) -> &SettlementOrder {
        &self.begin.order
    }

    /// Its state.
    #[must_use]
    pub const fn swap(&self) -> &Swap {
        &self.swap
    }

    /// The tips it may rely on now.
    #[must_use]
    pub const fn tips(&self) -> &Tips {
        self.tips.get()
    }

    /// Why it waits until its owner approves it; `None` if it does not, or is over.
    #[must_use]
    pub fn waits_because(&self) -> Option<&str> {
        match &self.approval {
            Approval::Awaited(why) if self.goes_on() => Some(why.as_str()),
            _ => None,
        }
    }

    /// Whether it waits until its owner approves it.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.waits_because().is_some()
    }

    /// When its money was first at stake, by our clock, in milliseconds: when it began, or was approved.
    #[must_use]
    pub const fn committed_ms(&self) -> u64 {
        match self.approval {
            Approval::Given(at_ms) => at_ms,
            Approval::NotNeeded | Approval::Awaited(_) => self.begin.at_ms,
        }
    }

    pub(super) fn approve(&mut self, at_ms: u64) {
        self.approval = Approval::Given(at_ms);
        self.owe_all_again();
    }

    /// When it began, by our clock, in milliseconds.
    #[must_use]
    pub const fn at_ms(&self) -> u64 {
        self.begin.at_ms
    }
}
