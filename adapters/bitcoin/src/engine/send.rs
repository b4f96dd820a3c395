//! Sending: each transaction again and again until it is in a block or dead.

use std::time::{Duration, Instant};

use bitcoin::Transaction;
use kofo_primitives::{ActKind, At, FailClass, LegRef};

use super::build::worthwhile;
use super::{Engine, LookError, depth_of, is_over};
use crate::picture::{Fact, Picture};
use crate::rpc::{Best, RpcError};

/// A transaction that the mempool does not hold is sent again after this, and at every new block.
const RETRY: Duration = Duration::from_secs(10);

/// What bitcoind's refusal of a transaction means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It has it already.
    Known,
    /// It wants a higher fee.
    TooCheap,
    /// Its time has not come, or what it spends is not there (yet, or any more): the chain will tell.
    NotNow,
}

impl Engine {
    /// Tells what is dead and sends it no more.
    pub(super) fn bury_dead(&mut self, pictures: &[(LegRef, Picture)], best: &Best) {
        for (leg, picture) in pictures {
            for kind in self.kinds_sent(*leg) {
                if self.is_dead(*leg, kind, picture, best)
                    && let Some(watched) = self.legs.get_mut(leg)
                {
                    watched.sending.remove(&kind);
                    self.failed(*leg, kind, FailClass::Dead);
                }
            }
        }
    }

    /// Sends what is owed at this tip, and offers better versions of what waits too long.
    pub(super) async fn send_all(
        &mut self,
        seen: &[(LegRef, Picture)],
        counted: &[(LegRef, Picture)],
        best: &Best,
    ) -> Result<(), LookError> {
        let new_block = self.sent_at != Some(best.hash);
        for ((leg, seen), (_, counted)) in seen.iter().zip(counted) {
            for kind in self.kinds_sent(*leg) {
                // In a block that does not count it is not safe yet, and a better version would come too late.
                if self.is_owed(*leg, kind, counted, best) {
                    if !self.accord.together || self.is_owed(*leg, kind, seen, best) {
                        self.improve(*leg, kind, seen, best).await;
                    }
                    self.send(*leg, kind, new_block).await?;
                }
            }
        }
        self.sent_at = Some(best.hash);
        Ok(())
    }

    /// Whether the act is still to be brought into a block.
    fn is_owed(&self, leg: LegRef, kind: ActKind, picture: &Picture, best: &Best) -> bool {
        let Some(watched) = self.legs.get(&leg) else {
            return false;
        };
        let in_time = !watched.is_limited(kind) || self.accord.together;
        if !in_time || !watched.may_send(kind, best.median_time) {
            return false;
        }
        let redeemed = picture.redeemed().is_some_and(|fact| is_mined(&fact));
        let refunded = picture.refund.is_some_and(|fact| is_mined(&fact));
        // A surplus that came later is worth another refund.
        let left = !worthwhile(picture, self.rate).is_empty();
        let ended = (redeemed || refunded) && !left;
        let locked = picture.lock.is_some_and(|fact| is_mined(&fact)) || picture.wrong.is_some();
        let cancelled = picture.cancel.is_some_and(|fact| is_mined(&fact));
        let alone = |act| watched.sending.contains_key(&act) && self.is_owed(leg, act, picture, best);
        match kind {
            ActKind::Lock => !locked && !cancelled && !watched.sending.contains_key(&ActKind::Cancel),
            ActKind::Cancel => !locked && !cancelled,
            ActKind::Redeem => !ended,
            // The act alone takes its place.
            ActKind::RedeemTogether => !ended && !alone(ActKind::Redeem),
            ActKind::RefundTogether => !ended && !alone(ActKind::Refund),
            ActKind::Refund => !ended && best.median_time >= watched.spec.timelock.0,
        }
    }

    /// Whether something else took what it spends, for good.
    fn is_dead(&self, leg: LegRef, kind: ActKind, picture: &Picture, best: &Best) -> bool {
        let Some(watched) = self.legs.get(&leg) else {
            return false;
        };
        let depth = u64::from(watched.spec.depth);
        let is_final = |fact: &Fact| match fact.at {
            At::Block(height) => depth_of(height, best) >= depth,
            At::Mempool => false,
        };
        let redeem = picture.redeemed();
        match kind {
            ActKind::Lock => picture.lock.is_none() && picture.cancel.is_some_and(|fact| is_final(&fact)),
            ActKind::Cancel => picture.lock.is_some_and(|fact| is_final(&fact)),
            ActKind::Redeem => redeem.is_none() && picture.refund.is_some_and(|fact| is_final(&fact)),
            ActKind::Refund => picture.refund.is_none() && redeem.is_some_and(|fact| is_final(&fact)),
            ActKind::RedeemTogether | ActKind::RefundTogether => self.is_spent_otherwise(leg, kind, best),
        }
    }

    /// Whether a coin of what was signed together, of this leg or of another one in the same transaction, was spent
    /// by another transaction that is final.
    fn is_spent_otherwise(&self, leg: LegRef, kind: ActKind, best: &Best) -> bool {
        let Some(sending) = self.legs.get(&leg).and_then(|watched| watched.sending.get(&kind)) else {
            return false;
        };
        self.legs.values().any(|other| {
            let height = other.spent_otherwise(&sending.signed);
            height.is_some_and(|height| depth_of(height, best) >= u64::from(other.spec.depth))
        })
    }

    fn kinds_sent(&self, leg: LegRef) -> Vec<ActKind> {
        self.legs
            .get(&leg)
            .map(|leg| leg.sending.keys().copied().collect())
            .unwrap_or_default()
    }

