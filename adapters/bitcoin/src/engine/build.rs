//! Building: answers to `Build`, and better-paying versions of what does not confirm.

use bitcoin::Amount;
use kofo_adapter_api::SignerError;
use kofo_primitives::{Act, ActKind, End, FailClass, LegEvent, LegRef, Text};

use super::Engine;
use crate::fee::{SatPerVb, replacement};
use crate::leg::{Leg, units};
use crate::picture::Picture;
use crate::prepared::Signed;
use crate::spend::{Coin, Spend, SpendError, preimage_in};
use crate::wallet::{Draft, WalletError};

/// Virtual bytes that one more coin adds to a spend; a coin that is worth less stays where it is.
const VBYTES_PER_COIN: u64 = 105;

/// What comes of an attempt to build.
enum Outcome {
    Built(Signed),
    Failed(FailClass),
    /// The chain is not there yet.
    Wait,
}

impl Outcome {
    fn built(self) -> Option<Signed> {
        match self {
            Self::Built(signed) => Some(signed),
            Self::Failed(_) | Self::Wait => None,
        }
    }
}

impl Engine {
    /// Answers what can be answered at this tip.
    pub(super) async fn answer_builds(&mut self, pictures: &[(LegRef, Picture)]) {
        for (leg, picture) in pictures {
            let asked = match self.legs.get_mut(leg) {
                Some(watched) => std::mem::take(&mut watched.asked),
                None => continue,
            };
            for act in asked {
                match self.build(*leg, &act, picture).await {
                    Outcome::Built(signed) => self.built(*leg, signed),
                    Outcome::Failed(class) => self.failed(*leg, act.kind(), class),
                    Outcome::Wait => self
                        .legs
                        .get_mut(leg)
                        .into_iter()
                        .for_each(|w| w.asked.push(act.clone())),
                }
            }
        }
    }

    /// Tells what was built; keeps it unless it is to replace what is being sent, which the core decides.
    pub(super) fn built(&mut self, leg: LegRef, signed: Signed) {
        let kind = signed.kind;
        match signed.encode() {
            Ok(prepared) => {
                if self
                    .legs
                    .get(&leg)
                    .is_some_and(|watched| !watched.sending.contains_key(&kind))
                {
                    self.keep(leg, signed);
                }
                self.outbox.push_back(kofo_primitives::ChainEvent::Leg(
                    leg,
                    LegEvent::Built(kind, prepared),
                ));
            }
            Err(error) => self.fail(leg, kind, &error.to_string()),
        }
    }

    async fn build(&mut self, leg: LegRef, act: &Act, picture: &Picture) -> Outcome {
        let Some(watched) = self.legs.get(&leg) else {
            return Outcome::Wait;
        };
        let end = if act.kind() == ActKind::Redeem {
            End::Redeemer
        } else {
            End::Refunder
        };
        let Some(ours) = watched.ours else {
            return Outcome::Wait;
        };
        if !ours {
            return refused("the leg is another owner's: only what that owner signed can be sent");
        }
        if watched.spec.end != end {
            return refused("the act is the other party's");
        }
        match act {
            Act::Lock => self.build_lock(leg, picture).await,
            Act::Cancel => self.build_cancel(leg, picture).await,
            Act::Redeem(preimage) => {
                self.spend_leaf(leg, watched, picture, Some(preimage.expose()))
                    .await
            }
            Act::Refund => self.spend_leaf(leg, watched, picture, None).await,
        }
    }

    async fn build_lock(&self, leg: LegRef, picture: &Picture) -> Outcome {
        let Some(watched) = self.legs.get(&leg) else {
            return Outcome::Wait;
        };
        if let Some(signed) = watched.built.get(&ActKind::Lock) {
            return Outcome::Built(signed.clone());
        }
        if picture.lock.is_some() || picture.wrong.is_some() {
            return refused("something is locked already: a second lock is never built");
        }
        if self.rate > self.parts.most {
            let vsize = watched.terms.htlc.redeem_vsize(1, &watched.terms.ours().payout);
            let (need, most) = (self.rate.fee(vsize), self.parts.most.fee(vsize));
            return Outcome::Failed(FailClass::FeeCap {
                need: units(need),
                most: units(most),
            });
        }
        let depth = watched.spec.depth;
        let output = (watched.wanted.script.as_script(), watched.terms.amount);
        let coming = self.change_underway();
        let draft = self.wallet().lock(leg, output, self.rate, depth);
        match draft {
            Ok(draft) => {
                let outcome = self.sign_draft(leg, watched, draft).await;
                if !matches!(outcome, Outcome::Built(_)) {
                    self.wallet().release(leg);
                }
                outcome
            }
            Err(WalletError::Funds { have, need }) => {
                let later = [self.wallet().maturing(depth), coming]
                    .into_iter()
                    .try_fold(have, Amount::checked_add);
                if later.is_some_and(|later| later >= need) {
                    return Outcome::Wait;
                }
                Outcome::Failed(FailClass::Funds {
                    have: units(have),
                    need: units(need),
                })
            }
            Err(error) => refused(&error.to_string()),
        }
    }

