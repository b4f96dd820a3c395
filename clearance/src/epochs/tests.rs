use super::*;
use crate::fixtures::{Chain, VALIDATORS, account, asset, chain, funded, validator};
use crate::genesis::ProofRule;
use crate::ledger::Ledger;
use crate::op::Act;
use crate::proofs::NoProofs;
use kofo_primitives::{Amount, NodeId, Seconds, ValidatorKey};
use std::sync::Arc;

const HOUR: u64 = 3_600_000;

fn error(change: impl FnOnce(&mut Genesis)) -> GenesisError {
    let mut genesis = funded();
    change(&mut genesis);
    match Ledger::new(genesis, Arc::new(NoProofs)) {
        Err(e) => e,
        Ok(_) => panic!("the genesis is taken"),
    }
}

#[test]
fn every_rule_of_a_genesis_is_looked_at() {
    type Change = fn(&mut Genesis);
    let zeros: [(Change, &str); 15] = [
        (|g| g.params.epoch_ms = 0, "the length of an epoch"),
        (|g| g.params.min_stake = Amount::ZERO, "the least stake"),
        (|g| g.params.missed_heights = 0, "the number of missed heights"),
        (|g| g.params.unobserved_ms = 0, "the time without facts"),
        (|g| g.params.unclear_ms = 0, "the time of unclear ends"),
        (|g| g.params.clock_ms = 0, "the tolerance of clocks"),
        (|g| g.params.max_batch_bytes = 0, "the size of a batch"),
        (|g| g.params.assets[0].min_fee = Amount::ZERO, "the least fee"),
        (|g| g.params.assets[0].min_bond = Amount::ZERO, "the least bond"),
        (
            |g| g.params.assets[0].weight_cap = Amount::ZERO,
            "the most that a bond weighs",
        ),
        (
            |g| g.params.assets[0].double_quote = Amount::ZERO,
            "the forfeit of a double quote",
        ),
        (
            |g| g.params.pairs[0].min_gap = Seconds(0),
            "the gap of a pair's timelocks",
        ),
        (
            |g| g.params.pairs[0].min_beta = Seconds(0),
            "the least timelock of a pair",
        ),
        (
            |g| g.params.pairs[0].reveal = Seconds(0),
            "the time to reveal of a pair",
        ),
        (|g| g.balances[0].provider = Amount::ZERO, "a balance"),
    ];
    for (change, what) in zeros {
        let all = |genesis: &mut Genesis| {
            genesis.balances[0].free = Amount::ZERO;
            change(genesis);
        };
        assert_eq!(error(all), GenesisError::Zero(what));
    }
    let bps: [(Change, &str); 9] = [
        (|g| g.params.power_cap_bps = 0, "the power cap"),
        (|g| g.params.power_cap_bps = 10_001, "the power cap"),
        (|g| g.params.foundation_bps = 10_001, "the foundation's part"),
        (|g| g.params.validators_bps = 10_001, "the validators' part"),
        (|g| g.params.margin_bps = 0, "the margin"),
        (|g| g.params.harmed_bps = 10_001, "what is paid to the harmed"),
        (|g| g.params.cancel_bps = 10_001, "what a cancelled path gets"),
        (
            |g| g.params.double_vote_bps = 10_001,
            "the forfeit of a double vote",
        ),
        (
            |g| g.validators[3].commission_bps = 10_001,
            "a validator's commission",
        ),
    ];
    for (change, what) in bps {
        assert!(matches!(error(change), GenesisError::Bps { what: named, .. } if named == what));
    }
}

#[test]
fn everything_in_a_genesis_is_there_once() {
    type Change = fn(&mut Genesis);
    let twice: [(Change, &str); 8] = [
        (|g| g.params.assets.push(g.params.assets[0].clone()), "asset"),
        (|g| g.params.pairs.push(g.params.pairs[1].clone()), "pair"),
        (|g| g.validators[1].account = g.validators[0].account, "validator"),
        (|g| g.validators[1].key = g.validators[0].key, "vote key"),
        (|g| g.balances.push(g.balances[0].clone()), "balance"),
        (
            |g| g.validators[0].observes.push(chain("test:a")),
            "a validator's chain",
        ),
        (
            |g| {
                let share = (g.validators[0].account, kofo_primitives::Bytes::default());
                g.shares = vec![share.clone(), share];
            },
            "share",
        ),
        (
            |g| {
                let rule = ProofRule {
                    chain: chain("test:a"),
                    easiest: 1,
                    depth: 1,
                };
                g.params.proofs = vec![rule.clone(), rule];
            },
            "proof rule of",
        ),
    ];
    for (change, what) in twice {
        assert!(matches!(error(change), GenesisError::Twice { what: named, .. } if named == what));
    }
}

