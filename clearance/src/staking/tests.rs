use super::*;
use crate::accounts::ActRefused;
use crate::book::balanced;
use crate::fixtures::{
    CLAIMANT, Chain, PROVIDER, VALIDATORS, account, chain as name, funded, kofo, sign, validator,
};
use crate::genesis::Genesis;
use crate::op::{Act, Complaint, Op};
use crate::refused::Refused;
use kofo_primitives::{DoubleVote, NetworkId, SignedVote, Vote, VoteKind, encode};

mod faults;

const HOUR: u64 = 3_600_000;

fn amount(units: u128) -> Amount {
    Amount::new(units)
}

fn balance(chain: &Chain, purse: Purse) -> u128 {
    chain.ledger.state.balance(purse, &kofo()).units()
}

fn stake(n: u8, units: u128) -> Act {
    Act::Stake {
        key: validator(n).key(),
        commission_bps: 1_000,
        amount: amount(units),
    }
}

fn delegate(to: u8, units: u128) -> Act {
    Act::Delegate {
        to: account(to),
        amount: amount(units),
    }
}

/// Account `n` does something.
fn take(chain: &mut Chain, n: u8, act: Act) {
    let op = chain.act(n, act);
    chain.take(1, op);
}

/// Why account `n`'s next act is refused.
fn refused(chain: &mut Chain, n: u8, act: Act) -> ActRefused {
    let sequence = chain.ledger.account(account(n)).sequence;
    match chain.batch(1, [sign(n, sequence, act)]).0.remove(0) {
        Err(Refused::Act(why)) => why,
        other => panic!("expected a refused act, got {other:?}"),
    }
}

/// Goes on to the next epoch.
fn turn(chain: &mut Chain) {
    let ends = crate::epochs::now(&chain.ledger.state).ends_ms;
    let later = ends.saturating_sub(chain.now()).max(1);
    chain.wait(later);
}

fn elected(chain: &Chain) -> Vec<NodeId> {
    let set = chain.ledger.validators();
    set.members().iter().map(|member| member.account).collect()
}

#[test]
fn delegations_are_found_by_how_their_purses_begin() {
    let purse = Purse::Delegated(account(1), account(2));
    assert!(encode(&purse).starts_with(&encode(&delegated_to(account(1)))));
}

/// One validator that staked 100 itself.
fn small() -> Genesis {
    let mut genesis = funded();
    genesis.params.min_stake = amount(100);
    genesis.params.assets[0].min_bond = amount(100);
    genesis.validators.truncate(1);
    genesis.validators[0].stake = amount(100);
    genesis
}

#[test]
fn a_reward_of_40_is_4_of_commission_and_27_and_9_by_stake() {
    let mut chain = Chain::new(small());
    take(&mut chain, CLAIMANT, delegate(VALIDATORS[0], 300));
    let pool = amount(40);
    chain.ledger.state.bring(Purse::Pool, &kofo(), pool).unwrap();
    turn(&mut chain);
    assert_eq!(balance(&chain, Purse::Reward(account(VALIDATORS[0]))), 4 + 9);
    assert_eq!(balance(&chain, Purse::Reward(account(CLAIMANT))), 27);
    assert_eq!(balance(&chain, Purse::Pool), 0);
    take(&mut chain, CLAIMANT, Act::Collect);
    assert_eq!(
        balance(&chain, Purse::Free(account(CLAIMANT))),
        1_000_000 - 300 + 27
    );
}

#[test]
fn the_pool_is_divided_by_power_to_the_last_unit_and_a_jailed_part_is_burnt() {
    let mut genesis = funded();
    genesis.validators[3].stake = amount(3_000_000);
    let mut chain = Chain::new(genesis);
    let pool = amount(1_000_003);
    chain.ledger.state.bring(Purse::Pool, &kofo(), pool).unwrap();
    let vote = double(1, 1, 0);
    chain.take(1, vote);
    let burnt = balance(&chain, Purse::Burnt);
    turn(&mut chain);
    let rewards = VALIDATORS.map(|n| balance(&chain, Purse::Reward(account(n))));
    assert_eq!(rewards[0], 0);
    let jailed = balance(&chain, Purse::Burnt) - burnt;
    assert_eq!(rewards[3] / 10, 500_001 / 10);
    for part in [rewards[1], rewards[2], jailed] {
        assert!((166_667..=166_668).contains(&part), "{part}");
    }
    assert_eq!(rewards.iter().sum::<u128>() + jailed, 1_000_003);
    assert!(balanced(&chain.ledger.state));
}