    /// The draft with the signer's signatures.
    async fn sign_draft(&self, leg: LegRef, watched: &Leg, draft: Draft) -> Outcome {
        let keys = &self.parts.keys;
        let main = self.parts.chain == bitcoin::Network::Bitcoin;
        let payment = draft.payment(main, Some(keys.leg(leg, &watched.spec, None)));
        let signatures = match keys.pay(payment).await {
            Ok(signatures) => signatures,
            Err(error) => return unsigned(leg, &error),
        };
        match self.wallet().complete(leg, draft, &signatures) {
            Ok(signed) => Outcome::Built(signed),
            Err(error) => refused(&error.to_string()),
        }
    }

    /// What locks of ours that are not in a block yet will give back as change.
    fn change_underway(&self) -> Amount {
        let underway = self.legs.values().filter(|leg| leg.awaits_lock());
        let locks = underway.filter_map(|leg| Some((leg, leg.sending.get(&ActKind::Lock)?)));
        let outputs = locks.flat_map(|(leg, sending)| {
            sending
                .signed
                .tx
                .output
                .iter()
                .filter(|output| output.script_pubkey != leg.wanted.script)
        });
        outputs.fold(Amount::ZERO, |sum, output| {
            sum.checked_add(output.value).unwrap_or(sum)
        })
    }

    async fn build_cancel(&self, leg: LegRef, picture: &Picture) -> Outcome {
        let Some(watched) = self.legs.get(&leg) else {
            return Outcome::Wait;
        };
        if let Some(signed) = watched.built.get(&ActKind::Cancel) {
            return Outcome::Built(signed.clone());
        }
        let Some(lock) = watched.built.get(&ActKind::Lock) else {
            return refused("no lock was built for this leg: there is nothing to cancel");
        };
        if !picture.unspent.is_empty() {
            return refused("the lock is in a block: refund it after its timelock");
        }
        let draft = self.wallet().cancel(lock, self.rate.min(self.parts.most));
        match draft {
            Ok(draft) => self.sign_draft(leg, watched, draft).await,
            Err(error) => refused(&error.to_string()),
        }
    }

    /// A redeem (with preimage) or a refund of what is in blocks and unspent there.
    async fn spend_leaf(
        &self,
        leg: LegRef,
        watched: &Leg,
        picture: &Picture,
        preimage: Option<&[u8; 32]>,
    ) -> Outcome {
        let rate = self.rate.min(self.parts.most);
        let coins = worthwhile(picture, rate);
        if coins.is_empty() {
            return Outcome::Wait;
        }
        let vsize = leaf_vsize(watched, coins.len(), preimage.is_some());
        let rate = rate.min(self.spend_cap(sum(&coins), vsize));
        let fee = affordable(watched, &coins, against_together(watched, rate, vsize));
        let payout = &watched.terms.ours().payout;
        self.sign_leaf(
            leg,
            watched,
            &Spend {
                coins: &coins,
                payout,
                fee,
            },
            preimage,
        )
        .await
    }

