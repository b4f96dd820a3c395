//! The one task of an adapter: it alone follows the chain, builds and sends.

use crate::build::Builds;
use crate::facts::Leg;
use crate::follow::Follower;
use crate::htlc::Htlc;
use crate::node::NodeError;
use crate::prepared::Form;
use crate::purse::Purse;
use crate::send::Sender;
use crate::transfer::Payment;
use kofo_primitives::{
    ActKind, ChainAction, ChainEvent, FailClass, Health, HtlcSpec, LegEvent, LegRef, Prepared, Text, Tip,
    UnixTime,
};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

/// So many questions in a row may fail before the node counts as faulty.
const PATIENCE: u32 = 5;

pub(crate) type Command = (LegRef, ChainAction);

pub(crate) struct Engine {
    pub(crate) purse: Arc<Purse>,
    pub(crate) follower: Follower,
    pub(crate) builds: Builds,
    pub(crate) sender: Sender,
    events: mpsc::Sender<ChainEvent>,
    /// Who waits for the answer to a `Watch`.
    asked: std::collections::BTreeSet<LegRef>,
    failures: u32,
    /// The tip changed since a round went through.
    moved: bool,
    /// The block that was told last.
    told: Option<alloy::primitives::B256>,
    /// Since when the endpoints do not agree, or one of them lags.
    apart: Option<Instant>,
    health: Health,
}

impl Engine {
    pub(crate) fn new(
        purse: Arc<Purse>,
        contract: alloy::primitives::Address,
        events: mpsc::Sender<ChainEvent>,
    ) -> Self {
        Self {
            sender: Sender::new(&purse),
            purse,
            follower: Follower::new(contract),
            builds: Builds::default(),
            events,
            asked: std::collections::BTreeSet::new(),
            failures: 0,
            moved: false,
            told: None,
            apart: None,
            health: Health::Healthy,
        }
    }