#[test]
fn a_commission_counts_from_the_next_epoch_on() {
    let mut chain = Chain::new(small());
    take(&mut chain, CLAIMANT, delegate(VALIDATORS[0], 100));
    let all = Act::Stake {
        key: validator(1).key(),
        commission_bps: 10_000,
        amount: Amount::ZERO,
    };
    take(&mut chain, VALIDATORS[0], all);
    for expected in [45, 0] {
        let before = balance(&chain, Purse::Reward(account(CLAIMANT)));
        let pool = amount(100);
        chain.ledger.state.bring(Purse::Pool, &kofo(), pool).unwrap();
        turn(&mut chain);
        assert_eq!(
            balance(&chain, Purse::Reward(account(CLAIMANT))) - before,
            expected
        );
    }
}

#[test]
fn who_stakes_enough_is_elected_and_who_takes_it_back_is_not() {
    let mut chain = Chain::new(funded());
    for units in [0, 999] {
        assert!(matches!(
            refused(&mut chain, CLAIMANT, stake(5, units)),
            ActRefused::Least { .. }
        ));
    }
    take(&mut chain, CLAIMANT, stake(5, 2_000));
    assert!(matches!(
        refused(
            &mut chain,
            CLAIMANT,
            Act::Unstake {
                amount: amount(1_001)
            }
        ),
        ActRefused::Least { .. }
    ));
    turn(&mut chain);
    assert_eq!(elected(&chain).len(), 5);
    assert_eq!(chain.ledger.account(account(CLAIMANT)).power, 2_000);
    take(
        &mut chain,
        CLAIMANT,
        Act::Unstake {
            amount: amount(2_000),
        },
    );
    take(
        &mut chain,
        VALIDATORS[0],
        Act::Unstake {
            amount: amount(1_000_000),
        },
    );
    assert_eq!(elected(&chain).len(), 5, "until the epoch ends");
    turn(&mut chain);
    let mut left = VALIDATORS[1..].iter().map(|n| account(*n)).collect::<Vec<_>>();
    left.sort();
    let mut elected = elected(&chain);
    elected.sort();
    assert_eq!(elected, left);
    chain.wait(21 * 24 * HOUR);
    assert_eq!(balance(&chain, Purse::Free(account(CLAIMANT))), 1_000_000);
    chain.wait(HOUR);
    let gone = chain.ledger.state.get(&CANDIDATES, &account(CLAIMANT));
    assert_eq!(gone, None, "nothing of theirs is left");
    take(&mut chain, PROVIDER, stake(5, 2_000));
}

#[test]
fn power_is_own_stake_and_what_is_delegated() {
    let mut chain = Chain::new(funded());
    assert!(matches!(
        refused(&mut chain, CLAIMANT, delegate(VALIDATORS[0], 999)),
        ActRefused::Least { .. }
    ));
    assert_eq!(
        refused(&mut chain, CLAIMANT, delegate(PROVIDER, 5_000)),
        ActRefused::NoCandidate(account(PROVIDER))
    );
    take(&mut chain, CLAIMANT, delegate(VALIDATORS[0], 5_000));
    take(&mut chain, PROVIDER, delegate(VALIDATORS[0], 7_000));
    turn(&mut chain);
    assert_eq!(chain.ledger.account(account(VALIDATORS[0])).power, 1_012_000);
    let undelegate = |units| Act::Undelegate {
        from: account(VALIDATORS[0]),
        amount: amount(units),
    };
    assert!(matches!(
        refused(&mut chain, CLAIMANT, undelegate(4_001)),
        ActRefused::Least { .. }
    ));
    take(&mut chain, CLAIMANT, undelegate(5_000));
    assert_eq!(
        chain.ledger.account(account(PROVIDER)).holdings[0].delegated,
        amount(7_000)
    );
    turn(&mut chain);
    assert_eq!(chain.ledger.account(account(VALIDATORS[0])).power, 1_007_000);
    chain.wait(7 * 24 * HOUR);
    assert_eq!(balance(&chain, Purse::Free(account(CLAIMANT))), 1_000_000);
}

