use super::*;
use crate::earnings::{add_earning, earned};
use crate::fixtures::{
    CLAIMANT, Chain, FOUNDATION, PROVIDER, RELAYS, VALIDATORS, account, funded, kofo, sign,
};
use crate::refused::Refused;

fn amount(units: u128) -> Amount {
    Amount::new(units)
}

fn transfer(units: u128) -> Act {
    Act::Transfer {
        to: account(9),
        asset: kofo(),
        amount: amount(units),
    }
}

fn bond(units: u128) -> Act {
    Act::Bond {
        kind: BondKind::Relay,
        asset: kofo(),
        amount: amount(units),
    }
}

fn unbond(units: u128) -> Act {
    Act::Unbond {
        kind: BondKind::Relay,
        asset: kofo(),
        amount: amount(units),
    }
}

/// Why account `n`'s next act is refused.
fn refused(chain: &mut Chain, n: u8, act: Act) -> ActRefused {
    let sequence = chain.ledger.account(account(n)).sequence;
    match chain.batch(1, [sign(n, sequence, act)]).0.remove(0) {
        Err(Refused::Act(why)) => why,
        other => panic!("expected a refused act, got {other:?}"),
    }
}

fn free(chain: &Chain, n: u8) -> u128 {
    chain
        .ledger
        .state
        .balance(Purse::Free(account(n)), &kofo())
        .units()
}

#[test]
fn an_act_happens_once_and_in_its_order() {
    let mut chain = Chain::new(funded());
    let (first, second) = (sign(CLAIMANT, 0, transfer(10)), sign(CLAIMANT, 1, transfer(5)));
    let sequence = |have, want| Err(Refused::Act(ActRefused::Sequence { have, want }));
    let ops = [second.clone(), first.clone(), first.clone(), second];
    let done = chain.batch(1, ops).0;
    assert_eq!(done, [sequence(1, 0), Ok(()), sequence(0, 1), Ok(())]);
    assert_eq!(chain.batch(1, [first]).0, [sequence(0, 2)]);
    assert_eq!((free(&chain, CLAIMANT), free(&chain, 9)), (999_985, 15));
}

#[test]
fn nobody_gives_what_it_has_not_or_what_is_none() {
    let mut chain = Chain::new(funded());
    assert!(matches!(
        refused(&mut chain, CLAIMANT, transfer(1_000_001)),
        ActRefused::TooLittle(little) if little.have == amount(1_000_000)
    ));
    assert_eq!(refused(&mut chain, CLAIMANT, transfer(0)), ActRefused::Nothing);
    let other = AssetId::new("test:a/slip44:0").unwrap();
    let foreign = Act::Transfer {
        to: account(9),
        asset: other.clone(),
        amount: amount(1),
    };
    assert_eq!(
        refused(&mut chain, CLAIMANT, foreign),
        ActRefused::Asset(other.clone())
    );
    let foreign = Act::Bond {
        kind: BondKind::Relay,
        asset: other.clone(),
        amount: amount(1),
    };
    assert_eq!(refused(&mut chain, CLAIMANT, foreign), ActRefused::Asset(other));
    assert_eq!(chain.ledger.account(account(CLAIMANT)).sequence, 0);
}

