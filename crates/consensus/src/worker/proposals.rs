//! Payloads: ours on their way out, others' on their way in.

use super::{Fatal, Worker};
use crate::application::{Judged, Origin, Proposal, Slot};
use crate::context::{Address, Ctx, Height, Value, proposer};
use crate::parts::{Head, Part, cut, payload_hash};
use crate::store::Entry;
use arc_malachitebft_app_channel::NetworkMsg;
use arc_malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use arc_malachitebft_app_channel::app::types::{PeerId, ProposedValue};
use arc_malachitebft_core_types::{Round, Validity};
use kofo_primitives::{Digest, ValidatorSet, VoteSignature};
use std::sync::Arc;
use tracing::{debug, warn};

/// The engine drops what is further ahead.
const ROUNDS_AHEAD: u32 = 10;
/// Whole payloads of one proposer for the next height that wait for it.
const MOST_EARLY: usize = 2;
/// Payloads of one peer that are judged in a round. A proposer may sign any number of them, and each costs us; an honest
/// peer sends its own, and one that others are locked on. The limit is the sender's: nobody can use up another's.
const MOST_JUDGED: u32 = 4;

/// What the engine is told of a payload that is kept.
pub(super) fn valid(entry: &Entry) -> ProposedValue<Ctx> {
    ProposedValue {
        height: Height(entry.height),
        round: Round::new(entry.round),
        valid_round: Round::Nil,
        proposer: Address(entry.proposer),
        value: Value(entry.id),
        validity: Validity::Valid,
    }
}

impl Worker {
    /// What we propose in a round: what we built for it before, or something new that is on disk now.
    pub(super) async fn propose(&mut self, height: u64, round: u32) -> Result<Arc<Entry>, Fatal> {
        if let Some(entry) = self.store.built(height, round) {
            return Ok(entry);
        }
        let at = Slot { height, round };
        let built = self
            .ask
            .run(move |app| async move { app.build(at).await })
            .await?;
        let most = self.limits.payload;
        if built.payload.len() > most {
            let have = built.payload.len();
            return Err(Fatal::TooLong { have, most });
        }
        // Built before, or proposed by another: it stays as it was first proposed.
        let known = self.store.entry(height, &built.id).filter(|e| e.head.is_some());
        let entry = known.map_or_else(|| self.signed(at, built), |entry| Ok(Entry::clone(&entry)))?;
        let id = entry.id;
        self.store.keep_built(entry, round).await?;
        let kept = self.store.entry(height, &id);
        kept.ok_or(Fatal::Lost { height, id })
    }

    /// Signs what is sent, which is the payload under the veil. Without its key nothing is sent: the round is lost.
    fn signed(&self, at: Slot, built: Proposal) -> Result<Entry, Fatal> {
        let pen = self.pen.as_ref().ok_or(Fatal::Follower)?;
        let sealed = self.veil.seal(&built.payload).unwrap_or_default();
        let (have, most) = (sealed.len(), self.limits.payload);
        let size = u32::try_from(have).map_err(|_| Fatal::TooLong { have, most })?;
        let head = pen.sign_head(Head {
            height: at.height,
            round: at.round,
            proposer: pen.key(),
            id: built.id,
            size,
            hash: payload_hash(&sealed),
            signature: VoteSignature::new([0; 64]),
        });
        Ok(Entry {
            height: at.height,
            round: at.round,
            proposer: head.proposer,
            id: built.id,
            head: Some(head),
            payload: built.payload,
        })
    }

    /// Sends a payload to everybody, as its proposer signed it.
    pub(super) async fn stream(&mut self, entry: &Entry) {
        let Some(head) = &entry.head else {
            warn!(
                height = entry.height,
                "a payload that was not proposed to us cannot be proposed on"
            );
            return;
        };
        let Some(sealed) = self.veil.seal(&entry.payload) else {
            warn!(
                height = entry.height,
                "the secret that validators share is not known here yet: nothing is proposed"
            );
            return;
        };
        self.stream_count = self.stream_count.wrapping_add(1);
        let mut name = self.stream_prefix.to_vec();
        name.extend_from_slice(&self.stream_count.to_le_bytes());
        let name = StreamId::new(name.into());
        for (place, part) in (0u64..).zip(cut(head, &sealed)) {
            let message = StreamMessage::new(name.clone(), place, StreamContent::Data(part));
            let sent = self.publish.send(NetworkMsg::PublishProposalPart(message)).await;
            if sent.is_err() {
                debug!("the engine is going down");
                return;
            }
        }
    }