#[test]
fn seats_go_to_the_largest_and_power_is_capped_where_there_are_enough() {
    let mut genesis = funded();
    genesis.params.seats = 3;
    genesis.params.power_cap_bps = 4_000;
    genesis.validators[0].stake = amount(8_000_000);
    genesis.validators[1].stake = amount(999_999);
    let chain = Chain::new(genesis);
    let power = |n| chain.ledger.account(account(n)).power;
    assert_eq!(power(VALIDATORS[1]), 0);
    // 40 % of (1,333,333 + 2,000,000).
    assert_eq!(power(VALIDATORS[0]), 1_333_333);
    assert_eq!(power(VALIDATORS[2]) + power(VALIDATORS[3]), 2_000_000);
}

#[test]
fn a_validator_that_lists_nothing_is_out_where_that_counts() {
    let mut genesis = funded();
    genesis.params.listing_ms = 2 * HOUR;
    let mut chain = Chain::new(genesis);
    let pair = (kofo(), AssetId::new("test:a/slip44:0").unwrap());
    let list = Act::List { pairs: vec![pair] };
    turn(&mut chain);
    assert_eq!(elected(&chain).len(), 4, "being in the genesis counts as listing");
    for n in [VALIDATORS[0], VALIDATORS[1]] {
        take(&mut chain, n, list.clone());
    }
    take(&mut chain, CLAIMANT, stake(5, 5_000));
    turn(&mut chain);
    let mut listed = [account(VALIDATORS[0]), account(VALIDATORS[1])].to_vec();
    listed.sort();
    let mut now = elected(&chain);
    now.sort();
    assert_eq!(now, listed);
    take(&mut chain, VALIDATORS[0], Act::List { pairs: vec![] });
    take(&mut chain, CLAIMANT, list);
    turn(&mut chain);
    assert!(elected(&chain).contains(&account(CLAIMANT)));
    assert!(!elected(&chain).contains(&account(VALIDATORS[0])));
}

#[test]
fn a_new_node_that_stakes_and_lists_is_in_the_next_set_and_has_its_share_of_what_validators_earn() {
    let mut genesis = funded();
    genesis.params.listing_ms = 100 * HOUR;
    let mut chain = Chain::new(genesis);
    take(&mut chain, CLAIMANT, stake(5, 1_000_000));
    let pair = (kofo(), AssetId::new("test:a/slip44:0").unwrap());
    take(&mut chain, CLAIMANT, Act::List { pairs: vec![pair] });
    turn(&mut chain);
    assert!(elected(&chain).contains(&account(CLAIMANT)));
    let pool = amount(60_000);
    chain.ledger.state.bring(Purse::Pool, &kofo(), pool).unwrap();
    turn(&mut chain);
    assert_eq!(balance(&chain, Purse::Reward(account(CLAIMANT))), 12_000);
}

#[test]
fn where_nobody_can_be_elected_the_validators_stay() {
    let mut chain = Chain::new(funded());
    let before = elected(&chain);
    for n in VALIDATORS {
        take(
            &mut chain,
            n,
            Act::Unstake {
                amount: amount(1_000_000),
            },
        );
    }
    turn(&mut chain);
    assert_eq!(elected(&chain), before);
    assert_eq!(chain.ledger.validators().epoch(), 1);
    turn(&mut chain);
    assert_eq!(chain.ledger.validators().epoch(), 2);
}

