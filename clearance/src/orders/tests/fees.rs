//! What becomes of a fee.

use crate::book::{BondKind, Book, Purse};
use crate::fixtures::{CLAIMANT, FOUNDATION, PROVIDER, RELAYS, account, kofo};
use crate::genesis::GenesisBalance;
use crate::op::{Act, Fact};
use crate::orders::fixtures::*;
use crate::receipt::{Ending, Reason};
use kofo_primitives::{Amount, FeePayer, Side};

fn relay(genesis: &mut crate::Genesis, n: u8, bond: u128) {
    let mut rows = genesis.balances.iter_mut();
    if let Some(row) = rows.find(|row| row.account == account(n)) {
        row.relay = Amount::new(bond);
        return;
    }
    genesis.balances.push(GenesisBalance {
        account: account(n),
        asset: kofo(),
        free: Amount::ZERO,
        provider: Amount::ZERO,
        relay: Amount::new(bond),
    });
}

#[test]
fn a_fee_of_300000_is_escrowed_at_the_commit_and_paid_30000_60000_210000_at_the_settlement() {
    // Requirements C-05 and C-17.
    let mut town = Town::new();
    let before = town.free(CLAIMANT);
    let trade = town.trade(1);
    let id = town.locked(&trade);
    assert_eq!(town.free(CLAIMANT), before - 300_000 - 5_000);
    assert_eq!(town.has(Purse::Escrow(id)), 300_000 + 5_000);
    assert_eq!(town.has(Purse::Reserved(id)), 100_000);
    let settlement = town.ends((id, Side::Beta), Fact::Redeemed);
    assert_eq!(settlement.ending, Ending::Settled);
    assert_eq!(town.free(FOUNDATION), 30_000);
    assert_eq!(town.has(Purse::Pool), 60_000);
    assert_eq!(RELAYS[..3].iter().map(|n| town.free(*n)).sum::<u128>(), 210_000);
    assert_eq!(hops(&settlement), [105_000, 70_000, 35_000]);
    assert_eq!(town.free(CLAIMANT), before - 300_000, "the premium came back");
    assert_eq!(town.bond(PROVIDER), 1_000_000, "and the reserve");
    assert_eq!(town.has(Purse::Escrow(id)), 0);
    assert_eq!(town.has(Purse::Reserved(id)), 0);
    assert_eq!(all_paid(&settlement), Amount::new(300_000 + 5_000 + 100_000));
    assert_eq!(paid_to(&settlement, account(PROVIDER), Reason::Back), 100_000);
    assert_eq!(paid_to(&settlement, account(CLAIMANT), Reason::Back), 5_000);
}

#[test]
fn a_fee_of_100001_is_paid_to_the_last_unit() {
    // Requirement C-11.
    let mut town = Town::new();
    let trade = town.trade(1).fee(100_001, FeePayer::Claimant);
    let settlement = town.settled(&trade);
    assert_eq!(paid(&settlement, Reason::Foundation), 10_000);
    assert_eq!(paid(&settlement, Reason::Validators), 20_000);
    assert_eq!(hops(&settlement), [35_000, 23_334, 11_667]);
    assert_eq!(paid(&settlement, Reason::Burnt), 0);
}

#[test]
fn the_fee_comes_back_to_its_payer_when_both_have_their_own_again() {
    // Requirement C-05.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let back = [(Side::Alpha, Fact::Seen), (Side::Beta, Fact::Absent)];
    for (side, fact) in back {
        town.goes_on((id, side), fact);
    }
    let settlement = town.ends((id, Side::Alpha), Fact::Refunded);
    assert_eq!(settlement.ending, Ending::Refunded);
    assert_eq!(paid_to(&settlement, account(CLAIMANT), Reason::FeeBack), 300_000);
    assert_eq!(town.free(CLAIMANT), 1_000_000);
    assert_eq!(town.free(FOUNDATION), 0);
}

