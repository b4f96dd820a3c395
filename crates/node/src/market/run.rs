//! The market's loop: what neighbours do, the jobs that come of it, and what time brings.

use super::ledger::Change;
use super::{GUARDS_PLACE, Market, State, Work, feeds, millis};
use crate::clock::now_ms;
use kofo_exchange::Received;
use kofo_network::MeshInbound;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Jobs that are under way at a time.
const JOBS: usize = 64;
/// Claims that are quoted for at a time.
const QUOTING: usize = 8;
/// Guards of so many bytes and less are written each second, larger ones each ten.
const SMALL_GUARDS: usize = 64 * 1024;

type Writer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is run once.
pub(super) struct Jobs {
    inbox: mpsc::Receiver<Work>,
    claims: mpsc::Receiver<Received>,
    writer: Writer,
}

impl Jobs {
    pub(super) fn new(
        inbox: mpsc::Receiver<Work>,
        claims: mpsc::Receiver<Received>,
        writer: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let writer = Box::pin(writer);
        Self {
            inbox,
            claims,
            writer,
        }
    }
}

/// When things were last done (unix ms).
#[derive(Default)]
struct Done {
    second_ms: u64,
    guards_ms: u64,
    rated_ms: u64,
    guards_size: usize,
}

impl Market {
    /// Takes part in the market until the network ends. Once: a second call returns at once.
    pub async fn run(self: Arc<Self>, mut inbound: MeshInbound) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Jobs {
            mut inbox,
            mut claims,
            writer,
        }) = jobs
        else {
            return;
        };
        let mut standing = JoinSet::new();
        standing.spawn(writer);
        self.follow_sources(&mut standing);
        let (mut jobs, mut quoting) = (JoinSet::new(), JoinSet::new());
        let mut tick = tokio::time::interval(self.parts.timing.tick);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut done = Done::default();
        loop {
            tokio::select! {
                event = inbound.next() => match event {
                    Some(event) => self.event(event),
                    None => return,
                },
                Some(work) = inbox.recv(), if jobs.len() < JOBS => {
                    jobs.spawn(Arc::clone(&self).job(work));
                }
                Some(received) = claims.recv(), if quoting.len() < QUOTING => {
                    quoting.spawn(Arc::clone(&self).offer(received));
                }
                Some(_done) = jobs.join_next(), if !jobs.is_empty() => {}
                Some(_done) = quoting.join_next(), if !quoting.is_empty() => {}
                _ = tick.tick() => self.tick(&mut done),
            }
        }
    }

    fn follow_sources(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        if self.state().dealing.is_none() {
            return;
        }
        if let Some(clearing) = self.parts.clearing.clone() {
            tasks.spawn(Arc::clone(self).follow_orders(Arc::clone(&clearing)));
            tasks.spawn(Arc::clone(self).follow_bond(clearing));
        }
        let config = &self.parts.provider;
        if let Some(source) = config.price_source.clone() {
            tasks.spawn(feeds::follow_prices(Arc::clone(self), source));
        }
        for source in config.books.clone() {
            tasks.spawn(feeds::follow_book(Arc::clone(self), source));
        }
    }

    async fn job(self: Arc<Self>, work: Work) {
        match work {
            Work::Hello(peer) => self.say_hello(peer).await,
            Work::Chosen(from, envelope) => self.chosen(from, *envelope).await,
            Work::Pick(claim) => self.pick(claim).await,
            Work::Begin(claim) => self.begin(claim).await,
            Work::Clear(claim) => self.clear(claim).await,
            Work::Outcomes => self.look_at_outcomes().await,
        }
    }

    fn tick(&self, done: &mut Done) {
        let now_ms = now_ms();
        let mut state = self.state();
        self.tend_claims(&mut state, now_ms);
        if now_ms.saturating_sub(done.second_ms) >= 1_000 {
            done.second_ms = now_ms;
            self.each_second(&mut state, done, now_ms);
        }
        drop(state);
        self.show_when_due(now_ms);
    }

    fn each_second(&self, state: &mut State, done: &mut Done, now_ms: u64) {
        state.relay.expire(now_ms);
        state.board.expire(now_ms);
        if let Some(dealing) = state.dealing.as_mut() {
            let gone = dealing.expire(now_ms);
            if !gone.is_empty() {
                self.keep_behind(gone);
            }
        }
        self.hello_again(state, now_ms);
        if !state.looking {
            state.looking = true;
            self.queue(Work::Outcomes);
        }
        if now_ms.saturating_sub(done.rated_ms) >= millis(self.parts.timing.beacon) {
            done.rated_ms = now_ms;
            Self::rate(state);
        }
        let pause = if done.guards_size <= SMALL_GUARDS {
            1_000
        } else {
            10_000
        };
        if state.guards_changed && now_ms.saturating_sub(done.guards_ms) >= pause {
            state.guards_changed = false;
            done.guards_ms = now_ms;
            let guards = borsh::to_vec(&state.relay.guards()).expect("writing to memory does not fail");
            done.guards_size = guards.len();
            self.keep_behind(vec![Change::Put(GUARDS_PLACE.to_owned(), guards)]);
        }
    }
}
