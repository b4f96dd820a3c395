//! The nodes, their links and what is under way between them.

use super::{CLAIMANT, EDGES, MOST_UNDER_WAY_MS, PROVIDER};
use crate::fixture::{key, network};
use crate::market::{self, Deal, MADE};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_exchange::*;
use kofo_primitives::*;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, BorshSerialize, BorshDeserialize)]
pub(super) enum Message {
    Claim(ClaimEnvelope),
    Fulfil(FulfilEnvelope),
    Select(SelectEnvelope),
    Answer(Signed<Answer>),
}

/// What somebody did to a message on its way.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Honest,
    Twice,
    /// One byte of it.
    Altered,
    /// It came to another node, or from another.
    Astray,
}

#[derive(Clone)]
pub(super) struct Flight {
    pub(super) edge: usize,
    /// Which of the edge's ends gets it.
    pub(super) to: usize,
    /// The connection that it was sent on.
    pub(super) connection: u64,
    pub(super) sent_ms: u64,
    pub(super) message: Message,
    pub(super) fate: Fate,
}

/// A quote that the provider made.
pub(super) struct Made {
    pub(super) claim: usize,
    pub(super) path: Vec<HopEntry>,
    pub(super) fulfil: Signed<Fulfil>,
    pub(super) terms: FulfilTerms,
    pub(super) deal: Deal,
}

pub(super) struct World {
    pub(super) nodes: Vec<Relay>,
    /// Over which connection each edge goes, if it does.
    pub(super) edges: [Option<u64>; EDGES.len()],
    pub(super) connections: u64,
    pub(super) flights: Vec<Flight>,
    pub(super) now: u64,
    pub(super) own: Vec<OwnClaim>,
    pub(super) seen: SeenReservations,
    /// Copies of claims that the provider got, newest last.
    pub(super) copies: Vec<Received>,
    pub(super) made: BTreeMap<FulfilId, Made>,
    /// Selections that came to the provider.
    pub(super) asked: Vec<Select>,
    pub(super) hashlock: u8,
    pub(super) matched: usize,
    pub(super) forwards: BTreeMap<(usize, ClaimId), usize>,
}

pub(super) fn role(node: usize) -> LinkRole {
    match node {
        CLAIMANT => LinkRole::Wallet,
        PROVIDER => LinkRole::Provider,
        _ => LinkRole::Relay,
    }
}

/// The key of one end of an edge.
pub(super) fn link_key(edge: usize, end: usize) -> LinkKey {
    let n = u8::try_from(1 + edge * 2 + end).expect("few edges");
    LinkKey::new(&[n; 32]).expect("a key of the curve")
}

/// One connection has a number at each end.
pub(super) fn link(connection: u64, end: usize) -> Link {
    Link(connection * 2 + end as u64)
}

pub(super) fn claims() -> [Claim; 3] {
    [
        market::claim(11, None),
        market::claim(12, Some(10)),
        market::hidden(13, None),
    ]
}

pub(super) fn fresh() -> Relay {
    Relay::new(RelayConfig::new(network(), [5; 32]))
}

impl World {
    pub(super) fn new() -> Self {
        let own = claims().map(|claim| {
            let opening = matches!(claim.limit, Limit::Hidden(_)).then(market::limit);
            OwnClaim::new(claim.sign(&key(1)), market::limit().ratio, opening, 3_000).expect("a right claim")
        });
        let mut world = Self {
            nodes: (0..5).map(|_| fresh()).collect(),
            edges: [None; EDGES.len()],
            connections: 0,
            flights: Vec::new(),
            now: MADE,
            own: own.into(),
            seen: SeenReservations::default(),
            copies: Vec::new(),
            made: BTreeMap::new(),
            asked: Vec::new(),
            hashlock: 0,
            matched: 0,
            forwards: BTreeMap::new(),
        };
        (0..EDGES.len()).for_each(|edge| world.join(edge));
        world
    }

