//! Two nodes of which one lies, is cut off or is away.

use crate::world::{World, fee, health, redeem_built, settled, transaction, world};
use bitcoin::block::Header;
use bitcoin::consensus::{deserialize, encode::deserialize_hex, encode::serialize_hex};
use bitcoin::hashes::Hash;
use bitcoin::{Amount, Block, BlockHash, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use kofo_adapter_api::conformance::{Harness, Stage, Told, Who};
use kofo_primitives::{Act, ActKind, At, Health, Seconds, UnixTime};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const AMOUNT: u64 = 200_000;

/// A block that nobody mined: with work, which is cheap here, and with whatever transactions.
fn forged(below: &Header, time: u32, transactions: Vec<Transaction>) -> Block {
    let commitment = |root: [u8; 32]| {
        let mut script = vec![0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
        script.extend(root);
        TxOut {
            value: Amount::ZERO,
            script_pubkey: ScriptBuf::from_bytes(script),
        }
    };
    let coinbase = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes(time.to_le_bytes().to_vec()),
            sequence: Sequence::MAX,
            witness: Witness::from_slice(&[[0; 32]]),
        }],
        output: vec![commitment([0; 32])],
    };
    let mut block = Block {
        header: Header {
            prev_blockhash: below.block_hash(),
            time,
            ..*below
        },
        txdata: [vec![coinbase], transactions].concat(),
    };
    let root = block.witness_root().unwrap();
    let root = Block::compute_witness_commitment(&root, &[0; 32]).to_byte_array();
    block.txdata[0].output[0] = commitment(root);
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    while block.header.validate_pow(block.header.target()).is_err() {
        block.header.nonce += 1;
    }
    block
}

/// A branch above the honest tip: each block with its transactions and its time.
async fn branch(stage: &Stage<World>, blocks: Vec<(u32, Vec<Transaction>)>) -> BTreeMap<u64, Block> {
    let height = stage.chain.tip().await.height;
    let tip = stage.chain.rpc("getbestblockhash", json!([])).await;
    let header = stage.chain.rpc("getblockheader", json!([tip, false])).await;
    let mut below: Header = deserialize_hex(header.as_str().unwrap()).unwrap();
    let mut all = BTreeMap::new();
    for (height, (later, transactions)) in (height + 1..).zip(blocks) {
        let block = forged(&below, below.time + later, transactions);
        below = block.header;
        all.insert(height, block);
    }
    all
}

/// What a node says that is on this branch.
fn on_branch(blocks: BTreeMap<u64, Block>) -> impl Fn(&str, &Value, &Value) -> Option<Value> {
    move |method, params, _| {
        let hash = || params[0].as_str()?.parse::<BlockHash>().ok();
        let asked = || {
            blocks
                .iter()
                .find(|(_, block)| Some(block.block_hash()) == hash())
        };
        match method {
            "getbestblockhash" => blocks
                .last_key_value()
                .map(|(_, block)| json!(block.block_hash())),
            "getblockhash" => blocks
                .get(&params[0].as_u64()?)
                .map(|block| json!(block.block_hash())),
            "getblock" => asked().map(|(_, block)| json!(serialize_hex(block))),
            "getblockheader" if params[1] == json!(false) => {
                asked().map(|(_, block)| json!(serialize_hex(&block.header)))
            }
            "getblockheader" => {
                asked().map(|(height, block)| json!({"height": height, "mediantime": block.header.time}))
            }
            _ => None,
        }
    }
}

fn is_locked(told: &Told) -> bool {
    matches!(told.lock, Some(At::Block(_)))
}

