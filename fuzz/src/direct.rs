//! What two nodes say to each other, and how one names the other.

use crate::fixture::*;
use kofo_network::{Identity, PeerAddress, PeerId};
use kofo_node::direct::{Accept, Keep, LegAsked, Request, Response, SignRequest};
use kofo_primitives::{Bytes, Contact, LegId, NodeId, SettlementOrder, Side, SwapId, Together, encode};
use kofo_tower::RecordPage;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// From a stranger: only what two parties signed is a request.
pub(crate) fn request(data: &[u8]) {
    if let Ok(request) = Request::read(data) {
        assert_eq!(request.write(), data, "one request has one encoding");
        let right = match &request {
            Request::Accept(accept) => {
                let order = SettlementOrder::Direct(Box::new(accept.order.clone()));
                let signed = crate::codec::seeds_of_orders().contains(&encode(&order));
                assert!(signed, "an order that nobody signed");
                accept.check().is_ok()
            }
            Request::Sign(asked) => asked.check().is_ok(),
            Request::Keep(keep) => keep.check().is_ok(),
            // It has no signature: the connection says who asks.
            Request::Return(_) => false,
        };
        assert!(
            !right || seeds_of_requests().contains(&data.to_vec()),
            "a message that nobody signed"
        );
    }
}

pub(crate) fn seeds_of_requests() -> Vec<Vec<u8>> {
    let contact = Contact::new("/ip4/127.0.0.1/tcp/1").expect("short");
    let accept = |alpha, contacts| {
        let accept = Accept::new(
            order(alpha, 1, 7).as_direct().expect("direct").clone(),
            contacts,
            &key(2),
        );
        Request::Accept(Box::new(accept)).write()
    };
    let sign = |what, preimage| {
        let (swap, leg) = (order(1, 1, 7).id(), LegId::first(Side::Beta));
        let round = Bytes::new([1, 2, 3]).expect("short");
        let legs = vec![LegAsked { swap, leg, preimage }];
        Request::Sign(Box::new(SignRequest::new(what, legs, round, &key(1)))).write()
    };
    vec![
        accept(1, vec![contact]),
        accept(2, Vec::new()),
        Request::Keep(Box::new(Keep::new(
            order(1, 1, 7).id(),
            Bytes::new([8; 60]).expect("short"),
            &key(1),
        )))
        .write(),
        Request::Return(Some(order(1, 1, 7).id())).write(),
        sign(Together::Redeem, Some(preimage(7))),
        sign(Together::Refund, None),
    ]
}

fn asked() -> (SwapId, NodeId) {
    static ASKED: OnceLock<(SwapId, NodeId)> = OnceLock::new();
    *ASKED.get_or_init(|| (order(1, 1, 7).id(), key(1).id()))
}

/// From the maker, or somebody who would like to be: only the maker's own yes is one.
pub(crate) fn response(data: &[u8]) {
    let (swap, maker) = asked();
    match Response::read(data, swap, &maker) {
        Ok(()) => assert_eq!(data, Response::accepted(swap, &key(1)).write(), "a forged yes"),
        Err(error) => {
            let shown = error.to_string();
            assert!(
                !shown.contains(|c: char| c.is_control()),
                "a stranger forges a line of a log: {shown:?}"
            );
        }
    }
}

pub(crate) fn seeds_of_responses() -> Vec<Vec<u8>> {
    let (swap, _) = asked();
    vec![
        Response::accepted(swap, &key(1)).write(),
        Response::accepted(swap, &key(3)).write(),
        Response::refused(&"the offer expired 5 s ago").write(),
    ]
}

/// From the other party of a swap: signatures, records, or something else.
pub(crate) fn signed_response(data: &[u8]) {
    if let Ok(theirs) = Response::read_kept(data) {
        assert_eq!(
            data,
            Response::Kept(theirs).write(),
            "one answer has one encoding"
        );
    }
    if let Ok(page) = Response::read_records(data) {
        assert_eq!(
            data,
            Response::Records(page).write(),
            "one answer has one encoding"
        );
    }
    match Response::read_signed(data) {
        Ok(reply) => assert_eq!(
            data,
            Response::Signed(reply).write(),
            "one answer has one encoding"
        ),
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
        }
    }
}

pub(crate) fn seeds_of_signed() -> Vec<Vec<u8>> {
    let record = || Bytes::new([8; 60]).expect("short");
    let page = RecordPage {
        records: vec![(order(1, 1, 7).id(), record())],
        more: true,
    };
    vec![
        Response::Kept(None).write(),
        Response::Kept(Some(record())).write(),
        Response::Records(page).write(),
        Response::Signed(Bytes::new([7; 100]).expect("short")).write(),
        Response::refused(&"not now").write(),
    ]
}

/// The contacts of an offer, a line each, and a peer id by itself.
pub(crate) fn multiaddrs(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<&str> = text.lines().collect();
    if let Ok(address) = PeerAddress::from_multiaddrs(&lines) {
        let printed = address.multiaddrs();
        assert_eq!(
            PeerAddress::from_multiaddrs(&printed),
            Ok(address),
            "what is printed is read back: {printed:?}"
        );
    }
    if let Ok(peer) = text.parse::<PeerId>() {
        assert_eq!(peer.to_string().parse(), Ok(peer));
    }
}

pub(crate) fn seeds_of_multiaddrs() -> Vec<Vec<u8>> {
    let peer = Identity::from_secret(Zeroizing::new([7; 32])).peer_id();
    let texts = [
        format!("/ip4/127.0.0.1/tcp/9000/p2p/{peer}"),
        format!("/ip4/203.0.113.5/udp/9000/quic-v1/p2p/{peer}\n/dns4/node.example.org/tcp/9000"),
        format!("/ip6/::1/tcp/9000/ws/p2p/{peer}\n/ip4/127.0.0.1/tcp/1/p2p/{peer}"),
        peer.to_string(),
    ];
    texts.map(String::into_bytes).into()
}
