//! Blocks can be replaced on every chain, and their transactions come back.

use kofo_regtest::{Chain, Chains, Error};
use serde_json::json;

use crate::{is_mined, manual, pay};

async fn hash_at(chains: &Chains, chain: Chain, height: u64) -> String {
    let hash = match chain {
        Chain::Bitcoin => chains.rpc(chain, "getblockhash", json!([height])).await.unwrap(),
        Chain::Ethereum | Chain::Echoin => {
            let params = json!([format!("{height:#x}"), false]);
            chains.rpc(chain, "eth_getBlockByNumber", params).await.unwrap()["hash"].clone()
        }
    };
    hash.as_str().unwrap().to_owned()
}

async fn replaces(chains: &Chains, chain: Chain, depth: u64) {
    chains.mine(chain, 2).await.unwrap();
    let base = chains.tip(chain).await.unwrap().height;
    let first = pay(chains, chain).await;
    let old = chains.mine(chain, depth).await.unwrap();
    let second = pay(chains, chain).await;
    assert!(is_mined(chains, chain, &first).await);
    let mut before = Vec::new();
    for height in base - 1..=old.height {
        before.push(hash_at(chains, chain, height).await);
    }

    let new = chains.reorg(chain, depth).await.unwrap();
    assert_eq!(
        new.height,
        old.height + 1,
        "{chain}: the new branch is longer by one"
    );
    assert!(new.time >= old.time, "{chain}: time went back");
    for (height, hash) in (base - 1..=old.height).zip(before) {
        let kept = hash_at(chains, chain, height).await == hash;
        assert_eq!(
            kept,
            height <= base,
            "{chain}: block {height} of {base} + {depth}"
        );
    }
    assert!(
        !is_mined(chains, chain, &first).await,
        "{chain}: the transaction fell out of its block"
    );
    assert_eq!(
        chains.waiting(chain).await.unwrap(),
        2,
        "{chain}: both wait again"
    );

    chains.mine(chain, 1).await.unwrap();
    assert!(
        is_mined(chains, chain, &first).await,
        "{chain}: the first is mined again"
    );
    assert!(
        is_mined(chains, chain, &second).await,
        "{chain}: the second is mined after it"
    );
}

#[tokio::test]
async fn one_block_and_three_are_replaced_on_every_chain() {
    let Some(regtest) = manual("one_block_and_three_are_replaced_on_every_chain").await else {
        return;
    };
    for chain in Chain::ALL {
        for depth in [1, 3, 1] {
            replaces(&regtest, chain, depth).await;
        }
    }
}

/// As nodes do that look for their transaction and do not find it.
async fn sends_again(chains: Chains, raw: serde_json::Value) {
    let mut often = tokio::time::interval(std::time::Duration::from_millis(10));
    loop {
        often.tick().await;
        // Refused while it is mined or waits already.
        let _sent = chains
            .rpc(Chain::Ethereum, "eth_sendRawTransaction", json!([raw]))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_during_a_reorg_is_in_none_of_its_blocks() {
    let Some(regtest) = manual("what_is_sent_again_during_a_reorg_is_in_none_of_its_blocks").await else {
        return;
    };
    let chain = Chain::Ethereum;
    regtest.mine(chain, 2).await.unwrap();
    let payment = pay(&regtest, chain).await;
    let raw = regtest.rpc(chain, "eth_getRawTransactionByHash", json!([payment]));
    let raw = raw.await.unwrap();
    regtest.mine(chain, 3).await.unwrap();
    let again = tokio::spawn(sends_again(Chains::clone(&regtest), raw));
    for _ in 0..10 {
        let tip = regtest.reorg(chain, 3).await.unwrap();
        for height in tip.height - 3..=tip.height {
            let params = json!([format!("{height:#x}"), false]);
            let block = regtest.rpc(chain, "eth_getBlockByNumber", params).await.unwrap();
            assert_eq!(block["transactions"], json!([]), "block {height}");
        }
        regtest.mine(chain, 1).await.unwrap();
    }
    again.abort();
    assert!(is_mined(&regtest, chain, &payment).await);
}

#[tokio::test]
async fn a_reorg_of_nothing_or_of_more_than_there_is_is_refused() {
    let Some(regtest) = manual("a_reorg_of_nothing_or_of_more_than_there_is_is_refused").await else {
        return;
    };
    for chain in Chain::ALL {
        let height = regtest.tip(chain).await.unwrap().height;
        for depth in [0, height + 1] {
            let refused = regtest.reorg(chain, depth).await;
            assert!(
                matches!(refused, Err(Error::ReorgDepth { .. })),
                "{chain} {depth}: {refused:?}"
            );
        }
        assert_eq!(regtest.tip(chain).await.unwrap().height, height);
    }
}
