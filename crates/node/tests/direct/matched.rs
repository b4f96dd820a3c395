//! Swaps that were matched: from a claim, a quote and a selection to assets that have changed hands.

use crate::stage::{Node, Stage, asset};
use kofo_node::agree::AgreeError;
use kofo_node::market::{Drafted, Opened, Settles};
use kofo_node::rpc::types::Id;
use kofo_primitives::*;

/// Only what is right now counts here: a quote that binds for a minute.
fn until_ms() -> u64 {
    kofo_node::clock::now_ms() + 60_000
}

const GIVE: Amount = Amount::new(1_000_000);
const WANT: Amount = Amount::new(2_000_000);

pub(crate) fn claim(claimant: &Node, nonce: [u8; 32]) -> Claim {
    let agreement = &claimant.agreement;
    let (network, seed) = (&agreement.network, &agreement.seed);
    let now = kofo_node::clock::now_ms();
    Claim {
        version: 1,
        network: network.clone(),
        mode: Mode::P2P,
        key: seed.claim_key(network, &nonce).id(),
        seal_key: seed.seal_key(network, &nonce).id(),
        nonce,
        give: agreement.claimed(&asset("one")).unwrap(),
        want: agreement.claimed(&asset("two")).unwrap(),
        give_amount: GIVE,
        limit: Limit::Stated(Ratio::new(2, 1).unwrap()),
        partial: None,
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 1,
        created_ms: now,
        expires_ms: now + 60_000,
    }
}

/// All that the two say to each other, over no relay.
pub(crate) struct Match {
    claim: Claim,
    drafted: Drafted,
    opened: Opened,
    terms: FulfilTerms,
}

impl Match {
    pub(crate) async fn make(claimant: &Node, provider: &Node, nonce: [u8; 32]) -> Self {
        Self::paying(claimant, provider, nonce, None).await
    }

    async fn paying(claimant: &Node, provider: &Node, nonce: [u8; 32], pay_to: Option<&str>) -> Self {
        Self::of(claim(claimant, nonce), (claimant, provider), pay_to).await
    }

    /// The same for a claim with a fee, which validators are to make final.
    pub(crate) async fn cleared(claimant: &Node, provider: &Node, nonce: [u8; 32]) -> Self {
        let claim = Claim {
            mode: Mode::Cleared,
            fee: FeeTerms::Pool {
                asset: AssetId::new("sim:fee/coin:kofo").unwrap(),
                amount: Amount::new(5),
                payer: FeePayer::Claimant,
            },
            ..claim(claimant, nonce)
        };
        Self::of(claim, (claimant, provider), None).await
    }

    async fn of(claim: Claim, (claimant, provider): (&Node, &Node), pay_to: Option<&str>) -> Self {
        let drafted = provider
            .agreement
            .draft(&claim, GIVE, WANT, until_ms())
            .await
            .unwrap();
        let network = &provider.agreement.network;
        let quote = provider.agreement.seed.fulfil_key(network, &drafted.nonce).id();
        let terms = FulfilTerms {
            give: GIVE,
            want: WANT,
            alpha_timelock: drafted.alpha_timelock,
            beta_timelock: drafted.beta_timelock,
            alpha_lock_by: drafted.alpha_lock_by,
            beta_lock_by: drafted.beta_lock_by,
            redeem_by: drafted.redeem_by,
            premium_bps: 0,
            nonce: drafted.nonce,
            opening: drafted.opening.commit(),
            reservation: Reservation::sign(&provider.agreement.key, 1, None, &claim.id(), &quote),
        };
        claimant.agreement.suits(&claim, &terms).await.unwrap();
        let opened = claimant.agreement.opening(&claim, &terms, pay_to).await.unwrap();
        Self {
            claim,
            drafted,
            opened,
            terms,
        }
    }

