//! What is a fault, and what it costs.

use super::*;

fn why(chain: &mut Chain, op: Op) -> StakingRefused {
    match chain.batch(1, [op]).0.remove(0) {
        Err(Refused::Staking(why)) => why,
        other => panic!("expected refused evidence, got {other:?}"),
    }
}

/// The place in the set of the validator with vote key `n`.
fn place(chain: &Chain, n: u8) -> usize {
    let set = chain.ledger.validators();
    let key = validator(n).key();
    set.members().iter().position(|one| one.key == key).unwrap()
}

fn own(chain: &Chain, n: u8) -> u128 {
    balance(chain, Purse::Stake(account(n)))
}

fn jailed(chain: &Chain, n: u8) -> bool {
    chain.ledger.account(account(n)).jailed_until_ms.is_some()
}

fn complain(by: u8, of: u8, height: u64, round: u32) -> Op {
    let complaint = Complaint {
        height,
        round,
        proposer: validator(of).key(),
    };
    let network = NetworkId::new("kofo-test").unwrap();
    Op::Complaint(Box::new(complaint.sign(&network, &validator(by))))
}

#[test]
fn the_120th_height_missed_in_a_row_costs_12000_of_a_million_and_the_119th_nothing() {
    let mut chain = Chain::new(funded());
    chain.silent = vec![place(&chain, 1)];
    for _ in 0..120 {
        chain.wait(1);
    }
    // The batch of height 121 has the certificate of height 120.
    assert_eq!(own(&chain, VALIDATORS[0]), 1_000_000);
    assert!(!jailed(&chain, VALIDATORS[0]));
    chain.wait(1);
    assert_eq!(own(&chain, VALIDATORS[0]), 988_000);
    assert_eq!(balance(&chain, Purse::Burnt), 12_000);
    assert!(jailed(&chain, VALIDATORS[0]));
    for _ in 0..130 {
        chain.wait(1);
    }
    assert_eq!(
        own(&chain, VALIDATORS[0]),
        988_000,
        "whoever is jailed is not counted"
    );
    chain.silent.clear();
    turn(&mut chain);
    assert!(!elected(&chain).contains(&account(VALIDATORS[0])));
    assert_eq!(elected(&chain).len(), 3);
    assert!(balanced(&chain.ledger.state));
}

#[test]
fn one_signature_begins_the_count_anew() {
    let mut chain = Chain::new(funded());
    let silent = vec![place(&chain, 2)];
    for _ in 0..3 {
        chain.silent = silent.clone();
        for _ in 0..119 {
            chain.wait(1);
        }
        chain.silent.clear();
        chain.wait(1);
    }
    chain.wait(1);
    assert_eq!(own(&chain, VALIDATORS[1]), 1_000_000);
    assert!(!jailed(&chain, VALIDATORS[1]));
}

#[test]
fn a_double_vote_costs_12000_of_a_million_once_for_each_height_and_round() {
    let mut chain = Chain::new(funded());
    chain.wait(1);
    chain.take(1, double(1, 1, 0));
    assert_eq!(own(&chain, VALIDATORS[0]), 988_000);
    assert_eq!(balance(&chain, Purse::Burnt), 12_000);
    assert!(jailed(&chain, VALIDATORS[0]));
    let (key, height, round) = (validator(1).key(), 1, 0);
    assert_eq!(
        why(&mut chain, double(1, 1, 0)),
        StakingRefused::Punished { key, height, round }
    );
    chain.take(1, double(1, 1, 1));
    assert_eq!(own(&chain, VALIDATORS[0]), 988_000 - 11_856);
}

