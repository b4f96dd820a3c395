//! Real values: the orders of two made-up chains' swaps, from which the corpora are written.

use kofo_primitives::*;
use kofo_settlement::{Margins, Pace, Policy, Terms};
use std::collections::BTreeMap;

/// When everything was agreed.
pub(crate) const START: UnixTime = UnixTime(1_000_000);
/// The height of all chains then.
pub(crate) const HEIGHT: u64 = 100;
pub(crate) const DEPTH: u32 = 3;
pub(crate) const CHAINS: [&str; 3] = ["a", "b", "c"];

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-test").expect("a word")
}

pub(crate) fn chain(name: &str) -> ChainId {
    ChainId::new(&format!("test:{name}")).expect("a chain")
}

pub(crate) fn asset(chain: &str) -> AssetId {
    AssetId::new(&format!("test:{chain}/slip44:0")).expect("an asset")
}

/// The key of the maker (1), the taker (2) or somebody else.
pub(crate) fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).expect("a key of the curve")
}

pub(crate) fn preimage(n: u8) -> Preimage {
    Preimage::new([n; 32])
}

pub(crate) fn party(n: u8) -> Party {
    Party::new([n; 20]).expect("20 bytes")
}

pub(crate) fn policy() -> Policy {
    let paces = CHAINS.map(|name| (chain(name), Pace::REGTEST)).into();
    Policy {
        paces,
        margins: Margins::REGTEST,
    }
}

pub(crate) fn heights() -> BTreeMap<ChainId, u64> {
    CHAINS.map(|name| (chain(name), HEIGHT)).into()
}

/// An offer of `alpha` legs on chains a, c, … for one on chain b, under the hashlock of that preimage.
pub(crate) fn offer(alpha: u8, nonce: u8, secret: u8) -> Offer {
    let leg = |chain: &str, n: u8| OfferedLeg {
        asset: asset(chain),
        amount: Amount::new(1_000),
        party: party(n),
        place: Place::default(),
        depth: DEPTH,
    };
    let on = |i: u8| if i.is_multiple_of(2) { "a" } else { "c" };
    Offer {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: key(1).id(),
        contacts: vec![Contact::new("/memory/1").expect("short")],
        nonce: SwapNonce::new([nonce; 32]),
        hashlock: preimage(secret).hashlock(),
        give: (0..alpha).map(|i| leg(on(i), 10 + i)).collect(),
        want: vec![leg("b", 30)],
        expires: START.plus(Seconds(600)),
    }
}

/// The taker's acceptance, with the timelocks that the policy asks for.
pub(crate) fn acceptance(offer: &Offer) -> Acceptance {
    let timelocks = policy().timelocks(&[chain("a"), chain("c")], &[chain("b")]);
    let timelocks = timelocks.expect("all chains are known");
    let leg = |n: u8, span| AcceptedLeg {
        party: party(n),
        timelock: START.plus(span),
    };
    let alpha = (50..).zip(&offer.give).map(|(n, _)| leg(n, timelocks.alpha));
    Acceptance {
        version: 1,
        offer: offer.id(),
        taker: key(2).id(),
        nonce: SwapNonce::new([2; 32]),
        alpha: alpha.collect(),
        beta: vec![leg(70, timelocks.beta)],
    }
}

pub(crate) fn order(alpha: u8, nonce: u8, secret: u8) -> SettlementOrder {
    let offer = offer(alpha, nonce, secret);
    let acceptance = acceptance(&offer).sign(&offer, &key(2));
    SettlementOrder::new(offer.sign(&key(1)), acceptance).expect("a right order")
}

pub(crate) fn terms(order: &SettlementOrder, role: Role) -> Terms {
    Terms::new(order, role, &policy(), START, &heights()).expect("right terms")
}