#[test]
fn a_genesis_names_what_it_has_and_nothing_that_it_has_not() {
    assert_eq!(error(|g| g.version = 2), GenesisError::Version(2));
    let count = |what, have, least, most| GenesisError::Count {
        what,
        have,
        least,
        most,
    };
    assert_eq!(error(|g| g.params.seats = 0), count("seats", 0, 1, 31));
    assert_eq!(error(|g| g.params.seats = 32), count("seats", 32, 1, 31));
    assert_eq!(error(|g| g.validators.clear()), count("validators", 0, 1, 10_000));
    assert!(matches!(
        error(|g| g.params.foundation_bps = 8_001),
        GenesisError::Split(_)
    ));
    assert_eq!(error(|g| g.params.stake = asset()), GenesisError::Asset(asset()));
    assert_eq!(
        error(|g| g.balances[1].asset = asset()),
        GenesisError::Asset(asset())
    );
    assert!(matches!(
        error(|g| g.params.assets[0].min_fee = Amount::new(9)),
        GenesisError::LeastFee { .. }
    ));
    assert!(matches!(
        error(|g| g.balances[2].relay = Amount::new(999)),
        GenesisError::Least { .. }
    ));
    assert!(matches!(
        error(|g| g.validators[2].stake = Amount::new(999)),
        GenesisError::Least { what: "stake", .. }
    ));
    let none = ValidatorKey::new([0; 33]);
    assert_eq!(error(|g| g.validators[2].key = none), GenesisError::NotAKey(none));
    let stranger = NodeId::new([77; 32]);
    assert_eq!(
        error(|g| g.shares = vec![(stranger, kofo_primitives::Bytes::default())]),
        GenesisError::Share(stranger)
    );
    let early = |what| GenesisError::LeavesEarly {
        what,
        have_ms: HOUR - 1,
        epoch_ms: HOUR,
    };
    assert_eq!(
        error(|g| g.params.unbond_ms = HOUR - 1),
        early("the time of unbonding")
    );
    assert_eq!(
        error(|g| g.params.unstake_ms = HOUR - 1),
        early("the time of unstaking")
    );
    assert!(matches!(
        error(|g| g.balances[0].free = Amount::new(u128::MAX)),
        GenesisError::TooMuch(_)
    ));
}

#[test]
fn the_first_set_is_elected_as_all_others_are() {
    let mut genesis = funded();
    genesis.params.seats = 2;
    genesis.validators[3].stake = Amount::new(2_000_000);
    let chain = Chain::new(genesis);
    let set = chain.ledger.validators();
    assert_eq!(set.epoch(), 0);
    let mut lowest = VALIDATORS[..3].iter().map(|n| account(*n)).collect::<Vec<_>>();
    lowest.sort();
    let elected: Vec<_> = set
        .members()
        .iter()
        .map(|member| (member.account, member.power))
        .collect();
    assert_eq!(elected.len(), 2);
    assert!(elected.contains(&(account(VALIDATORS[3]), 2_000_000)));
    assert!(
        elected.contains(&(lowest[0], 1_000_000)),
        "ties go to the lower account"
    );
}

#[test]
fn validators_change_when_an_epoch_ends_and_at_no_other_time() {
    let mut chain = Chain::new(funded());
    let stake = Act::Stake {
        key: validator(5).key(),
        commission_bps: 0,
        amount: Amount::new(400_000),
    };
    let op = chain.act(crate::fixtures::CLAIMANT, stake);
    chain.take(1_000, op);
    chain.wait(HOUR - 2_000);
    assert_eq!(chain.ledger.validators().epoch(), 0);
    let last = chain.headers.last().unwrap();
    assert_eq!(last.validators, last.next_validators);
    chain.wait(1_000);
    let last = chain.headers.last().unwrap();
    assert_ne!(last.validators, last.next_validators);
    let set = chain.ledger.validators();
    assert_eq!((set.epoch(), set.members().len()), (1, 5));
    assert_eq!(last.next_validators, set.digest());
    assert_eq!(served(&chain.ledger.state, 3).unwrap().epoch.number, 0);
    assert_eq!(served(&chain.ledger.state, 4).unwrap().set, set);
    assert_eq!(now(&chain.ledger.state).first_height, 4);
}

#[test]
fn epochs_end_at_the_same_time_for_ever_also_when_some_were_missed() {
    let mut chain = Chain::new(funded());
    let began = chain.now();
    chain.wait(HOUR + 5_000);
    assert_eq!(now(&chain.ledger.state).ends_ms, began + 2 * HOUR);
    chain.wait(5 * HOUR);
    let epoch = now(&chain.ledger.state);
    assert_eq!((epoch.number, epoch.ends_ms), (2, began + 7 * HOUR));
    assert_eq!(next_end(10, 5, 10), 15);
    assert_eq!(next_end(10, 5, 14), 15);
    assert_eq!(next_end(10, 5, 15), 20);
    assert_eq!(next_end(u64::MAX, 5, u64::MAX), u64::MAX);
}

#[test]
fn epochs_whose_stake_has_left_are_forgotten() {
    let mut genesis = funded();
    genesis.params.unstake_ms = 3 * HOUR;
    genesis.params.unbond_ms = 3 * HOUR;
    let mut chain = Chain::new(genesis);
    for _ in 0..10 {
        chain.wait(HOUR);
    }
    let state = &chain.ledger.state;
    assert_eq!(state.scan(&SERVED, &()).count(), 4);
    assert_eq!(served(state, 1), None);
    assert_eq!(served(state, 11).unwrap().epoch, now(state));
}
