//! Building: answers to `Build`, and better-paying versions of what does not confirm.

use bitcoin::Amount;
use kofo_primitives::{Act, ActKind, End, FailClass, LegEvent, LegRef, Text};

use super::Engine;
use crate::fee::{SatPerVb, replacement};
use crate::leg::{Leg, units};
use crate::picture::Picture;
use crate::prepared::Signed;
use crate::spend::{Coin, Spend, SpendError, preimage_in};
use crate::wallet::WalletError;

/// Virtual bytes that one more coin adds to a spend; a coin that is worth less stays where it is.
const VBYTES_PER_COIN: u64 = 105;

/// What comes of an attempt to build.
enum Outcome {
    Built(Signed),
    Failed(FailClass),
    /// The chain is not there yet.
    Wait,
}

impl Engine {
    /// Answers what can be answered at this tip.
    pub(super) fn answer_builds(&mut self, pictures: &[(LegRef, Picture)]) {
        for (leg, picture) in pictures {
            let asked = match self.legs.get_mut(leg) {
                Some(watched) => std::mem::take(&mut watched.asked),
                None => continue,
            };
            for act in asked {
                match self.build(*leg, &act, picture) {
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

    fn build(&mut self, leg: LegRef, act: &Act, picture: &Picture) -> Outcome {
        let Some(watched) = self.legs.get(&leg) else {
            return Outcome::Wait;
        };
        let end = if act.kind() == ActKind::Redeem {
            End::Redeemer
        } else {
            End::Refunder
        };
        if !watched.ours {
            return refused("the leg is another owner's: only what that owner signed can be sent");
        }
        if watched.spec.end != end {
            return refused("the act is the other party's");
        }
        match act {
            Act::Lock => self.build_lock(leg, picture),
            Act::Cancel => self.build_cancel(leg, picture),
            Act::Redeem(preimage) => self.spend_leaf(leg, watched, picture, Some(preimage.expose())),
            Act::Refund => self.spend_leaf(leg, watched, picture, None),
        }
    }

    fn build_lock(&self, leg: LegRef, picture: &Picture) -> Outcome {
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
        let mut wallet = self.wallet();
        match wallet.lock(leg, output, self.rate, depth) {
            Ok(signed) => Outcome::Built(signed),
            Err(WalletError::Funds { have, need }) => {
                let later = [wallet.maturing(depth), coming]
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

    fn build_cancel(&self, leg: LegRef, picture: &Picture) -> Outcome {
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
        match self.wallet().cancel(leg, lock, self.rate.min(self.parts.most)) {
            Ok(signed) => Outcome::Built(signed),
            Err(error) => refused(&error.to_string()),
        }
    }

    /// A redeem (with preimage) or a refund of what is in blocks and unspent there.
    fn spend_leaf(
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
    }

    fn sign_leaf(
        &self,
        leg: LegRef,
        watched: &Leg,
        spend: &Spend<'_>,
        preimage: Option<&[u8; 32]>,
    ) -> Outcome {
        let Some(mut secret) = self.secret(leg, &watched.spec, &watched.terms) else {
            return refused("the key of this leg is not ours");
        };
        let (kind, tx) = match preimage {
            Some(preimage) => (
                ActKind::Redeem,
                watched.terms.htlc.redeem(spend, preimage, &secret),
            ),
            None => (ActKind::Refund, watched.terms.htlc.refund(spend, &secret)),
        };
        secret.non_secure_erase();
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
    pub(super) fn better(
        &self,
        leg: LegRef,
        kind: ActKind,
        picture: &Picture,
        rate: SatPerVb,
    ) -> Option<Signed> {
        let watched = self.legs.get(&leg).filter(|watched| watched.ours)?;
        let old = &watched.sending.get(&kind)?.signed;
        let vsize = old.tx.weight().to_vbytes_ceil();
        let signed = match kind {
            ActKind::Lock => self
                .wallet()
                .raise(leg, old, &watched.wanted.script, rate)
                .map_err(|e| warn(leg, &e))
                .ok(),
            ActKind::Cancel => self
                .wallet()
                .cancel(leg, old, rate)
                .map_err(|e| warn(leg, &e))
                .ok(),
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
                match self.sign_leaf(leg, watched, &spend, shown.as_ref()) {
                    Outcome::Built(signed) => Some(signed),
                    Outcome::Failed(_) | Outcome::Wait => None,
                }
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
