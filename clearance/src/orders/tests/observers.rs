//! Who is believed about a chain.

use crate::fixtures::{VALIDATORS, chain, validator};
use crate::op::{Fact, Observation, Op};
use crate::orders::OrderRefused;
use crate::orders::fixtures::*;
use crate::receipt::Ending;
use crate::refused::Refused;
use crate::staking::observing;
use kofo_primitives::{LegId, Side, SwapId};

fn no(refused: OrderRefused) -> Result<(), Refused> {
    Err(Refused::Order(refused))
}

fn certain(town: &Town, id: SwapId, leg: usize) -> Option<Fact> {
    town.chain.ledger.live(&id).unwrap().legs[leg].certain
}

#[test]
fn a_fact_needs_more_than_two_thirds_of_the_observers() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.see(&[1, 2], (id, Side::Alpha), Fact::Final);
    assert_eq!(certain(&town, id, 0), None);
    town.see(&[3], (id, Side::Alpha), Fact::Seen);
    assert_eq!(certain(&town, id, 0), Some(Fact::Seen), "what is final was seen");
    town.see(&[3], (id, Side::Alpha), Fact::Final);
    assert_eq!(certain(&town, id, 0), Some(Fact::Final));
}

#[test]
fn two_thirds_exactly_are_not_enough() {
    let mut genesis = rules();
    genesis.validators[3].observes.clear();
    let mut town = Town::of(genesis);
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.see(&[1, 2], (id, Side::Alpha), Fact::Final);
    assert_eq!(certain(&town, id, 0), None, "two of three");
    town.see(&[3], (id, Side::Alpha), Fact::Final);
    assert_eq!(certain(&town, id, 0), Some(Fact::Final));
}

#[test]
fn a_validator_without_that_chain_abstains_and_the_others_are_enough() {
    // Requirement C-21 and review 24: two thirds of those who observe, not of all.
    let mut genesis = rules();
    genesis.validators[3].observes = vec![chain("test:a")];
    let mut town = Town::of(genesis);
    let trade = town.trade(1);
    let id = town.locked_by(&trade, &[1, 2, 3]);
    let word = town.word(4, (id, Side::Beta), Fact::Redeemed, 1);
    let key = validator(4).key();
    let refused = no(OrderRefused::NotObserver {
        key,
        chain: chain("test:b"),
    });
    assert_eq!(town.run(vec![word]).0, [refused]);
    let settlement = &town.see(&[1, 2, 3], (id, Side::Beta), Fact::Redeemed)[0];
    assert_eq!(settlement.ending, Ending::Settled);
}

#[test]
fn one_validator_never_decides_alone_even_if_nobody_else_looks_any_more() {
    // Review 24: the pair was open when the order was committed, and is suspended since.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let observe = |chains: &[&str]| crate::op::Act::Observe {
        chains: chains.iter().map(|name| chain(name)).collect(),
    };
    for n in &VALIDATORS[1..] {
        let act = town.chain.act(*n, observe(&["test:a"]));
        town.chain.take(1_000, act);
    }
    town.until(town.now() + 3_600_000);
    town.until(town.now() + 1_000);
    let (declared, total) = observing(&town.chain.ledger.state, &chain("test:b"));
    assert_eq!(declared * 4, total, "one of four observes it");
    assert_eq!(town.see(&[1], (id, Side::Beta), Fact::Redeemed), []);
    assert_eq!(certain(&town, id, 1), None);
}

#[test]
fn only_the_last_word_of_a_validator_counts_and_words_come_in_order() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let first = town.word(1, (id, Side::Alpha), Fact::Seen, 1);
    let second = town.word(1, (id, Side::Alpha), Fact::Final, 1);
    let old = || no(OrderRefused::OldObservation { have: 0, last: 1 });
    let same = no(OrderRefused::OldObservation { have: 1, last: 1 });
    let (done, _) = town.run(vec![second.clone(), first, second]);
    assert_eq!(done, [Ok(()), old(), same]);
    let said = &town.chain.ledger.live(&id).unwrap().legs[0].said;
    assert_eq!((said.len(), said[0].1, said[0].2), (1, 1, Fact::Final));
    for who in [2, 3] {
        town.see(&[who], (id, Side::Alpha), Fact::Final);
    }
    assert_eq!(certain(&town, id, 0), Some(Fact::Final));
    town.see(&[1], (id, Side::Alpha), Fact::Absent);
    assert_eq!(certain(&town, id, 0), None, "it took its word back");
}