#[test]
fn a_bond_has_a_least_and_comes_back_after_its_time() {
    let mut chain = Chain::new(funded());
    let least = |have| ActRefused::Least {
        asset: kofo(),
        have: amount(have),
        least: amount(1_000),
    };
    assert_eq!(refused(&mut chain, CLAIMANT, bond(999)), least(999));
    for units in [1_000, 1_205] {
        let op = chain.act(CLAIMANT, bond(units));
        chain.take(1, op);
    }
    assert_eq!(refused(&mut chain, CLAIMANT, unbond(1_206)), least(999));
    let (asset, have, least) = (kofo(), amount(999), amount(1_000));
    assert_eq!(
        refused(&mut chain, CLAIMANT, unbond(999)),
        ActRefused::Part { asset, have, least }
    );
    let op = chain.act(CLAIMANT, unbond(1_005));
    chain.take(1, op);
    let first = chain.now() + 7 * 86_400_000;
    let op = chain.act(CLAIMANT, unbond(1_200));
    chain.take(1_000, op);
    let holding = &chain.ledger.account(account(CLAIMANT)).holdings[0];
    assert_eq!(holding.relay, Amount::ZERO);
    assert_eq!(
        holding.unbonding,
        [(first, amount(1_005)), (first + 1_000, amount(1_200))]
    );
    chain.wait(first - chain.now() - 1);
    assert_eq!(free(&chain, CLAIMANT), 997_795);
    chain.wait(1);
    assert_eq!(free(&chain, CLAIMANT), 998_800);
    chain.wait(1_000);
    assert_eq!(free(&chain, CLAIMANT), 1_000_000);
}

#[test]
fn a_providers_bond_and_a_relays_are_two() {
    let mut chain = Chain::new(funded());
    assert!(matches!(
        refused(&mut chain, PROVIDER, unbond(1_000)),
        ActRefused::TooLittle(little) if little.purse == Purse::Bond(account(PROVIDER), BondKind::Relay)
    ));
    let holding = &chain.ledger.account(account(PROVIDER)).holdings[0];
    assert_eq!(
        (holding.provider, holding.relay),
        (amount(1_000_000), Amount::ZERO)
    );
    let holding = &chain.ledger.account(account(RELAYS[0])).holdings[0];
    assert_eq!((holding.provider, holding.relay), (Amount::ZERO, amount(30_000)));
}

#[test]
fn whoever_lists_has_something_at_stake() {
    let mut chain = Chain::new(funded());
    let one = AssetId::new("test:a/slip44:0").unwrap();
    let pairs = |count: usize| Act::List {
        pairs: (0..count)
            .map(|n| (one.clone(), AssetId::new(&format!("test:b/erc20:{n}")).unwrap()))
            .collect(),
    };
    let no_bond = ActRefused::NoBond(account(CLAIMANT));
    assert_eq!(refused(&mut chain, CLAIMANT, pairs(1)), no_bond);
    assert!(matches!(
        refused(&mut chain, PROVIDER, pairs(65)),
        ActRefused::TooMany {
            have: 65,
            most: 64,
            ..
        }
    ));
    let twice = Act::List {
        pairs: vec![(one.clone(), one.clone()); 2],
    };
    assert_eq!(
        refused(&mut chain, PROVIDER, twice),
        ActRefused::Repeated("a pair")
    );
    for n in [PROVIDER, VALIDATORS[0]] {
        let op = chain.act(n, pairs(64));
        chain.take(1, op);
        let op = chain.act(n, pairs(0));
        chain.take(1, op);
    }
    assert_eq!(chain.ledger.state.scan(&LISTINGS, &()).count(), 0);
}

#[test]
fn what_is_listed_is_forgotten_with_the_bond_behind_it() {
    let mut chain = Chain::new(funded());
    let pair = (kofo(), AssetId::new("test:a/slip44:0").unwrap());
    let list = Act::List { pairs: vec![pair] };
    let all = Act::Unbond {
        kind: BondKind::Provider,
        asset: kofo(),
        amount: amount(1_000_000),
    };
    for n in [PROVIDER, VALIDATORS[0]] {
        let op = chain.act(n, list.clone());
        chain.take(1, op);
    }
    let op = chain.act(PROVIDER, all);
    chain.take(1, op);
    assert_eq!(chain.ledger.state.scan(&LISTINGS, &()).count(), 2);
    chain.wait(3_600_000);
    let left: Vec<_> = chain
        .ledger
        .state
        .scan(&LISTINGS, &())
        .map(|(who, _)| who)
        .collect();
    assert_eq!(left, [account(VALIDATORS[0])]);
}

