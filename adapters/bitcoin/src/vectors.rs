//! What only this adapter makes is what `docs/protocol/vectors` has.

use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::hex::{DisplayHex, FromHex};
use bitcoin::{Network, OutPoint, ScriptBuf, Txid};
use kofo_primitives::{Act, ActKind, End, HtlcSpec, LegId, NetworkId, Preimage, Seed, Side, decode};

use crate::asset_id;
use crate::entrust::take_over;
use crate::entrust::tests::entrust;
use crate::fee::SatPerVb;
use crate::keys::{LegKey, Payee};
use crate::spend::Coin;
use crate::terms::Terms;

const SETTLEMENT: &str = include_str!("../../../docs/protocol/vectors/settlement.json");
const TOWER: &str = include_str!("../../../docs/protocol/vectors/tower.json");

/// A value of a file of vectors, by section and name.
fn text(file: &str, place: &str) -> String {
    let values: serde_json::Value = serde_json::from_str(file).unwrap();
    let text = values.pointer(place).and_then(serde_json::Value::as_str);
    text.unwrap_or_else(|| panic!("no {place}")).to_owned()
}

pub(crate) fn kept(place: &str) -> Vec<u8> {
    Vec::from_hex(&text(SETTLEMENT, place)).unwrap()
}

fn hash(place: &str) -> [u8; 32] {
    kept(place).try_into().unwrap()
}

/// Alpha as its redeemer, the taker, has it.
fn alpha() -> (HtlcSpec, Terms) {
    let bytes = Vec::from_hex(&text(TOWER, "/package/alpha_spec")).unwrap();
    let spec: HtlcSpec = decode(&bytes).unwrap();
    let terms = Terms::read(&spec, &asset_id(Network::Regtest)).unwrap();
    (spec, terms)
}

/// The lock of the vectors.
pub(crate) fn coin() -> Coin {
    Coin {
        outpoint: OutPoint {
            txid: Txid::from_byte_array(hash("/bitcoin_alone/lock_txid")),
            vout: text(SETTLEMENT, "/bitcoin_alone/lock_vout").parse().unwrap(),
        },
        value: alpha().1.amount,
    }
}

#[test]
fn keys_and_script_of_the_vectors_follow_from_seed_and_order() {
    let (spec, terms) = alpha();
    let (seed, network) = (Seed::new([0x22; 64]), NetworkId::new("kofo-vectors").unwrap());
    let key = LegKey {
        seed: &seed,
        network: &network,
        nonce: &spec.nonce,
        leg: LegId::first(Side::Alpha),
        end: End::Redeemer,
    };
    let (secret, payee) = key.of(terms.ours()).unwrap();
    assert_eq!(payee, Payee::Us);
    assert_eq!(secret.secret_bytes(), hash("/keys/taker_alpha_secret"));
    let payout = ScriptBuf::from_bytes(kept("/keys/pay_to_payout"));
    let paying = key.paying(&payout).unwrap();
    assert_eq!(paying.secret_bytes(), hash("/keys/taker_alpha_pay_to_secret"));
    assert_eq!(
        terms.htlc.script_pubkey().as_bytes(),
        kept("/bitcoin/script_pubkey")
    );
}

#[test]
fn the_package_of_the_vectors_is_entrusted_and_redeems() {
    let (_, terms) = alpha();
    let secret = bitcoin::secp256k1::SecretKey::from_slice(&hash("/keys/taker_alpha_secret")).unwrap();
    let levels = entrust(&terms, ActKind::Redeem, coin(), (&secret, SatPerVb(100))).unwrap();
    let least = levels.first().unwrap();
    assert_eq!(
        least.as_slice().to_lower_hex_string(),
        text(TOWER, "/package/alpha_redeem")
    );
    let act = Act::Redeem(Preimage::new(hash("/keys/preimage")));
    let (tx, _) = take_over(&terms, &act, least, coin()).unwrap();
    assert_eq!(serialize(&tx), kept("/bitcoin_alone/redeem_tx"));
}
