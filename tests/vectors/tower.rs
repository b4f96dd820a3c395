//! What a taker entrusts to its tower, and how both speak.

use crate::bitcoin::{FEE, coin, redeemed};
use crate::file::Vectors;
use crate::order::{Of, SATOSHI, agreed, network, preimage, spec};
use bitcoin::hashes::Hash;
use kofo_adapter_api::Entrusted;
use kofo_primitives::{LegId, Role, Side, encode};
use kofo_tower::{Ask, Entry, Package, Request, Response, Standing, Told};
use std::collections::BTreeMap;

/// The package for alpha's redeem at one level of fee, put together by rule B13: the signature is that of the redeem.
fn redeem() -> Entrusted {
    let tx = redeemed();
    let bytes = [
        &[1, 1][..],
        &coin().outpoint.txid.to_byte_array(),
        &coin().outpoint.vout.to_le_bytes(),
        &SATOSHI.to_le_bytes(),
        &FEE.to_sat().to_le_bytes(),
        &tx.input[0].witness[0],
    ];
    Entrusted::new(bytes.concat()).unwrap()
}

fn entrusted() -> Package {
    let [alpha, beta] = [Side::Alpha, Side::Beta].map(|side| spec(Of::Taker, side));
    // Rule V11: version 1 and no wage; anybody may refund.
    let refund = Entrusted::new([1, 0]).unwrap();
    let entries = [(Side::Alpha, alpha, redeem()), (Side::Beta, beta, refund)];
    let entry = |(side, spec, level)| {
        let levels = vec![level];
        (LegId::first(side), Entry { spec, levels })
    };
    Package {
        version: 1,
        network: network(),
        owner: Of::Taker.key().id(),
        swap: agreed().id(),
        sequence: 3,
        role: Role::Participant,
        legs: BTreeMap::from(entries.map(entry)),
    }
}

pub(crate) fn package(out: &mut Vectors) {
    out.section("package");
    out.bytes("alpha_redeem", redeem().as_slice());
    for (name, side) in [("alpha", Side::Alpha), ("beta", Side::Beta)] {
        out.bytes(&format!("{name}_spec"), encode(&spec(Of::Taker, side)));
    }
    out.bytes("package", encode(&entrusted()));
    out.bytes("id", entrusted().id());
    let signed = entrusted().sign(&Of::Taker.key());
    out.bytes("signature", &encode(&signed)[encode(&entrusted()).len()..]);
}

pub(crate) fn messages(out: &mut Vectors) {
    out.section("messages");
    let (key, version) = (Of::Taker.key(), 1);
    let (network, owner, swap) = (network(), key.id(), agreed().id());
    let request = Request::Entrust(Box::new(entrusted().sign(&key)));
    out.bytes("entrust", request.write());
    let ask = Ask {
        version,
        network: network.clone(),
        owner,
    };
    out.bytes("ask_id", ask.id());
    out.bytes("status", Request::Status(ask.sign(&key)).write());
    let told = Told {
        version,
        network,
        owner,
        swap,
        preimage: preimage(),
    };
    out.bytes("told_id", told.id());
    out.bytes("told", Request::Told(told.sign(&key)).write());
    for (name, answer) in [
        ("kept", Response::Kept(3)),
        ("older", Response::Older(4)),
        ("refused", Response::refused(&"this tower serves others")),
        (
            "standing",
            Response::Status(Standing {
                swaps: vec![(swap, 3)],
            }),
        ),
    ] {
        out.bytes(name, answer.write());
    }
}
