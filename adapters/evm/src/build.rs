//! `Build`: makes what will be sent, and sees to it beforehand that it can be.

use crate::facts::Leg;
use crate::fees::Fee;
use crate::follow::Follower;
use crate::node::NodeError;
use crate::prepared::{Form, Numbered};
use crate::purse::{Earmark, Purse, Shortage, Trouble};
use crate::send::Sender;
use alloy::primitives::U256;
use kofo_primitives::{Act, ActKind, Amount, End, FailClass, LegEvent, LegRef, Text};
use std::collections::BTreeMap;

/// What is to be built. A lock may wait here until its token is approved and the gas accounts are filled.
#[derive(Default)]
pub(crate) struct Builds {
    wanted: BTreeMap<(LegRef, ActKind), Act>,
}

/// Approving the same again after so many times would burn gas for ever.
const APPROVALS: u32 = 3;

enum Outcome {
    Built(Form),
    Failed(FailClass),
    /// An errand has to be in a block first.
    Later,
}

fn refused(why: &str) -> Outcome {
    Outcome::Failed(FailClass::Refused(Text::lossy(why)))
}

impl Builds {
    pub(crate) fn want(&mut self, leg: LegRef, act: Act) {
        self.wanted.insert((leg, act.kind()), act);
    }

    pub(crate) fn forget(&mut self, leg: LegRef) {
        self.wanted.retain(|(at, _), _| *at != leg);
    }

    /// Builds what can be built now, of these kinds. What fails for the node's sake waits for the next round.
    pub(crate) async fn make(
        &mut self,
        purse: &Purse,
        follower: &Follower,
        sender: &mut Sender,
        kinds: impl Fn(ActKind) -> bool,
    ) {
        let (now, later) = std::mem::take(&mut self.wanted)
            .into_iter()
            .partition(|((_, kind), _)| kinds(*kind));
        self.wanted = later;
        for ((leg, kind), act) in now {
            let outcome = match follower.legs.get(&leg) {
                Some(it) => one(purse, follower, sender, (leg, it), &act).await,
                None => Ok(refused("the leg is not watched: Watch comes before Build")),
            };
            let event = match outcome {
                Ok(Outcome::Built(form)) => {
                    sender.hold(leg, &form);
                    LegEvent::Built(kind, form.encode())
                }
                Ok(Outcome::Failed(class)) => LegEvent::Failed(kind, class),
                Err(Trouble::Short(short)) => LegEvent::Failed(kind, short.class()),
                Ok(Outcome::Later) => {
                    self.wanted.insert((leg, kind), act);
                    continue;
                }
                Err(Trouble::Node(NodeError::Reverted(why))) => {
                    LegEvent::Failed(kind, FailClass::Refused(Text::lossy(&why)))
                }
                Err(Trouble::Node(error)) => {
                    tracing::warn!(swap = %leg.swap, leg = %leg.leg, ?kind, %error, "building waits for the node");
                    self.wanted.insert((leg, kind), act);
                    continue;
                }
            };
            sender.tell(leg, event);
        }
    }
}

async fn one(
    purse: &Purse,
    follower: &Follower,
    sender: &mut Sender,
    (leg, it): (LegRef, &Leg),
    act: &Act,
) -> Result<Outcome, Trouble> {
    if !is_ours(act, it.spec.end) {
        return Ok(refused("this act is the other end's"));
    }
    let base_fee = follower.tip().and_then(|tip| tip.base_fee);
    Ok(match act {
        Act::Redeem(preimage) if preimage.hashlock() != it.spec.hashlock => {
            refused("the preimage does not open this leg's hashlock")
        }
        Act::Redeem(preimage) => {
            // A redeem that fails has shown the preimage all the same.
            purse.payee_takes(&it.htlc).await?;
            Outcome::Built(Form::Redeem(preimage.clone(), today(purse, base_fee).await?))
        }
        Act::Refund => Outcome::Built(Form::Refund(today(purse, base_fee).await?)),
        Act::Cancel => cancel(purse, follower, sender, leg).await?,
        Act::Lock => lock(purse, follower, sender, leg, it).await?,
    })
}

/// What the act would pay if it were sent now; it pays more if fees have risen by then.
pub(crate) async fn today(purse: &Purse, base_fee: Option<u64>) -> Result<Fee, NodeError> {
    let price = purse.price(base_fee).await?;
    Ok(purse.config.fees.today(price))
}

