//! What an order must be to be committed: each check by its number.

use crate::book::{BondKind, Purse};
use crate::checked::{CheckError, CheckedOp};
use crate::fixtures::{CLAIMANT, PROVIDER, account, chain, key, kofo, network};
use crate::op::{Act, ClearedOrder, Op};
use crate::orders::OrderRefused;
use crate::orders::fixtures::*;
use kofo_primitives::*;

/// What a town answers to a trade that is right but for this.
fn refused(change: impl FnOnce(&mut Trade)) -> OrderRefused {
    let mut town = Town::new();
    let mut trade = town.trade(1);
    change(&mut trade);
    town.refused(&trade)
}

fn op(cleared: ClearedOrder) -> Op {
    Op::Order(Box::new(cleared))
}

fn checked(cleared: ClearedOrder) -> Result<CheckedOp, CheckError> {
    CheckedOp::new(op(cleared), &network())
}

#[test]
fn v1_no_bit_of_an_order_can_be_altered() {
    let bytes = encode(&op(Town::new().trade(1).cleared()));
    assert!(CheckedOp::read(bytes.clone(), &network()).is_ok());
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(
            CheckedOp::read(altered, &network()).is_err(),
            "byte {at} of {}",
            bytes.len()
        );
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(
        CheckedOp::read(longer, &network()).is_err(),
        "there is one encoding"
    );
}

#[test]
fn v2_an_order_of_another_network_or_of_two_alone_is_refused() {
    let mut trade = Town::new().trade(1);
    let other = NetworkId::new("kofo-other").unwrap();
    let ours = checked(trade.cleared()).map(|_| ());
    assert_eq!(ours, Ok(()));
    let there = CheckedOp::new(op(trade.cleared()), &other).map(|_| ());
    assert!(matches!(there, Err(CheckError::Network { .. })));
    trade.claim.mode = Mode::P2P;
    trade.claim.fee = FeeTerms::Free;
    assert_eq!(checked(trade.cleared()).map(|_| ()), Err(CheckError::Direct));
}

#[test]
fn v2_who_is_paid_and_who_pays_cannot_be_exchanged_for_another() {
    // Review 20: the hop's entry commits to its payee.
    let trade = Town::new().trade(1);
    let mut cleared = trade.cleared();
    if let Some(opening) = &mut cleared.hops[1] {
        opening.payee = account(99);
    }
    assert_eq!(checked(cleared).map(|_| ()), Err(CheckError::Payee(2)));
    let mut cleared = trade.cleared();
    cleared.hops.swap(0, 1);
    assert_eq!(checked(cleared).map(|_| ()), Err(CheckError::Payee(1)));
    let mut cleared = trade.cleared();
    cleared.hops.pop();
    assert_eq!(
        checked(cleared).map(|_| ()),
        Err(CheckError::Hops { have: 2, want: 3 })
    );
    let mut cleared = trade.cleared();
    let mut other = trade.clone();
    other.preimage = 77;
    cleared.payment = other.cleared().payment;
    assert_eq!(
        checked(cleared).map(|_| ()),
        Err(CheckError::Payment),
        "for another order"
    );
    let mut cleared = trade.cleared();
    if let Some(payment) = &mut cleared.payment {
        payment.body.account = account(PROVIDER);
    }
    assert!(
        matches!(checked(cleared), Err(CheckError::Signature(_))),
        "signed by another"
    );
}

#[test]
fn v2_an_order_without_every_return_signature_is_none_so_that_a_stripper_loses_its_own_share() {
    // Review 21 a.
    let trade = Town::new().trade(1);
    for stripped in 0..3 {
        let mut parts = trade.parts();
        parts.returns.remove(stripped);
        assert!(matches!(MatchedOrder::new(parts), Err(MatchError::Returns(_))));
    }
    let mut parts = trade.parts();
    parts.path[2].signature = parts.path[1].signature;
    assert!(matches!(MatchedOrder::new(parts), Err(MatchError::Path(_))));
}

#[test]
fn v3_a_claim_that_is_over_or_not_made_yet_is_refused() {
    let mut town = Town::new();
    let mut trade = town.trade(1);
    trade.expires_ms += 60_000;
    town.until(trade.claim.expires_ms + 5_000);
    let now_ms = town.now() + 1_000;
    let expires_ms = trade.claim.expires_ms;
    assert_eq!(
        town.refused(&trade),
        OrderRefused::ClaimExpired { expires_ms, now_ms }
    );
    let early = refused(|trade| trade.claim.created_ms += 7_000);
    assert!(matches!(early, OrderRefused::ClaimTooEarly { .. }));
}

