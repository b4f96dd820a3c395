//! What was decided, from and for those who were away.

use super::{Fatal, Worker};
use crate::application::{Committed, Judged, Origin, Slot};
use crate::config::{SYNC_BATCH, response_bytes};
use crate::context::{Address, Ctx, Height, Value};
use crate::sign::Mark;
use crate::store::Entry;
use arc_malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use arc_malachitebft_app_channel::app::types::sync::RawDecidedValue;
use arc_malachitebft_core_types::{ExtendedCommitCertificate, ExtendedCommitSignature, Round};
use std::sync::Arc;
use tracing::warn;

impl Worker {
    /// A payload that the others decided; the engine has checked the certificate and compares the id with it.
    pub(super) async fn synced(
        &mut self,
        (height, round): (u64, u32),
        proposer: Address,
        payload: &[u8],
    ) -> Result<SyncedValueOutcome<Ctx>, Fatal> {
        if height != self.height || self.committed.saturating_add(1) != height {
            return Ok(SyncedValueOutcome::LocalTransientError);
        }
        if payload.len() > self.limits.payload {
            return Ok(SyncedValueOutcome::PeerFault);
        }
        let (at, by) = (Slot { height, round }, proposer.0);
        let payload = Arc::new(payload.to_vec());
        let judged = Arc::clone(&payload);
        let verdict = self
            .ask
            .run(move |app| async move { app.judge(at, Origin::Synced, by, &judged).await })
            .await?;
        let id = match verdict {
            Judged::Valid(id) => id,
            Judged::Invalid(why) => {
                // A peer that lies; or, if they all say so, we that are wrong.
                warn!(height, why, "a payload that others decided is invalid here");
                return Ok(SyncedValueOutcome::PeerFault);
            }
        };
        let known = self.store.entry(height, &id);
        let entry = match known {
            Some(entry) => entry,
            None => {
                let entry = Entry {
                    height,
                    round,
                    proposer: by,
                    id,
                    head: None,
                    payload: Arc::unwrap_or_clone(payload),
                };
                let durable = self.votes();
                self.store.keep(Arc::new(entry), durable).await?;
                self.store.entry(height, &id).ok_or(Fatal::Lost { height, id })?
            }
        };
        let mut value = super::proposals::valid(&entry);
        value.round = Round::new(round);
        Ok(SyncedValueOutcome::Verdict(value))
    }

    /// As many as fit one answer, from the first on without a gap.
    pub(super) async fn decided_values(
        &mut self,
        from: u64,
        to: u64,
    ) -> Result<Vec<RawDecidedValue<Ctx>>, Fatal> {
        let (mut values, mut bytes) = (Vec::new(), 0usize);
        let most = response_bytes(&self.limits) / 2;
        for height in (from..=to.min(self.committed)).take(SYNC_BATCH) {
            let committed = self
                .ask
                .run(move |app| async move { app.committed(height).await });
            let Some(committed) = committed.await? else {
                break;
            };
            bytes = bytes.saturating_add(committed.payload.len());
            if bytes > most && !values.is_empty() {
                break;
            }
            values.push(raw(committed));
        }
        Ok(values)
    }
}

fn raw(of: Committed) -> RawDecidedValue<Ctx> {
    let (certificate, set) = (of.certificate, of.validators);
    let signers = set.members().iter().enumerate();
    let signers = signers.filter(|(place, _)| certificate.signed(*place));
    let signatures = signers
        .zip(&certificate.signatures)
        .map(|((_, member), signature)| {
            ExtendedCommitSignature::new(Address(member.key), Mark(*signature), None)
        });
    let extended = ExtendedCommitCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: Value(certificate.header),
        commit_signatures: signatures.collect(),
    };
    RawDecidedValue::new(of.payload.into(), extended)
}
