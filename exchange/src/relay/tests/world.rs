//! A small world of relays: nodes, links between them, and messages under way, delivered in an order that a number
//! decides. Providers quote for every copy they get and answer every selection; claimants collect.

use crate::fixtures::{BTC, ETH, asset, network};
use crate::relay::*;
use crate::wire::*;
use kofo_primitives::*;
use std::collections::BTreeMap;

pub(super) const NOW: u64 = 1_700_000_000_000;
pub(super) const LIFE: u64 = 60_000;
pub(super) const SKEW: u64 = 30_000;

/// A key for tests from anything.
pub(super) fn key(what: &str, numbers: &[u64]) -> NodeKey {
    NodeKey::new(&secret(what, numbers)).unwrap()
}

fn secret(what: &str, numbers: &[u64]) -> [u8; 32] {
    tagged_hash(what, &[&encode(&numbers.to_vec())])
}

/// The base of `ours` for its link to `theirs`.
pub(super) fn link_key(ours: u64, theirs: u64, epoch: u64) -> LinkKey {
    let numbers = [ours, theirs, epoch];
    LinkKey::new(&secret("link", &numbers)).unwrap()
}

pub(super) fn config(dice: u8) -> RelayConfig {
    RelayConfig::new(network(), [dice; 32])
}

pub(super) fn claim_key(n: u64) -> NodeKey {
    key("claim", &[n])
}

/// Claim number `n`, made now.
pub(super) fn claim(n: u64) -> Claim {
    let side = |id: &str| ClaimedAsset {
        asset: asset(id),
        place: Place::new([0xc0; 20]).unwrap(),
        depth: 1,
    };
    Claim {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        key: claim_key(n).id(),
        seal_key: key("seal", &[n]).id(),
        nonce: secret("nonce", &[n]),
        give: side(BTC),
        want: side(ETH),
        give_amount: Amount::new(12),
        limit: Limit::Stated(Ratio::new(20, 1).unwrap()),
        partial: None,
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 8,
        created_ms: NOW,
        expires_ms: NOW + LIFE,
    }
}

pub(super) fn fulfil(claim: ClaimId, path: Digest, key: &NodeKey) -> Signed<Fulfil> {
    let fulfil = Fulfil {
        version: 1,
        network: network(),
        claim,
        path,
        key: key.id(),
        terms: [1; 32],
        sealed: Bytes::new([2; 100]).unwrap(),
        for_validators: None,
        expires_ms: NOW + 30_000,
    };
    fulfil.sign(key)
}

pub(super) fn select(claim: ClaimId, fulfil: FulfilId, key: &NodeKey) -> SelectEnvelope {
    let select = Select {
        version: 1,
        network: network(),
        claim,
        fulfil,
        hashlock: Preimage::new([4; 32]).hashlock(),
        nonce: SwapNonce::new([5; 32]),
        opening: [6; 32],
        limit: None,
        returns: [7; 32],
        fee_root: [0; 32],
        for_validators: None,
    };
    SelectEnvelope {
        select: select.sign(key),
        part: Bytes::new([8; 50]).unwrap(),
    }
}

pub(super) fn answer(claim: ClaimId, fulfil: FulfilId, key: &NodeKey) -> Signed<Answer> {
    let answer = Answer {
        version: 1,
        network: network(),
        claim,
        fulfil,
        order: SwapId::new([9; 32]),
        verdict: Verdict::Expired,
    };
    answer.sign(key)
}

/// What goes over a link.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Claim(ClaimEnvelope),
    Fulfil(FulfilEnvelope),
    Select(SelectEnvelope),
    Answer(Signed<Answer>),
}

