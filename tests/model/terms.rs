//! The terms of the swap that is modelled, and the few moments of each chain's clock that matter to them.

use crate::machine::{BASE, Machine};
use kofo_primitives::*;
use kofo_settlement::{Margins, Pace, Policy, Terms};
use std::collections::BTreeMap;

const START: UnixTime = UnixTime(1_000_000);

/// Which moments there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Both nodes' windows for a lock end at once.
    Coarse,
    /// The participant's ends later than the initiator's.
    Fine,
}

fn chain(name: &str) -> ChainId {
    ChainId::new(&format!("model:{name}")).unwrap()
}

fn preimage() -> Preimage {
    Preimage::new([7; 32])
}

fn policy() -> Policy {
    Policy {
        paces: ["alpha", "beta"].map(|name| (chain(name), Pace::REGTEST)).into(),
        margins: Margins::REGTEST,
    }
}

fn order(depth: u8) -> SettlementOrder {
    let (maker, taker) = (NodeKey::new(&[1; 32]).unwrap(), NodeKey::new(&[2; 32]).unwrap());
    let party = |n: u8| Party::new([n; 20]).unwrap();
    let offered = |name: &str, n: u8| OfferedLeg {
        asset: AssetId::new(&format!("model:{name}/coin:x")).unwrap(),
        amount: Amount::new(1000),
        party: party(n),
        place: Place::default(),
        depth: u32::from(depth),
    };
    let offer = Offer {
        version: 1,
        network: NetworkId::new("kofo-model").unwrap(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: maker.id(),
        contacts: vec![Contact::new("/memory/1").unwrap()],
        nonce: SwapNonce::new([1; 32]),
        hashlock: preimage().hashlock(),
        give: vec![offered("alpha", 10)],
        want: vec![offered("beta", 30)],
        expires: START.plus(Seconds(600)),
    };
    let timelocks = policy().timelocks(&[chain("alpha")], &[chain("beta")]).unwrap();
    let accepted = |n: u8, span| AcceptedLeg {
        party: party(n),
        timelock: START.plus(span),
    };
    let acceptance = Acceptance {
        version: 1,
        offer: offer.id(),
        taker: taker.id(),
        nonce: SwapNonce::new([2; 32]),
        alpha: vec![accepted(50, timelocks.alpha)],
        beta: vec![accepted(70, timelocks.beta)],
    };
    let acceptance = acceptance.sign(&offer, &taker);
    SettlementOrder::new(offer.sign(&maker), acceptance).unwrap()
}

pub(crate) fn machine(role: Role, depth: u8, clock: Clock) -> Machine {
    let heights: BTreeMap<_, _> = ["alpha", "beta"].map(|name| (chain(name), BASE)).into();
    let terms = |role| Terms::new(&order(depth), role, &policy(), START, &heights).unwrap();
    // The last second of each window, and the first of the timelock.
    let moments = |side: Side| {
        let id = LegId::first(side);
        let leg = terms(Role::Participant).legs()[&id].clone();
        let before = |span: Seconds| UnixTime(leg.spec.timelock.0 - span.0);
        let mut moments = vec![START];
        if clock == Clock::Fine {
            moments.push(before(leg.lock_window));
        }
        if side == Side::Beta {
            moments.push(before(leg.reveal_window));
        }
        moments.extend([before(Seconds(1)), leg.spec.timelock]);
        assert!(moments.is_sorted());
        moments
    };
    let clocks = [moments(Side::Alpha), moments(Side::Beta)];
    Machine::new(terms(role), clocks, preimage())
}

/// How many moments each clock has.
pub(crate) const fn steps(clock: Clock) -> [u8; 2] {
    match clock {
        Clock::Coarse => [3, 4],
        Clock::Fine => [4, 5],
    }
}

/// The first moment of beta's clock at which the reveal window is over.
pub(crate) const fn reveal_over(steps: u8) -> u8 {
    steps - 2
}