    pub(super) fn join(&mut self, edge: usize) {
        self.part(edge);
        self.connections += 1;
        self.edges[edge] = Some(self.connections);
        for end in [0, 1] {
            let (node, peer) = (EDGES[edge][end], EDGES[edge][1 - end]);
            let theirs = link_key(edge, 1 - end).base();
            let link = link(self.connections, end);
            self.nodes[node].link(link, role(peer), link_key(edge, end), theirs);
        }
        for end in [0, 1] {
            let node = EDGES[edge][end];
            let known = self.nodes[node].greet(link(self.connections, end), self.now);
            self.forward(node, known);
        }
    }

    pub(super) fn part(&mut self, edge: usize) {
        if let Some(connection) = self.edges[edge].take() {
            for end in [0, 1] {
                self.nodes[EDGES[edge][end]].unlink(link(connection, end));
            }
        }
    }

    /// The node sends the message over that link: never over one that is closed.
    pub(super) fn send(&mut self, node: usize, over: Link, message: Message) {
        let side = |edge: usize| EDGES[edge].iter().position(|end| *end == node);
        let on = (0..EDGES.len()).find_map(|edge| {
            let (connection, end) = (self.edges[edge]?, side(edge)?);
            (link(connection, end) == over).then_some((edge, connection, 1 - end))
        });
        let (edge, connection, to) = on.expect("nothing is sent over a closed link");
        self.flights.push(Flight {
            edge,
            to,
            connection,
            sent_ms: self.now,
            message,
            fate: Fate::Honest,
        });
    }

    pub(super) fn forward(&mut self, node: usize, envelopes: Vec<(Link, ClaimEnvelope)>) {
        for (over, envelope) in envelopes {
            *self.forwards.entry((node, envelope.claim.body.id())).or_insert(0) += 1;
            self.send(node, over, Message::Claim(envelope));
        }
    }

    pub(super) fn deliver(&mut self, flight: Flight) {
        let late = flight.sent_ms + MOST_UNDER_WAY_MS < self.now;
        if late || self.edges[flight.edge] != Some(flight.connection) {
            return;
        }
        let node = EDGES[flight.edge][flight.to];
        let from = link(flight.connection, flight.to);
        let fate = flight.fate;
        let blame = match flight.message {
            Message::Claim(envelope) => self.claim((node, from), envelope, fate),
            Message::Fulfil(envelope) => self.fulfil((node, from), envelope, fate),
            Message::Select(envelope) => self.select((node, from), envelope, fate),
            Message::Answer(answer) => self.answer((node, from), answer, fate),
        };
        match (fate, blame) {
            (Fate::Honest, Some(blame)) => panic!("who does as it should is blamed for {blame:?}"),
            (Fate::Twice, Some(blame)) => assert_eq!(blame, Blame::Replay),
            _ => {}
        }
    }

    pub(super) fn claim(
        &mut self,
        (node, from): (usize, Link),
        envelope: ClaimEnvelope,
        fate: Fate,
    ) -> Option<Blame> {
        match self.nodes[node].claim(from, envelope, self.now) {
            Ok(taken) => {
                // Of a copy that is known, only what is known counts.
                let whole = fate == Fate::Honest || fate == Fate::Twice;
                assert!(whole || taken.forward.is_empty(), "an altered claim is passed on");
                assert_eq!(taken.received.claim.check(), Ok(()));
                if node == PROVIDER {
                    self.copies.push(taken.received);
                }
                self.forward(node, taken.forward);
                None
            }
            Err(refused) => refused.blame(),
        }
    }