/// Waits until so many transactions are in the mempool.
async fn waiting(stage: &Stage<World>, count: usize) {
    let there = async {
        while stage.chain.waiting().await != count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let there = tokio::time::timeout(Duration::from_secs(120), there).await;
    assert!(there.is_ok(), "expected {count} transactions in the mempool");
}

#[tokio::test]
async fn a_liar_alone_cannot_make_a_lock_final() {
    for liar_is_ours in [true, false] {
        let Some(mut stage) = world("a_liar_alone_cannot_make_a_lock_final", AMOUNT, true).await else {
            return;
        };
        let leg = stage.watched(Who::Them).await;
        // Signed and never sent: no honest node has it.
        let lock = transaction(&stage.them.build(&leg, Act::Lock).await);
        let honest = stage.chain.tip().await;
        let blocks = branch(&stage, vec![(1, vec![lock]), (1, vec![]), (1, vec![])]).await;
        let mark = stage.us.mark();
        let liar = match liar_is_ours {
            true => &stage.chain.ours,
            false => stage.chain.witness(),
        };
        liar.lie(on_branch(blocks));
        health(&stage, mark, Health::Fault).await;
        assert!(!is_locked(&stage.us.told(&leg)), "{:?}", stage.us.told(&leg));
        assert!(stage.us.tips(mark).iter().all(|tip| *tip == honest));
        let mark = stage.us.mark();
        liar.repent();
        health(&stage, mark, Health::Healthy).await;
        assert_eq!(stage.us.told(&leg).lock, None);
    }
}

#[tokio::test]
async fn a_liar_alone_cannot_tell_a_later_time() {
    let Some(stage) = world("a_liar_alone_cannot_tell_a_later_time", AMOUNT, true).await else {
        return;
    };
    let honest = stage.chain.tip().await;
    // Enough to move the median by hours.
    let blocks = branch(&stage, vec![(7_200, vec![]); 12]).await;
    let mark = stage.us.mark();
    stage.chain.ours.lie(on_branch(blocks));
    health(&stage, mark, Health::Fault).await;
    assert!(stage.us.tips(mark).iter().all(|tip| tip.time <= honest.time));
    assert!(stage.us.adapter.tip().await.is_err());
}

#[tokio::test]
async fn a_false_median_time_is_not_believed_even_of_a_single_node() {
    let test = "a_false_median_time_is_not_believed_even_of_a_single_node";
    let Some(stage) = world(test, AMOUNT, false).await else {
        return;
    };
    stage
        .chain
        .ours
        .lie(|method: &str, params: &Value, honest: &Value| {
            let mut lie = honest.clone();
            lie["mediantime"] = json!(honest["mediantime"].as_u64()? + 86_400);
            (method == "getblockheader" && params[1] != json!(false)).then_some(lie)
        });
    let mark = stage.us.mark();
    stage.chain.mine(3).await;
    settled(&stage).await;
    let honest = stage.chain.tip().await;
    assert!(stage.us.tips(mark).iter().all(|tip| tip.time <= honest.time));
}

#[tokio::test]
async fn a_node_that_hides_new_blocks_makes_us_show_no_secret_too_late() {
    let test = "a_node_that_hides_new_blocks_makes_us_show_no_secret_too_late";
    let Some(mut stage) = world(test, AMOUNT, true).await else {
        return;
    };
    let (leg, redeem) = redeem_built(&mut stage).await;
    let tip = stage.chain.rpc("getbestblockhash", json!([])).await;
    let mark = stage.us.mark();
    stage
        .chain
        .ours
        .lie(move |method: &str, _: &Value, _: &Value| (method == "getbestblockhash").then(|| tip.clone()));
    let last = stage.chain.tip().await.time.plus(Seconds::minutes(10));
    stage.chain.mine_until(UnixTime(last.0 + 60)).await;
    stage
        .us
        .broadcast_until(&leg, ActKind::Redeem, &redeem, Some(last))
        .await;
    health(&stage, mark, Health::Fault).await;
    assert_eq!(
        stage.chain.waiting().await,
        0,
        "the secret is shown though it is too late"
    );
    // What needs no time does not wait.
    stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    waiting(&stage, 1).await;
}

#[tokio::test]
async fn a_transaction_that_is_hidden_in_its_block_is_missed() {
    let test = "a_transaction_that_is_hidden_in_its_block_is_missed";
    let Some(mut stage) = world(test, AMOUNT, false).await else {
        return;
    };
    let leg = stage.watched(Who::Them).await;
    let lock = stage.them.build(&leg, Act::Lock).await;
    stage.chain.ours.lie(|method: &str, _: &Value, honest: &Value| {
        let bytes = hex(honest.as_str()?)?;
        let mut block: Block = deserialize(&bytes).ok()?;
        block.txdata.truncate(1);
        (method == "getblock").then(|| json!(serialize_hex(&block)))
    });
    stage.send(Who::Them, &leg, ActKind::Lock, &lock).await;
    let (mark, before) = (stage.us.mark(), stage.chain.tip().await);
    stage.chain.mine(1).await;
    health(&stage, mark, Health::Fault).await;
    assert!(
        stage.us.tips(mark).iter().all(|tip| *tip == before),
        "a tip without what is in it"
    );
    stage.chain.ours.repent();
    stage
        .us
        .until_told(&leg, "the lock in its block", is_locked)
        .await;
}

#[tokio::test]
async fn inflated_fees_of_one_node_cost_nothing() {
    for liar_is_ours in [true, false] {
        let Some(mut stage) = world("inflated_fees_of_one_node_cost_nothing", AMOUNT, true).await else {
            return;
        };
        let liar = match liar_is_ours {
            true => &stage.chain.ours,
            false => stage.chain.witness(),
        };
        liar.lie(|method: &str, _: &Value, honest: &Value| match method {
            "estimatesmartfee" => Some(json!({"feerate": 0.5, "blocks": 2})),
            "getmempoolinfo" => {
                let mut lie = honest.clone();
                lie["mempoolminfee"] = json!(0.5);
                Some(lie)
            }
            _ => None,
        });
        let (_, redeem) = redeem_built(&mut stage).await;
        let vsize = u64::try_from(transaction(&redeem).vsize()).unwrap();
        assert_eq!(fee(&redeem), 2 * vsize);
    }
}

#[tokio::test]
async fn a_preimage_is_heard_from_whichever_node_has_it_in_its_mempool() {
    let test = "a_preimage_is_heard_from_whichever_node_has_it_in_its_mempool";
    let Some(mut stage) = world(test, AMOUNT, true).await else {
        return;
    };
    let (leg, _) = stage.locked(Who::Us).await;
    let redeem = stage.them.build(&leg, Act::Redeem(leg.preimage.clone())).await;
    stage
        .chain
        .ours
        .lie(|method: &str, params: &Value, _: &Value| match method {
            "getrawmempool" => Some(json!([])),
            "gettxspendingprevout" => Some(params[0].clone()),
            _ => None,
        });
    stage.send(Who::Them, &leg, ActKind::Redeem, &redeem).await;
    let told = stage
        .us
        .until_told(&leg, "the preimage", |told| told.redeem.is_some())
        .await;
    assert_eq!(told.redeem, Some((leg.preimage.clone(), At::Mempool)));
}

#[tokio::test]
async fn a_transaction_reaches_the_network_although_our_node_swallows_it() {
    let test = "a_transaction_reaches_the_network_although_our_node_swallows_it";
    let Some(mut stage) = world(test, AMOUNT, true).await else {
        return;
    };
    let (leg, redeem) = redeem_built(&mut stage).await;
    stage.chain.ours.swallow();
    stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    waiting(&stage, 1).await;
}

#[tokio::test]
async fn a_redeem_goes_by_a_witness_while_our_own_node_is_away() {
    let test = "a_redeem_goes_by_a_witness_while_our_own_node_is_away";
    let Some(mut stage) = world(test, AMOUNT, true).await else {
        return;
    };
    let (leg, redeem) = redeem_built(&mut stage).await;
    stage.chain.ours.leave(true);
    stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    waiting(&stage, 1).await;
}

#[tokio::test]
async fn a_node_that_hangs_holds_up_no_redeem() {
    for ours_hangs in [true, false] {
        let Some(mut stage) = world("a_node_that_hangs_holds_up_no_redeem", AMOUNT, true).await else {
            return;
        };
        let (leg, redeem) = redeem_built(&mut stage).await;
        match ours_hangs {
            true => stage.chain.ours.hang(),
            false => stage.chain.witness().hang(),
        }
        stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
        waiting(&stage, 1).await;
    }
}

#[tokio::test]
async fn a_witness_that_is_away_is_a_fault_and_stops_no_redeem_whose_preimage_is_public() {
    let test = "a_witness_that_is_away_is_a_fault_and_stops_no_redeem_whose_preimage_is_public";
    let Some(mut stage) = world(test, AMOUNT, true).await else {
        return;
    };
    let (leg, redeem) = redeem_built(&mut stage).await;
    stage.chain.witness().leave(true);
    // Also not by a restart, after which nothing was ever agreed on.
    let stage = stage.restart_us(async |_: &World, _: &_| ()).await;
    stage.us.ask_to_watch(&leg, std::slice::from_ref(&redeem)).await;
    stage.us.broadcast(&leg, ActKind::Redeem, &redeem).await;
    waiting(&stage, 1).await;
    stage.chain.mine(1).await;
    health(&stage, 0, Health::Fault).await;
    // Nobody confirmed that block, nor any tip.
    assert!(!matches!(stage.us.told(&leg).redeem, Some((_, At::Block(_)))));
    assert_eq!(stage.us.tips(0), []);
    stage.chain.witness().leave(false);
    health(&stage, 0, Health::Healthy).await;
    let mined = |told: &Told| matches!(told.redeem, Some((_, At::Block(_)))) && told.watched.is_some();
    stage
        .us
        .until_told(&leg, "the redeem in a block, and Watched", mined)
        .await;
    settled(&stage).await;
}

#[tokio::test]
async fn a_block_costs_a_witness_the_same_for_many_legs_as_for_one() {
    let test = "a_block_costs_a_witness_the_same_for_many_legs_as_for_one";
    let Some(mut stage) = world(test, AMOUNT, true).await else {
        return;
    };
    stage.watched(Who::Them).await;
    let one = cost_of_blocks(&stage).await;
    for _ in 0..19 {
        stage.watched(Who::Them).await;
    }
    let twenty = cost_of_blocks(&stage).await;
    assert!(
        twenty <= one * 3,
        "five blocks cost {one} requests with one leg, {twenty} with twenty"
    );
}

async fn cost_of_blocks(stage: &Stage<World>) -> u64 {
    settled(stage).await;
    let before = stage.chain.witness().calls();
    for _ in 0..5 {
        stage.chain.mine(1).await;
        settled(stage).await;
    }
    stage.chain.witness().calls() - before
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}
