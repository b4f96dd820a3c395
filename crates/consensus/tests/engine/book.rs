//! The application of the tests: a list of payloads, kept in memory over restarts of the engine.

use async_trait::async_trait;
use kofo_consensus::{AppError, Application, Committed, Judged, Origin, Proposal, Slot, Tip};
use kofo_primitives::{Certificate, Digest, DoubleVote, NetworkId, ValidatorKey, ValidatorSet, tagged_hash};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-consensus-test").unwrap()
}

pub(crate) type Payload = (u64, Digest, Vec<u8>);

pub(crate) fn id(payload: &[u8]) -> Digest {
    tagged_hash("kofo/test-payload/v1", &[payload])
}

/// Who decides which height: each set from its height on.
pub(crate) type Schedule = Arc<BTreeMap<u64, ValidatorSet>>;

#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) log: Vec<Committed>,
    pub(crate) evidence: Vec<DoubleVote>,
    pub(crate) built: BTreeMap<Slot, u32>,
    pub(crate) judged: Vec<(Slot, Origin, bool)>,
    pub(crate) finalized: u64,
}

pub(crate) struct Book {
    pub(crate) schedule: Schedule,
    pub(crate) pages: Mutex<Pages>,
    /// What it puts in its payloads, besides height and what came before.
    pub(crate) filler: usize,
    /// It proposes what all others find invalid.
    pub(crate) crooked: AtomicBool,
    /// It finds what is proposed at this height and round 0 too old, unless it is proposed again.
    pub(crate) picky_at: AtomicU64,
    /// Its next commit fails.
    pub(crate) broken: AtomicBool,
}

impl Book {
    pub(crate) fn new(schedule: &Schedule) -> Arc<Self> {
        Self::with_filler(schedule, 10)
    }

    pub(crate) fn with_filler(schedule: &Schedule, filler: usize) -> Arc<Self> {
        Arc::new(Self {
            schedule: Arc::clone(schedule),
            pages: Mutex::default(),
            filler,
            crooked: AtomicBool::new(false),
            picky_at: AtomicU64::new(0),
            broken: AtomicBool::new(false),
        })
    }

    pub(crate) fn set(&self, height: u64) -> ValidatorSet {
        let (_, set) = self.schedule.range(..=height).next_back().unwrap();
        set.clone()
    }

    pub(crate) fn height(&self) -> u64 {
        self.pages.lock().unwrap().log.len() as u64
    }

    /// The ids of all heights, from the first.
    pub(crate) fn ids(&self) -> Vec<Digest> {
        let pages = self.pages.lock().unwrap();
        pages.log.iter().map(|page| page.certificate.header).collect()
    }

    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        let pages = self.pages.lock().unwrap();
        pages.log.iter().map(|page| page.certificate.clone()).collect()
    }

    /// What was judged, how, and whether it was valid.
    pub(crate) fn judged(&self) -> Vec<(Slot, Origin, bool)> {
        self.pages.lock().unwrap().judged.clone()
    }

    /// Where it proposed.
    pub(crate) fn built(&self) -> Vec<Slot> {
        self.pages.lock().unwrap().built.keys().copied().collect()
    }

    pub(crate) fn payloads(&self) -> Vec<Payload> {
        let pages = self.pages.lock().unwrap();
        let payloads = pages
            .log
            .iter()
            .map(|page| borsh::from_slice(&page.payload).unwrap());
        payloads.collect()
    }

    pub(crate) fn evidence(&self) -> Vec<DoubleVote> {
        self.pages.lock().unwrap().evidence.clone()
    }

    fn before(&self, height: u64) -> Digest {
        let pages = self.pages.lock().unwrap();
        let before = (height as usize).checked_sub(2);
        before.map_or([0; 32], |at| pages.log[at].certificate.header)
    }

    fn finds(&self, at: Slot, origin: Origin, payload: &[u8]) -> Judged {
        let Ok((height, before, filler)) = borsh::from_slice::<Payload>(payload) else {
            return Judged::Invalid("not a payload".into());
        };
        assert_eq!(
            at.height,
            self.height() + 1,
            "only the height after the tip is judged"
        );
        if height != at.height || before != self.before(height) {
            return Judged::Invalid("of another height".into());
        }
        if filler.first() == Some(&0xff) {
            return Judged::Invalid("crooked".into());
        }
        if origin == Origin::Proposed && self.picky_at.load(Ordering::SeqCst) == height && at.round == 0 {
            return Judged::Invalid("too old".into());
        }
        Judged::Valid(id(payload))
    }
}

#[async_trait]
impl Application for Book {
    async fn tip(&self) -> Result<Tip, AppError> {
        let height = self.height();
        Ok(Tip {
            height,
            validators: self.set(height + 1),
        })
    }

    async fn build(&self, at: Slot) -> Result<Proposal, AppError> {
        assert_eq!(at.height, self.height() + 1);
        let mut filler = vec![at.round as u8; self.filler];
        // No two nodes build alike, and none builds alike twice.
        filler.extend((std::ptr::from_ref(self) as usize).to_le_bytes());
        let mut pages = self.pages.lock().unwrap();
        let times = pages.built.entry(at).or_default();
        *times += 1;
        filler.push(*times as u8);
        drop(pages);
        if self.crooked.load(Ordering::SeqCst) {
            filler[0] = 0xff;
        }
        let payload = borsh::to_vec(&(at.height, self.before(at.height), filler)).unwrap();
        Ok(Proposal {
            id: id(&payload),
            payload,
        })
    }

    async fn judge(
        &self,
        at: Slot,
        origin: Origin,
        proposer: ValidatorKey,
        payload: &[u8],
    ) -> Result<Judged, AppError> {
        assert!(self.set(at.height).find(&proposer).is_some());
        let found = self.finds(at, origin, payload);
        let valid = matches!(found, Judged::Valid(_));
        self.pages.lock().unwrap().judged.push((at, origin, valid));
        Ok(found)
    }

    async fn commit(&self, certificate: Certificate, payload: Vec<u8>) -> Result<ValidatorSet, AppError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(AppError::new("the disk is full"));
        }
        let height = certificate.height;
        let validators = self.set(height);
        certificate.verify(&network(), &validators).unwrap();
        assert_eq!(id(&payload), certificate.header);
        let before = self.before(height);
        let mut pages = self.pages.lock().unwrap();
        let (_, said_before, _) = borsh::from_slice::<Payload>(&payload).unwrap();
        assert_eq!(said_before, before, "a fork at {height}");
        if pages.log.len() as u64 + 1 == height {
            pages.log.push(Committed {
                certificate,
                validators,
                payload,
            });
        } else {
            assert_eq!(
                pages.log[height as usize - 1].certificate.header,
                certificate.header
            );
        }
        drop(pages);
        Ok(self.set(height + 1))
    }

    async fn finalized(&self, certificate: Certificate, evidence: Vec<DoubleVote>) -> Result<(), AppError> {
        certificate
            .verify(&network(), &self.set(certificate.height))
            .unwrap();
        let mut pages = self.pages.lock().unwrap();
        assert_eq!(certificate.height, pages.log.len() as u64);
        pages.finalized = certificate.height;
        pages.evidence.extend(evidence);
        Ok(())
    }

    async fn committed(&self, height: u64) -> Result<Option<Committed>, AppError> {
        let pages = self.pages.lock().unwrap();
        let at = (height as usize).checked_sub(1);
        Ok(at.and_then(|at| pages.log.get(at).cloned()))
    }

    async fn lowest(&self) -> Result<u64, AppError> {
        Ok(1)
    }
}