#[test]
fn each_payer_pays_its_part_and_the_provider_the_unit_of_rounding() {
    let parts = [
        (FeePayer::Claimant, 100_001, 0),
        (FeePayer::Provider, 0, 100_001),
        (FeePayer::Split { claimant_bps: 2_500 }, 25_000, 75_001),
    ];
    for (payer, claimant, provider) in parts {
        let mut town = Town::new();
        let mut trade = town.trade(1).fee(100_001, payer);
        trade.terms.premium_bps = 0;
        let id = town.order(&trade);
        assert_eq!(town.free(CLAIMANT), 1_000_000 - claimant);
        assert_eq!(town.free(PROVIDER), 1_000_000 - provider);
        assert_eq!(town.has(Purse::Escrow(id)), 100_001);
        let closing = (trade.terms.alpha_timelock.0 * 1_000) + 14 * DAY_MS;
        let ended = town.until(closing);
        assert_eq!(ended[0].ending, Ending::Unobserved);
        assert_eq!(town.free(CLAIMANT), 1_000_000);
        assert_eq!(town.free(PROVIDER), 1_000_000);
    }
}

#[test]
fn one_identity_or_five_on_the_path_earn_the_same_to_one_unit() {
    let attacker: [u8; 5] = [41, 42, 43, 44, 45];
    let earns = |parts: &[u8]| {
        let mut genesis = rules();
        let bond = 50_000 / u128::try_from(parts.len()).unwrap();
        for n in parts {
            relay(&mut genesis, *n, bond);
        }
        let mut town = Town::of(genesis);
        let path = [&RELAYS[..2], parts].concat();
        let trade = town.trade(1).fee(99_991, FeePayer::Claimant).over(&path);
        let settlement = town.settled(&trade);
        parts
            .iter()
            .map(|n| {
                let payouts = settlement.payouts.iter();
                let own = payouts.filter(|payout| payout.to == Some(account(*n)));
                own.map(|payout| payout.amount.units()).sum::<u128>()
            })
            .sum::<u128>()
    };
    let one = earns(&attacker[..1]);
    assert!(one > 30_000);
    for parts in [2, 5] {
        assert!(earns(&attacker[..parts]).abs_diff(one) <= 1, "{parts}");
    }
}

#[test]
fn one_identity_on_the_path_twice_is_paid_once() {
    let mut town = Town::new();
    let trade = town.trade(1).over(&[31, 32, 31]);
    let settlement = town.settled(&trade);
    assert_eq!(
        hops(&settlement),
        [126_000, 84_000],
        "3 to 2, and nothing for the third"
    );
}

#[test]
fn a_hop_that_shows_no_payee_gets_nothing_and_the_rest_lose_nothing() {
    let whole = {
        let mut town = Town::new();
        let trade = town.trade(1);
        hops(&town.settled(&trade))
    };
    let mut town = Town::new();
    let mut trade = town.trade(1);
    trade.hops[2].1 = false;
    let settlement = town.settled(&trade);
    let rest = hops(&settlement);
    assert_eq!(rest, [126_000, 84_000]);
    assert!(rest[0] >= whole[0] && rest[1] >= whole[1]);
    assert_eq!(town.free(RELAYS[2]), 0);
    assert_eq!(
        paid(&settlement, Reason::Validators),
        60_000,
        "nobody who judges gains by it"
    );
}

#[test]
fn a_path_on_which_nobody_can_be_paid_burns_its_part_and_never_enriches_those_who_judge() {
    // Review 21 a.
    let mut town = Town::new();
    let mut trade = town.trade(1);
    for hop in &mut trade.hops {
        hop.1 = false;
    }
    let settlement = town.settled(&trade);
    assert_eq!(paid(&settlement, Reason::Foundation), 30_000);
    assert_eq!(paid(&settlement, Reason::Validators), 60_000);
    assert_eq!(paid(&settlement, Reason::Burnt), 210_000);
    assert_eq!(town.has(Purse::Burnt), 210_000);
}

#[test]
fn neither_margin_nor_stake_nor_free_money_weighs_and_no_bond_weighs_more_than_the_most() {
    // Review 21 b: a provider's margin and a validator's stake secure something else; a whale is capped.
    let mut genesis = rules();
    relay(&mut genesis, 41, 10_000_000);
    relay(&mut genesis, 42, 100_000);
    let mut town = Town::of(genesis);
    let trade = town.trade(1).over(&[41, 42, 101, CLAIMANT, PROVIDER]);
    let settlement = town.settled(&trade);
    assert_eq!(hops(&settlement), [105_000, 105_000]);
}

