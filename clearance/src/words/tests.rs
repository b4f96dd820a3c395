use super::*;
use crate::fixtures::{CLAIMANT, Chain, account, funded, kofo, sign};
use crate::op::Op;

fn amount(units: u128) -> Amount {
    Amount::new(units)
}

/// How the refusal of the first act of the claimant is told to it.
fn told(act: Act) -> String {
    let mut chain = Chain::new(funded());
    let Op::Act(signed) = sign(CLAIMANT, 0, act) else {
        panic!("an act")
    };
    let wanted = Wanted::of(&Submission::Act(signed.clone()));
    let refused = chain.batch(1, [Op::Act(signed)]).0.remove(0).unwrap_err();
    refused.in_words(&wanted, &chain.ledger.genesis().params)
}

#[test]
fn who_has_too_little_is_told_in_whole_units_what_it_has_and_what_is_needed() {
    let transfer = Act::Transfer {
        to: account(9),
        asset: kofo(),
        amount: amount(1_000_001),
    };
    assert_eq!(
        told(transfer),
        "your free balance has 1 kofo, the transfer needs 1.000001 kofo"
    );
    let bond = Act::Bond {
        kind: BondKind::Provider,
        asset: kofo(),
        amount: amount(20_000_000),
    };
    assert_eq!(told(bond), "your free balance has 1 kofo, the bond needs 20 kofo");
}

#[test]
fn every_purse_is_named_by_what_it_is_and_whose() {
    let wanted = Wanted {
        you: Some(account(1)),
        what: "the order",
        fee: Some(kofo()),
        reserve: Some(kofo()),
    };
    let genesis = funded();
    let words = |refused: OrderRefused| Refused::Order(refused).in_words(&wanted, &genesis.params);
    let purses = [
        (Purse::Free(account(1)), "your free balance"),
        (Purse::Bond(account(1), BondKind::Relay), "your relay's bond"),
        (Purse::Stake(account(1)), "your own stake"),
        (Purse::Reward(account(1)), "your reward"),
        (Purse::Pool, "the validators' pool"),
    ];
    for (purse, name) in purses {
        let refused = TooLittle {
            purse,
            asset: Box::new(kofo()),
            have: amount(12_500_000),
            need: amount(20_000_000),
        };
        let text = words(refused.into());
        assert_eq!(text, format!("{name} has 12.5 kofo, the order needs 20 kofo"));
    }
    let other = OrderRefused::BondTooSmall {
        bond: account(2),
        have: amount(1),
        need: amount(2_000_000),
    };
    let text = words(other);
    assert!(
        text.starts_with("the free provider's bond of account ")
            && text.contains("… has 0.000001 kofo, the order needs 2 kofo"),
        "{text}"
    );
    let fee = OrderRefused::FeeTooSmall {
        have: amount(1),
        need: amount(1_000),
    };
    assert_eq!(
        words(fee),
        "the fee is 0.000001 kofo, expected at least 0.001 kofo"
    );
    assert_eq!(words(OrderRefused::NoFee), OrderRefused::NoFee.to_string());
}

#[test]
fn an_asset_that_nobody_knows_is_named_by_its_id_and_no_words_show_how_things_are_kept() {
    let wanted = Wanted::of(&Submission::Act(Box::new(signed(Act::Collect))));
    let genesis = funded();
    let unknown = TooLittle {
        purse: Purse::Free(account(7)),
        asset: Box::new(AssetId::new("test:a/slip44:0").unwrap()),
        have: amount(1),
        need: amount(2),
    };
    let text = Refused::Act(unknown.into()).in_words(&wanted, &genesis.params);
    assert!(text.contains("has 1 of test:a/slip44:0"), "{text}");
    assert!(!text.contains("Free(") && !text.contains("NodeId("), "{text}");
}

fn signed(act: Act) -> kofo_primitives::Signed<crate::op::AccountAct> {
    let Op::Act(signed) = sign(CLAIMANT, 0, act) else {
        panic!("an act")
    };
    *signed
}
