//! Payments out of the wallet: once each, and never what swaps need.

use crate::matched::Match;
use crate::stage::{Node, Stage, asset};
use kofo_adapter_api::{AdapterError, Transfer, Transferred};
use kofo_node::transfers::TransferError;
use kofo_primitives::Amount;

/// So much of TWO from the taker to account 7.
fn to_seven(id: u8, units: u128) -> Transfer {
    Transfer {
        id: [id; 32],
        asset: asset("two"),
        to: "sim:two/account/7".into(),
        amount: Amount::new(units),
        fee_rate: None,
    }
}

/// Blocks come until the payment is in one.
async fn paid(stage: &Stage, transfer: &Transfer) {
    let in_block = async || {
        let paid = stage.taker.transfers.pay(transfer.clone()).await.unwrap();
        (paid.state == Some(Transferred::InBlock)).then_some(())
    };
    stage.until("the payment in a block", in_block).await;
}

async fn restarted(mut stage: Stage) -> Stage {
    let spare = Stage::new();
    let owner = std::mem::replace(&mut stage.taker, spare.taker).die().await;
    stage.taker = Node::start(owner);
    stage.taker.transfers.resume().await.unwrap();
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_asked_again_under_its_name_is_paid_once_over_a_restart_too() {
    let stage = Stage::new();
    let transfer = to_seven(1, 1_000_000);
    let tried = stage.taker.transfers.try_out(&transfer).await.unwrap();
    assert!(stage.chains[1].waiting().is_empty(), "a trial pays nothing");
    let first = stage.taker.transfers.pay(transfer.clone()).await.unwrap();
    assert_eq!(
        (first.state, first.signed.fee),
        (Some(Transferred::Sent), tried.fee)
    );
    let again = stage.taker.transfers.pay(transfer.clone()).await.unwrap();
    assert_eq!(again.signed, first.signed);
    let stage = restarted(stage).await;
    let after = stage.taker.transfers.pay(transfer.clone()).await.unwrap();
    assert_eq!(after.signed, first.signed);
    paid(&stage, &transfer).await;
    assert_eq!(stage.balance(7, "two"), 1_000_000);
    let stage = restarted(stage).await;
    paid(&stage, &transfer).await;
    assert_eq!(stage.balance(7, "two"), 1_000_000);
    let other = stage.taker.transfers.pay(to_seven(1, 2_000_000)).await;
    assert!(matches!(other, Err(TransferError::Another)), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_signed_before_a_crash_is_sent_after_it_and_nothing_else_spends_its_coins() {
    let stage = Stage::new();
    // The chain's node is away: the payment is durable, and waits.
    stage.chains[1].refuse_broadcasts(1);
    let transfer = to_seven(1, 4_000_000);
    let waits = stage.taker.transfers.pay(transfer.clone()).await.unwrap();
    assert!(waits.state.is_none() && waits.trouble.is_some(), "{waits:?}");
    let all = stage
        .taker
        .transfers
        .try_out(&to_seven(2, 9_900_000))
        .await
        .unwrap();
    assert_ne!(all.txid, waits.signed.txid, "of three notes two are free");
    let more = stage.taker.transfers.try_out(&to_seven(3, 10_100_000)).await;
    assert!(
        matches!(more, Err(TransferError::Adapter(AdapterError::Funds { .. }))),
        "{more:?}"
    );
    let stage = restarted(stage).await;
    assert_eq!(stage.chains[1].waiting().len(), 1, "it is sent by itself");
    paid(&stage, &transfer).await;
    assert_eq!(stage.balance(7, "two"), 4_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_swaps_and_quotes_are_promised_is_not_paid_away() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 6_000_000)).await;
    let swap = kofo_node::rpc::NodeApi::accept(&*stage.taker.service, &offer.uri)
        .await
        .unwrap();
    let _quoted = Match::make(&stage.maker, &stage.taker, [1; 32]).await;
    // 15 in all, 6 for the swap, 2 for the quote.
    let too_much = stage.taker.transfers.pay(to_seven(1, 7_000_000)).await;
    assert!(
        matches!(too_much, Err(TransferError::Adapter(AdapterError::Funds { .. }))),
        "{too_much:?}"
    );
    stage.taker.transfers.pay(to_seven(2, 4_000_000)).await.unwrap();
    stage.both_redeem(swap.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobodys_address_dust_and_an_unknown_asset_are_refused() {
    let stage = Stage::new();
    let refused = async |transfer: Transfer| match stage.taker.transfers.pay(transfer).await {
        Err(TransferError::Adapter(error)) => error,
        other => panic!("{other:?}"),
    };
    let nobody = Transfer {
        to: "sim:one/account/7".into(),
        ..to_seven(1, 1_000_000)
    };
    assert!(matches!(refused(nobody).await, AdapterError::Malformed { .. }));
    assert!(matches!(refused(to_seven(2, 1)).await, AdapterError::Dust { .. }));
    let unknown = Transfer {
        asset: asset("three"),
        ..to_seven(3, 1_000_000)
    };
    assert!(matches!(
        refused(unknown).await,
        AdapterError::UnknownAsset { .. }
    ));
    assert!(stage.chains[1].waiting().is_empty());
}
