//! The way of operations to the other validators: one queue for each, so that one that is down holds up no other. What
//! waits for one goes together, for a message costs as much as an operation's signatures.

use futures::StreamExt as _;
use futures::stream;
use kofo_clearance::{CheckedOp, Request};
use kofo_network::{PeerAddress, PeerId, Transport};
use kofo_primitives::MAX_MESSAGE;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// So many operations wait for one validator; the newest are left out beyond it, and proposed by us alone.
const QUEUE: usize = 4_096;
/// So many messages are on their way to one validator at a time; more would only be smaller.
const AT_ONCE: usize = 2;
/// A message is sent so often.
const TRIES: u32 = 3;
/// Before it is sent again.
const REST: Duration = Duration::from_millis(500);
/// The operations of one message have at most so many bytes, unless it is only one.
const MOST_BYTES: usize = MAX_MESSAGE - 8 * 1024;
/// And are so many at most.
const MOST_OPS: usize = 256;

/// The other validators' services.
pub type Peers = BTreeMap<PeerId, PeerAddress>;

/// Whether so many of the others were told of an operation that they decide it with us. What they have checked before
/// it is proposed takes them no time in the round.
#[derive(Debug)]
pub struct Told {
    missing: AtomicUsize,
}

impl Told {
    pub(super) fn one_more(&self) {
        let fewer = |missing: usize| missing.checked_sub(1);
        // None is missing any more: then this one is not needed.
        let _enough = self
            .missing
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
    }

    /// Whether they were.
    #[must_use]
    pub fn enough(&self) -> bool {
        self.missing.load(Ordering::Relaxed) == 0
    }
}

/// One operation on its way.
type Passed = (Arc<CheckedOp>, Arc<Told>);

/// Sends operations to all other validators.
#[derive(Clone, Default)]
pub struct Forward {
    queues: Arc<Vec<mpsc::Sender<Passed>>>,
}

impl Forward {
    /// To these, over this network, on tasks that end with the last handle.
    pub fn start(transport: &Arc<dyn Transport>, peers: &Peers) -> Self {
        let us = transport.peer_id();
        let others = peers.values().filter(|peer| peer.peer() != us);
        let start = |peer: &PeerAddress| {
            let (queue, ops) = mpsc::channel(QUEUE);
            tokio::spawn(pass(Arc::clone(transport), peer.clone(), ops));
            queue
        };
        Self {
            queues: Arc::new(others.map(start).collect()),
        }
    }

    /// To so many that never hear anything.
    #[cfg(test)]
    pub(super) fn to_nobody(others: usize) -> Self {
        let queues = (0..others).map(|_| mpsc::channel(1).0).collect();
        Self {
            queues: Arc::new(queues),
        }
    }

    /// What will count whom an operation was sent to: with us they are more than two thirds.
    #[must_use]
    pub fn told(&self) -> Arc<Told> {
        let all = self.queues.len().saturating_add(1);
        let missing = AtomicUsize::new(all.saturating_mul(2) / 3);
        Arc::new(Told { missing })
    }

    /// Sends an operation, as soon as it can be.
    pub fn send(&self, op: &Arc<CheckedOp>, told: &Arc<Told>) {
        for queue in self.queues.iter() {
            if queue.try_send((Arc::clone(op), Arc::clone(told))).is_err() {
                tracing::debug!("a validator is behind: it is not told of an operation");
            }
        }
    }
}

/// What waits, and fits one message.
struct Waiting {
    ops: mpsc::Receiver<Passed>,
    /// Did not fit the message before.
    left: Option<Passed>,
}

/// Operations in one message, and who waits for them to be told.
struct Message {
    bytes: Vec<u8>,
    told: Vec<Arc<Told>>,
}

