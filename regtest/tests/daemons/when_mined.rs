//! The miner mines at once when a transaction waits, otherwise in its time, and never when it is off or paused.

use std::time::{Duration, Instant};

use kofo_regtest::{Chain, Mining, Options, Regtest};

use crate::{eventually, is_mined, manual, pay};

const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_waiting_transaction_gets_a_block_at_once_and_no_second_one() {
    let mining = Mining {
        at_once: true,
        bitcoin_every: NEVER,
        evm_every: NEVER,
    };
    let options = Options {
        mining: Some(mining),
        ..Options::default()
    };
    let test = "a_waiting_transaction_gets_a_block_at_once_and_no_second_one";
    let Some(regtest) = Regtest::up_or_skip(test, options).await else {
        return;
    };
    for chain in Chain::ALL {
        let before = regtest.tip(chain).await.unwrap().height;
        let id = pay(&regtest, chain).await;
        eventually("the payment is mined", async || {
            is_mined(&regtest, chain, &id).await
        })
        .await;
        assert_eq!(regtest.tip(chain).await.unwrap().height, before + 1, "{chain}");
    }
}

#[tokio::test]
async fn blocks_come_in_their_time_when_nothing_waits() {
    let options = Options::default();
    let Some(regtest) = Regtest::up_or_skip("blocks_come_in_their_time_when_nothing_waits", options).await
    else {
        return;
    };
    let began = Instant::now();
    for chain in Chain::ALL {
        let before = regtest.tip(chain).await.unwrap().height;
        eventually("two blocks", async || {
            regtest.tip(chain).await.unwrap().height >= before + 2
        })
        .await;
    }
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "two blocks in less than one interval"
    );
}

#[tokio::test]
async fn a_paused_miner_leaves_a_transaction_waiting_and_a_resumed_one_takes_it() {
    let every = Duration::from_millis(200);
    let mining = Mining {
        at_once: true,
        bitcoin_every: every,
        evm_every: every,
    };
    let options = Options {
        mining: Some(mining),
        ..Options::default()
    };
    let test = "a_paused_miner_leaves_a_transaction_waiting_and_a_resumed_one_takes_it";
    let Some(regtest) = Regtest::up_or_skip(test, options).await else {
        return;
    };
    regtest.pause_miner(Chain::Ethereum).await.unwrap();
    let still = regtest.tip(Chain::Ethereum).await.unwrap();
    let id = pay(&regtest, Chain::Ethereum).await;
    // The other chains go on; five of their blocks are five chances for the miner to do wrong here.
    let other = regtest.tip(Chain::Echoin).await.unwrap().height;
    eventually("five blocks elsewhere", async || {
        regtest.tip(Chain::Echoin).await.unwrap().height >= other + 5
    })
    .await;
    assert_eq!(regtest.tip(Chain::Ethereum).await.unwrap(), still);
    regtest.resume_miner(Chain::Ethereum).await.unwrap();
    eventually("the payment is mined", async || {
        is_mined(&regtest, Chain::Ethereum, &id).await
    })
    .await;
}

#[tokio::test]
async fn without_a_miner_a_transaction_waits_for_mine() {
    let Some(regtest) = manual("without_a_miner_a_transaction_waits_for_mine").await else {
        return;
    };
    for chain in Chain::ALL {
        let before = regtest.tip(chain).await.unwrap().height;
        let id = pay(&regtest, chain).await;
        assert!(!is_mined(&regtest, chain, &id).await, "{chain}");
        assert_eq!(regtest.waiting(chain).await.unwrap(), 1, "{chain}");
        assert_eq!(
            regtest.mine(chain, 3).await.unwrap().height,
            before + 3,
            "{chain}"
        );
        assert!(is_mined(&regtest, chain, &id).await, "{chain}");
    }
}

#[tokio::test]
async fn an_empty_block_leaves_what_waits_and_is_dated_later() {
    let Some(regtest) = manual("an_empty_block_leaves_what_waits_and_is_dated_later").await else {
        return;
    };
    let before = regtest.tip(Chain::Bitcoin).await.unwrap();
    let id = pay(&regtest, Chain::Bitcoin).await;
    for _ in 0..12 {
        regtest.mine_empty_bitcoin(100).await.unwrap();
    }
    let after = regtest.tip(Chain::Bitcoin).await.unwrap();
    assert_eq!(after.height, before.height + 12);
    assert!(after.time >= before.time + 500, "{before:?} {after:?}");
    assert!(!is_mined(&regtest, Chain::Bitcoin, &id).await);
    regtest.mine(Chain::Bitcoin, 1).await.unwrap();
    assert!(is_mined(&regtest, Chain::Bitcoin, &id).await);
}