#[test]
fn v4_a_claim_is_filled_once() {
    let mut town = Town::new();
    let mut trade = town.trade(1);
    for (quote, give) in [(0, 50), (1, 40)] {
        trade.quote = quote;
        trade.preimage = 10 + quote;
        trade.terms.reservation.seq = u64::from(quote);
        trade.terms.give = Amount::new(give);
        town.order(&trade);
    }
    (trade.quote, trade.preimage, trade.terms.reservation.seq) = (2, 12, 2);
    trade.terms.give = Amount::new(11);
    let (left, fill) = (Amount::new(10), Amount::new(11));
    assert_eq!(town.refused(&trade), OrderRefused::ClaimFilled { left, fill });
    trade.terms.give = left;
    town.order(&trade);
}

#[test]
fn v4_v5_too_small_a_fill_and_a_price_below_the_limit_make_no_order() {
    let mut trade = Town::new().trade(1);
    trade.terms.give = Amount::new(9);
    assert!(matches!(
        MatchedOrder::new(trade.parts()),
        Err(MatchError::Fill { .. })
    ));
    trade.terms.give = Amount::new(50);
    trade.terms.want = Amount::new(949);
    assert!(matches!(
        MatchedOrder::new(trade.parts()),
        Err(MatchError::Price { .. })
    ));
}

#[test]
fn v6_a_path_has_at_most_eight_hops() {
    let trade = Town::new().trade(1).over(&[31; 7]);
    assert!(MatchedOrder::new(trade.parts()).is_ok());
    let trade = Town::new().trade(1).over(&[31; 8]);
    assert!(matches!(
        MatchedOrder::new(trade.parts()),
        Err(MatchError::Path(_))
    ));
}

#[test]
fn v8_a_quote_that_expired_is_refused_by_the_headers_time() {
    let mut town = Town::new();
    let trade = town.trade(1);
    town.until(trade.expires_ms + 5_000);
    let (expires_ms, now_ms) = (trade.expires_ms, town.now() + 1_000);
    assert_eq!(
        town.refused(&trade),
        OrderRefused::QuoteExpired { expires_ms, now_ms }
    );
    // The header may be ahead of clocks by as much as validators allow.
    let trade = town.trade(2);
    town.until(trade.expires_ms + 4_000);
    town.order(&trade);
}

#[test]
fn v8_a_quote_does_not_bind_for_ever() {
    let long = refused(|trade| trade.expires_ms = trade.claim.expires_ms + 65_001);
    assert!(matches!(long, OrderRefused::QuoteTooLong { .. }));
}

#[test]
fn v9_something_of_the_ledgers_must_be_reserved_and_be_there() {
    // Review 22: no reserve in junk.
    let reserve = |asset: AssetId, units| {
        move |trade: &mut Trade| trade.terms.reservation.reserve = Some((asset, Amount::new(units)))
    };
    let nothing = refused(|trade| trade.terms.reservation.reserve = None);
    assert_eq!(nothing, OrderRefused::NoReserve);
    assert_eq!(refused(reserve(kofo(), 0)), OrderRefused::NoReserve);
    let junk = AssetId::new("kofo:test/fee:junk").unwrap();
    assert_eq!(
        refused(reserve(junk.clone(), 100)),
        OrderRefused::ReserveAsset(junk)
    );
    let (bond, need) = (account(PROVIDER), Amount::new(1_000_001));
    let have = Amount::new(1_000_000);
    assert_eq!(
        refused(reserve(kofo(), 1_000_001)),
        OrderRefused::BondTooSmall { bond, have, need }
    );
}

#[test]
fn v9_what_one_order_reserves_backs_no_other() {
    let mut town = Town::new();
    for n in 1..=9 {
        let mut trade = town.trade(n).fee(1_000, FeePayer::Claimant);
        trade.terms.premium_bps = 0;
        town.order(&trade);
    }
    assert_eq!(town.bond(PROVIDER), 100_000);
    let mut trade = town.trade(10).fee(1_000, FeePayer::Claimant);
    trade.terms.premium_bps = 0;
    trade.terms.reservation.reserve = Some((kofo(), Amount::new(100_001)));
    assert!(matches!(town.refused(&trade), OrderRefused::BondTooSmall { .. }));
}

#[test]
fn v9_a_bond_below_the_least_backs_nothing() {
    let mut town = Town::new();
    let act = Act::Unbond {
        kind: BondKind::Provider,
        asset: kofo(),
        amount: Amount::new(999_000),
    };
    let act = town.chain.act(PROVIDER, act);
    town.chain.take(1_000, act);
    let mut trade = town.trade(1);
    trade.terms.reservation.reserve = Some((kofo(), Amount::new(100)));
    town.order(&trade);
    let mut trade = town.trade(2);
    trade.terms.reservation.reserve = Some((kofo(), Amount::new(100)));
    let (have, need) = (Amount::new(900), Amount::new(1_000));
    let bond = account(PROVIDER);
    assert_eq!(
        town.refused(&trade),
        OrderRefused::BondTooSmall { bond, have, need }
    );
}