    async fn sign_leaf(
        &self,
        leg: LegRef,
        watched: &Leg,
        spend: &Spend<'_>,
        preimage: Option<&[u8; 32]>,
    ) -> Outcome {
        let (kind, htlc) = match preimage {
            Some(_) => (ActKind::Redeem, &watched.terms.htlc),
            None => (ActKind::Refund, &watched.terms.htlc),
        };
        // Known before the signer is asked: what is not worth it, and a preimage that opens nothing.
        let worth = spend.left().map(drop);
        let opens = worth.and_then(|()| preimage.map_or(Ok(()), |preimage| htlc.opens(preimage)));
        let tx = match opens {
            Ok(()) => {
                let place = self.wallet().place_of(spend.payout);
                let ours = self.parts.keys.leg(leg, &watched.spec, place);
                let what = (spend.coins, spend.fee);
                match (self.parts.keys.spend(ours, kind, what).await, preimage) {
                    (Ok(signatures), Some(preimage)) => htlc.complete_redeem(spend, preimage, &signatures),
                    (Ok(signatures), None) => htlc.complete_refund(spend, &signatures),
                    (Err(error), _) => return unsigned(leg, &error),
                }
            }
            Err(error) => Err(error),
        };
        match tx {
            Ok(tx) => Outcome::Built(Signed {
                kind,
                tx,
                fee: spend.fee,
            }),
            Err(SpendError::Uneconomic { value, fee, dust }) => {
                let most = value.checked_sub(dust).unwrap_or(Amount::ZERO);
                Outcome::Failed(FailClass::FeeCap {
                    need: units(fee),
                    most: units(most),
                })
            }
            Err(error) => refused(&error.to_string()),
        }
    }

    /// A version of what is being sent that pays more, or that spends what is now on chain; nothing where there
    /// is no better one.
    pub(super) async fn better(
        &self,
        leg: LegRef,
        kind: ActKind,
        picture: &Picture,
        rate: SatPerVb,
    ) -> Option<Signed> {
        let watched = self.legs.get(&leg).filter(|watched| watched.ours == Some(true))?;
        let old = &watched.sending.get(&kind)?.signed;
        let vsize = old.tx.weight().to_vbytes_ceil();
        let signed = match kind {
            ActKind::Lock | ActKind::Cancel => {
                let draft = match kind {
                    ActKind::Lock => self.wallet().raise(old, &watched.wanted.script, rate),
                    _ => self.wallet().cancel(old, rate),
                };
                let draft = draft.map_err(|e| warn(leg, &e)).ok()?;
                self.sign_draft(leg, watched, draft).await.built()
            }
            // Bound to what both signed.
            ActKind::RedeemTogether | ActKind::RefundTogether => None,
            ActKind::Redeem | ActKind::Refund => {
                let shown = old
                    .tx
                    .input
                    .first()
                    .and_then(|input| preimage_in(&input.witness, &watched.wanted.hashlock));
                let coins: Vec<Coin> = match self.is_stale(leg, kind, picture) {
                    true => worthwhile(picture, rate),
                    false => {
                        let ours: Vec<_> = old.outpoints().collect();
                        picture
                            .unspent
                            .iter()
                            .filter(|coin| ours.contains(&coin.outpoint))
                            .copied()
                            .collect()
                    }
                };
                let fee = replacement(old.fee, rate, vsize).max(against_together(watched, rate, vsize));
                let fee = affordable(watched, &coins, fee);
                let spend = Spend {
                    coins: &coins,
                    payout: &watched.terms.ours().payout,
                    fee,
                };
                self.sign_leaf(leg, watched, &spend, shown.as_ref()).await.built()
            }
        };
        signed.filter(|new| new.fee > old.fee || !new.same_inputs(old))
    }

    /// Whether a redeem or refund spends something that a reorg or a replacement took from the chain, while
    /// there is something else to spend.
    pub(super) fn is_stale(&self, leg: LegRef, kind: ActKind, picture: &Picture) -> bool {
        let Some(sending) = self.legs.get(&leg).and_then(|watched| watched.sending.get(&kind)) else {
            return false;
        };
        let there = |outpoint| picture.unspent.iter().any(|coin| coin.outpoint == outpoint);
        let leaf = matches!(kind, ActKind::Redeem | ActKind::Refund);
        leaf && !picture.unspent.is_empty() && !sending.signed.outpoints().all(there)
    }
}

/// What a spend takes: the lock where there is one, else everything that pays for itself.
pub(super) fn worthwhile(picture: &Picture, rate: SatPerVb) -> Vec<Coin> {
    if let Some(lock) = picture.lock {
        let of_lock = |coin: &&Coin| coin.outpoint.txid == lock.txid;
        return picture.unspent.iter().filter(of_lock).copied().collect();
    }
    let mut coins = picture.unspent.clone();
    coins.sort_by_key(|coin| std::cmp::Reverse(coin.value));
    let largest = coins.first().copied();
    coins.retain(|coin| coin.value > rate.fee(VBYTES_PER_COIN) || Some(*coin) == largest);
    coins
}

