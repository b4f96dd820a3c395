use bitcoin::constants::genesis_block;
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Network};

use super::*;
use crate::fixtures::{EASY, above, rule, work};

fn chain(count: u32) -> Vec<Header> {
    above(genesis_block(Network::Regtest).block_hash(), count)
}

#[test]
fn as_many_headers_as_the_rule_asks_that_build_on_each_other_are_a_chain() {
    assert_eq!(check(&chain(3), &rule(3)), Ok(()));
    assert_eq!(check(&chain(4), &rule(3)), Ok(()));
}

#[test]
fn a_chain_that_is_too_short_proves_nothing() {
    assert_eq!(check(&chain(2), &rule(3)), Err(Flaw::Shallow { want: 3, got: 2 }));
    assert_eq!(check(&[], &rule(0)), Err(Flaw::Shallow { want: 1, got: 0 }));
}

#[test]
fn a_target_easier_than_the_rule_is_refused() {
    let headers = chain(2);
    let mut rule = rule(2);
    rule.easiest = 0x1d00_ffff;
    let refused = Flaw::Easy {
        block: headers[0].block_hash(),
        bits: CompactTarget::from_consensus(EASY),
        easiest: CompactTarget::from_consensus(rule.easiest),
    };
    assert_eq!(check(&headers, &rule), Err(refused));
}

#[test]
fn a_target_in_a_form_that_programs_read_differently_is_refused() {
    // Negative, beyond 256 bits, and with a leading zero byte.
    for bits in [0x2080_0001, 0xff7f_ffff, 0x2100_7fff] {
        let mut header = chain(1)[0];
        header.bits = CompactTarget::from_consensus(bits);
        let refused = check(&[header], &rule(1));
        assert!(matches!(refused, Err(Flaw::Easy { .. })), "{bits:x}: {refused:?}");
    }
}

#[test]
fn a_header_without_its_work_is_refused() {
    let mut headers = chain(2);
    let lazy = &mut headers[1];
    while lazy.target().is_met_by(lazy.block_hash()) {
        lazy.nonce += 1;
    }
    let block = lazy.block_hash();
    assert_eq!(check(&headers, &rule(2)), Err(Flaw::Work { block }));
}

#[test]
fn a_header_of_another_branch_is_refused() {
    let mut headers = chain(3);
    headers[1].prev_blockhash = BlockHash::all_zeros();
    work(&mut headers[1]);
    let (block, below) = (headers[1].block_hash(), headers[0].block_hash());
    assert_eq!(check(&headers, &rule(3)), Err(Flaw::Link { block, below }));
}