#[test]
fn v9_a_reserve_in_the_asset_that_the_provider_gives_is_a_tenth_of_it() {
    // Review 22: elsewhere nobody knows what one asset is worth in another.
    let mut genesis = rules();
    let beta = chain("kofo:test");
    for pair in &mut genesis.params.pairs {
        pair.beta = beta.clone();
    }
    genesis.params.pairs.truncate(1);
    for one in &mut genesis.validators {
        one.observes.push(beta.clone());
    }
    let mut town = Town::of(genesis);
    let mut trade = town.trade(1);
    trade.claim.want.asset = kofo();
    trade.terms.reservation.reserve = Some((kofo(), Amount::new(99)));
    let (have, need) = (Amount::new(99), Amount::new(100));
    assert_eq!(town.refused(&trade), OrderRefused::ReserveTooSmall { have, need });
    trade = town.trade(2);
    trade.claim.want.asset = kofo();
    trade.terms.reservation.reserve = Some((kofo(), need));
    town.order(&trade);
}

#[test]
fn v11_timelocks_are_counted_from_the_headers_time() {
    let later = |trade: &mut Trade, beta: i64, alpha: i64| {
        let moved = |time: UnixTime, by: i64| UnixTime(time.0.checked_add_signed(by).unwrap());
        trade.terms.beta_timelock = moved(trade.terms.beta_timelock, beta);
        trade.terms.alpha_timelock = moved(trade.terms.alpha_timelock, alpha);
    };
    // The batch is a second after the trade: beta is 2,399 s away, 1,800 are asked.
    let soon = refused(|trade| later(trade, -600, 0));
    let (have, need) = (Seconds(1_799), Seconds(1_800));
    assert_eq!(soon, OrderRefused::BetaTooSoon { have, need });
    let close = refused(|trade| later(trade, 0, -601));
    assert_eq!(close, OrderRefused::GapTooShort { have, need });
    let far = refused(|trade| later(trade, 0, 60 * 86_400));
    assert!(matches!(far, OrderRefused::TooLong { .. }));
    let mut town = Town::new();
    let mut trade = town.trade(1);
    later(&mut trade, 0, -600);
    town.order(&trade);
}

#[test]
fn v11_deadlines_follow_each_other_within_the_timelocks() {
    let of = |terms: &FulfilTerms| {
        let FulfilTerms {
            alpha_lock_by,
            beta_lock_by,
            redeem_by,
            beta_timelock,
            ..
        } = terms;
        [*alpha_lock_by, *beta_lock_by, *redeem_by, *beta_timelock]
    };
    let wrong: [fn(&mut FulfilTerms, [UnixTime; 4]); 4] = [
        |terms, _| terms.alpha_lock_by = UnixTime(1_001),
        |terms, [alpha, ..]| terms.beta_lock_by = alpha,
        |terms, [_, beta, ..]| terms.redeem_by = beta,
        |terms, [.., end]| terms.redeem_by = end.plus(Seconds(1)),
    ];
    for (n, wrong) in wrong.iter().enumerate() {
        let refused = refused(|trade| {
            let times = of(&trade.terms);
            wrong(&mut trade.terms, times);
        });
        assert!(
            matches!(refused, OrderRefused::Deadlines { .. }),
            "{n}: {refused}"
        );
    }
}

#[test]
fn v12_the_parties_of_a_leg_are_two_and_both_are_named() {
    let [alpha, beta] = [Side::Alpha, Side::Beta].map(LegId::first);
    let same = refused(|trade| trade.claimant_opening.alpha = trade.provider_opening.alpha.clone());
    assert_eq!(same, OrderRefused::SameParty(alpha));
    let same = refused(|trade| trade.claimant_opening.beta = trade.provider_opening.beta.clone());
    assert_eq!(same, OrderRefused::SameParty(beta));
    let none = refused(|trade| trade.provider_opening.beta = Party::new([]).unwrap());
    assert_eq!(none, OrderRefused::NoParty(beta));
    let none = refused(|trade| trade.claimant_opening.alpha = Party::new([]).unwrap());
    assert_eq!(none, OrderRefused::NoParty(alpha));
    // An opening that is not what was committed to makes no order at all.
    let mut parts = Town::new().trade(1).parts();
    parts.provider.salt = [1; 32];
    assert!(matches!(MatchedOrder::new(parts), Err(MatchError::Stranger(_))));
}

