//! What an owner entrusts to a third party: it can be done for the owner, and only for the owner.

use super::harness::{Harness, Merchant, Outsider, Who};
use super::peer::Peer;
use super::stage::{Leg, Stage};
use crate::Entrusted;
use kofo_primitives::{Act, ActKind, At, ChainEvent, Preimage};

/// Somebody who is no party and watches our leg as we do; and what we gave him.
struct Tower {
    peer: Peer,
    levels: Vec<Entrusted>,
}

impl Tower {
    /// Entrusted with one act on a leg that is final.
    async fn with<H: Outsider>(stage: &Stage<H>, leg: &Leg, act: ActKind) -> Self {
        let levels = stage.us.adapter.entrust(leg.of, leg.spec(Who::Us), act).await;
        let levels = levels.expect("an owner can entrust a final leg");
        assert!(!levels.is_empty() && levels.len() <= crate::MOST_LEVELS);
        let peer = Peer::standing_in(stage.chain.outsider().await, Who::Us);
        peer.watch(leg, &[]).await;
        Self { peer, levels }
    }

    /// Does the act at the lowest level and mines until it is told from a block; where.
    async fn acts<H: Harness>(&self, stage: &Stage<H>, leg: &Leg, act: Act) -> At {
        let kind = act.kind();
        let level = self.levels.first().expect("there is a level");
        let prepared = self
            .peer
            .adapter
            .take_over(leg.of, leg.spec(Who::Us), &act, level)
            .await;
        let prepared = prepared.expect("what the owner gave is good");
        self.peer.broadcast(leg, kind, &prepared).await;
        for _ in 0..10 {
            stage.mine(1).await;
            let tip = stage.chain.tip().await;
            let told = |events: &[ChainEvent]| events.contains(&ChainEvent::Tip(tip)).then_some(());
            self.peer.until(0, "the tip", told).await;
            let told = stage.us.told(leg);
            let at = match kind {
                ActKind::Redeem => told.redeem.map(|(_, at)| at),
                _ => told.refund,
            };
            if let Some(at @ At::Block(_)) = at {
                return at;
            }
        }
        panic!("expected the tower's act in a block: {:?}", self.peer.told(leg));
    }
}

/// A leg that is final; we are the redeemer or the refunder.
async fn locked<H: Harness>(stage: &mut Stage<H>, act: ActKind) -> Leg {
    let payer = if act == ActKind::Refund {
        Who::Us
    } else {
        Who::Them
    };
    let (leg, _) = stage.locked(payer).await;
    stage.finalise().await;
    leg
}

async fn pays_the_owner<H: Outsider>(chain: H, kind: ActKind) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, kind).await;
    let asset = stage.chain.asset();
    let before = stage.us.adapter.balance(&asset).await.expect("the node answers");
    let tower = Tower::with(&stage, &leg, kind).await;
    let act = if kind == ActKind::Refund {
        stage.mine_until(leg.refunder.timelock).await;
        Act::Refund
    } else {
        Act::Redeem(leg.preimage.clone())
    };
    let at = tower.acts(&stage, &leg, act).await;
    let told = stage.them.told(&leg);
    match kind {
        ActKind::Refund => assert_eq!(told.refund, Some(at)),
        _ => assert_eq!(told.redeem, Some((leg.preimage.clone(), at))),
    }
    stage.mine(stage.chain.depth()).await;
    let after = stage.us.adapter.balance(&asset).await.expect("the node answers");
    let gained = after.checked_sub(before);
    let least = stage.chain.amount().checked_sub(stage.chain.most_fee());
    assert!(gained >= least, "gained {gained:?}, expected at least {least:?}");
}

/// Our machine is off; the lock comes back to us, not to whoever brought it.
pub async fn an_entrusted_refund_pays_the_owner<H: Outsider>(chain: H) {
    pays_the_owner(chain, ActKind::Refund).await;
}