    pub(crate) fn order(&self, claimant: &Node, provider: &Node) -> SettlementOrder {
        let network = &claimant.agreement.network;
        let claim_key = claimant.agreement.seed.claim_key(network, &self.claim.nonce);
        let fulfil_key = provider.agreement.seed.fulfil_key(network, &self.drafted.nonce);
        let id = self.claim.id();
        let next = NodeKey::new(&[9; 32]).unwrap().id();
        let entry = HopEntry::sign(&id, (0, *id.as_bytes()), &claim_key, next, (None, None));
        let fulfil = Fulfil {
            version: 1,
            network: network.clone(),
            claim: id,
            path: entry.digest(),
            key: fulfil_key.id(),
            terms: self.terms.digest(),
            sealed: self.terms.seal(&id, &self.claim.seal_key, &[5; 32]).unwrap(),
            for_validators: None,
            expires_ms: until_ms(),
        };
        let select = Select {
            version: 1,
            network: network.clone(),
            claim: id,
            fulfil: fulfil.id(),
            hashlock: self.opened.hashlock,
            nonce: self.opened.nonce,
            opening: self.opened.opening.commit(),
            limit: None,
            returns: *fulfil.id().as_bytes(),
            fee_root: [0; 32],
            for_validators: None,
        };
        SettlementOrder::matched(MatchedParts {
            claim: self.claim.clone().sign(&claim_key),
            path: vec![entry],
            fulfil: fulfil.sign(&fulfil_key),
            terms: self.terms.clone(),
            returns: Vec::new(),
            select: select.sign(&claim_key),
            claimant: self.opened.opening.clone(),
            provider: self.drafted.opening.clone(),
        })
        .unwrap()
    }
}

/// What an account has of both assets, but for the fees of a few transactions.
fn has(stage: &Stage, account: u32) -> (u128, u128) {
    let whole = |name| stage.balance(account, name).next_multiple_of(1_000);
    (whole("one"), whole("two"))
}

