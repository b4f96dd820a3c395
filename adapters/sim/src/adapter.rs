//! The adapter: the port over a [`SimChain`], with one account for a wallet.

mod entrusted;
mod port;
mod together;
mod transfer;

use crate::chain::SimChain;
use crate::follow::View;
use crate::leg::{Leg, Version};
use crate::tx::{AccountId, Contract, SimTx};
use crate::wallet::{Draft, Wallet, refused};
use kofo_primitives::{
    Act, ActKind, At, ChainAction, ChainEvent, Health, HtlcSpec, LegEvent, LegRef, Prepared,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

/// One node's adapter. Does nothing by itself: it looks at the chain when it is polled.
#[derive(Debug)]
pub struct SimAdapter {
    chain: SimChain,
    account: AccountId,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The newest announcement that was followed.
    heard: Option<u64>,
    view: View,
    legs: BTreeMap<LegRef, Leg>,
    events: VecDeque<ChainEvent>,
    /// What was asked for while the node did not answer, in order.
    parked: Vec<(LegRef, ChainAction)>,
    told_health: Health,
    /// Signed payments that are in no block.
    transfers: BTreeMap<[u8; 32], SimTx>,
}

impl SimAdapter {
    /// A node of this account that has just started.
    #[must_use]
    pub fn new(chain: SimChain, account: AccountId) -> Self {
        let view = chain.ask(View::new);
        let inner = Inner {
            heard: None,
            view,
            legs: BTreeMap::new(),
            events: VecDeque::new(),
            parked: Vec::new(),
            told_health: Health::Healthy,
            transfers: BTreeMap::new(),
        };
        let inner = Mutex::new(inner);
        Self {
            chain,
            account,
            inner,
        }
    }

    /// Whose wallet it has.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Does what the port's `act` does, at once.
    pub fn act_now(&self, leg: LegRef, action: ChainAction) {
        {
            let mut inner = self.inner();
            if self.chain.ask(|state| state.cut) {
                inner.parked.push((leg, action));
            } else {
                self.take(&mut inner, leg, action);
            }
        }
        self.chain.changed().notify_waiters();
    }

    fn take(&self, inner: &mut Inner, leg: LegRef, action: ChainAction) {
        match action {
            ChainAction::Watch { spec, held } => self.watch(inner, leg, spec, &held),
            ChainAction::Build(act) => self.build(inner, leg, act),
            ChainAction::Broadcast { act, tx, not_after } => {
                if let Some(watched) = inner.legs.get_mut(&leg) {
                    watched.not_after.insert(act, not_after);
                }
                self.broadcast(inner, leg, act, &tx);
            }
            ChainAction::Unwatch => {
                inner.legs.remove(&leg);
                inner
                    .events
                    .retain(|event| !matches!(event, ChainEvent::Leg(of, _) if *of == leg));
            }
        }
    }

    /// The next thing to tell, if there is any now. Looks at the chain only when all was told.
    pub fn poll(&self) -> Option<ChainEvent> {
        let mut inner = self.inner();
        if inner.events.is_empty() {
            self.refresh(&mut inner);
        }
        inner.events.pop_front()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no method panics while it holds the adapter")
    }

    /// Follows the chain if something was announced.
    fn refresh(&self, inner: &mut Inner) {
        let (announced, cut, health) = self.chain.ask(|state| (state.announced, state.cut, state.health));
        let health = if cut { Health::Fault } else { health };
        if inner.told_health != health {
            inner.told_health = health;
            inner.events.push_back(ChainEvent::Health(health));
        }
        if cut {
            return;
        }
        for (leg, action) in std::mem::take(&mut inner.parked) {
            self.take(inner, leg, action);
        }
        if inner.heard == Some(announced) {
            return;
        }
        let first = inner.heard.replace(announced).is_none();
        if !self.follow(inner) && first {
            inner.events.push_back(ChainEvent::Tip(inner.view.tip));
        }
    }

    /// Scans what is new: tells the facts, then the tip if it is another, and does what is owed at it. Whether it is.
    fn follow(&self, inner: &mut Inner) -> bool {
        let Inner {
            view, legs, events, ..
        } = inner;
        let moved = self.chain.ask(|state| view.follow(state, legs));
        for (of, leg) in legs.iter_mut() {
            let news = leg.news(view.tip.height);
            events.extend(news.into_iter().map(|event| ChainEvent::Leg(*of, event)));
        }
        if moved {
            events.push_back(ChainEvent::Tip(view.tip));
            self.work(inner);
        }
        moved
    }

    /// With each new block: builds what could not be built, sends what is in no block, pays more for what is stuck.
    fn work(&self, inner: &mut Inner) {
        let legs: Vec<LegRef> = inner.legs.keys().copied().collect();
        for of in legs {
            let wanted: Vec<Act> = inner
                .legs
                .get_mut(&of)
                .map(|leg| std::mem::take(&mut leg.wanted).into_values().collect())
                .unwrap_or_default();
            for act in wanted {
                self.build(inner, of, act);
            }
            let Some(leg) = inner.legs.get(&of) else {
                continue;
            };
            let facts = leg.facts();
            let open = leg.sending.keys().copied().filter(|kind| !facts.mined(*kind));
            for kind in open.collect::<Vec<_>>() {
                self.send(inner, of, kind);
                self.pay_more(inner, of, kind);
            }
        }
    }

    fn watch(&self, inner: &mut Inner, of: LegRef, spec: HtlcSpec, held: &[Prepared]) {
        let Some(contract) = Contract::of(&spec) else {
            let Draft::Failed(class) = refused("the leg's parties are malformed") else {
                return;
            };
            inner.tell(of, LegEvent::Failed(ActKind::Lock, class));
            return;
        };
        let leg = inner.legs.entry(of).or_insert_with(|| Leg::new(spec, contract));
        for version in held.iter().filter_map(Version::read) {
            leg.keep(version);
        }
        leg.tell_again();
        self.chain.ask(|state| leg.catch_up(state));
        self.follow(inner);
        inner.tell(of, LegEvent::Watched(inner.view.tip));
    }

    fn build(&self, inner: &mut Inner, of: LegRef, act: Act) {
        let kind = act.kind();
        let draft = match inner.legs.get(&of) {
            None => refused("the leg is not watched"),
            Some(leg) => self.wallet(inner, |wallet| wallet.build(leg, &act)),
        };
        if matches!(draft, Draft::Later)
            && let Some(leg) = inner.legs.get_mut(&of)
        {
            leg.wanted.insert(kind, act);
        }
        inner.answer(of, kind, draft);
    }

    fn broadcast(&self, inner: &mut Inner, of: LegRef, kind: ActKind, prepared: &Prepared) {
        let version = Version::read(prepared).filter(|version| version.kind == kind);
        let (Some(version), Some(leg)) = (version, inner.legs.get_mut(&of)) else {
            inner.answer(
                of,
                kind,
                refused("the leg is not watched, or that was not built here"),
            );
            return;
        };
        let tx = version.tx.clone();
        if leg.keep(version) {
            self.chain.ask(|state| leg.catch_up(state));
        }
        // What is to be cancelled is never sent again.
        if kind == ActKind::Lock && leg.sending.contains_key(&ActKind::Cancel) {
            return;
        }
        // An act alone takes the place of what both signed.
        let instead = match kind {
            ActKind::Cancel => Some(ActKind::Lock),
            ActKind::Redeem => Some(ActKind::RedeemTogether),
            ActKind::Refund => Some(ActKind::RefundTogether),
            ActKind::Lock | ActKind::RedeemTogether | ActKind::RefundTogether => None,
        };
        if let Some(instead) = instead {
            leg.sending.remove(&instead);
        }
        let superseded = |now: &SimTx| now.spends == tx.spends && now.fee >= tx.fee;
        if !leg.sending.get(&kind).is_some_and(superseded) {
            leg.sending.insert(kind, tx);
        }
        self.send(inner, of, kind);
    }

    /// Offers it to the node. A refusal is no fact: what it took nevertheless is found on the chain. But what it says
    /// that it took is shown, even if it forgets it at once.
    fn send(&self, inner: &mut Inner, of: LegRef, kind: ActKind) {
        let tip = inner.view.tip.time;
        let leg = inner.legs.get_mut(&of).filter(|leg| leg.may_send(kind, tip));
        let Some((leg, tx)) = leg.and_then(|leg| leg.sending.get(&kind).cloned().map(|tx| (leg, tx))) else {
            return;
        };
        let shown = tx.preimage().filter(|_| kind == ActKind::Redeem && !leg.shown);
        if self.chain.submit(tx.clone()).is_ok()
            && let Some(preimage) = shown
        {
            leg.shown = true;
            let (act, tx) = (Act::Redeem(preimage), Some(tx.id()));
            inner.tell(
                of,
                LegEvent::Seen {
                    act,
                    at: At::Mempool,
                    tx,
                },
            );
        }
    }

    fn pay_more(&self, inner: &mut Inner, of: LegRef, kind: ActKind) {
        let Some(leg) = inner.legs.get(&of) else {
            return;
        };
        let Some(draft) = self.wallet(inner, |wallet| wallet.better(leg, kind)) else {
            return;
        };
        if let Draft::Failed(class) = &draft {
            let told = inner
                .legs
                .get_mut(&of)
                .and_then(|leg| leg.told_failed.insert(kind, class.clone()));
            if told.as_ref() == Some(class) {
                return;
            }
        }
        inner.answer(of, kind, draft);
    }

    fn wallet<T>(&self, inner: &Inner, question: impl FnOnce(&Wallet<'_>) -> T) -> T {
        self.chain.ask(|state| {
            question(&Wallet {
                account: self.account,
                state,
                legs: &inner.legs,
                transfers: &inner.transfers,
            })
        })
    }
}

impl Inner {
    fn tell(&mut self, of: LegRef, event: LegEvent) {
        self.events.push_back(ChainEvent::Leg(of, event));
    }

    fn answer(&mut self, of: LegRef, kind: ActKind, draft: Draft) {
        match draft {
            Draft::Ready(tx) => {
                let version = Version { kind, tx };
                let prepared = version.prepared();
                if let Some(leg) = self.legs.get_mut(&of) {
                    leg.keep(version);
                }
                self.tell(of, LegEvent::Built(kind, prepared));
            }
            Draft::Later => (),
            Draft::Failed(class) => self.tell(of, LegEvent::Failed(kind, class)),
        }
    }
}
