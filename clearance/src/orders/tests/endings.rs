//! The fault table: how orders end, and who gets what then. Each finding of the review of slashing is a sentence here.

use crate::book::Purse;
use crate::fixtures::{CLAIMANT, FOUNDATION, PROVIDER, account};
use crate::op::Fact;
use crate::orders::fixtures::*;
use crate::receipt::{Ending, Reason, Settlement};
use kofo_primitives::{FeePayer, Side, SwapId, UnixTime};

/// Just past a time (unix ms).
fn past(time: UnixTime) -> u64 {
    time.0 * 1_000 + 1_000
}

/// Alpha final, then nothing until beta was to be seen.
fn left_alone(town: &mut Town, trade: &Trade) -> SwapId {
    let id = town.order(trade);
    town.goes_on((id, Side::Alpha), Fact::Final);
    town.until(past(trade.terms.beta_lock_by));
    id
}

fn both_refunded(town: &mut Town, id: SwapId) -> Settlement {
    town.goes_on((id, Side::Beta), Fact::Refunded);
    town.ends((id, Side::Alpha), Fact::Refunded)
}

#[test]
fn who_selects_and_never_locks_pays_the_path_and_the_provider_for_its_option() {
    // Review 14: a free option for hours is what a premium is for.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.until(past(trade.terms.alpha_lock_by));
    let settlement = town.ends((id, Side::Alpha), Fact::Absent);
    assert_eq!(settlement.ending, Ending::NeverLocked);
    // A tenth of the fee, all of it to the path.
    assert_eq!(hops(&settlement), [15_000, 10_000, 5_000]);
    assert_eq!(paid(&settlement, Reason::FeeBack), 270_000);
    assert_eq!((town.free(FOUNDATION), town.has(Purse::Pool)), (0, 0));
    // The square root of a third of 5,000: 600 s of 1,800 s, from a commit that was a second later.
    assert_eq!(paid_to(&settlement, account(PROVIDER), Reason::Premium), 2_885);
    assert_eq!(town.free(PROVIDER), 1_002_885);
    assert_eq!(town.free(CLAIMANT), 1_000_000 - 30_000 - 2_885);
    assert_eq!(town.bond(PROVIDER), 1_000_000);
}

#[test]
fn the_option_costs_the_same_whenever_the_validators_get_to_say_that_it_was_not_used() {
    // The initiator does not pay for silent validators.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.until(past(trade.terms.beta_timelock));
    let settlement = town.ends((id, Side::Alpha), Fact::Absent);
    assert_eq!(paid(&settlement, Reason::Premium), 2_885);
}

#[test]
fn what_the_path_gets_for_nothing_comes_first_from_whoever_did_not_lock() {
    let mut town = Town::new();
    let trade = town.trade(1).fee(300_000, FeePayer::Split { claimant_bps: 500 });
    let id = town.order(&trade);
    town.until(past(trade.terms.alpha_lock_by));
    let settlement = town.ends((id, Side::Alpha), Fact::Absent);
    // 30,000 are kept: 15,000 are all that the claimant paid in.
    assert_eq!(paid_to(&settlement, account(CLAIMANT), Reason::FeeBack), 0);
    assert_eq!(paid_to(&settlement, account(PROVIDER), Reason::FeeBack), 270_000);
}

#[test]
fn a_provider_that_does_not_lock_forfeits_its_reserve_and_the_harmed_party_gets_a_hundredth_later() {
    // Review 15 and requirement C-16: no reward for attacking a provider, and no way around the unbonding time.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = left_alone(&mut town, &trade);
    let settlement = town.ends((id, Side::Beta), Fact::Absent);
    assert_eq!(settlement.ending, Ending::ProviderWalked);
    assert_eq!(
        paid_to(&settlement, account(CLAIMANT), Reason::Harmed),
        10_000,
        "of a worth of 1,000,000"
    );
    assert_eq!(paid(&settlement, Reason::Burnt), 90_000);
    assert_eq!(paid(&settlement, Reason::FeeBack), 300_000);
    assert_eq!(hops(&settlement), [], "nothing to the path");
    assert_eq!(town.free(FOUNDATION), 0, "nor to the foundation");
    assert_eq!(town.bond(PROVIDER), 900_000);
    assert_eq!(town.free(CLAIMANT), 1_000_000, "fee and premium are back");
    assert_eq!(town.has(Purse::Unbonding(account(CLAIMANT))), 10_000);
    let unbond_ms = town.chain.ledger.genesis().params.unbond_ms;
    town.until(settlement.time_ms + unbond_ms - 1);
    assert_eq!(town.free(CLAIMANT), 1_000_000);
    town.until(settlement.time_ms + unbond_ms);
    assert_eq!(town.free(CLAIMANT), 1_010_000);
    assert_eq!(town.chain.ledger.reliability(account(PROVIDER)), (0, 1));
}

