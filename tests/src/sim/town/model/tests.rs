//! The model sees what it is there to see.

use super::*;
use crate::sim::dice::Dice;
use crate::sim::town::Town;
use crate::sim::town::deal::Bargain;
use kofo_primitives::{Amount, LegId, Prepared, TxId};
use kofo_sim::{AccountId, NoteId, Spend};

const INITIATOR: usize = 0;
const PARTICIPANT: usize = 1;

/// A town in which both assets are locked.
fn both_locked() -> (Town, Deal) {
    let bargain = Bargain {
        initiator: INITIATOR,
        participant: PARTICIPANT,
        give: vec!["bitcoin.btc"],
        want: vec!["ethereum.eth"],
        nth: 0,
        depth: 2,
    };
    let mut town = Town::new(2, &[bargain], Dice::new(1));
    town.begin();
    assert!(town.until(100, |t| t.phase(PARTICIPANT, 0) >= Some(Phase::LockSent)));
    town.step();
    assert_eq!(town.wrong(), None);
    let deal = town.scene.deals[0].clone();
    (town, deal)
}

fn leg(deal: &Deal, side: Side) -> LegRef {
    LegRef {
        swap: deal.swap,
        leg: LegId::first(side),
    }
}

fn says(town: &Town, what: &str) {
    let wrong = town.wrong().unwrap_or_default();
    assert!(wrong.contains(what), "expected {what:?}, got {wrong:?}");
}

#[test]
fn a_refund_before_its_time_is_seen() {
    let (mut town, deal) = both_locked();
    let effect = Effect {
        chain: deal.bargain.chains().0.remove(0),
        leg: leg(&deal, Side::Alpha),
        action: ChainAction::Broadcast {
            act: ActKind::Refund,
            tx: Prepared(kofo_primitives::Bytes::default()),
            not_after: None,
        },
    };
    town.scene.sees_effect(INITIATOR, &effect);
    says(&town, "refunds early");
}

#[test]
fn a_preimage_that_is_shown_after_giving_up_is_seen() {
    let (mut town, deal) = both_locked();
    town.scene
        .sees_state(INITIATOR, deal.swap, (Phase::Refunding, false));
    town.scene.sees_reveal(INITIATOR, &deal, None);
    says(&town, "after it gave up");
}

#[test]
fn a_preimage_that_is_shown_before_beta_is_final_is_seen() {
    let (mut town, deal) = both_locked();
    let chain = deal.bargain.chains().1.remove(0);
    town.scene.chains[&chain].drop_blocks(2, kofo_sim::Dropped::Vanish);
    town.scene.sees_reveal(INITIATOR, &deal, None);
    says(&town, "while beta stands so");
}

#[test]
fn a_preimage_that_is_shown_late_is_seen() {
    let (mut town, deal) = both_locked();
    let timelock = town.scene.specs(INITIATOR, &deal, Side::Beta)[0].timelock;
    town.scene.chains.values().for_each(|chain| chain.mine(2));
    town.scene
        .sees_reveal(INITIATOR, &deal, Some(UnixTime(timelock.0)));
    says(&town, "would show the preimage until");
}

#[test]
fn a_signature_on_alphas_return_while_beta_is_locked_is_seen() {
    let (mut town, deal) = both_locked();
    let alpha = leg(&deal, Side::Alpha);
    town.scene
        .sees_signature(PARTICIPANT, Together::Refund, alpha, false);
    says(&town, "signs alpha's return");
}

#[test]
fn a_signature_on_a_redeem_by_one_who_does_not_know_the_preimage_is_seen() {
    let (mut town, deal) = both_locked();
    let beta = leg(&deal, Side::Beta);
    town.scene
        .sees_signature(PARTICIPANT, Together::Redeem, beta, false);
    says(&town, "without the preimage");
}

#[test]
fn a_second_lock_is_seen() {
    let (mut town, deal) = both_locked();
    let other = SimTx {
        asset: crate::sim::world::asset("bitcoin.btc"),
        spends: vec![Spend {
            note: NoteId {
                tx: TxId([7; 32]),
                index: 0,
            },
            key: Key::Owner(AccountId(1)),
        }],
        pays: Vec::new(),
        fee: Amount::ZERO,
    };
    town.scene
        .sees_lock(INITIATOR, &deal, leg(&deal, Side::Alpha), other);
    says(&town, "a second lock");
}

#[test]
fn an_end_at_which_an_honest_node_lost_its_asset_is_seen() {
    let (mut town, deal) = both_locked();
    let lost = Phase::Done(Outcome::Lost);
    town.scene.sees_state(PARTICIPANT, deal.swap, (lost, false));
    says(&town, "lost its asset");
}

#[test]
fn books_of_a_node_that_has_less_than_it_should_do_not_balance() {
    let (mut town, _) = both_locked();
    assert!(town.until(500, Town::over));
    assert_eq!(town.books(), Ok(()));
    // Somebody else's purse, who has nothing.
    town.players[PARTICIPANT].account = AccountId(99);
    let wrong = town.books().unwrap_err();
    assert!(wrong.contains("less than it should"), "{wrong}");
}
