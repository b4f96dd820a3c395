//! Validators that change, and proofs of the wrong ones.

use super::*;
use async_trait::async_trait;
use kofo_clearance::{MerkleProof, OrderAnswer, OrderProof, SetChange, merkle_root, order_leaf};
use kofo_network::{PeerAddress, PeerId, RequestError};
use kofo_primitives::{Certificate, Header, Validator, ValidatorSet, Vote, VoteKind};
use std::sync::Mutex;

const ORDER: SwapId = SwapId::new([7; 32]);

/// Answers every validator's request in the same way.
struct Says {
    changes: Vec<SetChange>,
    order: Mutex<OrderAnswer>,
}

#[async_trait]
impl Transport for Says {
    fn peer_id(&self) -> PeerId {
        Identity::from_secret(Zeroizing::new([1; 32])).peer_id()
    }

    fn listen_addresses(&self) -> Vec<String> {
        Vec::new()
    }

    async fn request(&self, _to: &PeerAddress, body: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        let answer = match Request::read(&body).unwrap() {
            Request::Changes { after_epoch } => {
                let newer = self
                    .changes
                    .iter()
                    .filter(|change| change.next.epoch() > after_epoch);
                Response::Changes(newer.take(1).cloned().collect())
            }
            Request::Order(_) => Response::Order(Box::new(self.order.lock().unwrap().clone())),
            _ => Response::refused(RefusedClass::Unknown, &"not asked here"),
        };
        Ok(answer.write())
    }
}

fn first() -> ValidatorSet {
    Ledger::new(genesis(), Arc::new(NoProofs)).unwrap().validators()
}

/// The set of an epoch, of other keys than those of any other.
fn set(epoch: u8) -> ValidatorSet {
    let member = |n: u8| Validator {
        key: vote(epoch * 10 + n).key(),
        account: key(epoch * 10 + n).id(),
        power: 100,
    };
    ValidatorSet::new(epoch.into(), (1..=4).map(member).collect()).unwrap()
}

fn secrets(set: &ValidatorSet) -> Vec<ValidatorSecret> {
    let all = (1..=99).map(vote);
    all.filter(|secret| set.find(&secret.key()).is_some()).collect()
}

fn header(height: u64, validators: &ValidatorSet, next: &ValidatorSet) -> Header {
    Header {
        version: 1,
        network: genesis().network,
        height,
        time_ms: *BEGAN + height,
        previous: [1; 32],
        batch: merkle_root(&[order_leaf(ORDER, &[2; 32])]),
        state: [3; 32],
        receipts: merkle_root(&[]),
        validators: validators.digest(),
        next_validators: next.digest(),
    }
}

fn certify(header: &Header, set: &ValidatorSet, signers: usize) -> Certificate {
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: header.height,
        round: 0,
        header: Some(header.id()),
    };
    let digest = vote.digest(&header.network);
    let signed: Vec<_> = secrets(set)
        .iter()
        .take(signers)
        .map(|secret| (secret.key(), secret.sign(&digest)))
        .collect();
    Certificate::new((header.height, 0, header.id()), set, &signed).unwrap()
}

pub(super) fn proof(header: Header, set: &ValidatorSet, signers: usize) -> OrderProof {
    OrderProof {
        certificate: certify(&header, set, signers),
        header,
        hidden: [2; 32],
        path: MerkleProof::of(&[order_leaf(ORDER, &[2; 32])], 0).unwrap(),
    }
}

/// The genesis' set hands over to that of epoch 1 at height 10, and that to the one of epoch 2 at height 20.
fn changes() -> Vec<SetChange> {
    let sets = [first(), set(1), set(2)];
    let change = |at: usize| {
        let header = header(10 * (at as u64 + 1), &sets[at], &sets[at + 1]);
        SetChange {
            certificate: certify(&header, &sets[at], 3),
            header,
            next: sets[at + 1].clone(),
        }
    };
    vec![change(0), change(1)]
}

