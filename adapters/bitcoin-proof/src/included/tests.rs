//! On the real chain: block 170, which has the first payment there ever was, and the nine blocks above it.

use bitcoin::Txid;
use bitcoin::consensus::serialize;
use kofo_primitives::ChainId;

use super::*;
use crate::fixtures::{above, bytes, mined, pay, paying, payout, rule};

const HEADERS: [&str; 10] = [
    "0100000055bd840a78798ad0da853f68974f3d183e2bd1db6a842c1feecf222a00000000ff104ccb05421ab93e63f8c3ce5c2c2e9dbb37de2764b3a3175c8166562cac7d51b96a49ffff001d283e9e70",
    "01000000eea2d48d2fced4346842835c659e493d323f06d4034469a8905714d100000000f293c86973e758ccd11975fa464d4c3e8500979c95425c7be6f0a65314d2f2d5c9ba6a49ffff001d07a8f226",
    "01000000e0b4bf8d80026bbec5370a7bb06af54257a9679cef387fab8c53ecc900000000d578b0399b91624a8da53552035fecdd8f4ba2b9c69dfbda68d651fcb9f99c388dbc6a49ffff001d35464c5d",
    "0100000054686892dd112de389acc225accc0118765f9c51c2ec9306f6abefe3000000005209a3e77e3679703f6b7f039fb9e054d7862e6eaad617e8e3f3d81d297e966015be6a49ffff001d21ac0323",
    "01000000c585ac476b5878f0f1917826430b3daec278ef28c121c2ec9dd6e9dc000000008195110f0743ab43d4146798c962b8d101e325f4afdf8e936d15c2d51371b9cc7dc06a49ffff001d32915d0f",
    "01000000c052286e779e7e48397d8c39fee98a3a5718c82dd6bc5b71eebed8a700000000903bb52cc35576a52e9d8f35a901073d33145b6f7be16aab1aa328e8153dfb4874c46a49ffff001d227dd986",
    "01000000089d2d7196d00f737762fe82cfd86820c6e44bb2a9dd0f5fc1fc4afd000000005c3de10cb7cb6934b0050360980f9a37a95a8bf705edfbcbd3541591ad95c16466c96a49ffff001d09338966",
    "01000000586ebdf7f1df4885ca322a3021773c6281691f9450e8b8edddf3a91600000000885e36844a21fc6078813daa25b0c331523374924d21fd63b2e939ca3fb2b407edce6a49ffff001d0931f108",
    "01000000b17df64200cd007eea9b6ac2760f69693f83f19f00352bdd99970c48000000006bf4f1083c14982eee4239a9ac2c94c5672f7da3d763bb88488936a4ac7827672bd16a49ffff001d31f068f5",
    "010000000d5ba629a32522334a8d40374b82505533f1f6117c8a906cbee06dca000000006bc3cfaf5339c2989f4892ab10bbbd5ed3db490712b5b72dfd29390ca89178c795d46a49ffff001d37f7ca97",
];
const COINBASE: &str = "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0704ffff001d0102ffffffff0100f2052a01000000434104d46c4968bde02899d2aa0963367c7a6ce34eec332b32e42e5f3407e052d64ac625da6f0718e7b302140434bd725706957c092db53805b821a85b23a7ac61725bac00000000";
const PAYMENT: &str = "0100000001c997a5e56e104102fa209c6a852dd90660a20b2d9c352423edce25857fcd3704000000004847304402204e45e16932b8af514961a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd410220181522ec8eca07de4860a4acdd12909d831cc56cbbac4622082221a8768d1d0901ffffffff0200ca9a3b00000000434104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84cac00286bee0000000043410411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3ac00000000";
const TXID: &str = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16";

fn mainnet(depth: u32) -> ProofRule {
    ProofRule {
        chain: ChainId::new("bip122:000000000019d6689c085ae165831e93").unwrap(),
        easiest: 0x1d00_ffff,
        depth,
    }
}