#[test]
fn a_stranger_a_strange_leg_and_a_strange_order_are_not_heard() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let stranger = town.word(9, (id, Side::Alpha), Fact::Final, 1);
    let second_leg = LegId {
        side: Side::Alpha,
        index: 1,
    };
    let Op::Observed(seen) = town.word(1, (id, Side::Alpha), Fact::Final, 1) else {
        panic!()
    };
    let leg = Observation {
        leg: second_leg,
        ..seen.observation.clone()
    };
    let unknown = SwapId::new([1; 32]);
    let order = Observation {
        order: unknown,
        ..seen.observation
    };
    let say = |observation: Observation| Op::Observed(Box::new(observation.sign(&validator(1))));
    let (done, _) = town.run(vec![stranger, say(leg), say(order)]);
    let refused = [
        no(OrderRefused::NotObserver {
            key: validator(9).key(),
            chain: chain("test:a"),
        }),
        no(OrderRefused::NoLeg(second_leg)),
        no(OrderRefused::Unknown(unknown)),
    ];
    assert_eq!(done, refused);
}

#[test]
fn three_of_four_decide_the_fourth_is_flagged_and_a_later_proof_slashes_it() {
    // Requirement ECH-C-06.
    let mut town = Town::with_proofs();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.see(&[4], (id, Side::Beta), Fact::Refunded);
    let settlement = &town.see(&[1, 2, 3], (id, Side::Beta), Fact::Redeemed)[0];
    assert_eq!(settlement.ending, Ending::Settled, "three of four");
    let flagged: Vec<_> = town.chain.ledger.contested().collect();
    assert_eq!(flagged.len(), 1);
    let (order, leg, said) = &flagged[0];
    assert_eq!((*order, *leg), (id, LegId::first(Side::Beta)));
    assert!(said.contains(&(validator(4).key(), Fact::Refunded)));
    assert_eq!(town.stake_of(4), 1_000_000, "nobody knows yet who was wrong");
    assert_eq!(town.proof((id, Side::Beta), &[1]), (Ok(()), vec![]));
    assert_eq!(town.stake_of(4), 988_000, "1.2 % of its stake");
    assert_eq!(town.stake_of(1), 1_000_000);
    assert_eq!(town.chain.ledger.contested().count(), 0);
    let again = town.proof((id, Side::Beta), &[1]).0;
    assert_eq!(again, no(OrderRefused::Unknown(id)), "once");
}

#[test]
fn what_is_contested_is_forgotten_when_stake_is_free_again() {
    let mut town = Town::with_proofs();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.see(&[4], (id, Side::Beta), Fact::Refunded);
    let ended = town.see(&[1, 2, 3], (id, Side::Beta), Fact::Redeemed)[0].time_ms;
    let unstake_ms = town.chain.ledger.genesis().params.unstake_ms;
    town.until(ended + unstake_ms - 1);
    assert_eq!(town.chain.ledger.contested().count(), 1);
    town.until(ended + unstake_ms);
    assert_eq!(town.chain.ledger.contested().count(), 0);
}

#[test]
fn a_chains_own_proof_overrules_all_words_and_convicts_nobody_whom_most_agree_with() {
    // Who pays a script twice has true proofs of both ends: with one of them it must not have honest validators slashed.
    let mut town = Town::with_proofs();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.see(&ALL, (id, Side::Beta), Fact::Refunded);
    let (done, ended) = town.proof((id, Side::Beta), &[1]);
    assert_eq!(done, Ok(()));
    assert_eq!(ended[0].ending, Ending::Settled);
    assert_eq!(ALL.map(|who| town.stake_of(who)), [1_000_000; 4]);
}

#[test]
fn whoever_says_the_contrary_of_what_is_proven_is_not_heard() {
    let mut town = Town::with_proofs();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.proof((id, Side::Beta), &[2]).0.unwrap();
    let word = town.word(1, (id, Side::Beta), Fact::Redeemed, 9);
    let refused = no(OrderRefused::Proven(Fact::Refunded));
    assert_eq!(town.run(vec![word]).0, [refused]);
    assert_eq!(town.stake_of(1), 1_000_000);
}