impl Waiting {
    /// The next message, as soon as there is something to say.
    async fn message(&mut self) -> Option<Message> {
        let (first, told) = match self.left.take() {
            Some(left) => left,
            None => self.ops.recv().await?,
        };
        let mut bytes = first.bytes().len();
        let (mut ops, mut told) = (vec![first.bytes().to_vec()], vec![told]);
        while ops.len() < MOST_OPS
            && let Ok(next) = self.ops.try_recv()
        {
            bytes = bytes.saturating_add(next.0.bytes().len());
            if bytes > MOST_BYTES {
                self.left = Some(next);
                break;
            }
            ops.push(next.0.bytes().to_vec());
            told.push(next.1);
        }
        let request = match <[Vec<u8>; 1]>::try_from(ops) {
            Ok([op]) => Request::Op(op),
            Err(ops) => Request::Ops(ops),
        };
        let bytes = request.write();
        Some(Message { bytes, told })
    }
}

async fn pass(transport: Arc<dyn Transport>, to: PeerAddress, ops: mpsc::Receiver<Passed>) {
    let waiting = Waiting { ops, left: None };
    let messages = stream::unfold(waiting, |mut waiting| async {
        Some((waiting.message().await?, waiting))
    });
    messages
        .for_each_concurrent(AT_ONCE, |message| one(&transport, &to, message))
        .await;
}

async fn one(transport: &Arc<dyn Transport>, to: &PeerAddress, message: Message) {
    for again in 1..=TRIES {
        match transport.request(to, message.bytes.clone()).await {
            Ok(_) => return message.told.iter().for_each(|told| told.one_more()),
            Err(error) if again == TRIES => {
                tracing::debug!(peer = %to.peer(), %error, "operations are not passed on");
            }
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Forward(to {})", self.queues.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_clearance::{AccountAct, Act, Op, Proven};
    use kofo_primitives::{LegId, NetworkId, NodeKey, Side, SwapId};

    fn checked(op: Op) -> Arc<CheckedOp> {
        Arc::new(CheckedOp::new(op, &NetworkId::new("kofo-test").unwrap()).unwrap())
    }

    fn small(sequence: u64) -> Arc<CheckedOp> {
        let key = NodeKey::new(&[1; 32]).unwrap();
        let act = AccountAct {
            version: 1,
            network: NetworkId::new("kofo-test").unwrap(),
            account: key.id(),
            sequence,
            act: Act::Collect,
        };
        checked(Op::Act(Box::new(act.sign(&key))))
    }

    fn large() -> Arc<CheckedOp> {
        checked(Op::Proven(Box::new(Proven {
            order: SwapId::new([1; 32]),
            leg: LegId::first(Side::Alpha),
            proof: vec![7; kofo_clearance::MAX_PROOF_BYTES],
        })))
    }

    #[tokio::test]
    async fn what_waits_goes_together_as_far_as_it_fits_and_in_its_order() {
        let (queue, ops) = mpsc::channel(600);
        let all: Vec<_> = (0..300).map(small).chain([large(), large()]).collect();
        for op in &all {
            queue
                .try_send((Arc::clone(op), Forward::default().told()))
                .unwrap();
        }
        drop(queue);
        let mut waiting = Waiting { ops, left: None };
        let (mut came, mut sizes) = (Vec::new(), Vec::new());
        while let Some(message) = waiting.message().await {
            assert!(message.bytes.len() <= MAX_MESSAGE);
            let ops = match Request::read(&message.bytes).unwrap() {
                Request::Op(op) => vec![op],
                Request::Ops(ops) => ops,
                other => panic!("{other:?}"),
            };
            assert_eq!(message.told.len(), ops.len());
            sizes.push(ops.len());
            came.extend(ops);
        }
        let sent: Vec<_> = all.iter().map(|op| op.bytes().to_vec()).collect();
        assert_eq!(came, sent);
        assert_eq!(sizes, [256, 45, 1]);
    }

    #[test]
    fn enough_are_told_when_they_are_more_than_two_thirds_with_us() {
        let needed = |others: usize| {
            let told = Forward::to_nobody(others).told();
            let needed = (0..=others).take_while(|_| !told.enough() && (told.one_more(), true).1);
            needed.count()
        };
        assert_eq!([0, 1, 2, 3, 24].map(needed), [0, 1, 2, 2, 16]);
    }
}