#[test]
fn the_harmed_party_never_gets_more_than_was_reserved_and_what_nobody_can_be_given_is_burnt() {
    let mut genesis = rules();
    genesis.params.harmed_bps = 10_000;
    let mut town = Town::of(genesis);
    let mut trade = town.trade(1).fee(300_000, FeePayer::Provider);
    trade.terms.premium_bps = 0;
    let id = left_alone(&mut town, &trade);
    let settlement = town.ends((id, Side::Beta), Fact::Absent);
    assert_eq!(paid(&settlement, Reason::Harmed), 100_000, "all that there is");
    trade = town.trade(2).fee(300_000, FeePayer::Provider);
    trade.terms.premium_bps = 0;
    trade.payer = None;
    let id = left_alone(&mut town, &trade);
    let settlement = town.ends((id, Side::Beta), Fact::Absent);
    assert_eq!(
        paid(&settlement, Reason::Burnt),
        100_000,
        "the claimant has no account"
    );
}

#[test]
fn the_clock_of_the_providers_lock_starts_when_alpha_is_certainly_final() {
    // Review 16: 600 s from there, and not before.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.until(trade.terms.alpha_lock_by.0 * 1_000 - 2_000);
    town.goes_on((id, Side::Alpha), Fact::Final);
    let since = town.now();
    town.until(since + 599_000);
    town.goes_on((id, Side::Beta), Fact::Absent);
    assert_eq!(
        town.now(),
        since + 600_000,
        "a header at that time is not past it, nor are tips"
    );
    let settlement = town.ends((id, Side::Beta), Fact::Absent);
    assert_eq!(settlement.ending, Ending::ProviderWalked);
}

#[test]
fn a_provider_owes_no_lock_to_an_alpha_that_became_final_too_late() {
    // Review 16: the last-second lock. 300 s are needed until beta was to be seen, 1,200 s after the trade.
    for (final_at, ending) in [(900, Ending::ProviderWalked), (901, Ending::Refunded)] {
        let mut town = Town::new();
        let trade = town.trade(1);
        let began = town.now();
        let id = town.order(&trade);
        town.goes_on((id, Side::Alpha), Fact::Seen);
        town.until(began + final_at * 1_000 - 1_000);
        town.goes_on((id, Side::Alpha), Fact::Final);
        town.until(past(trade.terms.alpha_timelock));
        let mut ended = town.see(&ALL, (id, Side::Beta), Fact::Absent);
        ended.extend(town.see(&ALL, (id, Side::Alpha), Fact::Refunded));
        assert_eq!(ended[0].ending, ending, "{final_at}");
        let kept = ending == Ending::Refunded;
        assert_eq!(town.bond(PROVIDER) == 1_000_000, kept);
        let failed = u64::from(!kept);
        assert_eq!(town.chain.ledger.reliability(account(PROVIDER)), (0, failed));
    }
}

#[test]
fn a_slow_alpha_that_was_seen_in_time_leaves_the_provider_until_beta_was_to_be_seen() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.goes_on((id, Side::Alpha), Fact::Seen);
    town.until(past(trade.terms.alpha_lock_by));
    town.goes_on((id, Side::Alpha), Fact::Final);
    town.until(trade.terms.beta_lock_by.0 * 1_000 - 1_000);
    town.goes_on((id, Side::Beta), Fact::Absent);
    assert_eq!(
        town.ends((id, Side::Beta), Fact::Absent).ending,
        Ending::ProviderWalked
    );
}

