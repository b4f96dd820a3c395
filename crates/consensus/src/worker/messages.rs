//! One answer to each of the engine's messages.

use super::{Fatal, Progress, Worker};
use crate::context::{Ctx, Height, Value, evidence};
use arc_malachitebft_app_channel::AppMsg;
use arc_malachitebft_app_channel::app::consensus::{MisbehaviorEvidence, VoteExtensionError};
use arc_malachitebft_app_channel::app::engine::host::Next;
use arc_malachitebft_app_channel::app::types::ProposedValue;
use arc_malachitebft_core_types::{CommitCertificate, Round};
use kofo_primitives::{Certificate, DoubleVote, ValidatorSet};
use tracing::{debug, info, warn};

/// A number of the round the engine speaks of.
pub(super) fn number(what: &'static str, round: Round) -> Result<u32, Fatal> {
    round.as_u32().ok_or(Fatal::NoRound(what))
}

/// Replies are lost only when the engine is going down.
macro_rules! reply {
    ($to:expr, $answer:expr) => {
        if $to.send($answer).is_err() {
            debug!("the engine did not wait for an answer");
        }
    };
}

impl Worker {
    pub(super) async fn answer(&mut self, message: AppMsg<Ctx>) -> Result<(), Fatal> {
        match message {
            AppMsg::ConsensusReady { reply } => {
                let params = self.params(&self.validators);
                reply!(reply, (Height(self.height), params));
                if let Some(ready) = self.ready.take() {
                    let _ = ready.send(());
                }
            }
            AppMsg::StartedRound {
                height,
                round,
                reply_value,
                ..
            } => {
                let known = self.started(height.0, number("a round", round)?).await?;
                reply!(reply_value, known);
            }
            AppMsg::GetValue {
                height, round, reply, ..
            } => {
                let round = number("a proposal", round)?;
                let entry = self.propose(height.0, round).await?;
                let value = Value(entry.id);
                let local = arc_malachitebft_app_channel::app::types::LocallyProposedValue::new(
                    height,
                    Round::new(round),
                    value,
                );
                reply!(reply, local);
                self.stream(&entry).await;
            }
            AppMsg::ReceivedProposalPart {
                from,
                published_by,
                part,
                reply,
            } => {
                let value = self.received(published_by.unwrap_or(from), part).await?;
                reply!(reply, value);
            }
            AppMsg::RestreamProposal { height, value_id, .. } => self.restream(height.0, &value_id.0).await,
            AppMsg::Decided {
                certificate, reply, ..
            } => {
                self.decided(&certificate).await?;
                reply!(reply, ());
            }
            AppMsg::Finalized {
                certificate,
                evidence,
                reply,
                ..
            } => {
                let next = self.finalized(&certificate, &evidence).await?;
                reply!(reply, next);
            }
            other => self.serve(other).await?,
        }
        Ok(())
    }

    /// What is not of the round: history for others and for us, and extensions of votes, of which there are none.
    async fn serve(&mut self, message: AppMsg<Ctx>) -> Result<(), Fatal> {
        match message {
            AppMsg::GetDecidedValues { range, reply } => {
                let values = self.decided_values(range.start().0, range.end().0).await?;
                reply!(reply, values);
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                let lowest = self.ask.run(|app| async move { app.lowest().await }).await?;
                reply!(reply, Height(lowest));
            }
            AppMsg::ProcessSyncedValue {
                height,
                round,
                proposer,
                value_bytes,
                reply,
            } => {
                let round = number("a synced value", round)?;
                let outcome = self.synced((height.0, round), proposer, &value_bytes).await?;
                reply!(reply, outcome);
            }
            AppMsg::ExtendVote { reply, .. } => reply!(reply, None),
            AppMsg::VerifyVoteExtensions {
                extensions, reply, ..
            } => {
                let refused = extensions
                    .into_iter()
                    .map(|(by, ())| (by, Err(VoteExtensionError::InvalidVoteExtension)));
                reply!(reply, refused.collect());
            }
            other => warn!(?other, "the engine asks what nobody answers"),
        }
        Ok(())
    }

    /// A round begins: what is known of its proposal, if we crashed in it or it came early.
    async fn started(&mut self, height: u64, round: u32) -> Result<Vec<ProposedValue<Ctx>>, Fatal> {
        if height != self.height {
            self.height = height;
            self.invalid.clear();
        }
        self.round = round;
        self.judged.clear();
        self.streams.at_height(height);
        self.progress.send_replace(Progress { height, round });
        let stored = self.store.proposed_at(height, round);
        let mut known: Vec<_> = stored
            .iter()
            .map(|entry| super::proposals::valid(entry))
            .collect();
        for (head, payload) in std::mem::take(&mut self.early) {
            if head.height == height {
                known.extend(self.judge(head, payload).await?);
            }
        }
        Ok(known)
    }

    fn certificate(&self, of: &CommitCertificate<Ctx>, set: &ValidatorSet) -> Result<Certificate, Fatal> {
        let signed = of.commit_signatures.iter();
        let precommits: Vec<_> = signed.map(|s| (s.address.0, s.signature.0)).collect();
        let height = of.height.0;
        let round = number("a certificate", of.round)?;
        Certificate::new((height, round, of.value_id.0), set, &precommits)
            .map_err(|why| Fatal::Certificate { height, why })
    }

    async fn decided(&mut self, decided: &CommitCertificate<Ctx>) -> Result<(), Fatal> {
        let (height, id) = (decided.height.0, decided.value_id.0);
        let certificate = self.certificate(decided, &self.validators)?;
        let entry = self.store.entry(height, &id);
        let entry = entry.ok_or(Fatal::Lost { height, id })?;
        info!(height, round = certificate.round, id = %decided.value_id, "decided");
        let payload = entry.payload.clone();
        self.next = self
            .ask
            .run(move |app| async move { app.commit(certificate, payload).await })
            .await?;
        self.admitted.decide([&self.validators, &self.next]);
        self.committed = height;
        Ok(())
    }

    async fn finalized(
        &mut self,
        finalized: &CommitCertificate<Ctx>,
        misbehaviour: &MisbehaviorEvidence<Ctx>,
    ) -> Result<Next<Ctx>, Fatal> {
        let height = finalized.height.0;
        let certificate = self.certificate(finalized, &self.validators)?;
        let evidence = double_votes(misbehaviour);
        if !evidence.is_empty() || !misbehaviour.proposals.is_empty() {
            warn!(
                height,
                votes = evidence.len(),
                "validators voted or proposed twice"
            );
        }
        self.ask
            .run(move |app| async move { app.finalized(certificate, evidence).await })
            .await?;
        self.store.forget(height).await?;
        self.validators = self.next.clone();
        self.admitted.decide([&self.validators, &self.next]);
        self.height = height.saturating_add(1);
        self.round = 0;
        self.invalid.clear();
        let params = self.params(&self.validators);
        Ok(Next::Start(Height(self.height), params))
    }
}

/// What the engine saw, as what an application can prove to others. Two proposals of one validator are not among it: its
/// two votes are what can do harm.
fn double_votes(of: &MisbehaviorEvidence<Ctx>) -> Vec<DoubleVote> {
    let pairs = of.votes.iter().flat_map(|(_, pairs)| pairs);
    pairs
        .filter_map(|(first, second)| {
            Some(DoubleVote {
                first: evidence(first)?,
                second: evidence(second)?,
            })
        })
        .collect()
}