fn says(order: OrderAnswer) -> Arc<Says> {
    Arc::new(Says {
        changes: changes(),
        order: Mutex::new(order),
    })
}

async fn fate(proof: OrderProof) -> OrderFate {
    let says = says(OrderAnswer::Committed(Box::new(proof)));
    let clearing = client_of(genesis(), says, &Disk::new());
    clearing.order(ORDER).await.unwrap()
}

#[tokio::test]
async fn a_wallet_follows_the_changes_of_validators_and_knows_them_after_a_restart() {
    let disk = Disk::new();
    let header = header(25, &set(2), &set(2));
    let says = says(OrderAnswer::Committed(Box::new(proof(header, &set(2), 3))));
    let clearing = client_of(genesis(), says.clone(), &disk);
    let certified = clearing.wait_certified(ORDER, 0).await.unwrap();
    assert_eq!(
        (certified.order(), certified.height(), certified.epoch()),
        (ORDER, 25, 2)
    );
    drop(clearing);
    // Nobody tells it anything any more.
    *says.order.lock().unwrap() = OrderAnswer::Unknown;
    let again = client_of(genesis(), says, &disk);
    assert_eq!(again.light().epoch(), 2);
    assert_eq!(again.kept(ORDER).unwrap(), Some(certified));
    again.forget(ORDER).await.unwrap();
    assert_eq!(again.kept(ORDER).unwrap(), None);
}

#[tokio::test]
async fn validators_of_another_epoch_certify_nothing_however_many_they_are() {
    let open = OrderFate::Open { sure: false };
    for (height, of) in [(25, set(1)), (15, first()), (15, set(2)), (25, set(3))] {
        let header = header(height, &of, &of);
        assert_eq!(fate(proof(header, &of, 4)).await, open, "height {height}");
    }
    let right = header(15, &set(1), &set(1));
    let fate = fate(proof(right, &set(1), 3)).await;
    assert!(matches!(fate, OrderFate::Committed(_)));
}

#[tokio::test]
async fn with_too_few_signatures_another_order_or_another_network_nothing_is_certified() {
    let open = OrderFate::Open { sure: false };
    let right = header(5, &first(), &first());
    assert_eq!(fate(proof(right.clone(), &first(), 2)).await, open);
    let mut other_batch = right.clone();
    other_batch.batch = merkle_root(&[order_leaf(SwapId::new([8; 32]), &[2; 32])]);
    assert_eq!(fate(proof(other_batch, &first(), 4)).await, open);
    let mut other_network = right.clone();
    other_network.network = kofo_primitives::NetworkId::new("kofo-other").unwrap();
    assert_eq!(fate(proof(other_network, &first(), 4)).await, open);
    let mut hidden = proof(right, &first(), 4);
    hidden.hidden[0] ^= 1;
    assert_eq!(fate(hidden).await, open);
}

#[tokio::test]
async fn a_wallet_that_saw_nothing_for_too_long_says_so_and_believes_nothing() {
    let mut old = genesis();
    old.time_ms -= 15 * 24 * 3_600_000;
    let first = Ledger::new(old.clone(), Arc::new(NoProofs)).unwrap().validators();
    let header = header(5, &first, &first);
    let says = says(OrderAnswer::Committed(Box::new(proof(header, &first, 4))));
    let clearing = client_of(old, says, &Disk::new());
    let error = clearing.order(ORDER).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClearingError::Light(kofo_clearance::LightError::Stale { days: 15 })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn what_the_ledger_refused_is_believed_of_more_than_a_third_alone() {
    let why = Text::new("too little").unwrap();
    let says = Says {
        changes: Vec::new(),
        order: Mutex::new(OrderAnswer::Refused(why)),
    };
    let clearing = client_of(genesis(), Arc::new(says), &Disk::new());
    assert_eq!(
        clearing.order(ORDER).await.unwrap(),
        OrderFate::Refused("too little".into())
    );
    let error = clearing.wait_certified(ORDER, u64::MAX).await.unwrap_err();
    assert!(matches!(error, ClearingError::Refused { .. }), "{error}");
}
