//! Validators without engines: the test says who proposes, and signs for all of them.

use crate::town::{genesis, keys, network};
use kofo_clearance::{Genesis, NoProofs, Request, Response, Submission};
use kofo_consensus::{Application, Judged, Origin, Proposal, Slot};
use kofo_network::Identity;
use kofo_primitives::*;
use kofo_validator::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

pub(crate) const NOW: u64 = 1_800_000_000_000;

/// One validator.
pub(crate) struct Hand {
    pub(crate) replica: Arc<Replica>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) service: Service,
}

/// Validators, each with a folder.
pub(crate) struct Hands {
    pub(crate) genesis: Genesis,
    pub(crate) all: Vec<Hand>,
    folders: Vec<TempDir>,
    time: Arc<AtomicU64>,
}

fn hand(n: usize, genesis: &Genesis, folder: &TempDir, time: &Arc<AtomicU64>) -> Hand {
    let time = Arc::clone(time);
    let clock = Clock::of(move || time.load(Ordering::SeqCst));
    let keys = keys(n);
    let committee = Arc::new(Committee::open(folder.path(), genesis, &keys.account).unwrap());
    let checks = Arc::new(Checks::new(network()));
    let parts = ReplicaParts {
        store: Arc::new(Store::open(folder.path(), &genesis.digest()).unwrap()),
        checks: Arc::clone(&checks),
        committee: Arc::clone(&committee),
        clock: clock.clone(),
        voter: Some(keys.vote()),
    };
    let replica = Arc::new(Replica::open(genesis.clone(), Arc::new(NoProofs), parts).unwrap());
    let parts = IntakeParts {
        checks,
        committee: Arc::clone(&committee),
        pool: Arc::new(Pool::new(PoolLimits::default())),
        head: replica.head(),
        forward: Forward::default(),
        clock: clock.clone(),
        voter: Some(keys.voter()),
    };
    let intake = Arc::new(Intake::new(network(), parts));
    replica.feed(Arc::clone(&intake));
    let parts = ServiceParts {
        replica: Arc::clone(&replica),
        intake: Arc::clone(&intake),
        committee,
        clock,
        validators: Default::default(),
        per_second: 100,
    };
    Hand {
        service: Service::new(network(), genesis.digest(), parts),
        replica,
        intake,
    }
}

impl Hands {
    pub(crate) fn new(count: usize) -> Self {
        Self::of(genesis(NOW, &vec![(1, 2); count], 0))
    }

    pub(crate) fn of(genesis: Genesis) -> Self {
        let time = Arc::new(AtomicU64::new(NOW));
        let folders: Vec<_> = genesis
            .validators
            .iter()
            .map(|_| TempDir::new().unwrap())
            .collect();
        let all = folders.iter().enumerate();
        Self {
            all: all.map(|(n, folder)| hand(n, &genesis, folder, &time)).collect(),
            genesis,
            folders,
            time,
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }

    pub(crate) fn later(&self, ms: u64) {
        self.time.fetch_add(ms, Ordering::SeqCst);
    }

    /// Stops and starts one, with what is in its folder.
    pub(crate) fn restart(&mut self, n: usize) {
        self.all.remove(n);
        self.all
            .insert(n, hand(n, &self.genesis, &self.folders[n], &self.time));
    }

    /// Takes a submission in at one of them, and passes it on.
    pub(crate) fn submit(&self, at: usize, submission: Submission) -> Result<Digest, IntakeError> {
        let leaf = self.all[at].intake.submit(submission)?;
        let ops = self.all[at].intake.pool().ready(NOW);
        let op = ops.iter().find(|op| op.leaf() == leaf).unwrap();
        for other in &self.all {
            other.intake.receive(op.bytes()).unwrap();
        }
        Ok(leaf)
    }

    pub(crate) fn slot(&self) -> Slot {
        let height = self.all[0].replica.now().ledger.tip().height + 1;
        Slot { height, round: 0 }
    }

    pub(crate) async fn judged(&self, by: usize, origin: Origin, payload: &[u8]) -> Judged {
        let proposer = keys(0).voter();
        let replica = &self.all[by].replica;
        replica
            .judge(self.slot(), origin, proposer, payload)
            .await
            .unwrap()
    }

    /// Whose precommits these are: of so many of the set's members.
    pub(crate) fn certify(&self, slot: Slot, id: Digest, signers: usize) -> Certificate {
        let set = self.all[0].replica.now().ledger.validators();
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: slot.height,
            round: slot.round,
            header: Some(id),
        };
        let digest = vote.digest(&network());
        let secrets: Vec<_> = (0..8).map(|n| keys(n).vote()).collect();
        let signed = set.members().iter().take(signers).map(|member| {
            let secret = secrets.iter().find(|secret| secret.key() == member.key).unwrap();
            (member.key, secret.sign(&digest))
        });
        Certificate::new((slot.height, slot.round, id), &set, &signed.collect::<Vec<_>>()).unwrap()
    }

    /// One height: that one proposes, all others judge, all commit.
    pub(crate) async fn step(&self, proposer: usize) -> Digest {
        self.later(1_000);
        let slot = self.slot();
        let Proposal { id, payload } = self.all[proposer].replica.build(slot).await.unwrap();
        for (n, _) in self.all.iter().enumerate().filter(|(n, _)| *n != proposer) {
            assert_eq!(
                self.judged(n, Origin::Proposed, &payload).await,
                Judged::Valid(id)
            );
        }
        self.commit(slot, id, &payload).await;
        id
    }

    pub(crate) async fn commit(&self, slot: Slot, id: Digest, payload: &[u8]) {
        let certificate = self.certify(slot, id, 3);
        for one in &self.all {
            let replica = &one.replica;
            replica
                .commit(certificate.clone(), payload.to_vec())
                .await
                .unwrap();
            replica.finalized(certificate.clone(), Vec::new()).await.unwrap();
        }
        let tips: Vec<_> = self
            .all
            .iter()
            .map(|one| one.replica.now().ledger.tip())
            .collect();
        assert!(tips.iter().all(|tip| *tip == tips[0]), "{tips:?}");
        assert_eq!(tips[0].id, id);
    }

    /// Asks one of them as a stranger.
    pub(crate) fn ask(&self, at: usize, request: &Request) -> Response {
        let stranger = Identity::generate().peer_id();
        self.all[at].service.answer(stranger, &request.write())
    }
}