pub(super) struct Node {
    pub(super) relay: Relay,
    pub(super) role: LinkRole,
    pub(super) epoch: u64,
    /// Quotes for our own claims.
    pub(super) quotes: Vec<FulfilEnvelope>,
    /// Selections of our own quotes.
    pub(super) selections: Vec<SelectEnvelope>,
    pub(super) answers: Vec<Signed<Answer>>,
    /// Copies of claims that were taken.
    pub(super) taken: Vec<Received>,
    /// The keys of its own quotes.
    quoted: BTreeMap<FulfilId, NodeKey>,
    /// A node that takes what comes and sends nothing.
    pub(super) drops: bool,
    /// How far its clock is ahead of the slowest.
    pub(super) ahead_ms: u64,
}

/// A refusal: who refused what came from whom, why, and the blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) at: usize,
    pub(super) from: usize,
    pub(super) why: String,
    pub(super) blame: Option<Blame>,
}

pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    /// Open links: the two ends.
    pub(super) links: BTreeMap<Link, (usize, usize)>,
    pub(super) under_way: Vec<(usize, usize, Link, Message)>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) now_ms: u64,
    pub(super) delivered: usize,
    next_link: u64,
    random: u64,
}

impl World {
    pub(super) fn new(roles: &[LinkRole], seed: u64) -> Self {
        let node = |(at, role): (usize, &LinkRole)| Node {
            relay: Relay::new(config(u8::try_from(at).unwrap())),
            role: *role,
            epoch: 1,
            quotes: Vec::new(),
            selections: Vec::new(),
            answers: Vec::new(),
            taken: Vec::new(),
            quoted: BTreeMap::new(),
            drops: false,
            ahead_ms: 0,
        };
        Self {
            nodes: roles.iter().enumerate().map(node).collect(),
            links: BTreeMap::new(),
            under_way: Vec::new(),
            refusals: Vec::new(),
            now_ms: NOW,
            delivered: 0,
            next_link: 1,
            random: seed,
        }
    }

    /// A wallet, so many relays and a provider in a row.
    pub(super) fn line(relays: usize) -> Self {
        let mut roles = vec![LinkRole::Relay; relays + 2];
        (roles[0], roles[relays + 1]) = (LinkRole::Wallet, LinkRole::Provider);
        let mut world = Self::new(&roles, 1);
        for at in 0..=relays {
            world.connect(at, at + 1);
        }
        world
    }

    pub(super) fn draw(&mut self, below: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % below
    }

    /// Opens a link and lets both ends greet each other.
    pub(super) fn connect(&mut self, a: usize, b: usize) -> Link {
        let link = Link(self.next_link);
        self.next_link += 1;
        self.links.insert(link, (a, b));
        self.hello(link, a, b);
        for one in [a, b] {
            let now_ms = self.clock(one);
            let greeting = self.nodes[one].relay.greet(link, now_ms);
            self.send_claims(one, greeting);
        }
        link
    }

    /// Both ends say their bases of the present epoch.
    pub(super) fn hello(&mut self, link: Link, a: usize, b: usize) {
        for (one, other) in [(a, b), (b, a)] {
            let (role, epoch) = (self.nodes[other].role, self.nodes[other].epoch);
            let (us, them) = (one as u64, other as u64);
            let theirs = link_key(them, us, epoch).base();
            let ours = link_key(us, them, self.nodes[one].epoch);
            self.nodes[one].relay.link(link, role, ours, theirs);
        }
    }

    /// Closes a link; what is under way on it is lost.
    pub(super) fn disconnect(&mut self, link: Link) {
        let (a, b) = self.links.remove(&link).unwrap();
        self.nodes[a].relay.unlink(link);
        self.nodes[b].relay.unlink(link);
        self.under_way.retain(|(_, _, on, _)| *on != link);
    }

    pub(super) fn is_linked(&self, a: usize, b: usize) -> bool {
        self.links.values().any(|ends| *ends == (a, b) || *ends == (b, a))
    }

    pub(super) fn link_of(&self, a: usize, b: usize) -> Link {
        let open = self
            .links
            .iter()
            .find(|(_, ends)| **ends == (a, b) || **ends == (b, a));
        *open.unwrap().0
    }

    fn other_end(&self, link: Link, one: usize) -> usize {
        let (a, b) = self.links[&link];
        if a == one { b } else { a }
    }

