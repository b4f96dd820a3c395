//! A redeem that pays somebody else: a merchant, say, who runs no node.
//!
//! Groups of the macro: `third_party` for every chain (needs [`Merchant`]); `third_party_together` where two signatures
//! redeem without the preimage, else `third_party_alone`; `third_party_entrusted` (in [`super::entrusted`]), which needs
//! [`Outsider`](super::harness::Outsider) too.

use super::harness::{Merchant, Who};
use super::peer::Told;
use super::stage::{Leg, Stage, fresh};
use super::together::{asked, sent, signed};
use crate::{AdapterError, PartyWanted};
use kofo_primitives::{Act, ActKind, At, End, LegId, Party, Side, SwapNonce, Together};

/// A leg that they lock and we redeem for the merchant; in the newest block.
async fn locked_for_the_merchant<H: Merchant>(stage: &mut Stage<H>) -> Leg {
    let merchant = stage.chain.merchant().await;
    let leg = stage.agree_paying(Who::Them, &merchant).await;
    for who in [Who::Us, Who::Them] {
        let checked = stage.peer(who).adapter.check(leg.of, leg.spec(who)).await;
        assert_eq!(checked, Ok(()), "{who:?} checks");
    }
    stage.lock(&leg).await;
    leg
}

/// Redeems in the next block.
async fn redeem<H: Merchant>(stage: &Stage<H>, leg: &Leg) {
    let prepared = stage.us.build(leg, Act::Redeem(leg.preimage.clone())).await;
    stage.send(Who::Us, leg, ActKind::Redeem, &prepared).await;
    let at = At::Block(stage.mine(1).await);
    for peer in [&stage.us, &stage.them] {
        assert_eq!(peer.told(leg).redeem, Some((leg.preimage.clone(), at)));
    }
}

/// The merchant has the amount more than before, less what the chain took of it.
async fn was_paid<H: Merchant>(stage: &Stage<H>, before: u128) {
    let after = stage.chain.merchant_has().await.units();
    let amount = stage.chain.amount().units();
    let short = (before + amount).checked_sub(after);
    let most = stage.chain.most_short().units();
    assert!(
        short.is_some_and(|short| short <= most),
        "the merchant had {before} and has {after}: expected {amount} more, less at most {most}"
    );
}

async fn ours<H: Merchant>(stage: &Stage<H>) -> u128 {
    let ours = stage.us.adapter.balance(&stage.chain.asset()).await;
    ours.expect("the node answers").units()
}

/// The payer's money goes to the merchant by our secret, and none of it stays with us.
pub async fn a_redeem_to_a_third_party_pays_it_and_not_us<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let (merchant_had, we_had) = (stage.chain.merchant_has().await.units(), ours(&stage).await);
    let leg = locked_for_the_merchant(&mut stage).await;
    redeem(&stage, &leg).await;
    stage.finalise().await;
    was_paid(&stage, merchant_had).await;
    let lost = we_had.checked_sub(ours(&stage).await);
    let most = stage.chain.most_fee().units();
    assert!(
        lost.is_some_and(|lost| lost <= most),
        "we lost {lost:?}, expected fees of at most {most}"
    );
}

/// Whom it pays is in the leg, and nowhere else.
pub async fn a_redeem_to_a_third_party_needs_nothing_but_the_leg<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let before = stage.chain.merchant_has().await.units();
    let leg = locked_for_the_merchant(&mut stage).await;
    let stage = stage.restart_us(async |_, _| ()).await;
    stage.us.watch(&leg, &[]).await;
    redeem(&stage, &leg).await;
    was_paid(&stage, before).await;
}

/// The merchant gets nothing of a swap that fails.
pub async fn a_lock_for_a_third_party_is_refunded_to_its_payer<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = locked_for_the_merchant(&mut stage).await;
    stage.mine_until(leg.refunder.timelock).await;
    let prepared = stage.them.build(&leg, Act::Refund).await;
    stage.send(Who::Them, &leg, ActKind::Refund, &prepared).await;
    let at = At::Block(stage.mine(1).await);
    assert_eq!(stage.us.told(&leg).refund, Some(at));
    assert_eq!(stage.chain.merchant_has().await.units(), 0);
}

/// Our party to a leg that pays this address.
async fn party<H: Merchant>(stage: &Stage<H>, end: End, pay_to: &str) -> Result<Party, AdapterError> {
    let asset = stage.chain.asset();
    let wanted = PartyWanted {
        asset: &asset,
        leg: LegId::first(Side::Beta),
        end,
        nonce: &SwapNonce::new(fresh()),
        taken: &[],
        pay_to: Some(pay_to),
    };
    stage.us.adapter.party(wanted).await
}

