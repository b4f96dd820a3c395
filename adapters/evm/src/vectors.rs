//! What only this adapter makes is what `docs/protocol/vectors` has.

use crate::calls;
use crate::entrust::{TowerWage, Wage, entrust};
use crate::fees::Fee;
use crate::htlc::Htlc;
use crate::prepared::Form;
use crate::purse::Purse;
use crate::round::cosign;
use crate::round::tests::{now, purse};
use crate::word::Word;
use alloy::primitives::{Address, hex};
use kofo_adapter_api::RoundRequest;
use kofo_primitives::{
    ActKind, AssetId, End, HtlcSpec, LegId, LegRef, Preimage, Side, SwapId, Together, decode,
};

const SETTLEMENT: &str = include_str!("../../../docs/protocol/vectors/settlement.json");
const TOWER: &str = include_str!("../../../docs/protocol/vectors/tower.json");

/// A value of a file of vectors, by section and name.
fn kept(file: &str, place: &str) -> Vec<u8> {
    let values: serde_json::Value = serde_json::from_str(file).unwrap();
    let text = values.pointer(place).and_then(serde_json::Value::as_str);
    hex::decode(text.unwrap_or_else(|| panic!("no {place}"))).unwrap()
}

/// Beta as its owner, the taker, has it, or its redeemer, the maker.
fn beta(end: End) -> HtlcSpec {
    let spec: HtlcSpec = decode(&kept(TOWER, "/package/beta_spec")).unwrap();
    HtlcSpec { end, ..spec }
}

fn maker() -> Purse {
    purse(0x11)
}

fn it(asset: AssetId) -> Htlc {
    let spec = HtlcSpec {
        asset,
        ..beta(End::Refunder)
    };
    Htlc::new(&maker().config, &spec).unwrap()
}

fn preimage() -> Preimage {
    Preimage::new(kept(SETTLEMENT, "/keys/preimage").try_into().unwrap())
}

fn sends(it: &Htlc, form: &Form, place: &str) {
    assert_eq!(
        hex::encode(calls::end(it, form).input),
        hex::encode(kept(SETTLEMENT, place)),
        "{place}"
    );
}

#[test]
fn lock_redeem_and_refund_of_the_vectors_are_sent() {
    let spec = beta(End::Refunder);
    assert_eq!(
        purse(0x22).owner.address().as_slice(),
        &spec.refunder.as_slice()[..20]
    );
    assert_eq!(maker().owner.address().as_slice(), spec.redeemer.as_slice());
    let coin = it(spec.asset);
    assert_eq!(calls::lock(&coin).input, kept(SETTLEMENT, "/evm/lock"));
    let token = Address::from_slice(&kept(SETTLEMENT, "/evm/token"));
    let token = Htlc {
        token,
        ..it(beta(End::Refunder).asset)
    };
    assert_eq!(calls::lock(&token).input, kept(SETTLEMENT, "/evm/lock_token"));
    for (it, suffix) in [(&coin, ""), (&token, "_token")] {
        let redeem = Form::Redeem(preimage(), Fee::NONE);
        sends(it, &redeem, &format!("/evm/redeem{suffix}"));
        sends(it, &Form::Refund(Fee::NONE), &format!("/evm/refund{suffix}"));
    }
}

#[test]
fn the_round_of_the_vectors_is_answered_and_its_word_sent() {
    let of = LegRef {
        swap: SwapId::new([0; 32]),
        leg: LegId::first(Side::Beta),
    };
    let request = RoundRequest::new(kept(SETTLEMENT, "/evm_words/round_request")).unwrap();
    let (maker, legs) = (maker(), [(of, beta(End::Redeemer))]);
    let reply = now(cosign(&maker, Together::Refund, &legs, &request)).unwrap();
    assert_eq!(reply.as_slice(), kept(SETTLEMENT, "/evm_words/round_reply"));
    let (_, words): (u8, Vec<Word>) = borsh::from_slice(reply.as_slice()).unwrap();
    let form = Form::Release(words[0], Fee::NONE);
    sends(&it(beta(End::Refunder).asset), &form, "/evm_words/release");
}

#[test]
fn the_package_of_the_vectors_is_entrusted_and_sent() {
    let mut maker = maker();
    let account = Address::from_slice(&kept(SETTLEMENT, "/evm_words/relayer"));
    let per_mille = 10;
    maker.config.tower_wage = Some(TowerWage { account, per_mille });
    let package = now(entrust(&maker, &beta(End::Redeemer), ActKind::Redeem)).unwrap();
    assert_eq!(
        package[0].as_slice(),
        kept(SETTLEMENT, "/evm_words/tower_package")
    );
    let (_, wage): (u8, Option<Wage>) = borsh::from_slice(package[0].as_slice()).unwrap();
    let form = Form::RedeemFor(preimage(), wage.unwrap(), Fee::NONE);
    sends(&it(beta(End::Refunder).asset), &form, "/evm_words/redeem_for");
}