#[test]
fn a_vote_key_is_one_accounts_and_changes_once_while_the_old_one_can_be_punished() {
    let mut chain = Chain::new(funded());
    let taken = validator(1).key();
    assert_eq!(
        refused(&mut chain, CLAIMANT, stake(1, 5_000)),
        ActRefused::KeyTaken(taken)
    );
    let none = ValidatorKey::new([7; 33]);
    let no_point = Act::Stake {
        key: none,
        commission_bps: 0,
        amount: amount(5_000),
    };
    assert_eq!(refused(&mut chain, CLAIMANT, no_point), ActRefused::NotAKey(none));
    let too_much = Act::Stake {
        key: validator(5).key(),
        commission_bps: 10_001,
        amount: amount(5_000),
    };
    assert_eq!(
        refused(&mut chain, CLAIMANT, too_much),
        ActRefused::Commission { have: 10_001 }
    );
    let began = chain.now();
    take(&mut chain, VALIDATORS[0], stake(9, 0));
    assert!(chain.ledger.validators().find(&taken).is_some());
    assert_eq!(
        refused(&mut chain, CLAIMANT, stake(1, 5_000)),
        ActRefused::KeyTaken(taken)
    );
    assert!(matches!(
        refused(&mut chain, VALIDATORS[0], stake(10, 0)),
        ActRefused::KeySoon { .. }
    ));
    turn(&mut chain);
    assert!(chain.ledger.validators().find(&taken).is_none());
    assert!(chain.ledger.validators().find(&validator(9).key()).is_some());
    // The old one is still known, and punished.
    let vote = double(1, 1, 0);
    chain.take(1, vote);
    assert_eq!(balance(&chain, Purse::Stake(account(VALIDATORS[0]))), 988_000);
    chain.wait(began + 22 * 24 * HOUR - chain.now());
    take(&mut chain, CLAIMANT, stake(1, 5_000));
    take(&mut chain, VALIDATORS[0], stake(10, 0));
}

#[test]
fn what_validators_observe_counts_from_the_next_epoch_on() {
    let mut chain = Chain::new(funded());
    let observe = |names: &[&str]| Act::Observe {
        chains: names.iter().map(|one| name(one)).collect(),
    };
    let power = |chain: &Chain, n| observers(&chain.ledger.state, &name("test:a")).power(&validator(n).key());
    assert_eq!(
        observing(&chain.ledger.state, &name("test:a")),
        (4_000_000, 4_000_000)
    );
    assert_eq!(observing(&chain.ledger.state, &name("test:c")), (0, 4_000_000));
    take(&mut chain, VALIDATORS[0], observe(&["test:c", "test:b"]));
    assert_eq!(power(&chain, 1), Some(1_000_000));
    turn(&mut chain);
    assert_eq!((power(&chain, 1), power(&chain, 2)), (None, Some(1_000_000)));
    let state = &chain.ledger.state;
    assert_eq!(observing(state, &name("test:a")), (3_000_000, 4_000_000));
    assert_eq!(observing(state, &name("test:b")), (4_000_000, 4_000_000));
    assert_eq!(observing(state, &name("test:c")), (1_000_000, 4_000_000));
    assert_eq!(observers(state, &name("test:b")).power(&validator(9).key()), None);
    assert_eq!(
        refused(&mut chain, VALIDATORS[0], observe(&["test:a", "test:a"])),
        ActRefused::Repeated("a chain")
    );
    assert_eq!(
        refused(&mut chain, CLAIMANT, observe(&["test:a"])),
        ActRefused::NoCandidate(account(CLAIMANT))
    );
    assert!(matches!(
        refused(&mut chain, VALIDATORS[0], observe(&["test:a"; 65])),
        ActRefused::TooMany { have: 65, .. }
    ));
    take(&mut chain, VALIDATORS[0], observe(&[]));
    turn(&mut chain);
    assert_eq!(observing(&chain.ledger.state, &name("test:c")), (0, 4_000_000));
}

/// Two prevotes of the validator with vote key `n`.
fn double(n: u8, height: u64, round: u32) -> Op {
    let network = NetworkId::new("kofo-test").unwrap();
    let signed = |header: Option<u8>| {
        let vote = Vote {
            kind: VoteKind::Prevote,
            height,
            round,
            header: header.map(|n| [n; 32]),
        };
        SignedVote {
            vote,
            key: validator(n).key(),
            signature: validator(n).sign(&vote.digest(&network)),
        }
    };
    Op::DoubleVote(Box::new(DoubleVote {
        first: signed(Some(1)),
        second: signed(None),
    }))
}