/// Money that is sent to nobody is gone.
pub async fn an_address_that_is_none_is_refused<H: Merchant>(chain: H) {
    let stage = Stage::set(chain).await;
    let garbage = ["", " ", "nobody", "\u{0}", &"x".repeat(100_000)].map(str::to_owned);
    for address in garbage.into_iter().chain(stage.chain.no_addresses()) {
        let why = party(&stage, End::Redeemer, &address).await;
        let Err(AdapterError::Malformed { expected, got, .. }) = why else {
            panic!("expected {address:?} to be refused: {why:?}");
        };
        assert!(expected.contains("address"), "{expected}");
        assert!(address.starts_with(&got) && got.len() < 1_000, "{got:?}");
    }
    let merchant = stage.chain.merchant().await;
    assert!(party(&stage, End::Redeemer, &merchant).await.is_ok());
}

/// What we lock comes back to us or goes to the other party: there is no third.
pub async fn a_refund_to_a_third_party_is_refused<H: Merchant>(chain: H) {
    let stage = Stage::set(chain).await;
    let merchant = stage.chain.merchant().await;
    let why = party(&stage, End::Refunder, &merchant).await;
    assert!(
        matches!(&why, Err(AdapterError::Malformed { expected, .. }) if expected.contains("refund")),
        "{why:?}"
    );
}

/// Both signatures pay whom ours alone would pay.
pub async fn a_redeem_that_both_signed_pays_the_third_party<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let before = stage.chain.merchant_has().await.units();
    let leg = locked_for_the_merchant(&mut stage).await;
    stage.finalise().await;
    let prepared = signed(&stage, Together::Redeem, &[&leg]).await;
    let at = sent(&stage, Together::Redeem, &leg, &prepared[0]).await;
    for peer in [&stage.us, &stage.them] {
        let Told {
            redeemed_together,
            redeem,
            refund,
            ..
        } = peer.told(&leg);
        assert_eq!((redeemed_together, redeem, refund), (Some(at), None, None));
    }
    was_paid(&stage, before).await;
}

/// One transaction pays one payee: what is the merchant's is not mixed with what is ours.
pub async fn legs_for_several_payees_are_redeemed_apart<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let before = stage.chain.merchant_has().await.units();
    let theirs = locked_for_the_merchant(&mut stage).await;
    let (own, _) = stage.locked(Who::Them).await;
    stage.finalise().await;
    for legs in [[&own, &theirs], [&theirs, &own]] {
        let round = stage
            .us
            .adapter
            .open_round(Together::Redeem, &asked(Who::Us, &legs))
            .await;
        assert!(matches!(round, Err(AdapterError::Alone(_))), "{round:?}");
    }
    for leg in [&own, &theirs] {
        let prepared = signed(&stage, Together::Redeem, &[leg]).await;
        sent(&stage, Together::Redeem, leg, &prepared[0]).await;
    }
    was_paid(&stage, before).await;
}

/// Two legs for one merchant are one payment.
pub async fn one_round_pays_two_legs_to_one_third_party<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let before = stage.chain.merchant_has().await.units();
    let first = locked_for_the_merchant(&mut stage).await;
    let second = locked_for_the_merchant(&mut stage).await;
    stage.finalise().await;
    let prepared = signed(&stage, Together::Redeem, &[&first, &second]).await;
    let at = sent(&stage, Together::Redeem, &first, &prepared[0]).await;
    assert_eq!(stage.them.told(&second).redeemed_together, Some(at));
    let gained = stage.chain.merchant_has().await.units() - before;
    let least = 2 * stage.chain.amount().units() - stage.chain.most_short().units();
    assert!(gained >= least, "gained {gained}, expected at least {least}");
}

/// Who redeems for somebody else still has the say over the lock.
pub async fn a_refund_is_signed_also_for_a_lock_that_would_pay_a_third_party<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let merchant = stage.chain.merchant().await;
    let leg = stage.agree_paying(Who::Us, &merchant).await;
    stage.lock(&leg).await;
    stage.finalise().await;
    let prepared = signed(&stage, Together::Refund, &[&leg]).await;
    sent(&stage, Together::Refund, &leg, &prepared[0]).await;
    assert_eq!(stage.chain.merchant_has().await.units(), 0);
}

/// A merchant signs nothing: the payer takes its money back alone, at the timelock.
pub async fn a_refund_that_only_a_third_party_could_sign_is_answered_with_alone<H: Merchant>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let merchant = stage.chain.merchant().await;
    let leg = stage.agree_paying(Who::Us, &merchant).await;
    stage.lock(&leg).await;
    stage.finalise().await;
    let round = stage
        .us
        .adapter
        .open_round(Together::Refund, &asked(Who::Us, &[&leg]))
        .await;
    let round = round.expect("nobody knows yet that the redeemer signs nothing");
    let theirs = asked(Who::Them, &[&leg]);
    let reply = stage
        .them
        .adapter
        .cosign(Together::Refund, &theirs, &round.request)
        .await;
    assert!(matches!(reply, Err(AdapterError::Alone(_))), "{reply:?}");
}
