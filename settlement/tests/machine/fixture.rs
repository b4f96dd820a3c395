//! One party to one swap between two made-up chains, and the words to tell it things.

use kofo_primitives::*;
use kofo_settlement::*;
use std::collections::BTreeMap;

pub(crate) const START: UnixTime = UnixTime(1_000_000);
pub(crate) const ALPHA: LegId = LegId::first(Side::Alpha);
pub(crate) const BETA: LegId = LegId::first(Side::Beta);
pub(crate) const DEPTH: u64 = 3;

pub(crate) fn chain(name: &str) -> ChainId {
    ChainId::new(&format!("test:{name}")).unwrap()
}

fn asset(chain: &str) -> AssetId {
    AssetId::new(&format!("test:{chain}/slip44:0")).unwrap()
}

pub(crate) fn preimage() -> Preimage {
    Preimage::new([7; 32])
}

pub(crate) fn policy() -> Policy {
    let paces = ["a", "b", "c"].map(|name| (chain(name), Pace::REGTEST)).into();
    Policy {
        paces,
        margins: Margins::REGTEST,
    }
}

fn party(n: u8) -> Party {
    Party::new([n; 20]).unwrap()
}

/// An order of `alpha` legs on chains a, c, … against `beta` legs on chain b.
pub(crate) fn order(alpha: u8, beta: u8, timelocks: Timelocks) -> SettlementOrder {
    let (maker, taker) = (NodeKey::new(&[1; 32]).unwrap(), NodeKey::new(&[2; 32]).unwrap());
    let offered = |chain: &str, n: u8| OfferedLeg {
        asset: asset(chain),
        amount: Amount::new(1000),
        party: party(n),
        place: Place::default(),
        depth: u32::try_from(DEPTH).unwrap(),
    };
    let offer = Offer {
        version: 1,
        network: NetworkId::new("kofo-test").unwrap(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: maker.id(),
        contacts: vec![Contact::new("/memory/1").unwrap()],
        nonce: SwapNonce::new([1; 32]),
        hashlock: preimage().hashlock(),
        give: (0..alpha)
            .map(|i| offered(if i % 2 == 0 { "a" } else { "c" }, 10 + i))
            .collect(),
        want: (0..beta).map(|i| offered("b", 30 + i)).collect(),
        expires: START.plus(Seconds(600)),
    };
    let accepted = |n: u8, span| AcceptedLeg {
        party: party(n),
        timelock: START.plus(span),
    };
    let acceptance = Acceptance {
        version: 1,
        offer: offer.id(),
        taker: taker.id(),
        nonce: SwapNonce::new([2; 32]),
        alpha: (0..alpha).map(|i| accepted(50 + i, timelocks.alpha)).collect(),
        beta: (0..beta).map(|i| accepted(70 + i, timelocks.beta)).collect(),
    };
    let acceptance = acceptance.sign(&offer, &taker);
    SettlementOrder::new(offer.sign(&maker), acceptance).unwrap()
}

pub(crate) fn terms_of(role: Role, alpha: u8, beta: u8) -> Terms {
    let timelocks = policy()
        .timelocks(&[chain("a"), chain("c")], &[chain("b")])
        .unwrap();
    let heights: BTreeMap<_, _> = ["a", "b", "c"].map(|name| (chain(name), 100)).into();
    Terms::new(&order(alpha, beta, timelocks), role, &policy(), START, &heights).unwrap()
}

/// One party, its state, and the tips it has heard since it started.
pub(crate) struct Node {
    pub(crate) terms: Terms,
    pub(crate) swap: Swap,
    pub(crate) tips: FreshTips,
}

impl Node {
    pub(crate) fn new(role: Role) -> Self {
        Self::with_legs(role, 1, 1)
    }

    /// After a loss: only the order is left.
    pub(crate) fn restored(role: Role) -> Self {
        let mut node = Self::new(role);
        node.lose();
        node
    }

    pub(crate) fn lose(&mut self) {
        let preimage = (self.terms.role() == Role::Initiator).then(preimage);
        self.swap = Swap::restored(&self.terms, preimage).unwrap();
        self.tips.forget();
    }

    pub(crate) fn with_legs(role: Role, alpha: u8, beta: u8) -> Self {
        let terms = terms_of(role, alpha, beta);
        let swap = Swap::begin(&terms, (role == Role::Initiator).then(preimage)).unwrap();
        Self {
            terms,
            swap,
            tips: FreshTips::default(),
        }
    }

    pub(crate) fn input(&mut self, input: &Input) -> Result<(), Rejected> {
        self.swap = self.swap.apply(&self.terms, input)?;
        Ok(())
    }

    /// All chains mine up to this height, at this time.
    pub(crate) fn tips(&mut self, height: u64, time: UnixTime) -> &mut Self {
        for chain in self.terms.chains() {
            self.tips.note(&chain, Tip { height, time });
        }
        self.input(&Input::Tips(self.tips.get().clone())).unwrap();
        self
    }

    pub(crate) fn tip(&mut self, name: &str, height: u64, time: UnixTime) -> &mut Self {
        self.tips.note(&chain(name), Tip { height, time });
        self.input(&Input::Tips(self.tips.get().clone())).unwrap();
        self
    }

    /// The adapter answers a build; the driver forgets what it knew of time.
    pub(crate) fn built(&mut self, leg: LegId, act: ActKind) -> &mut Self {
        let prepared = Prepared(Bytes::new(format!("{leg} {act:?}").into_bytes()).unwrap());
        self.input(&Input::Leg(leg, LegEvent::Built(act, prepared)))
            .unwrap();
        self.tips.forget();
        self
    }

    pub(crate) fn seen(&mut self, leg: LegId, act: Act, height: u64) -> &mut Self {
        let event = LegEvent::Seen {
            act,
            at: At::Block(height),
            tx: None,
        };
        self.input(&Input::Leg(leg, event)).unwrap();
        self
    }

    pub(crate) fn in_mempool(&mut self, leg: LegId, act: Act) -> &mut Self {
        self.input(&Input::Leg(
            leg,
            LegEvent::Seen {
                act,
                at: At::Mempool,
                tx: None,
            },
        ))
        .unwrap();
        self
    }

    pub(crate) fn event(&mut self, leg: LegId, event: LegEvent) -> &mut Self {
        self.input(&Input::Leg(leg, event)).unwrap();
        self
    }

    /// The process dies and comes back: the state is what was journaled, and no tip is known.
    pub(crate) fn restart(&mut self) -> &mut Self {
        self.swap = decode(&encode(&self.swap)).unwrap();
        self.terms = decode(&encode(&self.terms)).unwrap();
        self.tips.forget();
        self
    }

    /// What it owes besides watching, as words.
    pub(crate) fn owes(&self) -> Vec<String> {
        let word = |action: &ChainAction| match action {
            ChainAction::Watch { .. } => None,
            ChainAction::Build(act) => Some(format!("build {:?}", act.kind())),
            ChainAction::Broadcast { act, .. } => Some(format!("broadcast {act:?}")),
            ChainAction::Unwatch => Some("unwatch".into()),
        };
        let owed = self.swap.pending(&self.terms, self.tips.get());
        owed.iter()
            .filter_map(|(leg, action)| Some(format!("{} {leg}", word(action)?)))
            .collect()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.swap.phase()
    }
}

/// Seconds after the agreement.
pub(crate) fn at(seconds: u64) -> UnixTime {
    START.plus(Seconds(seconds))
}

/// The timelock of a leg of the standard terms.
pub(crate) fn timelock(leg: LegId) -> UnixTime {
    terms_of(Role::Initiator, 1, 1).legs()[&leg].spec.timelock
}