#[test]
fn evidence_is_of_who_served_then_and_of_no_other_time() {
    let mut chain = Chain::new(funded());
    take(&mut chain, CLAIMANT, stake(5, 5_000));
    let key = validator(5).key();
    let height = 1;
    assert_eq!(
        why(&mut chain, double(5, 1, 0)),
        StakingRefused::NotServing { key, height }
    );
    assert_eq!(
        why(&mut chain, double(7, 1, 0)),
        StakingRefused::Unknown(validator(7).key())
    );
    let (height, now) = (9, 4);
    assert_eq!(
        why(&mut chain, double(1, 9, 0)),
        StakingRefused::Future { height, now }
    );
    let unstake = 21 * 24 * HOUR;
    let ends = crate::epochs::now(&chain.ledger.state).ends_ms;
    chain.wait(ends + unstake - chain.now() - 2);
    chain.take(1, double(1, 1, 0));
    let height = 1;
    assert_eq!(why(&mut chain, double(2, 1, 0)), StakingRefused::Stale { height });
    chain.wait(HOUR);
    assert_eq!(why(&mut chain, double(2, 1, 0)), StakingRefused::Stale { height });
}

#[test]
fn own_stake_and_delegations_lose_in_proportion_and_to_the_unit() {
    let mut chain = Chain::new(funded());
    take(&mut chain, CLAIMANT, delegate(VALIDATORS[0], 333_333));
    take(&mut chain, PROVIDER, delegate(VALIDATORS[0], 1_001));
    chain.take(1, double(1, 1, 0));
    let left = [
        own(&chain, VALIDATORS[0]),
        balance(
            &chain,
            Purse::Delegated(account(VALIDATORS[0]), account(CLAIMANT)),
        ),
        balance(
            &chain,
            Purse::Delegated(account(VALIDATORS[0]), account(PROVIDER)),
        ),
    ];
    // 1.2 % of 1,334,334 is 16,012.008.
    assert_eq!(balance(&chain, Purse::Burnt), 16_012);
    assert_eq!(left, [988_000, 333_333 - 4_000, 1_001 - 12]);
    assert!(balanced(&chain.ledger.state));
}

#[test]
fn what_was_asked_back_in_or_after_the_epoch_of_the_fault_is_slashed_too() {
    let mut chain = Chain::new(funded());
    let half = Act::Unstake {
        amount: amount(400_000),
    };
    take(&mut chain, VALIDATORS[0], half);
    let before = chain.now();
    turn(&mut chain);
    take(&mut chain, CLAIMANT, delegate(VALIDATORS[0], 100_000));
    let height = chain.ledger.tip().height;
    turn(&mut chain);
    let back = Act::Undelegate {
        from: account(VALIDATORS[0]),
        amount: amount(50_000),
    };
    take(&mut chain, CLAIMANT, back);
    let asked = chain.now();
    // Of the second epoch: what left in the first was gone.
    chain.take(1, double(1, height, 0));
    assert_eq!(own(&chain, VALIDATORS[0]), 600_000 - 7_200);
    assert_eq!(balance(&chain, Purse::Unbonding(account(VALIDATORS[0]))), 400_000);
    assert_eq!(balance(&chain, Purse::Unbonding(account(CLAIMANT))), 50_000 - 600);
    // Of the first: it was there.
    chain.take(1, double(1, 1, 0));
    assert_eq!(
        balance(&chain, Purse::Unbonding(account(VALIDATORS[0]))),
        400_000 - 4_800
    );
    let left = balance(&chain, Purse::Unbonding(account(CLAIMANT)));
    assert!(balanced(&chain.ledger.state));
    let free = balance(&chain, Purse::Free(account(CLAIMANT)));
    chain.wait(asked + 7 * 24 * HOUR - chain.now());
    assert_eq!(balance(&chain, Purse::Free(account(CLAIMANT))), free + left);
    chain.wait(before + 21 * 24 * HOUR - chain.now());
    assert_eq!(
        balance(&chain, Purse::Free(account(VALIDATORS[0]))),
        500_000 + 395_200
    );
    assert_eq!(balance(&chain, Purse::Unbonding(account(VALIDATORS[0]))), 0);
    assert!(balanced(&chain.ledger.state));
}

