//! The vectors of `docs/protocol/settlement.md`: what another implementation must come to, byte by byte.

use kofo_exchange::from_text;
use kofo_primitives::{
    Acceptance, AcceptedLeg, NodeKey, Party, SettlementOrder, SwapNonce, UnixTime, encode,
};

const OFFER: &str = include_str!("../testdata/offer.uri");
const ACCEPTANCE: &str = include_str!("../testdata/acceptance.hex");
const ORDER_ID: &str = include_str!("../testdata/order_id.hex");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn offer_and_acceptance_of_the_vectors_make_the_order_of_the_vectors() {
    let offer = from_text(OFFER).unwrap();
    let leg = |timelock| AcceptedLeg {
        party: Party::new([8; 22]).unwrap(),
        timelock: UnixTime(timelock),
    };
    let acceptance = Acceptance {
        version: 1,
        offer: offer.body.id(),
        taker: NodeKey::new(&[2; 32]).unwrap().id(),
        nonce: SwapNonce::new([5; 32]),
        alpha: vec![leg(1_800_028_800)],
        beta: vec![leg(1_800_014_400)],
    };
    let acceptance = acceptance.sign(&offer.body, &NodeKey::new(&[2; 32]).unwrap());
    assert_eq!(hex(&encode(&acceptance)), ACCEPTANCE.trim_end());
    let order = SettlementOrder::new(offer, acceptance).unwrap();
    assert_eq!(order.id().to_string(), ORDER_ID.trim_end());
}