    pub(super) fn send(&mut self, from: usize, link: Link, message: Message) {
        let to = self.other_end(link, from);
        self.under_way.push((from, to, link, message));
    }

    fn send_claims(&mut self, from: usize, claims: Vec<(Link, ClaimEnvelope)>) {
        for (link, envelope) in claims {
            self.send(from, link, Message::Claim(envelope));
        }
    }

    /// What time it is for that node.
    pub(super) fn clock(&self, at: usize) -> u64 {
        self.now_ms + self.nodes[at].ahead_ms
    }

    /// Node `at` issues claim number `n`, or sends it to whom it has not sent it.
    pub(super) fn issue(&mut self, at: usize, n: u64) -> ClaimId {
        self.issue_claim(at, n, claim(n))
    }

    pub(super) fn issue_claim(&mut self, at: usize, n: u64, claim: Claim) -> ClaimId {
        let (id, key, now_ms) = (claim.id(), claim_key(n), self.clock(at));
        let signed = claim.sign(&key);
        let sent = self.nodes[at].relay.originate(&signed, &key, now_ms).unwrap();
        self.send_claims(at, sent);
        id
    }

    /// The node is started again: it knows what its guards know, and nobody.
    pub(super) fn restart(&mut self, at: usize) {
        let open: Vec<_> = self.links.iter().map(|(link, ends)| (*link, *ends)).collect();
        let mine = |(_, (a, b)): &(Link, (usize, usize))| *a == at || *b == at;
        let mine: Vec<_> = open.into_iter().filter(mine).collect();
        for (link, _) in &mine {
            self.disconnect(*link);
        }
        let guards = self.nodes[at].relay.guards();
        self.nodes[at].relay = Relay::new(config(u8::try_from(at).unwrap()));
        self.nodes[at].relay.restore(guards);
        for (_, (a, b)) in mine {
            self.connect(a, b);
        }
    }