fn is_ours(act: &Act, end: End) -> bool {
    match act {
        Act::Redeem(_) => end == End::Redeemer,
        Act::Lock | Act::Refund | Act::Cancel => end == End::Refunder,
    }
}

/// A payment of nothing under the lock's nonce that outbids every version of the lock.
async fn cancel(
    purse: &Purse,
    follower: &Follower,
    sender: &Sender,
    leg: LegRef,
) -> Result<Outcome, Trouble> {
    let Some(highest) = sender.highest(leg) else {
        return Ok(refused(
            "no lock was built for this leg: there is nothing to cancel",
        ));
    };
    let price = purse.price(follower.tip().and_then(|tip| tip.base_fee)).await?;
    let policy = &purse.config.fees;
    Ok(match policy.bump(highest.fee, price) {
        Some(fee) => {
            let gas = crate::fees::PAYMENT_GAS;
            Outcome::Built(Form::Cancel(Numbered {
                nonce: highest.nonce,
                gas,
                fee,
            }))
        }
        None => {
            let (need, most) = (highest.fee.max.saturating_mul(9) / 8, policy.cap);
            Outcome::Failed(FailClass::FeeCap {
                need: Amount::new(need),
                most: Amount::new(most),
            })
        }
    })
}

async fn lock(
    purse: &Purse,
    follower: &Follower,
    sender: &mut Sender,
    at: LegRef,
    leg: &Leg,
) -> Result<Outcome, Trouble> {
    if let Some(numbered) = sender.held(at, ActKind::Lock) {
        return Ok(Outcome::Built(Form::Lock(numbered)));
    }
    let (Some(tip), it) = (follower.tip(), &leg.htlc) else {
        return Ok(Outcome::Later);
    };
    if it.owner != purse.owner.address() {
        return Ok(refused("the refunder is not our account"));
    }
    let Some(value) = follower.value(it.slot()) else {
        return Ok(Outcome::Later);
    };
    if U256::from_be_bytes(value.0) > U256::from(1) {
        return Ok(refused("the lane holds another lock"));
    }
    if sender.lane_is_taken(follower, at, it.slot()) {
        return Ok(refused("the lane is promised to another leg"));
    }
    let price = purse.price(tip.base_fee).await?;
    if purse.node.code(it.contract).await? != purse.runtime_code {
        return Ok(refused("the contract's code is not what it was at start"));
    }
    purse.pays(it).await?;
    purse.afford(at, &leg.spec.asset, it, price).await?;
    purse.takes(it).await?;
    if !it.is_coin() && !allowed(purse, sender, leg).await? {
        return Ok(Outcome::Later);
    }
    if sender.needs_top_up(purse, Some((at, it.end_gas()))).await? {
        return Ok(Outcome::Later);
    }
    let mined = purse
        .node
        .nonce(purse.owner.address(), alloy::eips::BlockId::hash(tip.hash))
        .await?;
    let fee = purse.config.fees.today(price);
    let earmark = Earmark {
        asset: leg.spec.asset.clone(),
        amount: leg.spec.amount,
    };
    purse.ledger().earmarks.insert(at, earmark);
    Ok(Outcome::Built(Form::Lock(Numbered {
        nonce: sender.next_nonce(mined),
        gas: it.lock_gas(),
        fee,
    })))
}

/// Whether the contract may take the token for this lock and all that are built; if not, an errand sees to it.
async fn allowed(purse: &Purse, sender: &mut Sender, leg: &Leg) -> Result<bool, Trouble> {
    let it = &leg.htlc;
    let owner = purse.owner.address();
    let allowance = purse.node.allowance(it.token, owner, it.contract).await?;
    let need = it
        .amount
        .units()
        .saturating_add(purse.earmarked(&leg.spec.asset, None));
    if allowance >= U256::from(need) {
        return Ok(true);
    }
    // Some tokens refuse to change an allowance that is not zero.
    let amount = if allowance.is_zero() {
        U256::MAX
    } else {
        U256::ZERO
    };
    let approve = crate::calls::approve(it.token, it.contract, amount);
    if sender.errands_done(&approve) >= APPROVALS {
        let why = "the token does not keep the allowance that it was given";
        return Err(Trouble::Short(Shortage::Refused(why.to_owned())));
    }
    sender.want_errand(approve);
    Ok(false)
}