#[test]
fn only_the_foundation_gives_points_and_nobody_can_pass_them_on() {
    let mut chain = Chain::new(funded());
    let grant = Act::Grant {
        to: account(9),
        points: 70,
    };
    let foundation = account(FOUNDATION);
    assert_eq!(
        refused(&mut chain, PROVIDER, grant.clone()),
        ActRefused::NotFoundation(foundation)
    );
    let op = chain.act(FOUNDATION, grant);
    chain.take(1, op);
    assert_eq!(chain.ledger.account(account(9)).points, 70);
}

#[test]
fn nothing_earned_is_nothing_to_collect() {
    let mut chain = Chain::new(funded());
    assert_eq!(
        refused(&mut chain, CLAIMANT, Act::Collect),
        ActRefused::NothingEarned
    );
    let reward = Purse::Reward(account(CLAIMANT));
    chain.ledger.state.bring(reward, &kofo(), amount(7)).unwrap();
    assert_eq!(
        chain.ledger.account(account(CLAIMANT)).holdings[0].reward,
        amount(7)
    );
    let op = chain.act(CLAIMANT, Act::Collect);
    chain.take(1, op);
    assert_eq!(free(&chain, CLAIMANT), 1_000_007);
}

/// A step of that ledger at a time, outside a batch.
fn with<T>(chain: &mut Chain, time_ms: u64, rule: impl FnOnce(&mut Step<'_>) -> T) -> T {
    let mut settlements = Vec::new();
    rule(&mut Step {
        genesis: &chain.ledger.genesis.clone(),
        proofs: &crate::NoProofs,
        state: &mut chain.ledger.state,
        height: 1,
        time_ms,
        settlements: &mut settlements,
    })
}

#[test]
fn the_first_ten_million_settled_trades_give_points_and_the_next_none() {
    let mut chain = Chain::new(funded());
    let (one, other) = (account(1), account(2));
    points::start_at(&mut chain.ledger.state, 9_999_998);
    let points = |chain: &Chain| {
        (
            chain.ledger.account(one).points,
            chain.ledger.account(other).points,
        )
    };
    let who = [(one, amount(30)), (other, amount(12))];
    with(&mut chain, 1, |step| points::settled(step, &who));
    assert_eq!(points(&chain), (30, 12));
    with(&mut chain, 1, |step| points::settled(step, &who[..1]));
    assert_eq!(points(&chain), (60, 12));
    with(&mut chain, 1, |step| points::settled(step, &who));
    assert_eq!(points(&chain), (60, 12));
    // The validators have 60 among them when the epoch ends, once.
    let validators = |chain: &Chain| VALIDATORS.map(|n| chain.ledger.account(account(n)).points);
    assert_eq!(validators(&chain), [0; 4]);
    for _ in 0..2 {
        chain.wait(3_600_000);
        assert_eq!(validators(&chain), [15; 4]);
    }
}

#[test]
fn what_was_earned_loses_a_tenth_each_day_however_often_it_is_looked_at() {
    let mut chain = Chain::new(funded());
    let day = 86_400_000;
    let who = account(1);
    let at = |chain: &mut Chain, time| with(chain, time, |step| earned(step, who, &kofo()).units());
    with(&mut chain, 5, |step| {
        add_earning(step, who, &kofo(), amount(1_005));
    });
    assert_eq!(at(&mut chain, day - 1), 1_005);
    assert_eq!(at(&mut chain, day), 904); // 904.5
    assert_eq!(at(&mut chain, 2 * day), 813); // 813.6
    with(&mut chain, 2 * day + 1, |step| {
        add_earning(step, who, &kofo(), amount(187));
    });
    assert_eq!(at(&mut chain, 3 * day), 900);
    assert_eq!(at(&mut chain, 400 * day), 0);
    let other = AssetId::new("test:a/slip44:0").unwrap();
    assert_eq!(
        with(&mut chain, 1, |step| earned(step, who, &other)),
        Amount::ZERO
    );
    with(&mut chain, 5, |step| {
        add_earning(step, who, &kofo(), amount(u128::MAX));
    });
    assert!(at(&mut chain, 20_000 * day) < 10, "it fades whatever it was");
}