#[test]
fn v13_a_fee_is_in_an_asset_of_the_ledger_and_large_enough_to_cost_something() {
    // Review 22: no points for 9 units of junk.
    assert_eq!(
        refused(|trade| trade.claim.fee = FeeTerms::Free),
        OrderRefused::NoFee
    );
    let pool = |asset: AssetId, units| FeeTerms::Pool {
        asset,
        amount: Amount::new(units),
        payer: FeePayer::Claimant,
    };
    let posted = refused(|trade| {
        trade.claim.fee = FeeTerms::Posted {
            asset: kofo(),
            cap: Amount::new(1_000),
            payer: FeePayer::Claimant,
        };
    });
    assert_eq!(posted, OrderRefused::PostedFee);
    let junk = AssetId::new("kofo:test/fee:junk").unwrap();
    let foreign = refused(|trade| trade.claim.fee = pool(junk.clone(), 1_000));
    assert_eq!(foreign, OrderRefused::FeeAsset(junk));
    let (have, need) = (Amount::new(99), Amount::new(100));
    let small = refused(|trade| trade.claim.fee = pool(kofo(), 99));
    assert_eq!(small, OrderRefused::FeeTooSmall { have, need });
}

#[test]
fn v14_who_pays_has_it_and_has_said_so() {
    assert_eq!(refused(|trade| trade.payer = None), OrderRefused::NoPayment);
    let owes = |trade: &mut Trade, units, payer| *trade = trade.clone().fee(units, payer);
    let premium_only = refused(|trade| {
        owes(trade, 1_000, FeePayer::Provider);
        trade.payer = None;
    });
    assert_eq!(
        premium_only,
        OrderRefused::NoPayment,
        "the premium is the claimant's"
    );
    // 1,000,000 are there: the fee alone is, with the premium of 5,000 it is not.
    let poor = refused(|trade| owes(trade, 995_001, FeePayer::Claimant));
    let OrderRefused::TooLittle(poor) = poor else {
        panic!("{poor}");
    };
    assert_eq!(poor.purse, Purse::Free(account(CLAIMANT)));
    assert_eq!((poor.have, poor.need), (Amount::new(4_999), Amount::new(5_000)));
    let poor = refused(|trade| owes(trade, 1_000_001, FeePayer::Provider));
    assert!(matches!(poor, OrderRefused::TooLittle(poor) if poor.purse == Purse::Free(account(PROVIDER))));
}

#[test]
fn v14_an_order_that_is_refused_takes_nothing_from_anybody() {
    let mut town = Town::new();
    let trade = town.trade(1).fee(995_001, FeePayer::Claimant);
    town.refused(&trade);
    assert_eq!((town.free(CLAIMANT), town.bond(PROVIDER)), (1_000_000, 1_000_000));
    let mut trade = trade.fee(995_000, FeePayer::Claimant);
    trade.terms.reservation.seq = 1;
    town.order(&trade);
}

#[test]
fn v15_the_choice_is_of_this_quote_and_signed_by_the_claims_key() {
    let trade = Town::new().trade(1);
    let mut other = trade.clone();
    other.quote = 1;
    let mut parts = trade.parts();
    parts.select = other.parts().select;
    assert!(matches!(MatchedOrder::new(parts), Err(MatchError::Stranger(_))));
    let mut parts = trade.parts();
    parts.select = parts.select.body.clone().sign(&key(9));
    assert!(matches!(MatchedOrder::new(parts), Err(MatchError::Select(_))));
}

#[test]
fn v16_only_pairs_of_the_network_are_cleared() {
    let refused = refused(|trade| trade.claim.want.asset = AssetId::new("test:c/slip44:0").unwrap());
    let (alpha, beta) = (chain("test:a"), chain("test:c"));
    assert_eq!(refused, OrderRefused::UnknownPair { alpha, beta });
}

#[test]
fn v16_a_pair_is_suspended_while_half_of_the_power_or_less_observes_one_of_its_chains() {
    // Review 24.
    let mut genesis = rules();
    for one in &mut genesis.validators[2..] {
        one.observes.pop();
    }
    let mut town = Town::of(genesis);
    let trade = town.trade(1);
    let refused = town.refused(&trade);
    let OrderRefused::PairSuspended {
        chain: of,
        declared,
        total,
    } = refused
    else {
        panic!("{refused}");
    };
    assert_eq!(of, chain("test:b"));
    assert_eq!(declared * 2, total);
}

#[test]
fn the_premium_is_of_what_the_order_is_worth_by_its_reserve() {
    let mut town = Town::new();
    let mut trade = town.trade(1);
    trade.terms.premium_bps = 100;
    trade.terms.reservation.reserve = Some((kofo(), Amount::new(2_500)));
    let id = town.order(&trade);
    // 2,500 are a tenth of 25,000, of which 1 %.
    assert_eq!(town.chain.ledger.live(&id).unwrap().premium, Amount::new(250));
    assert_eq!(town.has(Purse::Escrow(id)), 300_250);
}
