//! All chains follow one clock.

use kofo_regtest::{Chain, Error, Mining, Options, Regtest};

use crate::{eventually, manual};

/// How far apart the chains may be: the miner's two seconds, and five blocks by which a median lags.
const APART: u64 = 20;

#[tokio::test]
async fn advance_moves_all_chains_together_also_when_repeated() {
    let Some(regtest) = manual("advance_moves_all_chains_together_also_when_repeated").await else {
        return;
    };
    let mut last = 0;
    for seconds in [3_600, 1, 1, 1, 1, 1, 60, 86_400, 1, 7] {
        let time = regtest.advance(seconds).await.unwrap();
        assert!(time >= last + seconds);
        for chain in Chain::ALL {
            assert_eq!(
                regtest.tip(chain).await.unwrap().time,
                time,
                "{chain} after {seconds} s"
            );
        }
        last = time;
    }
}

#[tokio::test]
async fn advance_catches_up_with_a_chain_that_ran_ahead() {
    let Some(regtest) = manual("advance_catches_up_with_a_chain_that_ran_ahead").await else {
        return;
    };
    // Each block of an EVM chain is at least a second after its parent.
    let ahead = regtest.mine(Chain::Ethereum, 300).await.unwrap().time;
    let time = regtest.advance(10).await.unwrap();
    assert!(time >= ahead + 10);
    for chain in Chain::ALL {
        assert_eq!(regtest.tip(chain).await.unwrap().time, time, "{chain}");
    }
}

#[tokio::test]
async fn a_moment_can_be_reached_to_the_second_and_never_left_backwards() {
    let Some(regtest) = manual("a_moment_can_be_reached_to_the_second_and_never_left_backwards").await else {
        return;
    };
    let moment = regtest.advance(0).await.unwrap() + 5_000;
    for time in [moment - 1, moment, moment + 1] {
        regtest.advance_to(time).await.unwrap();
        for chain in Chain::ALL {
            assert_eq!(regtest.tip(chain).await.unwrap().time, time, "{chain}");
        }
    }
    assert!(matches!(
        regtest.advance_to(moment).await,
        Err(Error::TimeBackwards { .. })
    ));
}

#[tokio::test]
async fn the_miner_continues_from_the_moved_time() {
    let quick = std::time::Duration::from_millis(300);
    let mining = Mining {
        bitcoin_every: quick,
        evm_every: quick,
        ..Mining::default()
    };
    let options = Options {
        mining: Some(mining),
        ..Options::default()
    };
    let Some(regtest) = Regtest::up_or_skip("the_miner_continues_from_the_moved_time", options).await else {
        return;
    };
    for _ in 0..3 {
        let time = regtest.advance(10_000).await.unwrap();
        for chain in Chain::ALL {
            let from = regtest.tip(chain).await.unwrap();
            eventually("three more blocks", async || {
                regtest.tip(chain).await.unwrap().height >= from.height + 3
            })
            .await;
            let now = regtest.tip(chain).await.unwrap().time;
            assert!(
                (time..time + APART).contains(&now),
                "{chain} is at {now}, moved to {time}"
            );
        }
    }
}