    /// Offers a better version where the schedule asks for one, or the present one spends what is gone. It is sent
    /// only when the core, which has to write it down first, asks for it.
    async fn improve(&mut self, leg: LegRef, kind: ActKind, picture: &Picture, best: &Best) {
        let stale = self.is_stale(leg, kind, picture);
        let Some((rate, cap)) = self.target(leg, kind, best) else {
            return;
        };
        let Some(sending) = self
            .legs
            .get_mut(&leg)
            .and_then(|watched| watched.sending.get_mut(&kind))
        else {
            return;
        };
        let dear = sending.signed.paid().worth_replacing(rate, cap);
        if sending.offered_at == Some(best.height) || !(stale || dear) {
            return;
        }
        sending.offered_at = Some(best.height);
        if let Some(better) = self.better(leg, kind, picture, rate).await {
            tracing::info!(swap = %leg.swap, leg = %leg.leg, ?kind, fee = better.fee.to_sat(), "offering a better version");
            self.built(leg, better);
        }
    }

    async fn send(&mut self, leg: LegRef, kind: ActKind, new_block: bool) -> Result<(), LookError> {
        let Some((watched, sending)) = self
            .legs
            .get(&leg)
            .and_then(|watched| Some((watched, watched.sending.get(&kind)?)))
        else {
            return Ok(());
        };
        let (tx, tried, limited) = (sending.signed.tx.clone(), sending.tried, watched.is_limited(kind));
        let txid = tx.compute_txid();
        let holds = self.mempool.holds(txid);
        if !(new_block || (!holds && is_over(tried, RETRY))) {
            return Ok(());
        }
        let answer = if holds {
            Ok(())
        } else {
            self.ours().send(&tx).await
        };
        // What may be shown only for a while is shown by our own node, or not at all. Strangers are all alike.
        if answer.is_ok() || !limited || self.parts.nodes.strangers {
            self.send_to_witnesses(&tx).await;
        }
        let Some(watched) = self.legs.get_mut(&leg) else {
            return Ok(());
        };
        let Some(sending) = watched.sending.get_mut(&kind) else {
            return Ok(());
        };
        sending.tried = Some(Instant::now());
        match answer {
            Ok(()) if holds => (),
            Ok(()) => {
                tracing::info!(swap = %leg.swap, leg = %leg.leg, ?kind, %txid, "sent");
                watched.shown(leg, kind, &mut self.outbox);
            }
            Err(RpcError::Refused { code, message, .. }) => {
                let refusal = refusal(code, &message);
                sending.too_cheap = refusal == Refusal::TooCheap;
                tracing::info!(swap = %leg.swap, leg = %leg.leg, ?kind, %txid, ?refusal, %message, "not taken by bitcoind");
            }
            // It may have been taken nevertheless: the next look finds it, or sends again.
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whatever they answer: they are not those that we rely upon.
    async fn send_to_witnesses(&self, tx: &Transaction) {
        for witness in &self.parts.nodes.witnesses {
            if let Err(error) = witness.send(tx).await {
                tracing::debug!(%error, "a witness did not take a transaction");
            }
        }
    }

    /// Our own node does not answer: what does not depend on time is sent by the others.
    pub(super) async fn send_around(&mut self) {
        let Some(best) = self.best.filter(|_| !self.parts.nodes.witnesses.is_empty()) else {
            return;
        };
        for (leg, picture) in self.pictures(u64::MAX) {
            for kind in self.kinds_sent(leg) {
                let owed = self.is_owed(leg, kind, &picture, &best);
                let sending = self
                    .legs
                    .get_mut(&leg)
                    .filter(|watched| owed && !watched.is_limited(kind))
                    .and_then(|watched| watched.sending.get_mut(&kind))
                    .filter(|sending| is_over(sending.tried, RETRY));
                if let Some(sending) = sending {
                    sending.tried = Some(Instant::now());
                    let tx = sending.signed.tx.clone();
                    self.send_to_witnesses(&tx).await;
                }
            }
        }
    }
}

fn is_mined(fact: &Fact) -> bool {
    matches!(fact.at, At::Block(_))
}

/// Whether bitcoind says that it has the transaction already.
pub(crate) fn is_known(code: i64, message: &str) -> bool {
    refusal(code, message) == Refusal::Known
}

/// Reads bitcoind's words; the codes alone do not tell these apart.
fn refusal(code: i64, message: &str) -> Refusal {
    /// The transaction is in a block and its outputs are there.
    const ALREADY_IN_CHAIN: i64 = -27;
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if code == ALREADY_IN_CHAIN
        || says(&[
            "txn-already-in-mempool",
            "txn-already-known",
            "already in block chain",
        ])
    {
        Refusal::Known
    } else if says(&[
        "insufficient fee",
        "min relay fee not met",
        "mempool min fee not met",
    ]) {
        Refusal::TooCheap
    } else {
        Refusal::NotNow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bitcoind_has_already_is_no_failure() {
        assert_eq!(
            refusal(-27, "Transaction outputs already in utxo set"),
            Refusal::Known
        );
        assert_eq!(refusal(-25, "txn-already-known"), Refusal::Known);
        assert_eq!(refusal(-26, "txn-already-in-mempool"), Refusal::Known);
    }

    #[test]
    fn a_low_fee_is_told_from_what_only_waits() {
        assert_eq!(
            refusal(-26, "insufficient fee, rejecting replacement"),
            Refusal::TooCheap
        );
        assert_eq!(
            refusal(-26, "mempool min fee not met, 100 < 200"),
            Refusal::TooCheap
        );
        assert_eq!(refusal(-26, "non-final"), Refusal::NotNow);
        assert_eq!(refusal(-25, "bad-txns-inputs-missingorspent"), Refusal::NotNow);
    }
}
