//! Payments out of the wallet, beside swaps.

use super::harness::{Harness, Who};
use super::stage::{Leg, Stage};
use crate::{AdapterError, Transfer, Transferred};
use kofo_primitives::{Act, ActKind, Amount};

/// The usual amount, from us to them.
async fn to_them<H: Harness>(stage: &Stage<H>, id: u8) -> Transfer {
    let asset = stage.chain.asset();
    Transfer {
        id: [id; 32],
        to: stage.them.adapter.address(&asset).await.expect("an address"),
        amount: stage.chain.amount(),
        asset,
        fee_rate: None,
    }
}

/// What they can spend.
async fn theirs<H: Harness>(stage: &Stage<H>) -> u128 {
    let balance = stage.them.adapter.balance(&stage.chain.asset()).await;
    balance.expect("the node answers").units()
}

/// A payment is one payment, however often it is sent and whoever restarts in between; and it pays exactly.
pub async fn a_payment_that_is_sent_again_and_again_pays_once<H: Harness>(chain: H) {
    let stage = Stage::set(chain).await;
    let (before, transfer) = (theirs(&stage).await, to_them(&stage, 1).await);
    let signed = stage.us.adapter.sign_transfer(&transfer, Amount::ZERO).await;
    let signed = signed.expect("the wallet can pay");
    let waiting = stage.chain.waiting().await;
    for _ in 0..2 {
        let sent = stage.us.adapter.send_transfer(&transfer, &signed).await;
        assert_eq!(sent, Ok(Transferred::Sent));
    }
    stage.until_waiting(waiting + 1).await;
    let stage = stage.restart_us(async |_, _| {}).await;
    let sent = stage.us.adapter.send_transfer(&transfer, &signed).await;
    assert_eq!(sent, Ok(Transferred::Sent));
    stage.mine(1).await;
    stage.settled().await;
    for _ in 0..2 {
        let sent = stage.us.adapter.send_transfer(&transfer, &signed).await;
        assert_eq!(sent, Ok(Transferred::InBlock));
    }
    stage.mine(1).await;
    stage.settled().await;
    assert_eq!(theirs(&stage).await, before + transfer.amount.units());
}

/// Both come into a block: neither has the other's coins or place.
async fn both_confirm<H: Harness>(stage: &Stage<H>, leg: &Leg, transfer: &Transfer) {
    let asset = stage.chain.asset();
    let before = stage.us.adapter.balance(&asset).await.expect("the node answers");
    let signed = stage.us.adapter.sign_transfer(transfer, Amount::ZERO).await;
    let signed = signed.expect("the wallet can pay for both");
    let lock = stage.us.build(leg, Act::Lock).await;
    let sent = stage.us.adapter.send_transfer(transfer, &signed).await;
    assert_eq!(sent, Ok(Transferred::Sent));
    stage.send(Who::Us, leg, ActKind::Lock, &lock).await;
    stage.mine(1).await;
    stage.settled().await;
    assert!(stage.us.told(leg).lock.is_some(), "the lock is in a block");
    let sent = stage.us.adapter.send_transfer(transfer, &signed).await;
    assert_eq!(sent, Ok(Transferred::InBlock));
    let after = stage.us.adapter.balance(&asset).await.expect("the node answers");
    assert!(after < before);
}

/// A payment that is signed first, and a lock that is built then.
pub async fn a_payment_and_a_lock_never_spend_the_same<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.watched(Who::Us).await;
    let transfer = to_them(&stage, 2).await;
    both_confirm(&stage, &leg, &transfer).await;
}

/// What was never sent is free again, and nothing waits for it.
pub async fn a_payment_that_is_dropped_holds_nothing<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (leg, transfer) = (stage.watched(Who::Us).await, to_them(&stage, 3).await);
    let asset = stage.chain.asset();
    let before = stage.us.adapter.balance(&asset).await;
    let signed = stage.us.adapter.sign_transfer(&transfer, Amount::ZERO).await;
    signed.expect("the wallet can pay");
    stage.us.adapter.drop_transfer(&transfer).await;
    let lock = stage.us.build(&leg, Act::Lock).await;
    assert_eq!(stage.chain.waiting().await, 0, "nothing was sent");
    stage.send(Who::Us, &leg, ActKind::Lock, &lock).await;
    stage.mine(1).await;
    stage.settled().await;
    assert!(stage.us.told(&leg).lock.is_some(), "the lock is in a block");
    assert!(stage.us.adapter.balance(&asset).await != before);
}

/// What is to stay in the wallet stays, and what is no address or no amount is refused.
pub async fn a_payment_that_cannot_be_is_refused<H: Harness>(chain: H) {
    let stage = Stage::set(chain).await;
    let adapter = &stage.us.adapter;
    let transfer = to_them(&stage, 4).await;
    let all = adapter.balance(&transfer.asset).await.expect("the node answers");
    let keeping = adapter.sign_transfer(&transfer, all).await;
    assert!(matches!(keeping, Err(AdapterError::Funds { .. })), "{keeping:?}");
    let nowhere = Transfer {
        to: "nowhere".to_owned(),
        ..transfer.clone()
    };
    let nowhere = adapter.sign_transfer(&nowhere, Amount::ZERO).await;
    assert!(
        matches!(nowhere, Err(AdapterError::Malformed { .. })),
        "{nowhere:?}"
    );
    let nothing = Transfer {
        amount: Amount::ZERO,
        ..transfer.clone()
    };
    let nothing = adapter.sign_transfer(&nothing, Amount::ZERO).await;
    assert!(matches!(nothing, Err(AdapterError::Dust { .. })), "{nothing:?}");
    let too_much = Transfer {
        amount: Amount::new(u128::MAX),
        ..transfer.clone()
    };
    assert!(adapter.sign_transfer(&too_much, Amount::ZERO).await.is_err());
    // All the same it can pay what it has.
    let signed = adapter.sign_transfer(&transfer, Amount::ZERO).await;
    assert!(signed.is_ok(), "{signed:?}");
}