    /// The engine proposes again what was proposed in an earlier round.
    pub(super) async fn restream(&mut self, height: u64, id: &Digest) {
        match self.store.entry(height, id) {
            Some(entry) => self.stream(&entry).await,
            None => warn!(height, "asked to send on a payload that we do not have"),
        }
    }

    /// Whether we want the payload that this head announces: from whose turn it is, and signed.
    fn admits(&self, head: &Head) -> bool {
        if head.height <= self.committed {
            return false;
        }
        let proposes = |set: &ValidatorSet| proposer(set, head.height, head.round) == Some(head.proposer);
        let wanted = if head.height == self.height {
            head.round <= self.round.saturating_add(ROUNDS_AHEAD) && proposes(&self.validators)
        } else if head.height == self.height.saturating_add(1) {
            // Who decides the next height is known for sure when this one is committed: its turn is asked again then.
            let next = [&self.validators, &self.next];
            head.round <= ROUNDS_AHEAD && next.iter().any(|set| set.find(&head.proposer).is_some())
        } else {
            false
        };
        wanted && head.signed(&self.network)
    }

    pub(super) async fn received(
        &mut self,
        from: PeerId,
        message: StreamMessage<Part>,
    ) -> Result<Option<ProposedValue<Ctx>>, Fatal> {
        let StreamContent::Data(part) = message.content else {
            return Ok(None);
        };
        let name = (from, message.stream_id.to_bytes().to_vec());
        let mut streams = std::mem::replace(&mut self.streams, crate::streams::Streams::new(0));
        let whole = streams.add(name, message.sequence, part, |head| self.admits(head));
        self.streams = streams;
        let Some((head, sealed)) = whole else {
            return Ok(None);
        };
        let Some(payload) = self.veil.open(&sealed) else {
            debug!(peer = %from, "a payload that we cannot read");
            return Ok(None);
        };
        if head.height == self.height && self.committed.saturating_add(1) == self.height {
            if !self.may_judge(from, &head) {
                debug!(peer = %from, "a peer sends more payloads in a round than are judged");
                return Ok(None);
            }
            return self.judge(head, payload).await;
        }
        let of = |(early, _): &&(Head, Vec<u8>)| early.proposer == head.proposer;
        let waiting = self.early.iter().filter(of).count();
        let again = self.early.iter().any(|(early, _)| early.hash == head.hash);
        if !again && head.height > self.committed && waiting < MOST_EARLY {
            self.early.push((head, payload));
        }
        Ok(None)
    }

    /// Counts what a peer makes us judge.
    fn may_judge(&mut self, from: PeerId, head: &Head) -> bool {
        if self.store.entry(head.height, &head.id).is_some() {
            return true;
        }
        let judged = self.judged.entry(from).or_default();
        *judged = judged.saturating_add(1);
        *judged <= MOST_JUDGED
    }

    /// The verdict over a whole payload of this height; none if it says nothing about what it claims to be.
    pub(super) async fn judge(
        &mut self,
        head: Head,
        payload: Vec<u8>,
    ) -> Result<Option<ProposedValue<Ctx>>, Fatal> {
        if proposer(&self.validators, head.height, head.round) != Some(head.proposer) {
            return Ok(None);
        }
        if let Some(entry) = self.store.entry(head.height, &head.id) {
            return Ok(Some(valid(&entry)));
        }
        let origin = if head.round < self.round {
            Origin::Repeated
        } else {
            Origin::Proposed
        };
        if self.invalid.get(&head.hash) == Some(&origin) {
            return Ok(None);
        }
        let at = Slot {
            height: head.height,
            round: head.round,
        };
        let (by, hash) = (head.proposer, head.hash);
        let entry = Arc::new(Entry {
            height: at.height,
            round: at.round,
            proposer: by,
            id: head.id,
            head: Some(head),
            payload,
        });
        let judged = Arc::clone(&entry);
        let verdict = self
            .ask
            .run(move |app| async move { app.judge(at, origin, by, &judged.payload).await })
            .await?;
        let validity = match verdict {
            Judged::Valid(id) if id == entry.id => Validity::Valid,
            Judged::Valid(_) => {
                // It says nothing of the id that it was sent for: another payload may be that.
                warn!(height = at.height, round = at.round, proposer = %by, "a payload is not what its proposer says");
                self.invalid.insert(hash, origin);
                return Ok(None);
            }
            Judged::Invalid(why) => {
                warn!(height = at.height, round = at.round, proposer = %by, why, "a payload is invalid");
                self.invalid.insert(hash, origin);
                Validity::Invalid
            }
        };
        let mut value = valid(&entry);
        value.validity = validity;
        if validity.is_valid() {
            let durable = self.votes();
            self.store.keep(entry, durable).await?;
        }
        Ok(Some(value))
    }
}