    /// Time passes, and everybody frees what is over.
    pub(super) fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        for at in 0..self.nodes.len() {
            let now_ms = self.clock(at);
            self.nodes[at].relay.expire(now_ms);
        }
    }

    /// Delivers everything, and what comes of it.
    pub(super) fn run(&mut self) {
        while !self.under_way.is_empty() {
            self.step();
        }
    }

    pub(super) fn step(&mut self) {
        let at = self.draw(self.under_way.len());
        let (from, to, link, message) = self.under_way.swap_remove(at);
        self.delivered += 1;
        assert!(self.delivered < 100_000, "messages breed");
        let done = match message {
            Message::Claim(envelope) => self
                .on_claim(to, link, envelope)
                .map_err(|e| (e.to_string(), e.blame())),
            Message::Fulfil(envelope) => self
                .on_fulfil(to, link, envelope)
                .map_err(|e| (e.to_string(), e.blame())),
            Message::Select(envelope) => self
                .on_select(to, link, envelope)
                .map_err(|e| (e.to_string(), e.blame())),
            Message::Answer(answer) => self
                .on_answer(to, link, answer)
                .map_err(|e| (e.to_string(), e.blame())),
        };
        if let Err((why, blame)) = done {
            let at = to;
            self.refusals.push(Refusal { at, from, why, blame });
        }
    }

    fn on_claim(&mut self, to: usize, link: Link, envelope: ClaimEnvelope) -> Result<(), ClaimRefused> {
        let now_ms = self.clock(to);
        let node = &mut self.nodes[to];
        let taken = node.relay.claim(link, envelope, now_ms)?;
        node.taken.push(taken.received.clone());
        if node.drops {
            return Ok(());
        }
        self.send_claims(to, taken.forward);
        if self.nodes[to].role == LinkRole::Provider {
            self.quote(to, &taken.received);
        }
        Ok(())
    }

    pub(super) fn quote(&mut self, at: usize, received: &Received) {
        let (digest, now_ms) = (received.path.digest(), self.clock(at));
        let key = || NodeKey::new(&tagged_hash("quote", &[&at.to_le_bytes(), &digest])).unwrap();
        let mut body = fulfil(received.id, digest, &key()).body;
        body.expires_ms = now_ms + 30_000;
        let (id, signed) = (body.id(), body.sign(&key()));
        match self.nodes[at].relay.quote(received, signed, now_ms) {
            Ok((link, envelope)) => {
                self.nodes[at].quoted.insert(id, key());
                self.send(at, link, Message::Fulfil(envelope));
            }
            // It quoted for the very same copy before.
            Err(why) => assert_eq!(why, FulfilRefused::Replayed),
        }
    }

    fn on_fulfil(&mut self, to: usize, link: Link, envelope: FulfilEnvelope) -> Result<(), FulfilRefused> {
        let now_ms = self.clock(to);
        match self.nodes[to].relay.fulfil(link, envelope, now_ms)? {
            Passed::On(link, envelope) => self.send(to, link, Message::Fulfil(envelope)),
            Passed::Ours(envelope) => self.nodes[to].quotes.push(envelope),
        }
        Ok(())
    }

    /// Node `at` selects a quote for claim number `n`, if the quote still binds and its neighbour is there.
    pub(super) fn select(&mut self, at: usize, n: u64, (claim, fulfil): (ClaimId, FulfilId)) {
        let now_ms = self.clock(at);
        let envelope = select(claim, fulfil, &claim_key(n));
        match self.nodes[at].relay.select(None, envelope, now_ms) {
            Ok(Passed::On(link, envelope)) => self.send(at, link, Message::Select(envelope)),
            Ok(Passed::Ours(_)) => panic!("a selection of our own quote for our own claim"),
            // Its neighbour left, the quote is over, or a restart forgot it.
            Err(SelectStopped::Gone | SelectStopped::QuoteOver) => {}
            Err(why) => panic!("{why}"),
        }
    }

    fn on_select(&mut self, to: usize, link: Link, envelope: SelectEnvelope) -> Result<(), SelectStopped> {
        let now_ms = self.clock(to);
        let node = &mut self.nodes[to];
        let envelope = match node.relay.select(Some(link), envelope, now_ms)? {
            Passed::On(link, envelope) => {
                self.send(to, link, Message::Select(envelope));
                return Ok(());
            }
            Passed::Ours(envelope) => envelope,
        };
        let (claim, fulfil) = (envelope.select.body.claim, envelope.select.body.fulfil);
        let answer = answer(claim, fulfil, &node.quoted[&fulfil]);
        node.selections.push(envelope);
        match node.relay.answer(None, answer, now_ms) {
            Ok(Passed::On(link, answer)) => self.send(to, link, Message::Answer(answer)),
            other => panic!("an answer goes back to where its selection just came from, got {other:?}"),
        }
        Ok(())
    }

    fn on_answer(&mut self, to: usize, link: Link, answer: Signed<Answer>) -> Result<(), AnswerStopped> {
        let now_ms = self.clock(to);
        match self.nodes[to].relay.answer(Some(link), answer, now_ms)? {
            Passed::On(link, answer) => self.send(to, link, Message::Answer(answer)),
            Passed::Ours(answer) => self.nodes[to].answers.push(answer),
        }
        Ok(())
    }

    /// Whether a quote is right at its claimant: path, returns, signatures.
    pub(super) fn is_whole(claim: &Claim, quote: &FulfilEnvelope) -> bool {
        let id = claim.id();
        let Ok(path) = Path::new(claim, &id, quote.path.clone()) else {
            return false;
        };
        let fulfil = quote.fulfil.body.id();
        path.verify(&id, 0).is_ok()
            && path.digest() == quote.fulfil.body.path
            && quote.fulfil.check().is_ok()
            && check_returns(&path, fulfil.as_bytes(), &quote.returns, 1).is_ok()
    }

    pub(super) fn blamed(&self) -> Vec<&Refusal> {
        self.refusals.iter().filter(|r| r.blame.is_some()).collect()
    }
}
