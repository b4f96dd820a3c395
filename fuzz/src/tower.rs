//! What an owner and a tower say to each other.

use crate::fixture::*;
use kofo_primitives::LegId;
use kofo_primitives::{Bytes, Role, Side, Signed, UnixTime, encode};
use kofo_tower::{Ask, Entry, Keep, Package, RecordPage, Request, Response, Standing, Told};

/// From a stranger to a tower: one encoding, and no line of a log is forged.
pub(crate) fn request(data: &[u8]) {
    if let Ok(request) = Request::read(data) {
        assert_eq!(request.write(), data, "one request has one encoding");
        assert!(!format!("{request:?}").is_empty());
        if let Request::Told(told) = &request {
            let shown = hex::encode(told.body.preimage.expose());
            let id = hex::encode(told.body.swap.as_bytes());
            assert!(
                shown == id || !format!("{request:?}").contains(&shown),
                "a secret is printed"
            );
        }
    }
}

pub(crate) fn seeds_of_requests() -> Vec<Vec<u8>> {
    let order = order(1, 1, 7);
    let terms = terms(&order, Role::Participant);
    let levels = vec![Bytes::new([1, 2, 3]).expect("short")];
    let entry = |leg: &kofo_settlement::Leg| Entry {
        spec: leg.spec.clone(),
        levels: levels.clone(),
    };
    let package = Package {
        version: 1,
        network: network(),
        owner: key(2).id(),
        swap: order.id(),
        sequence: 3,
        role: Role::Participant,
        legs: terms.legs().iter().map(|(id, leg)| (*id, entry(leg))).collect(),
    };
    assert!(package.legs.contains_key(&LegId::first(Side::Beta)));
    let signature = key(2).sign(&package.id());
    let ask = Ask {
        version: 1,
        network: network(),
        owner: key(2).id(),
    };
    let told = Told {
        version: 1,
        network: network(),
        owner: key(2).id(),
        swap: order.id(),
        preimage: preimage(7),
    };
    let keep = Keep {
        version: 1,
        network: network(),
        owner: key(2).id(),
        swap: order.id(),
        until: UnixTime(9),
        record: Bytes::new([8; 60]).expect("short"),
    };
    vec![
        Request::Keep(Box::new(keep.sign(&key(2)))).write(),
        Request::Return(ask.clone().sign(&key(2)), Some(order.id())).write(),
        Request::Entrust(Box::new(Signed {
            body: package,
            signature,
        }))
        .write(),
        Request::Status(ask.sign(&key(2))).write(),
        Request::Told(told.sign(&key(2))).write(),
    ]
}

/// From a tower, or somebody who would like to be one.
pub(crate) fn response(data: &[u8]) {
    match Response::read(data) {
        Ok(response) => assert_eq!(response.write(), data, "one answer has one encoding"),
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
        }
    }
}

pub(crate) fn seeds_of_responses() -> Vec<Vec<u8>> {
    let swaps = vec![(order(1, 1, 7).id(), 3)];
    assert!(!encode(&swaps).is_empty());
    [
        Response::Kept(3),
        Response::Older(4),
        Response::refused(&"too many swaps"),
        Response::Status(Standing { swaps }),
        Response::RecordKept,
        Response::Records(RecordPage {
            records: vec![(order(1, 1, 7).id(), Bytes::new([8; 60]).expect("short"))],
            more: true,
        }),
    ]
    .map(|response| response.write())
    .into()
}
