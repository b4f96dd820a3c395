//! What an adapter refuses before anything is locked, and what it lets pass.

use super::harness::{Harness, Who};
use super::stage::{Leg, Stage, fresh};
use crate::AdapterError;
use kofo_primitives::{
    Act, ActKind, Amount, AssetId, Bytes, ChainEvent, End, FailClass, HtlcSpec, LegEvent, LegId, Party,
    Place, Prepared, Side, SwapNonce,
};

async fn refused<H: Harness>(stage: &Stage<H>, leg: &Leg, spec: HtlcSpec) -> AdapterError {
    let answer = stage.us.adapter.check(leg.of, &spec).await;
    answer.expect_err("the leg must not pass the check")
}

/// What is right passes.
pub async fn a_leg_that_is_right_passes_the_check_at_both_ends<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    for payer in [Who::Us, Who::Them] {
        let leg = stage.agree(payer).await;
        for (who, peer) in [(Who::Us, &stage.us), (Who::Them, &stage.them)] {
            let checked = peer.adapter.check(leg.of, leg.spec(who)).await;
            assert_eq!(checked, Ok(()), "{payer:?} pays, {who:?} checks");
        }
    }
}

/// Two live legs never share a party.
pub async fn a_party_never_repeats_what_is_taken<H: Harness>(chain: H) {
    let stage = Stage::set(chain).await;
    let asset = stage.chain.asset();
    let leg = LegId::first(Side::Beta);
    for end in [End::Refunder, End::Redeemer] {
        let mut taken: Vec<Party> = Vec::new();
        for _ in 0..4 {
            let wanted = crate::PartyWanted {
                asset: &asset,
                leg,
                end,
                nonce: &SwapNonce::new(fresh()),
                taken: &taken,
                pay_to: None,
            };
            let party = stage
                .us
                .adapter
                .party(wanted)
                .await
                .expect("there are parties enough");
            // A redeemer may be an account, which any number of legs can pay.
            assert!(end == End::Redeemer || !taken.contains(&party), "{party:?} twice");
            taken.push(party);
        }
    }
}

/// An asset of another chain, or of nobody.
pub async fn check_refuses_an_unknown_asset<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree(Who::Us).await;
    let on = stage.chain.asset().chain();
    for id in [format!("{on}/nonsense:1"), "eip155:424242/slip44:60".into()] {
        let asset = AssetId::new(&id).expect("it has the form of an asset id");
        let spec = HtlcSpec {
            asset: asset.clone(),
            ..leg.refunder.clone()
        };
        let why = refused(&stage, &leg, spec).await;
        assert!(matches!(why, AdapterError::UnknownAsset { .. }), "{why}");
        let why = stage
            .us
            .adapter
            .place(&asset)
            .expect_err("there is no place for it");
        assert!(matches!(why, AdapterError::UnknownAsset { .. }), "{why}");
        let why = stage
            .us
            .adapter
            .balance(&asset)
            .await
            .expect_err("there is none of it");
        assert!(matches!(why, AdapterError::UnknownAsset { .. }), "{why}");
    }
}

/// A counterparty may send anything for its party.
pub async fn check_refuses_malformed_parties<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree(Who::Us).await;
    let right = leg.refunder.redeemer.as_slice().to_vec();
    let mut long = right.clone();
    long.push(0);
    let short = right[..right.len() - 1].to_vec();
    for bytes in [Vec::new(), vec![0xff; 128], short, long] {
        let redeemer = Party::new(bytes).expect("at most 128 bytes");
        let spec = HtlcSpec {
            redeemer,
            ..leg.refunder.clone()
        };
        let why = refused(&stage, &leg, spec).await;
        assert!(matches!(why, AdapterError::Malformed { .. }), "{why}");
    }
    // One party for both ends: whoever has its key takes the money both ways.
    let spec = HtlcSpec {
        redeemer: leg.refunder.refunder.clone(),
        ..leg.refunder.clone()
    };
    let why = refused(&stage, &leg, spec).await;
    assert!(matches!(why, AdapterError::Malformed { .. }), "{why}");
}

/// A look-alike contract is no place for money.
pub async fn check_refuses_a_foreign_place<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree(Who::Us).await;
    for bytes in [vec![0x11; 20], vec![0x22; 32], vec![0]] {
        let spec = HtlcSpec {
            place: Place::new(bytes).expect("at most 32 bytes"),
            ..leg.refunder.clone()
        };
        let why = refused(&stage, &leg, spec).await;
        assert!(matches!(why, AdapterError::Malformed { .. }), "{why}");
    }
}

