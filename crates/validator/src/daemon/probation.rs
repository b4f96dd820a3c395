//! When a validator that does not know what it signed may sign again.
//!
//! Either of two is enough:
//!
//! * *The network goes on without it.* A height was decided here whose time is later than our start by more than twice
//!   what clocks may differ. Validators vote for no header whose time is ahead of their clocks, so it was voted on after
//!   we started: whatever we signed before was at that height or a lower one, and is decided now. Nobody has to be
//!   believed for it but the certificate; peers that lie about how far they are cannot end it early.
//! * *The network has not begun.* We are at height 0, and validators that have, with us, more than two thirds of the
//!   power told us that they were too. All are waited for a moment, lest those who are late find the others gone on.
//!
//! A validator that lost its folder while the whole network is down waits therefore until more than two thirds of the
//! power is back without it. If that cannot be, the network stands still, and a person must decide:
//! `vote_without_record` in the configuration.

use super::Start;
use super::peers::Others;
use crate::head::{Clock, Head};
use crate::keys::Keys;
use crate::replica::Replica;
use kofo_clearance::{Genesis, Request, Response};
use kofo_network::{PeerAddress, Transport};
use kofo_primitives::NodeId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Between two questions to one that does not answer.
const REST: Duration = Duration::from_millis(200);
/// How long all are waited for, before two thirds are enough.
const GRACE: Duration = Duration::from_secs(5);

/// What we know of the network's beginning.
struct Beginning {
    /// How much power has to be at height 0, so that it has not begun.
    needed: u64,
    /// Ours, and that of those who said that they were.
    there: u64,
    /// Somebody is further.
    begun: bool,
    /// First answers that are still to come, with the power of who gives them.
    asked: JoinSet<(u64, u64)>,
    grace: Instant,
}

/// The time until a validator may vote.
pub(super) struct Probation {
    head: watch::Receiver<Arc<Head>>,
    clock: Clock,
    started_ms: u64,
    /// Twice what clocks may differ.
    margin_ms: u64,
    beginning: Beginning,
}

impl Beginning {
    fn of(genesis: &Genesis, ours: NodeId, others: &Others, head: &Head, by: &Arc<dyn Transport>) -> Self {
        let set = head.ledger.validators();
        let power = |account: NodeId| {
            let members = set.members().iter();
            let mut found = members.filter(|member| member.account == account);
            found.next().map_or(0, |member| member.power)
        };
        let mut asked = JoinSet::new();
        if head.ledger.tip().height == 0 {
            for one in genesis.validators.iter().filter(|one| one.account != ours) {
                let address = PeerAddress::from_multiaddrs(&[one.service.as_str()]).ok();
                let known = address.and_then(|address| others.services.get(&address.peer()).cloned());
                if let Some(peer) = known {
                    let (by, power) = (Arc::clone(by), power(one.account));
                    asked.spawn(async move { (height_of(&*by, &peer).await, power) });
                }
            }
        }
        Self {
            // Two thirds are not enough: one unit more.
            needed: set.total().saturating_mul(2) / 3 + 1,
            there: power(ours),
            begun: head.ledger.tip().height > 0,
            asked,
            grace: Instant::now() + GRACE,
        }
    }

    fn note(&mut self, (height, power): (u64, u64)) {
        if height == 0 {
            self.there = self.there.saturating_add(power);
        } else {
            self.begun = true;
        }
    }

    fn waited(&self) -> bool {
        self.asked.is_empty() || Instant::now() >= self.grace
    }
}

impl Probation {
    /// Begins. It is over at once if we alone are two thirds of a network that has not begun.
    pub(super) fn begin(
        start: &Start,
        keys: &Keys,
        others: &Others,
        replica: &Replica,
        by: &Arc<dyn Transport>,
    ) -> Self {
        let (ours, head) = (keys.account.id(), replica.head());
        let beginning = Beginning::of(&start.genesis, ours, others, &head.borrow(), by);
        Self {
            head,
            clock: start.clock.clone(),
            started_ms: start.clock.now_ms(),
            margin_ms: start.genesis.params.clock_ms.saturating_mul(2),
            beginning,
        }
    }

    /// Whether it is over.
    pub(super) fn over(&mut self) -> bool {
        let tip = self.head.borrow_and_update().ledger.tip();
        if tip.height == 0 {
            let beginning = &self.beginning;
            return beginning.there >= beginning.needed && beginning.waited();
        }
        // A header of the future would be of a clock of ours that was set back since.
        let (from, to) = (self.margin_ms, self.clock.now_ms().saturating_add(self.margin_ms));
        tip.time_ms > self.started_ms.saturating_add(from) && tip.time_ms <= to
    }

    /// Whether there is something to be followed.
    pub(super) fn follows(&self) -> bool {
        self.beginning.begun || self.beginning.waited()
    }

    /// Waits for what may change either.
    pub(super) async fn news(&mut self) {
        let beginning = &mut self.beginning;
        let waits = !beginning.asked.is_empty() && Instant::now() < beginning.grace;
        tokio::select! {
            Some(answer) = beginning.asked.join_next() => {
                // A task that failed gave no answer.
                if let Ok(answer) = answer {
                    beginning.note(answer);
                }
            }
            () = tokio::time::sleep_until(beginning.grace), if waits => {}
            changed = self.head.changed() => {
                if changed.is_err() {
                    // The ledger is gone, and we are about to be.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

/// How far another is, by its first answer: it was there after we began.
async fn height_of(by: &dyn Transport, peer: &PeerAddress) -> u64 {
    loop {
        if let Ok(answer) = by.request(peer, Request::Status.write()).await
            && let Ok(Response::Status(status)) = Response::read(&answer)
        {
            return status.height;
        }
        tokio::time::sleep(REST).await;
    }
}