#[test]
fn a_provider_that_locks_when_it_must_is_not_late_by_construction() {
    // Review 16. An initiator that locks as late as it may cannot make it so either: then nobody owes anything.
    for (later, ending) in [(300_000, Ending::Refunded), (301_000, Ending::ProviderLate)] {
        let mut town = Town::new();
        let mut trade = town.trade(1);
        trade.terms.redeem_by = UnixTime(trade.terms.beta_lock_by.0 + 10);
        let id = town.order(&trade);
        town.until(trade.terms.alpha_lock_by.0 * 1_000 - 1_000);
        town.goes_on((id, Side::Alpha), Fact::Final);
        let due = town.now() + 600_000;
        town.until(due - 2_000);
        town.goes_on((id, Side::Beta), Fact::Seen);
        town.until(due + later - 1_000);
        town.goes_on((id, Side::Beta), Fact::Final);
        assert_eq!(both_refunded(&mut town, id).ending, ending, "{later}");
    }
}

#[test]
fn a_provider_owes_no_lock_when_too_little_time_is_left_for_it() {
    // Review 16: twice the time to reveal must be left on beta.
    let mut town = Town::new();
    let mut trade = town.trade(1);
    let at = |later| UnixTime(town.now() / 1_000 + later);
    trade.terms.alpha_lock_by = at(2_000);
    trade.terms.beta_lock_by = at(2_200);
    trade.terms.redeem_by = at(2_390);
    let id = town.order(&trade);
    town.until(trade.terms.alpha_lock_by.0 * 1_000 - 10_000);
    town.goes_on((id, Side::Alpha), Fact::Final);
    town.until(past(trade.terms.beta_timelock));
    town.goes_on((id, Side::Beta), Fact::Absent);
    assert_eq!(
        town.ends((id, Side::Alpha), Fact::Refunded).ending,
        Ending::Refunded
    );
}

#[test]
fn a_provider_that_rightly_waits_for_a_reorganised_alpha_is_not_slashed() {
    // Review 16: what was certain is taken back, and nothing is owed for it any more, even if it returns.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.goes_on((id, Side::Alpha), Fact::Final);
    town.goes_on((id, Side::Alpha), Fact::Absent);
    town.goes_on((id, Side::Alpha), Fact::Final);
    town.until(past(trade.terms.alpha_timelock));
    town.goes_on((id, Side::Beta), Fact::Absent);
    let settlement = town.ends((id, Side::Alpha), Fact::Refunded);
    assert_eq!(settlement.ending, Ending::Refunded);
    assert_eq!(town.bond(PROVIDER), 1_000_000);
}

#[test]
fn one_observer_that_takes_its_word_back_is_enough_where_its_word_was_needed() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.see(&[1, 2, 3], (id, Side::Alpha), Fact::Final);
    town.see(&[3], (id, Side::Alpha), Fact::Absent);
    town.see(&[4], (id, Side::Alpha), Fact::Final);
    town.until(past(trade.terms.alpha_timelock));
    town.goes_on((id, Side::Beta), Fact::Absent);
    assert_eq!(
        town.ends((id, Side::Alpha), Fact::Refunded).ending,
        Ending::Refunded
    );
}

#[test]
fn a_lock_that_was_seen_and_reorganised_away_is_nobodys_fault() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.goes_on((id, Side::Beta), Fact::Absent);
    town.goes_on((id, Side::Alpha), Fact::Seen);
    town.until(past(trade.terms.alpha_lock_by));
    let settlement = town.ends((id, Side::Alpha), Fact::Absent);
    assert_eq!(settlement.ending, Ending::Refunded);
    assert_eq!(town.free(CLAIMANT), 1_000_000);
}

#[test]
fn absence_counts_only_by_tips_that_are_past_the_deadline() {
    // Review 16: a validator whose chain stands still knows nothing of what is on it.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = left_alone(&mut town, &trade);
    let stalled = trade.terms.alpha_lock_by.0 - 1;
    let ops = ALL.map(|who| town.word(who, (id, Side::Beta), Fact::Absent, stalled));
    let (done, ended) = town.run(ops.to_vec());
    assert_eq!((done, ended), (vec![Ok(()); 4], vec![]));
    assert_eq!(
        town.ends((id, Side::Beta), Fact::Absent).ending,
        Ending::ProviderWalked
    );
}