    /// Runs until the adapter is dropped.
    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut payments: mpsc::Receiver<Payment>,
    ) {
        let mut poll = tokio::time::interval(self.purse.config.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                received = commands.recv_many(&mut batch, 64) => {
                    if received == 0 {
                        return;
                    }
                    for (leg, action) in batch.drain(..) {
                        self.command(leg, action).await;
                    }
                }
                Some(payment) = payments.recv() => self.payment(payment).await,
                _ = poll.tick() => {}
            }
            self.round().await;
        }
    }

    async fn command(&mut self, leg: LegRef, action: ChainAction) {
        match action {
            ChainAction::Watch { spec, held } => self.watch(leg, spec, &held).await,
            ChainAction::Build(act) => {
                self.builds.want(leg, act);
            }
            ChainAction::Broadcast { act, tx, not_after } => match self.form(leg, act, &tx) {
                Some(form) => {
                    if let Some(watched) = self.follower.legs.get_mut(&leg) {
                        watched.not_after.insert(act, not_after);
                    }
                    self.sender.broadcast(leg, form, self.follower.tip());
                }
                None => {
                    self.refuse(leg, act, "not a transaction that this adapter built")
                        .await
                }
            },
            ChainAction::Unwatch => {
                self.follower.unwatch(leg);
                self.builds.forget(leg);
                self.sender.forget(leg);
                let mut ledger = self.purse.ledger();
                ledger.ends.remove(&leg);
                ledger.earmarks.remove(&leg);
            }
        }
    }

    async fn watch(&mut self, leg: LegRef, spec: HtlcSpec, held: &[Prepared]) {
        self.asked.insert(leg);
        for form in held.iter().filter_map(Form::decode) {
            self.sender.hold(leg, &form);
        }
        if let Some(known) = self
            .follower
            .legs
            .get_mut(&leg)
            .filter(|known| known.spec == spec)
        {
            known.tell_again();
            return;
        }
        match Htlc::new(&self.purse.config, &spec) {
            Ok(htlc) => {
                self.purse.ledger().ends.insert(leg, htlc.end_gas());
                self.sender.check_gas();
                self.follower.watch(leg, Leg::new(spec, htlc));
            }
            Err(error) => self.refuse(leg, ActKind::Lock, &error.to_string()).await,
        }
    }

    fn form(&self, leg: LegRef, kind: ActKind, prepared: &Prepared) -> Option<Form> {
        let form = Form::decode(prepared).filter(|form| form.kind() == kind);
        form.filter(|_| self.follower.legs.contains_key(&leg))
    }

    /// Catches up, tells what is new, builds what is wanted and sends what is owed. After an error the rest waits for
    /// the next round.
    async fn round(&mut self) {
        let before = self.follower.tip();
        let done = self.try_round().await;
        if let Err(error) = &done {
            tracing::warn!(chain = %self.purse.config.chain(), %error, failures = self.failures, "the node does not answer as expected");
            if let Err(error) = self.alone().await {
                tracing::debug!(%error, "no endpoint takes what could go without agreement");
            }
        }
        let apart = match done {
            Ok(()) => {
                self.failures = 0;
                self.follower.behind && before == self.follower.tip()
            }
            Err(NodeError::Apart(_)) => true,
            // Not the chain's fault: all facts were told before anything was to be signed.
            Err(NodeError::Signer(_)) => false,
            Err(_) => {
                self.failures = self.failures.saturating_add(1);
                false
            }
        };
        self.apart = apart.then(|| self.apart.unwrap_or_else(Instant::now));
        let long = |since: Instant| since.elapsed() >= self.purse.config.patience;
        let healthy = self.failures < PATIENCE && !self.follower.in_doubt && !self.apart.is_some_and(long);
        let health = if healthy { Health::Healthy } else { Health::Fault };
        if self.health != health {
            self.health = health;
            self.tell(ChainEvent::Health(health)).await;
        }
    }

    async fn try_round(&mut self) -> Result<(), NodeError> {
        // What an error cut short goes on with the next round, also if no block comes.
        self.moved |= self.follower.advance(&self.purse.node).await?;
        let moved = self.moved;
        let Some(head) = self.follower.tip() else {
            return Ok(());
        };
        let together = !self.follower.behind;
        self.follower.overhear(&self.purse.node, together).await;
        self.settle_ledger();
        let looked = self.sender.look(&self.purse, &mut self.follower, moved).await;
        self.tell_all(looked).await?;
        self.tell_news().await;
        let tip = Tip {
            height: head.height,
            time: UnixTime(head.time),
        };
        for leg in std::mem::take(&mut self.asked) {
            self.tell(ChainEvent::Leg(leg, LegEvent::Watched(tip))).await;
        }
        if moved && self.told.replace(head.hash) != Some(head.hash) {
            self.tell(ChainEvent::Tip(tip)).await;
        }
        self.builds
            .make(&self.purse, &self.follower, &mut self.sender, |_| true)
            .await;
        let sent = self.sender.send(&self.purse, &mut self.follower, moved).await;
        self.tell_all(sent).await?;
        self.tell_news().await;
        self.moved = false;
        Ok(())
    }

    /// What needs no agreement of the endpoints: preimages are taken from whoever shows them, and redeems whose preimages
    /// are public are built and sent.
    async fn alone(&mut self) -> Result<(), NodeError> {
        if !self.purse.node.has_witnesses() {
            return Ok(());
        }
        self.follower.overhear(&self.purse.node, false).await;
        for (leg, it) in &mut self.follower.legs {
            if let Some(shown) = it.shown() {
                self.sender.tell(*leg, shown);
            }
        }
        let redeems = |kind| kind == ActKind::Redeem;
        self.builds
            .make(&self.purse, &self.follower, &mut self.sender, redeems)
            .await;
        let sent = self.sender.send_alone(&self.purse, &self.follower).await;
        self.tell_all(sent).await
    }

    /// What was found is told, also if an error cut it short.
    async fn tell_all(&mut self, done: Result<(), NodeError>) -> Result<(), NodeError> {
        for (leg, event) in self.sender.take_told() {
            self.tell(ChainEvent::Leg(leg, event)).await;
        }
        done
    }

    async fn tell_news(&mut self) {
        let news: Vec<_> = self
            .follower
            .legs
            .iter_mut()
            .map(|(leg, it)| (*leg, it.news()))
            .collect();
        for (leg, events) in news {
            for event in events {
                self.tell(ChainEvent::Leg(leg, event)).await;
            }
        }
    }

    /// What is locked is no longer the owner's, and what has ended needs no more gas.
    fn settle_ledger(&self) {
        let mut ledger = self.purse.ledger();
        for (leg, it) in &self.follower.legs {
            if it.facts.lock.is_some() || it.facts.cancelled().is_some() {
                ledger.earmarks.remove(leg);
            }
            if it.facts.end.is_some() {
                ledger.ends.remove(leg);
            } else {
                ledger.ends.insert(*leg, it.htlc.end_gas());
            }
        }
    }

    async fn refuse(&self, leg: LegRef, kind: ActKind, why: &str) {
        let class = FailClass::Refused(Text::lossy(why));
        self.tell(ChainEvent::Leg(leg, LegEvent::Failed(kind, class)))
            .await;
    }

    /// Nobody listens any more: then the command channel is closed too, and the task ends.
    async fn tell(&self, event: ChainEvent) {
        let _ = self.events.send(event).await;
    }
}