/// A leg that would pay another's key is not ours, whatever the other party says.
pub async fn check_refuses_a_party_that_is_not_ours<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    for payer in [Who::Us, Who::Them] {
        let leg = stage.agree(payer).await;
        let ours = leg.spec(Who::Us).clone();
        let swapped = HtlcSpec {
            redeemer: ours.refunder.clone(),
            refunder: ours.redeemer.clone(),
            ..ours
        };
        let why = refused(&stage, &leg, swapped).await;
        assert!(matches!(why, AdapterError::Malformed { .. }), "{why}");
    }
}

/// Who has nothing locks nothing.
pub async fn check_refuses_what_an_empty_wallet_cannot_pay<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let mut leg = stage.agree(Who::Us).await;
    let asset = stage.chain.asset();
    let pauper = stage.chain.start(Who::Pauper).await;
    assert_eq!(pauper.balance(&asset).await, Ok(Amount::ZERO));
    let wanted = crate::PartyWanted {
        asset: &asset,
        leg: leg.of.leg,
        end: End::Refunder,
        nonce: &leg.refunder.nonce,
        taken: &[],
        pay_to: None,
    };
    leg.refunder.refunder = pauper.party(wanted).await.expect("parties cost nothing");
    let why = pauper
        .check(leg.of, &leg.refunder)
        .await
        .expect_err("it cannot pay");
    assert!(
        matches!(why, AdapterError::Funds { .. } | AdapterError::NoGas { .. }),
        "{why}"
    );
}

/// The smallest unit is not worth a lock.
pub async fn check_refuses_dust<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    for payer in [Who::Us, Who::Them] {
        let leg = stage.agree(payer).await;
        for units in [0, 1] {
            let spec = HtlcSpec {
                amount: Amount::new(units),
                ..leg.spec(Who::Us).clone()
            };
            let why = refused(&stage, &leg, spec).await;
            let small = matches!(why, AdapterError::Dust { .. } | AdapterError::Uneconomic { .. });
            assert!(small, "{why}");
        }
    }
}

/// A check is a question.
pub async fn check_locks_and_reserves_nothing<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let asset = stage.chain.asset();
    let before = stage.us.adapter.balance(&asset).await;
    for _ in 0..5 {
        let leg = stage.agree(Who::Us).await;
        assert_eq!(stage.us.adapter.check(leg.of, &leg.refunder).await, Ok(()));
    }
    assert_eq!(stage.chain.waiting().await, 0);
    assert_eq!(stage.us.adapter.balance(&asset).await, before);
}

/// Bytes that no adapter built, from a damaged journal perhaps, do no harm and are not passed over in silence.
pub async fn bytes_that_were_not_built_here_are_refused<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree(Who::Us).await;
    let nonsense: Vec<Prepared> = [Vec::new(), vec![0], vec![0xff; 16_384]]
        .into_iter()
        .map(|bytes| Prepared(Bytes::new(bytes).expect("at most 16 KiB")))
        .collect();
    stage.us.watch(&leg, &nonsense).await;
    for prepared in &nonsense {
        let mark = stage.us.mark();
        stage.us.broadcast(&leg, ActKind::Lock, prepared).await;
        let refused = |event: &ChainEvent| {
            let failed = matches!(
                event,
                ChainEvent::Leg(_, LegEvent::Failed(ActKind::Lock, FailClass::Refused(_)))
            );
            failed.then_some(())
        };
        let what = "the bytes to be refused";
        stage
            .us
            .until(mark, what, |events| events.iter().find_map(refused))
            .await;
    }
    // Actions are taken in order: what is told after this answer is about what is asked after it.
    stage.us.watch(&leg, &[]).await;
    assert_eq!(stage.chain.waiting().await, 0);
    // And it goes on as if nothing had been.
    stage.us.build(&leg, Act::Lock).await;
}

/// Every `Build` is answered, also when the leg is unknown.
pub async fn building_for_a_leg_that_is_not_watched_is_refused<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree(Who::Us).await;
    for act in [Act::Lock, Act::Refund, Act::Cancel] {
        let answer = stage.us.try_build(&leg, act).await;
        assert!(matches!(answer, Err(FailClass::Refused(_))), "{answer:?}");
    }
}

/// Amounts are the counterparty's to name: the largest overflows nothing.
pub async fn check_refuses_the_largest_amount<H: Harness>(chain: H) {
    let mut stage = Stage::set(chain).await;
    let leg = stage.agree(Who::Us).await;
    let spec = HtlcSpec {
        amount: Amount::new(u128::MAX),
        ..leg.refunder.clone()
    };
    refused(&stage, &leg, spec).await;
}