#[test]
fn fault_windows_wait_while_more_than_a_third_of_the_observers_are_silent() {
    // Review 16.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = left_alone(&mut town, &trade);
    assert_eq!(town.see(&[1, 2], (id, Side::Beta), Fact::Absent), []);
    assert_eq!(town.until(past(trade.terms.alpha_timelock)), []);
    let settlement = &town.see(&[3], (id, Side::Beta), Fact::Absent)[0];
    assert_eq!(settlement.ending, Ending::ProviderWalked);
}

#[test]
fn an_initiator_that_does_not_redeem_what_was_locked_in_time_pays_fee_and_premium() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.until(past(trade.terms.alpha_timelock));
    let settlement = both_refunded(&mut town, id);
    assert_eq!(settlement.ending, Ending::InitiatorWalked);
    assert_eq!(hops(&settlement), [105_000, 70_000, 35_000]);
    assert_eq!(paid_to(&settlement, account(PROVIDER), Reason::Premium), 5_000);
    assert_eq!(town.bond(PROVIDER), 1_000_000);
    assert_eq!(town.free(CLAIMANT), 1_000_000 - 305_000);
}

#[test]
fn a_late_provider_does_not_charge_the_initiator_but_pays_it() {
    // Review 17: beta became final in the reveal window; the initiator rightly refunds.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.goes_on((id, Side::Alpha), Fact::Final);
    town.goes_on((id, Side::Beta), Fact::Seen);
    town.until(trade.terms.redeem_by.0 * 1_000 - 299_000);
    town.goes_on((id, Side::Beta), Fact::Final);
    town.until(past(trade.terms.alpha_timelock));
    let settlement = both_refunded(&mut town, id);
    assert_eq!(settlement.ending, Ending::ProviderLate);
    assert_eq!(paid(&settlement, Reason::FeeBack), 300_000);
    assert_eq!(
        paid_to(&settlement, account(CLAIMANT), Reason::Harmed),
        5_000,
        "as much as the premium"
    );
    assert_eq!(paid(&settlement, Reason::Premium), 0);
    assert_eq!(town.bond(PROVIDER), 995_000, "the rest of the reserve is back");
    assert_eq!(town.chain.ledger.reliability(account(PROVIDER)), (0, 1));
}

#[test]
fn beta_is_in_time_to_the_millisecond() {
    for (later, ending) in [(0, Ending::InitiatorWalked), (1_000, Ending::ProviderLate)] {
        let mut town = Town::new();
        let trade = town.trade(1);
        let id = town.order(&trade);
        town.goes_on((id, Side::Alpha), Fact::Final);
        let in_time = (trade.terms.redeem_by.0 - 300) * 1_000;
        town.until(in_time - 1_000 + later);
        town.goes_on((id, Side::Beta), Fact::Final);
        assert_eq!(both_refunded(&mut town, id).ending, ending, "{later}");
    }
}

#[test]
fn a_lock_that_observers_saw_only_after_they_were_away_is_not_called_late() {
    // All validators stopped after both locks: nobody is slashed for that.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    town.goes_on((id, Side::Alpha), Fact::Final);
    town.until(past(trade.terms.alpha_timelock));
    assert_eq!(both_refunded(&mut town, id).ending, Ending::Refunded);
    assert_eq!(town.bond(PROVIDER), 1_000_000);
    // What was settled meanwhile is cleared when they return.
    let trade = town.trade(2);
    let id = town.order(&trade);
    town.until(past(trade.terms.alpha_timelock));
    assert_eq!(
        town.ends((id, Side::Beta), Fact::Redeemed).ending,
        Ending::Settled
    );
}

#[test]
fn the_initiator_is_whoever_issued_the_claim_and_no_message_can_make_the_provider_one() {
    // Review 18: the claimant gives alpha, locks first and knows the preimage; faults are written in those roles.
    let mut town = Town::new();
    let trade = town.trade(1);
    let cleared = trade.cleared();
    let id = town.order(&trade);
    let live = town.chain.ledger.live(&id).unwrap();
    assert_eq!(live.claimant, trade.claim.key);
    assert_eq!(live.legs[0].refunder, cleared.order.parts().claimant.alpha);
    assert_eq!(live.legs[1].refunder, cleared.order.parts().provider.beta);
    assert_eq!(live.legs[0].asset, trade.claim.give.asset);
    town.until(past(trade.terms.alpha_lock_by));
    let settlement = town.ends((id, Side::Alpha), Fact::Absent);
    assert_eq!(
        settlement.ending,
        Ending::NeverLocked,
        "alpha missing is the claimant's fault"
    );
    assert_eq!(town.bond(PROVIDER), 1_000_000);
}

