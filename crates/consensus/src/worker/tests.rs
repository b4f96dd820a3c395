use super::*;
use crate::application::{AppError, Application, Committed, Judged, Proposal, Slot};
use crate::context::{Value, proposer};
use crate::parts::{Part, cut, payload_hash};
use crate::peer_key::some_peer;
use crate::sign::some_pen;
use crate::veil::some_veil;
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_app_channel::app::types::ProposedValue;
use async_trait::async_trait;
use kofo_primitives::{Certificate, DoubleVote, NodeId, Validator, ValidatorKey, VoteSignature, tagged_hash};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const NETWORK: &str = "kofo-test";

fn id(payload: &[u8]) -> Digest {
    tagged_hash("kofo/test-payload/v1", &[payload])
}

fn four() -> ValidatorSet {
    let member = |n| Validator {
        key: some_pen(NETWORK, n).key(),
        account: NodeId::new([n; 32]),
        power: 1,
    };
    ValidatorSet::new(0, (1..=4).map(member).collect()).unwrap()
}

/// Finds all valid but what begins with 0xff.
#[derive(Default)]
struct Judge {
    judged: Mutex<Vec<(Slot, Origin)>>,
    built: AtomicU32,
}

#[async_trait]
impl Application for Judge {
    async fn tip(&self) -> Result<Tip, AppError> {
        Err(AppError::new("the test knows"))
    }

    async fn build(&self, at: Slot) -> Result<Proposal, AppError> {
        let times = self.built.fetch_add(1, Ordering::SeqCst);
        let payload = format!("{at:?} {times}").into_bytes();
        let id = id(&payload);
        Ok(Proposal { id, payload })
    }

    async fn judge(
        &self,
        at: Slot,
        origin: Origin,
        _: ValidatorKey,
        payload: &[u8],
    ) -> Result<Judged, AppError> {
        self.judged.lock().unwrap().push((at, origin));
        Ok(match payload.first() {
            Some(0xff) => Judged::Invalid("it begins with 0xff".into()),
            _ => Judged::Valid(id(payload)),
        })
    }

    async fn commit(&self, _: Certificate, _: Vec<u8>) -> Result<ValidatorSet, AppError> {
        Ok(four())
    }

    async fn finalized(&self, _: Certificate, _: Vec<DoubleVote>) -> Result<(), AppError> {
        Ok(())
    }

    async fn committed(&self, _: u64) -> Result<Option<Committed>, AppError> {
        Ok(None)
    }

    async fn lowest(&self) -> Result<u64, AppError> {
        Ok(1)
    }
}

struct Stage {
    worker: Worker,
    app: Arc<Judge>,
    _folder: tempfile::TempDir,
    _sent: mpsc::Receiver<NetworkMsg<Ctx>>,
}

/// A worker of validator 1 at height 5.
fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let app = Arc::new(Judge::default());
    let (publish, sent) = mpsc::channel(100);
    let parts = Parts {
        network: NetworkId::new(NETWORK).unwrap(),
        pen: Some(some_pen(NETWORK, 1)),
        pace: Pace::default(),
        limits: Limits::default(),
        veil: some_veil(1),
        admitted: Arc::new(Admitted::new(&[]).unwrap()),
        store: Store::open(&folder.path().join("undecided.redb")).unwrap(),
        tip: Tip {
            height: 4,
            validators: four(),
        },
        publish,
    };
    let (progress, ready) = (watch::channel(Progress::default()).0, oneshot::channel().0);
    let worker = Worker::new(parts, Ask::new(Arc::clone(&app) as _), progress, ready);
    Stage {
        worker,
        app,
        _folder: folder,
        _sent: sent,
    }
}

/// A payload as its proposer, whose turn it is or not, signs it.
fn head(by: u8, (height, round): (u64, u32), payload: &[u8]) -> Head {
    let pen = some_pen(NETWORK, by);
    let sealed = some_veil(1).seal(payload).unwrap();
    pen.sign_head(Head {
        height,
        round,
        proposer: pen.key(),
        id: id(payload),
        size: u32::try_from(sealed.len()).unwrap(),
        hash: payload_hash(&sealed),
        signature: VoteSignature::new([0; 64]),
    })
}

fn turn(height: u64, round: u32) -> u8 {
    let whose = proposer(&four(), height, round).unwrap();
    (1..=4).find(|n| some_pen(NETWORK, *n).key() == whose).unwrap()
}

impl Stage {
    async fn receive(&mut self, from: u8, head: &Head, payload: &[u8]) -> Option<ProposedValue<Ctx>> {
        let sealed = some_veil(1).seal(payload).unwrap();
        let part: Part = cut(head, &sealed).remove(0);
        let name = StreamId::new(payload.to_vec().into());
        let message = StreamMessage::new(name, 0, StreamContent::Data(part));
        self.worker.received(some_peer(from), message).await.unwrap()
    }