/// Our machine is off after the reveal; what we were promised still comes to us.
pub async fn an_entrusted_redeem_pays_the_owner<H: Outsider>(chain: H) {
    pays_the_owner(chain, ActKind::Redeem).await;
}

/// Nor does the tower change whom we meant to pay.
pub async fn an_entrusted_redeem_pays_the_third_party<H: Outsider + Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree_paying(Who::Them, &stage.chain.merchant().await).await;
    stage.lock(&leg).await;
    stage.finalise().await;
    let before = stage.chain.merchant_has().await;
    let tower = Tower::with(&stage, &leg, ActKind::Redeem).await;
    let at = tower.acts(&stage, &leg, Act::Redeem(leg.preimage.clone())).await;
    assert_eq!(stage.them.told(&leg).redeem, Some((leg.preimage.clone(), at)));
    let gained = stage.chain.merchant_has().await.checked_sub(before);
    let least = stage.chain.amount().checked_sub(stage.chain.most_short());
    assert!(gained >= least, "gained {gained:?}, expected at least {least:?}");
}

/// A refund that was given away is no earlier than ours would be.
pub async fn an_entrusted_refund_is_in_no_block_before_its_time<H: Outsider>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, ActKind::Refund).await;
    let tower = Tower::with(&stage, &leg, ActKind::Refund).await;
    for level in &tower.levels {
        let spec = leg.spec(Who::Us);
        let taken = tower
            .peer
            .adapter
            .take_over(leg.of, spec, &Act::Refund, level)
            .await;
        if let Ok(prepared) = taken {
            tower.peer.broadcast(&leg, ActKind::Refund, &prepared).await;
        }
        stage.mine(1).await;
    }
    let told = stage.us.told(&leg);
    assert!(!matches!(told.refund, Some(At::Block(_))), "{told:?}");
}

/// Whoever changes a byte has nothing.
pub async fn a_package_that_was_tampered_with_is_refused<H: Outsider>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, ActKind::Redeem).await;
    let tower = Tower::with(&stage, &leg, ActKind::Redeem).await;
    let act = Act::Redeem(leg.preimage.clone());
    for level in &tower.levels {
        let right = level.as_slice();
        let mut wrong = vec![[right, &[0]].concat()];
        wrong.extend((0..right.len()).map(|at| {
            let mut bytes = right.to_vec();
            bytes[at] ^= 1;
            bytes
        }));
        for bytes in wrong {
            let level = Entrusted::new(bytes).expect("about as short as a right one");
            let spec = leg.spec(Who::Us);
            let taken = tower.peer.adapter.take_over(leg.of, spec, &act, &level).await;
            assert!(taken.is_err(), "{level:?} is not what the owner gave");
        }
    }
}

/// What opens nothing is not sent.
pub async fn an_entrusted_redeem_needs_the_right_preimage<H: Outsider>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, ActKind::Redeem).await;
    let tower = Tower::with(&stage, &leg, ActKind::Redeem).await;
    let wrong = Act::Redeem(Preimage::new(super::stage::fresh()));
    for level in &tower.levels {
        let spec = leg.spec(Who::Us);
        let taken = tower.peer.adapter.take_over(leg.of, spec, &wrong, level).await;
        assert!(taken.is_err(), "{taken:?}");
    }
}

/// A leg is entrusted by its owner, for the act of its end.
pub async fn nobody_but_the_owner_entrusts_a_leg<H: Outsider>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = locked(&mut stage, ActKind::Refund).await;
    let outsider = stage.chain.outsider().await;
    let spec = leg.spec(Who::Us);
    let given = outsider.entrust(leg.of, spec, ActKind::Refund).await;
    assert!(given.is_err(), "{given:?}");
    for act in [ActKind::Redeem, ActKind::Lock, ActKind::Cancel] {
        let given = stage.us.adapter.entrust(leg.of, spec, act).await;
        assert!(given.is_err(), "{act:?}: {given:?}");
    }
}