#[test]
fn a_proof_of_a_lock_makes_it_certain_and_words_cannot_take_it_back() {
    let mut town = Town::with_proofs();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.goes_on((id, Side::Alpha), Fact::Final);
    assert_eq!(town.proof((id, Side::Beta), &[0]), (Ok(()), vec![]));
    town.until(trade.terms.beta_lock_by.0 * 1_000 + 1_000);
    assert_eq!(town.see(&ALL, (id, Side::Beta), Fact::Absent), []);
    assert_eq!(certain(&town, id, 1), Some(Fact::Final));
    let again = town.proof((id, Side::Beta), &[0]).0;
    assert_eq!(again, no(OrderRefused::Proven(Fact::Final)));
    assert_eq!(town.proof((id, Side::Beta), &[1]).1[0].ending, Ending::Settled);
}

#[test]
fn whoever_contradicts_a_proof_or_itself_about_an_end_is_slashed_and_heard_no_more() {
    // Review 24: punished for final statements only.
    let mut town = Town::with_proofs();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.proof((id, Side::Beta), &[0]).0.unwrap();
    town.see(&[1], (id, Side::Beta), Fact::Redeemed);
    town.see(&[1], (id, Side::Beta), Fact::Refunded);
    assert_eq!(town.stake_of(1), 988_000);
    let word = town.word(1, (id, Side::Beta), Fact::Redeemed, 1);
    let key = validator(1).key();
    assert_eq!(town.run(vec![word]).0, [no(OrderRefused::Contradicted(key))]);
    assert_eq!(
        town.see(&[2, 3], (id, Side::Beta), Fact::Redeemed),
        [],
        "two of four"
    );
    let ended = town.see(&[4], (id, Side::Beta), Fact::Redeemed);
    assert_eq!(ended[0].ending, Ending::Settled);
    assert_eq!(town.stake_of(1), 988_000, "once");
}

#[test]
fn whoever_takes_back_a_lock_after_a_reorganisation_is_not_punished() {
    // Review 24.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    for fact in [Fact::Seen, Fact::Final, Fact::Absent, Fact::Final] {
        town.goes_on((id, Side::Alpha), fact);
    }
    town.goes_on((id, Side::Beta), Fact::Unclear);
    town.ends((id, Side::Beta), Fact::Redeemed);
    assert_eq!(ALL.map(|who| town.stake_of(who)), [1_000_000; 4]);
}

#[test]
fn proofs_of_chains_without_a_rule_and_proofs_of_nothing_are_refused() {
    let mut town = Town::with_proofs();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let refused = town.proof((id, Side::Alpha), &[1]).0;
    assert_eq!(refused, no(OrderRefused::NoProofRule(chain("test:a"))));
    let refused = town.proof((id, Side::Beta), &[9]).0;
    assert!(matches!(refused, Err(Refused::Order(OrderRefused::Proof(_)))));
    let refused = town.proof((id, Side::Beta), &[3]).0;
    assert_eq!(refused, no(OrderRefused::ProofFact(Fact::Seen)));
}

#[test]
fn observers_are_told_at_which_times_it_matters_what_they_see() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let watch = |town: &Town| {
        let live = town.chain.ledger.live(&id).unwrap();
        live.legs.map(|leg| leg.watch_ms)
    };
    let lock_by = trade.terms.alpha_lock_by.0 * 1_000;
    let in_time = (trade.terms.redeem_by.0 - 300) * 1_000;
    assert_eq!(watch(&town), [vec![lock_by], vec![in_time]]);
    town.goes_on((id, Side::Alpha), Fact::Final);
    let due = town.now() + 600_000;
    assert_eq!(watch(&town), [vec![lock_by], vec![due, in_time]]);
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.until(trade.terms.alpha_lock_by.0 * 1_000 + 100_000);
    town.goes_on((id, Side::Alpha), Fact::Final);
    let due = trade.terms.beta_lock_by.0 * 1_000;
    let live = town.chain.ledger.live(&id).unwrap();
    assert_eq!(live.legs[1].watch_ms, [due, due + 300_000]);
    assert_eq!(town.chain.ledger.live_orders().count(), 1);
}