fn first_payment() -> Included {
    let header = |text: &&str| hex::decode(text).unwrap().try_into().unwrap();
    let [coinbase, tx] = [COINBASE, PAYMENT].map(|text| hex::decode(text).unwrap());
    let id = |bytes: &[u8]| {
        deserialize::<Transaction>(bytes)
            .unwrap()
            .compute_txid()
            .to_byte_array()
    };
    Included {
        headers: HEADERS.iter().map(header).collect(),
        coinbase_branch: vec![id(&tx)],
        branch: vec![id(&coinbase)],
        coinbase,
        index: 1,
        tx,
    }
}

#[test]
fn ten_real_headers_and_a_branch_prove_the_first_payment() {
    let (_, tx) = first_payment().place(&mainnet(10)).unwrap();
    assert_eq!(tx.compute_txid(), TXID.parse::<Txid>().unwrap());
    let shallow = first_payment().place(&mainnet(11));
    assert_eq!(shallow, Err(Flaw::Shallow { want: 11, got: 10 }));
}

#[test]
fn one_flipped_bit_anywhere_in_a_real_proof_fails() {
    let bytes = kofo_primitives::encode(&first_payment());
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let checked = borsh::from_slice::<Included>(&altered)
            .ok()
            .map(|proof| proof.place(&mainnet(10)));
        assert!(!matches!(checked, Some(Ok(_))), "bit {bit}");
    }
}

#[test]
fn a_real_chain_is_too_easy_for_a_rule_that_asks_for_more_work() {
    let rule = ProofRule {
        easiest: 0x1c7f_ff80,
        ..mainnet(10)
    };
    assert!(matches!(first_payment().place(&rule), Err(Flaw::Easy { .. })));
}

/// A block of two inner nodes: what an inner node hashes passes for a transaction one level up.
#[test]
fn an_inner_node_does_not_pass_for_a_transaction() {
    let others = |sats| paying(vec![pay(payout(60), sats)]);
    let block = mined(
        bitcoin::BlockHash::all_zeros(),
        vec![others(1), others(2), others(3)],
    );
    let ids: Vec<[u8; 32]> = block
        .txdata
        .iter()
        .map(|tx| tx.compute_txid().to_byte_array())
        .collect();
    let level = |left: usize| [ids[left], ids[left + 1]].concat();
    let mut headers = vec![bytes(&block.header)];
    headers.extend(above(block.block_hash(), 1).iter().map(bytes));
    let node = |node: &[u8]| sha256d::Hash::hash(node).to_byte_array();
    let honest = Included {
        headers,
        coinbase: {
            let mut coinbase = block.txdata[0].clone();
            coinbase.input[0].witness.clear();
            serialize(&coinbase)
        },
        coinbase_branch: vec![ids[1], node(&level(2))],
        index: 1,
        branch: vec![node(&level(2))],
        tx: level(2),
    };
    // One level higher than the coinbase.
    assert_eq!(honest.place(&rule(2)), Err(Flaw::Branch { what: "transaction" }));
    // And the coinbase lifted to the same level is no coinbase.
    let lifted = Included {
        coinbase: level(0),
        coinbase_branch: vec![node(&level(2))],
        ..honest
    };
    assert!(lifted.place(&rule(2)).is_err());
}

#[test]
fn a_transaction_of_sixty_four_bytes_is_refused() {
    let mut short = paying(vec![pay(vec![0x6a, 1, 1, 1].into(), 0)]);
    short.input[0].witness.clear();
    assert_eq!(serialize(&short).len(), NODE_BYTES);
    let block = mined(bitcoin::BlockHash::all_zeros(), vec![short.clone()]);
    let coinbase = block.txdata[0].compute_txid().to_byte_array();
    let mut bare = block.txdata[0].clone();
    bare.input[0].witness.clear();
    let proof = Included {
        headers: vec![bytes(&block.header)],
        coinbase: serialize(&bare),
        coinbase_branch: vec![short.compute_txid().to_byte_array()],
        index: 1,
        branch: vec![coinbase],
        tx: serialize(&short),
    };
    assert_eq!(proof.place(&rule(1)), Err(Flaw::SixtyFour));
}

#[test]
fn what_is_first_in_the_block_must_be_a_coinbase() {
    let mut proof = first_payment();
    proof.coinbase = proof.tx.clone();
    assert_eq!(proof.place(&mainnet(10)), Err(Flaw::Coinbase));
}