/// The fee of an act alone at this rate, or what it must pay to take the place of the one together in the mempool: more
/// than all of that, and for each vbyte too.
fn against_together(watched: &Leg, rate: SatPerVb, vsize: u64) -> Amount {
    let together = [ActKind::RedeemTogether, ActKind::RefundTogether];
    let waiting = together
        .iter()
        .filter_map(|kind| watched.built.get(kind))
        .filter(|signed| watched.in_mempool(signed.tx.compute_txid()));
    waiting.fold(rate.fee(vsize), |fee, signed| {
        let above = SatPerVb(signed.paid().rate().0.saturating_add(1));
        fee.max(replacement(signed.fee, above, vsize))
    })
}

fn leaf_vsize(watched: &Leg, coins: usize, redeem: bool) -> u64 {
    let (htlc, payout) = (&watched.terms.htlc, &watched.terms.ours().payout);
    if redeem {
        htlc.redeem_vsize(coins, payout)
    } else {
        htlc.refund_vsize(coins, payout)
    }
}

/// The fee, or less where it would leave only dust: a redeem at a low fee beats none.
fn affordable(watched: &Leg, coins: &[Coin], fee: Amount) -> Amount {
    let value = sum(coins);
    let dust = watched.terms.ours().payout.minimal_non_dust();
    let most = value.checked_sub(dust).unwrap_or(Amount::ZERO);
    let least = SatPerVb(1).fee(leaf_vsize(watched, coins.len(), true));
    fee.min(most.max(least))
}

fn sum(coins: &[Coin]) -> Amount {
    coins
        .iter()
        .fold(Amount::ZERO, |sum, c| sum.checked_add(c.value).unwrap_or(sum))
}

/// A signer that is away is waited for, as for a chain that is not there yet.
fn unsigned(leg: LegRef, error: &SignerError) -> Outcome {
    tracing::warn!(swap = %leg.swap, leg = %leg.leg, %error, "nothing is signed");
    match error {
        SignerError::Unreachable(_) => Outcome::Wait,
        SignerError::Refused(_) => refused(&error.to_string()),
    }
}

fn refused(why: &str) -> Outcome {
    Outcome::Failed(FailClass::Refused(Text::lossy(why)))
}

fn warn(leg: LegRef, error: &WalletError) {
    tracing::warn!(swap = %leg.swap, leg = %leg.leg, %error, "the fee cannot be raised");
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;
    use bitcoin::{OutPoint, Txid};
    use kofo_primitives::At;

    use super::*;
    use crate::picture::Fact;

    fn coin(byte: u8, sats: u64) -> Coin {
        let outpoint = OutPoint {
            txid: Txid::from_byte_array([byte; 32]),
            vout: 0,
        };
        Coin {
            outpoint,
            value: Amount::from_sat(sats),
        }
    }

    fn picture(unspent: &[Coin], lock: Option<&Coin>) -> Picture {
        let fact = |coin: &Coin| Fact {
            at: At::Block(5),
            txid: coin.outpoint.txid,
        };
        Picture {
            unspent: unspent.to_vec(),
            lock: lock.map(fact),
            ..Picture::default()
        }
    }

    #[test]
    fn a_spend_takes_the_lock_and_leaves_what_strangers_added() {
        let (lock, dust) = (coin(1, 50_000), coin(2, 60_000));
        assert_eq!(
            worthwhile(&picture(&[dust, lock], Some(&lock)), SatPerVb(2)),
            [lock]
        );
    }

    #[test]
    fn without_a_right_lock_all_that_pays_for_itself_is_taken() {
        let (one, two, dust) = (coin(1, 50_000), coin(2, 60_000), coin(3, 330));
        let picture = picture(&[one, dust, two], None);
        assert_eq!(worthwhile(&picture, SatPerVb(10)), [two, one]);
        assert_eq!(worthwhile(&picture, SatPerVb(1)), [two, one, dust]);
    }

    #[test]
    fn the_largest_coin_is_taken_whatever_it_costs() {
        let (one, two) = (coin(1, 500), coin(2, 600));
        assert_eq!(worthwhile(&picture(&[one, two], None), SatPerVb(100)), [two]);
    }
}