pub(crate) async fn begin_both(stage: &Stage, order: &SettlementOrder) -> Id {
    let provider = stage
        .taker
        .agreement
        .begin(order.clone(), Role::Participant, None)
        .await
        .unwrap();
    let claimant = stage
        .maker
        .agreement
        .begin(order.clone(), Role::Initiator, None)
        .await
        .unwrap();
    assert_eq!(provider, claimant);
    claimant.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matched_order_settles_as_an_agreed_one_does() {
    let stage = Stage::new();
    let order = Match::make(&stage.maker, &stage.taker, [1; 32])
        .await
        .order(&stage.maker, &stage.taker);
    let swap = begin_both(&stage, &order).await;
    stage.both_redeem(swap).await;
    assert_eq!(has(&stage, 1), (14_000_000, 17_000_000));
    assert_eq!(has(&stage, 2), (16_000_000, 13_000_000));
    let outcome = stage.maker.agreement.outcome(order.id()).await.unwrap();
    assert_eq!(outcome, Some(kofo_settlement::Outcome::Redeemed));
    // And the same order again begins nothing anew.
    begin_both(&stage, &order).await;
    assert_eq!((stage.maker.known().await, stage.taker.known().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_is_paid_in_the_asset_it_likes_and_only_the_payer_can_release_it() {
    let stage = Stage::new();
    let order = Match::paying(&stage.maker, &stage.taker, [1; 32], Some("sim:two/account/7"))
        .await
        .order(&stage.maker, &stage.taker);
    let swap = begin_both(&stage, &order).await;
    stage.both_redeem(swap).await;
    assert_eq!(has(&stage, 7), (0, 2_000_000));
    assert_eq!(has(&stage, 1), (14_000_000, 15_000_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_can_be_paid_at_is_refused_before_a_claim_is_made() {
    let stage = Stage::new();
    let agreement = &stage.maker.agreement;
    agreement.pays(&asset("two"), "sim:two/account/7").await.unwrap();
    for wrong in ["sim:one/account/7", "somebody", ""] {
        let refusal = agreement.pays(&asset("two"), wrong).await.unwrap_err();
        assert!(matches!(refusal, AgreeError::Adapter(_)), "{wrong:?}: {refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_quote_promises_no_other_quote_or_offer_uses() {
    let stage = Stage::new();
    let mut ends = Vec::new();
    for n in 1..4 {
        let made = Match::make(&stage.maker, &stage.taker, [n; 32]).await;
        ends.extend([made.drafted.opening.beta, made.opened.opening.alpha]);
    }
    stage.taker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let distinct: std::collections::BTreeSet<_> = ends.iter().collect();
    assert_eq!(distinct.len(), ends.len(), "each has a lane of its own: {ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_between_two_alone_and_a_cleared_claim_without_one_for_the_path_are_refused() {
    let stage = Stage::new();
    let (asset, payer) = (asset("one"), FeePayer::Claimant);
    let pool = FeeTerms::Pool {
        asset: asset.clone(),
        amount: Amount::new(5),
        payer,
    };
    let posted = FeeTerms::Posted {
        asset,
        cap: Amount::new(5),
        payer,
    };
    for (mode, fee) in [
        (Mode::P2P, pool),
        (Mode::Cleared, posted),
        (Mode::Cleared, FeeTerms::Free),
    ] {
        let wrong = Claim {
            mode,
            fee,
            ..claim(&stage.maker, [1; 32])
        };
        let refusal = stage
            .taker
            .agreement
            .draft(&wrong, GIVE, WANT, until_ms())
            .await
            .unwrap_err();
        assert!(matches!(refusal, AgreeError::Fee), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_locks_elsewhere_is_not_answered() {
    let stage = Stage::new();
    let mut elsewhere = claim(&stage.maker, [1; 32]);
    elsewhere.want.place = Place::new([7; 20]).unwrap();
    let mut shallow = claim(&stage.maker, [1; 32]);
    shallow.give.depth = 1;
    for claim in [elsewhere, shallow] {
        let refusal = stage.taker.agreement.fits(&claim).unwrap_err();
        assert!(matches!(refusal, AgreeError::OtherPlace(_)), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_whose_timelocks_are_not_safe_do_not_suit_the_claimant() {
    let stage = Stage::new();
    let Match { claim, terms, .. } = Match::make(&stage.maker, &stage.taker, [1; 32]).await;
    let close = FulfilTerms {
        alpha_timelock: terms.beta_timelock,
        ..terms.clone()
    };
    let soon = FulfilTerms {
        beta_timelock: kofo_node::clock::now(),
        ..terms
    };
    for unsafe_terms in [close, soon] {
        let refusal = stage
            .maker
            .agreement
            .suits(&claim, &unsafe_terms)
            .await
            .unwrap_err();
        assert!(matches!(refusal, AgreeError::Timelock(_)), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_a_swap_that_is_anothers() {
    let stage = Stage::new();
    let order = Match::make(&stage.maker, &stage.taker, [1; 32])
        .await
        .order(&stage.maker, &stage.taker);
    let wrong = [(&stage.maker, Role::Participant), (&stage.taker, Role::Initiator)];
    for (node, role) in wrong {
        let refusal = node.agreement.begin(order.clone(), role, None).await.unwrap_err();
        assert!(matches!(refusal, AgreeError::NotOurs), "{refusal}");
    }
    assert_eq!((stage.maker.known().await, stage.taker.known().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matched_swap_goes_on_after_a_restart_of_either_side() {
    let stage = Stage::new();
    let order = Match::make(&stage.maker, &stage.taker, [1; 32])
        .await
        .order(&stage.maker, &stage.taker);
    let swap = begin_both(&stage, &order).await;
    let Stage {
        chains,
        network,
        maker,
        taker,
    } = stage;
    let stage = Stage {
        maker: Node::start(maker.die().await),
        taker: Node::start(taker.die().await),
        chains,
        network,
    };
    stage.both_redeem(swap).await;
}
