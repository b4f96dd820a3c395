//! Cleared orders on chains: nothing is locked without the certificate of that very order, and once both have begun no
//! validator is needed.

use crate::matched::Match;
use crate::stage::{Node, Stage};
use kofo_clearance::{Certified, Light, LightError, MerkleProof, OrderProof, merkle_root, order_leaf};
use kofo_node::agree::AgreeError;
use kofo_node::clock::now_ms;
use kofo_node::market::Settles;
use kofo_primitives::*;

const HIDDEN: Digest = [2; 32];

/// One validator of an epoch.
fn set(epoch: u64, secret: &ValidatorSecret) -> ValidatorSet {
    let member = Validator {
        key: secret.key(),
        account: NodeId::new([1; 32]),
        power: 100,
    };
    ValidatorSet::new(epoch, vec![member]).unwrap()
}

fn secret(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n; 32]).unwrap()
}

/// A header with that one order, certified by the validator of that epoch.
fn proof(order: &SettlementOrder, epoch: u64, secret: &ValidatorSecret) -> OrderProof {
    let (set, leaf) = (set(epoch, secret), order_leaf(order.id(), &HIDDEN));
    let header = Header {
        version: 1,
        network: order.network().clone(),
        height: 7,
        time_ms: now_ms(),
        previous: [1; 32],
        batch: merkle_root(&[leaf]),
        state: [3; 32],
        receipts: merkle_root(&[]),
        validators: set.digest(),
        next_validators: set.digest(),
    };
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: 7,
        round: 0,
        header: Some(header.id()),
    };
    let signed = (secret.key(), secret.sign(&vote.digest(order.network())));
    OrderProof {
        certificate: Certificate::new((7, 0, header.id()), &set, &[signed]).unwrap(),
        header,
        hidden: HIDDEN,
        path: MerkleProof::of(&[leaf], 0).unwrap(),
    }
}

/// What a node comes to that knows the validator of epoch 3.
fn verified(order: &SettlementOrder, proof: &OrderProof) -> Result<Certified, LightError> {
    let mut light = Light::new(order.network().clone(), set(3, &secret(9)), now_ms() - 60_000);
    light.order(order.id(), proof, now_ms())
}

fn certified(order: &SettlementOrder) -> Certified {
    verified(order, &proof(order, 3, &secret(9))).unwrap()
}

async fn made(stage: &Stage, nonce: u8) -> SettlementOrder {
    let both = Match::cleared(&stage.maker, &stage.taker, [nonce; 32]).await;
    both.order(&stage.maker, &stage.taker)
}

fn both(stage: &Stage) -> [(&Node, Role); 2] {
    [(&stage.maker, Role::Initiator), (&stage.taker, Role::Participant)]
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_party_begins_a_cleared_order_without_the_certificate_of_that_very_order() {
    let stage = Stage::new();
    let (order, other) = (made(&stage, 1).await, made(&stage, 2).await);
    let foreign = certified(&other);
    for (node, role) in both(&stage) {
        let without = node.agreement.begin(order.clone(), role, None).await.unwrap_err();
        assert!(matches!(without, AgreeError::NotCertified(id) if id == order.id()));
        let with = node.agreement.begin(order.clone(), role, Some(&foreign)).await;
        let with = with.unwrap_err();
        assert!(
            matches!(with, AgreeError::OtherCertificate { of, .. } if of == other.id()),
            "{with}"
        );
    }
    assert_eq!((stage.maker.known().await, stage.taker.known().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_of_another_epoch_give_no_certificate_to_begin_with() {
    let stage = Stage::new();
    let order = made(&stage, 1).await;
    for (epoch, validator) in [(2, 9), (4, 9), (3, 8)] {
        let refused = verified(&order, &proof(&order, epoch, &secret(validator)));
        assert!(
            matches!(refused, Err(LightError::UnknownSet { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(certified(&order).epoch(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_order_that_both_have_begun_settles_with_no_validator_left() {
    let stage = Stage::new();
    let order = made(&stage, 1).await;
    {
        // The validators' last word.
        let certified = certified(&order);
        for (node, role) in both(&stage) {
            let begun = node.agreement.begin(order.clone(), role, Some(&certified)).await;
            assert_eq!(begun.unwrap(), order.id());
        }
    }
    stage.both_redeem(order.id().into()).await;
    let outcome = stage.maker.agreement.outcome(order.id()).await.unwrap();
    assert_eq!(outcome, Some(kofo_settlement::Outcome::Redeemed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_swap_goes_on_after_a_restart_without_its_certificate() {
    let stage = Stage::new();
    let order = made(&stage, 1).await;
    let certified = certified(&order);
    for (node, role) in both(&stage) {
        node.agreement
            .begin(order.clone(), role, Some(&certified))
            .await
            .unwrap();
    }
    let Stage {
        chains,
        network,
        maker,
        taker,
    } = stage;
    let stage = Stage {
        maker: Node::start(maker.die().await),
        taker: Node::start(taker.die().await),
        chains,
        network,
    };
    stage.both_redeem(order.id().into()).await;
}