#[test]
fn the_parties_of_an_order_have_no_share_in_its_fee_whatever_they_bonded() {
    // Review 21 b.
    let mut genesis = rules();
    relay(&mut genesis, CLAIMANT, 50_000);
    relay(&mut genesis, PROVIDER, 50_000);
    let mut town = Town::of(genesis);
    let trade = town.trade(1).over(&[CLAIMANT, 31, PROVIDER]);
    let settlement = town.settled(&trade);
    assert_eq!(hops(&settlement), [210_000]);
    assert_eq!(paid_to(&settlement, account(31), Reason::Hop(2)), 210_000);
}

#[test]
fn a_bond_below_the_least_weighs_nothing() {
    let mut town = Town::new();
    for (n, bond) in [(41, 999), (42, 1_000)] {
        let purse = Purse::Bond(account(n), BondKind::Relay);
        let state = &mut town.chain.ledger.state;
        state.bring(purse, &kofo(), Amount::new(bond)).unwrap();
    }
    let trade = town.trade(1).over(&[41, 42]);
    assert_eq!(hops(&town.settled(&trade)), [210_000]);
}

#[test]
fn a_hop_that_is_jailed_as_a_validator_weighs_nothing() {
    let mut genesis = rules();
    relay(&mut genesis, 104, 30_000);
    let mut town = Town::of(genesis);
    let trade = town.trade(1).fee(1_000, FeePayer::Claimant).over(&[31, 104]);
    let id = town.locked(&trade);
    town.see(&[4], (id, Side::Beta), Fact::Redeemed);
    town.see(&[4], (id, Side::Beta), Fact::Refunded);
    let settlement = &town.see(&[1, 2, 3], (id, Side::Beta), Fact::Redeemed)[0];
    assert_eq!(
        hops(settlement),
        [350, 350],
        "it was not when that order was committed"
    );
    let trade = town.trade(2).fee(1_000, FeePayer::Claimant).over(&[31, 104]);
    let id = town.order(&trade);
    let settlement = &town.see(&[1, 2, 3], (id, Side::Beta), Fact::Redeemed)[0];
    assert_eq!(hops(settlement), [700]);
}

#[test]
fn a_hop_weighs_what_it_did_at_the_commit_whatever_it_does_with_its_bond_later() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    let unbond = Act::Unbond {
        kind: BondKind::Relay,
        asset: kofo(),
        amount: Amount::new(30_000),
    };
    let act = town.chain.act(31, unbond);
    town.chain.take(1_000, act);
    assert_eq!(town.has(Purse::Bond(account(31), BondKind::Relay)), 0);
    let settlement = town.ends((id, Side::Beta), Fact::Redeemed);
    assert_eq!(hops(&settlement), [105_000, 70_000, 35_000]);
}

#[test]
fn what_a_hop_earned_weighs_in_its_next_order() {
    let mut town = Town::new();
    let trade = town.trade(1).fee(1_000, FeePayer::Claimant).over(&[33]);
    town.settled(&trade);
    assert_eq!(town.free(33), 700);
    // 10,000 and 1.25 times 700 beside 10,000 of a relay that earned nothing.
    let trade = town.trade(2).fee(298_215, FeePayer::Claimant).over(&[33, 34]);
    let path = 298_215 - 29_821 - 59_643;
    let shares = hops(&town.settled(&trade));
    assert_eq!(shares.iter().sum::<u128>(), path);
    assert!(
        (shares[0] * 20_875).abs_diff(path * 10_875) < 20_875,
        "{shares:?}"
    );
}

#[test]
fn points_are_for_both_parties_as_much_as_the_foundation_got_and_only_for_what_was_settled() {
    // Requirement C-18 and review 22.
    let mut town = Town::new();
    let trade = town.trade(1);
    town.settled(&trade);
    let points = |town: &Town, n| crate::points::points(&town.chain.ledger.state, account(n));
    assert_eq!(
        (points(&town, CLAIMANT), points(&town, PROVIDER)),
        (30_000, 30_000)
    );
    let trade = town.trade(2);
    let id = town.order(&trade);
    town.goes_on((id, Side::Beta), Fact::Absent);
    town.ends((id, Side::Alpha), Fact::Refunded);
    assert_eq!(
        (points(&town, CLAIMANT), points(&town, PROVIDER)),
        (30_000, 30_000)
    );
}