    fn judged(&self) -> Vec<(Slot, Origin)> {
        self.app.judged.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_payload_is_taken_from_whose_turn_it_is_only_and_whoever_sends_it() {
    let mut stage = stage();
    let whose = turn(5, 0);
    let value = stage.receive(9, &head(whose, (5, 0), b"a"), b"a").await.unwrap();
    assert_eq!((value.value, value.validity.is_valid()), (Value(id(b"a")), true));
    let other = 1 + whose % 4;
    assert!(stage.receive(9, &head(other, (5, 0), b"b"), b"b").await.is_none());
    let mut forged = head(other, (5, 0), b"c");
    forged.proposer = some_pen(NETWORK, whose).key();
    assert!(stage.receive(9, &forged, b"c").await.is_none());
    for at in [(4, 0), (7, 0), (5, 11)] {
        let head = head(turn(at.0, at.1), at, b"d");
        assert!(stage.receive(9, &head, b"d").await.is_none(), "{at:?}");
    }
    assert_eq!(stage.judged().len(), 1);
}

#[tokio::test]
async fn what_is_sent_bare_or_under_another_veil_is_not_judged() {
    let mut stage = stage();
    let whose = turn(5, 0);
    let pen = some_pen(NETWORK, whose);
    for sent in [b"a".to_vec(), some_veil(2).seal(b"a").unwrap()] {
        let mut head = head(whose, (5, 0), b"a");
        (head.size, head.hash) = (u32::try_from(sent.len()).unwrap(), payload_hash(&sent));
        let part = cut(&pen.sign_head(head), &sent).remove(0);
        let message = StreamMessage::new(StreamId::new(sent.into()), 0, StreamContent::Data(part));
        assert!(
            stage
                .worker
                .received(some_peer(9), message)
                .await
                .unwrap()
                .is_none()
        );
    }
    assert_eq!(stage.judged(), []);
}

#[tokio::test]
async fn what_is_not_the_id_it_is_sent_for_says_nothing_of_that_id() {
    let mut stage = stage();
    let whose = turn(5, 0);
    let mut head = head(whose, (5, 0), b"a");
    head.id = [7; 32];
    let head = some_pen(NETWORK, whose).sign_head(head);
    assert!(stage.receive(9, &head, b"a").await.is_none());
}

#[tokio::test]
async fn an_invalid_one_is_reported_once_and_judged_again_only_when_it_is_proposed_again() {
    let mut stage = stage();
    let payload = [0xff, 1];
    let head = head(turn(5, 0), (5, 0), &payload);
    let value = stage.receive(9, &head, &payload).await.unwrap();
    assert!(value.validity.is_invalid());
    assert!(stage.receive(8, &head, &payload).await.is_none());
    stage.worker.round = 1;
    assert!(
        stage
            .receive(8, &head, &payload)
            .await
            .unwrap()
            .validity
            .is_invalid()
    );
    let at = Slot { height: 5, round: 0 };
    assert_eq!(stage.judged(), [(at, Origin::Proposed), (at, Origin::Repeated)]);
}

#[tokio::test]
async fn who_sends_without_end_is_judged_a_few_times_a_round_and_others_all_the_same() {
    let mut stage = stage();
    let whose = turn(5, 0);
    for n in 0..50u8 {
        let head = head(whose, (5, 0), &[n]);
        stage.receive(9, &head, &[n]).await;
    }
    assert_eq!(stage.judged().len(), 4);
    let head = head(whose, (5, 0), b"what others are locked on");
    assert!(
        stage
            .receive(8, &head, b"what others are locked on")
            .await
            .is_some()
    );
}

#[tokio::test]
async fn what_comes_before_its_height_is_judged_when_that_begins() {
    let mut stage = stage();
    let whose = turn(6, 0);
    for n in 0..5u8 {
        let head = head(whose, (6, 0), &[n]);
        assert!(stage.receive(9, &head, &[n]).await.is_none());
    }
    assert_eq!(stage.judged(), []);
    stage.worker.committed = 5;
    let (reply, known) = oneshot::channel();
    let message = AppMsg::StartedRound {
        height: crate::context::Height(6),
        round: 0u32.into(),
        proposer: some_pen(NETWORK, whose).address(),
        role: arc_malachitebft_app_channel::app::consensus::Role::Validator,
        reply_value: reply,
    };
    stage.worker.answer(message).await.unwrap();
    assert_eq!(known.await.unwrap().len(), 2);
    assert_eq!(stage.judged().len(), 2);
}

#[tokio::test]
async fn what_was_built_for_a_round_is_offered_again_and_another_round_gets_another() {
    let mut stage = stage();
    let first = stage.worker.propose(5, 0).await.unwrap();
    assert_eq!(stage.worker.propose(5, 0).await.unwrap(), first);
    assert_ne!(stage.worker.propose(5, 1).await.unwrap().id, first.id);
    assert_eq!(stage.app.built.load(Ordering::SeqCst), 2);
    let head = first.head.clone().unwrap();
    assert!(head.signed(&NetworkId::new(NETWORK).unwrap()));
}

#[tokio::test]
async fn a_payload_longer_than_the_limit_is_the_applications_fault() {
    let mut stage = stage();
    stage.worker.limits.payload = 3;
    let refused = stage.worker.propose(5, 0).await;
    assert!(
        matches!(refused, Err(Fatal::TooLong { most: 3, .. })),
        "{refused:?}"
    );
}