    pub(super) fn fulfil(
        &mut self,
        (node, from): (usize, Link),
        envelope: FulfilEnvelope,
        fate: Fate,
    ) -> Option<Blame> {
        let passed = match self.nodes[node].fulfil(from, envelope, self.now) {
            Ok(passed) => passed,
            Err(refused) => return refused.blame(),
        };
        assert!(
            fate == Fate::Honest || fate == Fate::Twice,
            "an altered quote is passed on"
        );
        match passed {
            Passed::On(to, envelope) => self.send(node, to, Message::Fulfil(envelope)),
            Passed::Ours(envelope) => {
                assert_eq!(node, CLAIMANT);
                let claim = envelope.fulfil.body.claim;
                let own = self.own.iter_mut().find(|own| own.id() == claim);
                let taken = own
                    .expect("a claim of ours")
                    .quote(envelope, &key(2), &mut self.seen, self.now);
                if let Err(refused) = taken {
                    let timely = matches!(
                        refused,
                        QuoteRefused::Known(_)
                            | QuoteRefused::Late { .. }
                            | QuoteRefused::Closed
                            | QuoteRefused::Worse
                    );
                    assert!(timely, "an honest quote is refused: {refused}");
                }
            }
        }
        None
    }

    pub(super) fn select(
        &mut self,
        (node, from): (usize, Link),
        envelope: SelectEnvelope,
        fate: Fate,
    ) -> Option<Blame> {
        let sent = envelope.select.clone();
        match self.nodes[node].select(Some(from), envelope, self.now) {
            Ok(passed) => {
                // One that skips nodes, but comes from the right neighbour of its route, is as good as any.
                let known = self.own.iter().flat_map(OwnClaim::selections);
                let signed = known.map(|s| &s.select).any(|select| *select == sent);
                assert!(
                    signed || fate != Fate::Altered,
                    "an altered selection is passed on"
                );
                self.selected(node, passed);
                None
            }
            Err(stopped) => stopped.blame(),
        }
    }

    pub(super) fn selected(&mut self, node: usize, passed: Passed<SelectEnvelope>) {
        let envelope = match passed {
            Passed::On(to, envelope) => return self.send(node, to, Message::Select(envelope)),
            Passed::Ours(envelope) => envelope,
        };
        assert_eq!(node, PROVIDER);
        let select = &envelope.select;
        let made = &self.made[&select.body.fulfil];
        // Somebody on the way may have altered the part: then it does not open.
        let part = ClaimantPart::unseal(&select.body.claim, &made.deal.key(), &envelope.part);
        let Ok(part) = part else { return };
        let order = SettlementOrder::matched(MatchedParts {
            claim: claims()[made.claim].clone().sign(&key(1)),
            path: made.path.clone(),
            fulfil: made.fulfil.clone(),
            terms: made.terms.clone(),
            returns: part.returns,
            select: select.clone(),
            claimant: part.opening,
            provider: market::opening(made.deal.bond),
        });
        assert!(order.is_ok(), "a selection that came through makes no order");
        self.asked.push(select.body.clone());
    }

    pub(super) fn answer(
        &mut self,
        (node, from): (usize, Link),
        answer: Signed<Answer>,
        fate: Fate,
    ) -> Option<Blame> {
        match self.nodes[node].answer(Some(from), answer, self.now) {
            Ok(passed) => {
                assert!(fate != Fate::Altered, "an altered answer is passed on");
                self.answered(node, passed);
                None
            }
            Err(stopped) => stopped.blame(),
        }
    }

    pub(super) fn answered(&mut self, node: usize, passed: Passed<Signed<Answer>>) {
        match passed {
            Passed::On(to, answer) => self.send(node, to, Message::Answer(answer)),
            Passed::Ours(answer) => {
                assert_eq!(node, CLAIMANT);
                let own = self.own.iter_mut().find(|own| own.id() == answer.body.claim);
                match own.expect("a claim of ours").answer(&answer, &key(2)) {
                    Ok(Answered::Opened(parts)) => {
                        let order = SettlementOrder::matched(*parts).expect("a right order");
                        assert_eq!(order.id(), answer.body.order, "both ends have one order");
                        self.matched += 1;
                    }
                    Ok(Answered::Declined(..)) => panic!("nobody declined"),
                    Err(refused) => {
                        let late = matches!(refused, AnswerRefused::Again(_) | AnswerRefused::Ended { .. });
                        assert!(late, "an honest answer is refused: {refused}");
                    }
                }
            }
        }
    }
}