#[test]
fn more_than_two_thirds_that_complain_of_a_proposal_cost_its_proposer_the_same_once() {
    let mut chain = Chain::new(funded());
    chain.wait(1);
    chain.take(1, complain(2, 1, 1, 0));
    chain.take(1, complain(3, 1, 1, 0));
    assert_eq!(
        why(&mut chain, complain(3, 1, 1, 0)),
        StakingRefused::Twice(validator(3).key())
    );
    chain.take(1, complain(4, 1, 1, 1));
    assert_eq!(own(&chain, VALIDATORS[0]), 1_000_000, "of another round");
    chain.take(1, complain(4, 1, 1, 0));
    assert_eq!(own(&chain, VALIDATORS[0]), 988_000);
    assert!(jailed(&chain, VALIDATORS[0]));
    let (key, height, round) = (validator(1).key(), 1, 0);
    assert_eq!(
        why(&mut chain, complain(1, 1, 1, 0)),
        StakingRefused::Punished { key, height, round }
    );
}

#[test]
fn complaints_are_of_validators_about_validators_of_late_and_not_too_many() {
    let mut chain = Chain::new(funded());
    chain.wait(1);
    let (key, height) = (validator(9).key(), 1);
    let stranger = StakingRefused::NotServing { key, height };
    assert_eq!(why(&mut chain, complain(9, 1, 1, 0)), stranger);
    assert_eq!(why(&mut chain, complain(1, 9, 1, 0)), stranger);
    let (height, now) = (5, 4);
    assert_eq!(
        why(&mut chain, complain(1, 2, 5, 0)),
        StakingRefused::Future { height, now }
    );
    let all = (0..64).map(|round| complain(1, 2, 1, round));
    assert!(chain.batch(1, all).0.iter().all(Result::is_ok));
    let (key, most) = (validator(1).key(), 64);
    assert_eq!(
        why(&mut chain, complain(1, 2, 1, 64)),
        StakingRefused::TooMany { key, most }
    );
    turn(&mut chain);
    // The epoch before still counts: with those of 2 and 3 it is more than two thirds.
    chain.take(1, complain(3, 2, 1, 0));
    chain.take(1, complain(4, 2, 1, 0));
    assert_eq!(own(&chain, VALIDATORS[1]), 988_000);
    turn(&mut chain);
    let height = 1;
    assert_eq!(
        why(&mut chain, complain(3, 1, 1, 0)),
        StakingRefused::Stale { height }
    );
}

#[test]
fn a_jailed_validator_asks_to_be_elected_again_after_its_time() {
    let mut chain = Chain::new(funded());
    assert_eq!(
        refused(&mut chain, VALIDATORS[0], Act::Unjail),
        ActRefused::NotJailed
    );
    chain.take(1, double(1, 1, 0));
    let until_ms = chain.now() + HOUR;
    let now_ms = chain.now() + 1;
    assert_eq!(
        refused(&mut chain, VALIDATORS[0], Act::Unjail),
        ActRefused::Jailed { until_ms, now_ms }
    );
    turn(&mut chain);
    chain.wait(until_ms - chain.now() - 1);
    take(&mut chain, VALIDATORS[0], Act::Unjail);
    assert_eq!(elected(&chain).len(), 3);
    turn(&mut chain);
    assert_eq!(elected(&chain).len(), 4);
}

#[test]
fn an_observer_that_is_proven_wrong_is_slashed_and_jailed() {
    let mut chain = Chain::new(funded());
    chain.wait(1);
    let mut settlements = Vec::new();
    let mut step = Step {
        genesis: &funded(),
        proofs: &crate::NoProofs,
        state: &mut chain.ledger.state,
        height: 2,
        time_ms: 2_000_000,
        settlements: &mut settlements,
    };
    slash_observer(&mut step, &validator(2).key());
    slash_observer(&mut step, &validator(9).key());
    assert_eq!(own(&chain, VALIDATORS[1]), 988_000);
    assert!(jailed(&chain, VALIDATORS[1]));
    assert_eq!(balance(&chain, Purse::Burnt), 12_000);
}
