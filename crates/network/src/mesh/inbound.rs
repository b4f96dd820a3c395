//! What neighbours ask and tell, on its way to the node.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, oneshot};

use crate::identity::PeerId;
use crate::score::Fault;
use crate::transport::{InboundRequest, Responder};

use super::{Plane, Topic};

/// What happens in the mesh.
#[derive(Debug)]
pub enum MeshEvent {
    /// A neighbour asks and waits for our answer.
    Asked(MeshRequest),
    /// A neighbour has passed on what somebody tells everybody.
    Heard(Heard),
    /// A peer is a neighbour from now on. Comes before whatever else comes from this peer, unless it has
    /// left by then.
    Joined(PeerId),
    /// It is one no longer. What it has asked before may still come.
    Left(PeerId),
}

/// A request of a neighbour.
pub struct MeshRequest {
    /// Who asks, proven by the handshake of the connection.
    pub from: PeerId,
    /// [`Plane::Claim`] or [`Plane::Return`].
    pub plane: Plane,
    /// What was sent: at most `MeshLimits::message_bytes`, otherwise unchecked.
    pub body: Vec<u8>,
    /// Takes the answer. Drop it to give none.
    pub responder: Responder,
}

impl MeshRequest {
    pub(crate) fn new(plane: Plane, request: InboundRequest) -> Self {
        let InboundRequest {
            from,
            body,
            responder,
        } = request;
        Self {
            from,
            plane,
            body,
            responder,
        }
    }
}

impl fmt::Debug for MeshRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plane, size, from) = (self.plane, self.body.len(), self.from);
        write!(f, "MeshRequest({plane:?}, {size} bytes from {from})")
    }
}

/// Gossip, before anybody else is told. It goes no further until [`Verdict::accept`].
pub struct Heard {
    /// The neighbour that passed it on, who need not have said it first.
    pub from: PeerId,
    /// What it is about.
    pub topic: Topic,
    /// What was said: at most `MeshLimits::gossip_bytes`, otherwise unchecked.
    pub body: Vec<u8>,
    /// Whether it is worth passing on.
    pub verdict: Verdict,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (topic, size, from) = (self.topic, self.body.len(), self.from);
        write!(f, "Heard({topic:?}, {size} bytes from {from})")
    }
}

/// What is to become of gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Accept,
    Ignore,
    Reject(Fault),
}

/// The node's word on gossip. Dropped, it ignores. Say it within 5 s: later, nobody is told any more.
#[derive(Debug)]
pub struct Verdict(oneshot::Sender<Judgement>);

impl Verdict {
    pub(crate) fn new() -> (Self, oneshot::Receiver<Judgement>) {
        let (word, receiver) = oneshot::channel();
        (Self(word), receiver)
    }

    /// Passes it on to our neighbours.
    pub fn accept(self) {
        self.say(Judgement::Accept);
    }

    /// Passes it on to nobody, and judges who passed it to us.
    pub fn reject(self, fault: Fault) {
        self.say(Judgement::Reject(fault));
    }

    /// Passes it on to nobody; nobody is to blame.
    pub fn ignore(self) {
        self.say(Judgement::Ignore);
    }

    fn say(self, judgement: Judgement) {
        // The receiver is gone only when the network is down.
        let _gone = self.0.send(judgement);
    }
}

/// What neighbours ask and tell. Dropping it leaves requests without an answer and ignores gossip.
pub struct MeshInbound(Arc<Queue>);

impl MeshInbound {
    /// The next event; `None` once the network has shut down. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<MeshEvent> {
        loop {
            {
                let mut state = self.0.state();
                if let Some(event) = state.next() {
                    return Some(event);
                }
                if state.ended {
                    return None;
                }
            }
            self.0.news.notified().await;
        }
    }
}

impl Drop for MeshInbound {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.unread = true;
        // What waits there answers by being dropped, which must not happen under the lock.
        let dropped = std::mem::take(&mut state.events);
        drop(state);
        drop(dropped);
    }
}

impl fmt::Debug for MeshInbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeshInbound({} waiting)", self.0.state().events.len())
    }
}

/// The network's end of the queue. Dropping it ends the queue.
pub(crate) struct EventSender(Arc<Queue>);

/// A queue for `capacity` events, beside which neighbours come and go.
pub(crate) fn events(capacity: usize) -> (EventSender, MeshInbound) {
    let queue = Arc::new(Queue {
        state: Mutex::new(State {
            capacity,
            events: VecDeque::new(),
            doors: BTreeMap::new(),
            moved: VecDeque::new(),
            unread: false,
            ended: false,
        }),
        news: Notify::new(),
    });
    (EventSender(queue.clone()), MeshInbound(queue))
}

impl EventSender {
    /// Queues an event; `false`, and the event is dropped, if the queue is full. An event that nobody will
    /// read is dropped too, and that is `true`: there is nothing to wait for.
    pub(crate) fn send(&self, event: MeshEvent) -> bool {
        let mut state = self.0.state();
        if state.unread || state.ended {
            drop(state);
            drop(event);
            return true;
        }
        if state.events.len() >= state.capacity {
            drop(state);
            drop(event);
            return false;
        }
        state.events.push_back(event);
        drop(state);
        self.0.news.notify_one();
        true
    }

    /// A peer is a neighbour now.
    pub(crate) fn joined(&self, peer: PeerId) {
        self.door(peer, true);
    }

    /// It is one no longer.
    pub(crate) fn left(&self, peer: PeerId) {
        self.door(peer, false);
    }

    fn door(&self, peer: PeerId, inside: bool) {
        self.0.state().door(peer, inside);
        self.0.news.notify_one();
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.news.notify_one();
    }
}

struct Queue {
    state: Mutex<State>,
    news: Notify,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the queue")
    }
}

/// Who is inside, and what the reader was told about it. Entries are peers that are inside or were told
/// to be, so there are at most twice as many as connections, whatever the reader does.
#[derive(Default)]
struct Door {
    inside: bool,
    told: bool,
    /// Has been outside since the reader was told that it is inside.
    was_out: bool,
    /// Stands in `moved`.
    waits: bool,
}

struct State {
    capacity: usize,
    events: VecDeque<MeshEvent>,
    doors: BTreeMap<PeerId, Door>,
    /// Peers about whom the reader has something to be told, each once, in order.
    moved: VecDeque<PeerId>,
    unread: bool,
    ended: bool,
}

impl State {
    fn door(&mut self, peer: PeerId, inside: bool) {
        if self.unread {
            return;
        }
        let door = self.doors.entry(peer).or_default();
        door.inside = inside;
        door.was_out |= door.told && !inside;
        if !door.inside && !door.told {
            // Came and went unseen.
            self.doors.remove(&peer);
            self.moved.retain(|other| *other != peer);
        } else if !door.waits {
            door.waits = true;
            self.moved.push_back(peer);
        }
    }

    fn next(&mut self) -> Option<MeshEvent> {
        self.next_move().or_else(|| self.events.pop_front())
    }

    fn next_move(&mut self) -> Option<MeshEvent> {
        while let Some(peer) = self.moved.pop_front() {
            let Some(door) = self.doors.get_mut(&peer) else {
                continue;
            };
            door.waits = false;
            if door.told && door.was_out {
                (door.told, door.was_out) = (false, false);
                if door.inside {
                    door.waits = true;
                    self.moved.push_front(peer);
                } else {
                    self.doors.remove(&peer);
                }
                return Some(MeshEvent::Left(peer));
            }
            if door.inside && !door.told {
                door.told = true;
                return Some(MeshEvent::Joined(peer));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