#[test]
fn a_provider_cannot_be_slashed_by_an_initiator_that_withholds_its_address() {
    // Review 4: all identifiers of both legs are in the order before anybody has to lock.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.order(&trade);
    let live = town.chain.ledger.live(&id).unwrap();
    let order = trade.cleared().order;
    for (leg, of) in live.legs.iter().zip(order.legs()) {
        assert_eq!((&leg.redeemer, &leg.refunder), (of.redeemer, of.refunder));
        assert_eq!(
            (&leg.place, leg.amount, leg.timelock),
            (of.place, of.amount, of.timelock)
        );
        assert_eq!(leg.hashlock, order.parts().select.body.hashlock);
    }
}

#[test]
fn legs_that_ended_by_both_signatures_count_as_settled_for_the_fee_and_as_nobodys_fault() {
    // Review 25: a key path spend shows nothing.
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.goes_on((id, Side::Beta), Fact::Unclear);
    town.goes_on((id, Side::Alpha), Fact::Unclear);
    let week = trade.terms.alpha_timelock.0 * 1_000 + 7 * DAY_MS;
    assert_eq!(town.until(week - 1), []);
    let ended = town.until(week);
    assert_eq!(ended[0].ending, Ending::Unclear);
    assert_eq!(hops(&ended[0]), [105_000, 70_000, 35_000]);
    assert_eq!(town.free(CLAIMANT), 1_000_000 - 300_000, "the premium is back");
    assert_eq!(town.bond(PROVIDER), 1_000_000);
    assert_eq!(town.chain.ledger.reliability(account(PROVIDER)), (0, 0));
}

#[test]
fn observers_who_differ_in_how_it_ended_agree_that_it_did() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.see(&[1, 2], (id, Side::Beta), Fact::Unclear);
    town.see(&[3, 4], (id, Side::Beta), Fact::Redeemed);
    let week = trade.terms.alpha_timelock.0 * 1_000 + 7 * DAY_MS;
    assert_eq!(town.until(week)[0].ending, Ending::Unclear);
}

#[test]
fn without_facts_for_a_fortnight_everything_goes_back() {
    // Review 24.
    let mut town = Town::new();
    let trade = town.trade(1);
    town.order(&trade);
    let fortnight = trade.terms.alpha_timelock.0 * 1_000 + 14 * DAY_MS;
    assert_eq!(town.until(fortnight - 1), []);
    let ended = town.until(fortnight);
    assert_eq!(ended[0].ending, Ending::Unobserved);
    assert_eq!((town.free(CLAIMANT), town.free(PROVIDER)), (1_000_000, 1_000_000));
    assert_eq!(town.bond(PROVIDER), 1_000_000);
}

#[test]
fn an_initiator_that_leaves_its_alpha_locked_gains_nothing_by_it() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.goes_on((id, Side::Beta), Fact::Refunded);
    let week = trade.terms.alpha_timelock.0 * 1_000 + 7 * DAY_MS;
    let ended = town.until(week);
    assert_eq!(ended[0].ending, Ending::InitiatorWalked);
    assert_eq!(paid(&ended[0], Reason::Premium), 5_000);
}

#[test]
fn a_preimage_that_was_shown_makes_a_trade_even_if_beta_was_taken_too_late() {
    let mut town = Town::new();
    let trade = town.trade(1);
    let id = town.locked(&trade);
    town.goes_on((id, Side::Alpha), Fact::Redeemed);
    let settlement = town.ends((id, Side::Beta), Fact::Refunded);
    assert_eq!(settlement.ending, Ending::Settled);
}

#[test]
fn reliability_counts_what_the_provider_did_and_nothing_else() {
    let mut town = Town::new();
    let trade = town.trade(1);
    town.settled(&trade);
    let trade = town.trade(2);
    let id = town.locked(&trade);
    assert_eq!(both_refunded(&mut town, id).ending, Ending::InitiatorWalked);
    assert_eq!(town.chain.ledger.reliability(account(PROVIDER)), (1, 0));
}
