//! Five nodes that pass claims, quotes, selections and answers, in any order, twice, altered, to the wrong node, with
//! restarts and broken links: who does as it should is never blamed, nothing that somebody altered is passed on, and what
//! comes through is one order on both ends.

use crate::choices::Choices;
use crate::fixture::{key, network};
use crate::market::{self, Deal};
use kofo_exchange::*;
use kofo_primitives::*;
use nodes::{Fate, Made, Message, World, claims, fresh};

mod nodes;

const MOST_STEPS: usize = 120;
/// What is longer under way is lost (ms): it could have expired, and honest clocks differ by no more than 30 s.
const MOST_UNDER_WAY_MS: u64 = 20_000;
/// The claimant is 0, the provider 4.
const CLAIMANT: usize = 0;
const PROVIDER: usize = 4;
const EDGES: [[usize; 2]; 6] = [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3], [3, 4]];

impl World {
    /// The provider quotes for a copy of a claim.
    fn quote(&mut self, choices: &mut Choices<'_>) {
        let n = self.copies.len();
        if n == 0 || self.made.len() > 40 {
            return;
        }
        let copy = self.copies[n - 1 - usize::from(choices.byte()) % n].clone();
        let at = claims()
            .iter()
            .position(|claim| claim.id() == copy.id)
            .expect("a claim of ours");
        let (claim, want) = (&claims()[at], 2_000 + self.made.len() as u128);
        let deal = Deal {
            expires_ms: self.now + 30_000,
            ..Deal::new(10 + u8::try_from(at).expect("three claims"), 100, want)
        };
        let (terms, path) = (deal.terms(claim), copy.path.entries().to_vec());
        let fulfil = deal.fulfil(claim, &terms, &path).sign(&deal.key());
        let quoted = self.nodes[PROVIDER].quote(&copy, fulfil.clone(), self.now);
        if let Ok((over, envelope)) = quoted {
            let made = Made {
                claim: at,
                path,
                fulfil: fulfil.clone(),
                terms,
                deal,
            };
            self.made.insert(fulfil.body.id(), made);
            self.send(PROVIDER, over, Message::Fulfil(envelope));
        }
    }

    /// The claimant selects what is best, or gives up what it has selected.
    fn choose(&mut self, choices: &mut Choices<'_>) {
        let at = usize::from(choices.byte()) % 3;
        let own = &mut self.own[at];
        let waiting = own.selections().find(|s| s.provider.is_none());
        if let Some(waiting) = waiting.map(|s| s.quote.id()) {
            if choices.byte().is_multiple_of(4) {
                own.give_up(&waiting).expect("it has no answer");
            }
            return;
        }
        let Some(best) = own.pick(&|_| Reliability::default(), self.now).first().copied() else {
            return;
        };
        self.hashlock = self.hashlock.wrapping_add(1);
        let chosen = market::chosen(self.hashlock);
        let Ok(select) = own.select(&best, chosen, &key(1), self.now) else {
            return;
        };
        let selection = own.selections().find(|s| s.quote.id() == best).expect("selected");
        let to = selection.quote.fulfil.body.key;
        let part = selection.part().seal(&own.id(), &to, &[80; 32]);
        let part = part.expect("a short part");
        let envelope = SelectEnvelope { select, part };
        if let Ok(Passed::On(over, envelope)) = self.nodes[CLAIMANT].select(None, envelope, self.now) {
            self.send(CLAIMANT, over, Message::Select(envelope));
        }
    }

    /// The provider says yes to what was asked of it.
    fn say_yes(&mut self, choices: &mut Choices<'_>) {
        let n = self.asked.len();
        if n == 0 {
            return;
        }
        let select = &self.asked[n - 1 - usize::from(choices.byte()) % n];
        let made = &self.made[&select.fulfil];
        let claim = &claims()[made.claim];
        let answer = Answer {
            version: 1,
            network: network(),
            claim: select.claim,
            fulfil: select.fulfil,
            order: order_id(claim, &made.fulfil.body, select),
            verdict: made.deal.opened(claim),
        };
        let answer = answer.sign(&made.deal.key());
        if let Ok(Passed::On(over, answer)) = self.nodes[PROVIDER].answer(None, answer, self.now) {
            self.send(PROVIDER, over, Message::Answer(answer));
        }
    }

    fn some_flight(&self, choices: &mut Choices<'_>) -> Option<usize> {
        let at = usize::from(choices.byte());
        at.checked_rem(self.flights.len())
    }

    /// Delivers something in the place of a message: it twice, one byte of it altered, or to another.
    fn disturb(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = self.some_flight(choices) else {
            return;
        };
        let mut flight = self.flights[at].clone();
        match choices.byte() % 3 {
            0 => {
                self.deliver(flight.clone());
                if flight.fate == Fate::Honest {
                    self.flights[at].fate = Fate::Twice;
                }
                return;
            }
            1 => {
                let mut bytes = borsh::to_vec(&flight.message).expect("to memory");
                let byte = usize::from(u16::from_le_bytes(choices.array())) % bytes.len();
                bytes[byte] ^= choices.byte().max(1);
                let Ok(message) = borsh::from_slice(&bytes) else {
                    return;
                };
                flight.message = message;
                flight.fate = Fate::Altered;
                // The sealed part of a selection is not signed: who sends two has nothing to say when one is refused.
                self.flights[at].fate = match self.flights[at].fate {
                    Fate::Honest => Fate::Twice,
                    other => other,
                };
            }
            _ => {
                // A selection that skips nodes comes to an answer that those nodes did not wait for.
                if matches!(flight.message, Message::Select(_)) {
                    return;
                }
                let (edge, to) = (flight.edge, flight.to);
                flight.edge = usize::from(choices.byte()) % EDGES.len();
                flight.to = usize::from(choices.byte() % 2);
                let Some(connection) = self.edges[flight.edge] else {
                    return;
                };
                if (edge, to) == (flight.edge, flight.to) {
                    return;
                }
                flight.connection = connection;
                flight.fate = Fate::Astray;
            }
        }
        self.deliver(flight);
    }

    fn restart(&mut self, node: usize) {
        let bytes = borsh::to_vec(&self.nodes[node].guards()).expect("to memory");
        let of_node = |edge: &usize| EDGES[*edge].contains(&node);
        let linked: Vec<_> = (0..EDGES.len())
            .filter(of_node)
            .filter(|edge| self.edges[*edge].is_some())
            .collect();
        linked.iter().for_each(|edge| self.part(*edge));
        self.nodes[node] = fresh();
        self.nodes[node].restore(borsh::from_slice(&bytes).expect("what was written"));
        if node == PROVIDER {
            self.copies.clear();
        }
        linked.iter().for_each(|edge| self.join(*edge));
    }

    fn step(&mut self, op: u8, choices: &mut Choices<'_>) {
        match op % 24 {
            0 | 1 => {
                let own = usize::from(choices.byte() % 3);
                let claim = self.own[own].claim().clone();
                let sent = self.nodes[CLAIMANT].originate(&claim, &key(1), self.now);
                self.forward(CLAIMANT, sent.unwrap_or_default());
            }
            2..=9 => {
                if let Some(at) = self.some_flight(choices) {
                    let flight = self.flights.remove(at);
                    self.deliver(flight);
                }
            }
            10 | 11 => self.disturb(choices),
            12 => {
                if let Some(at) = self.some_flight(choices) {
                    self.flights.remove(at);
                }
            }
            13 | 14 => self.quote(choices),
            15 | 16 => self.choose(choices),
            17 | 18 => self.say_yes(choices),
            19 => self.restart(usize::from(choices.byte() % 5)),
            20 => {
                let edge = usize::from(choices.byte()) % EDGES.len();
                match self.edges[edge] {
                    Some(_) => self.part(edge),
                    None => self.join(edge),
                }
            }
            21 => {
                let (own, node) = (choices.byte() % 3, usize::from(choices.byte() % 5));
                let cancel = self.own[usize::from(own)].clone().cancel(&key(1));
                let _ = self.nodes[node].cancel(&cancel.expect("our key"), self.now);
            }
            22 => {
                self.now += choices.number();
                let now = self.now;
                self.nodes.iter_mut().for_each(|node| node.expire(now));
            }
            // Everything that is under way arrives, in the order in which it was sent.
            _ => {
                for _ in 0..200 {
                    if self.flights.is_empty() {
                        break;
                    }
                    let flight = self.flights.remove(0);
                    self.deliver(flight);
                }
            }
        }
    }

    fn check(&self) {
        for node in &self.nodes {
            let statistics = node.statistics();
            assert!(statistics.claims <= 3 && statistics.quotes <= 64);
        }
        assert!(self.flights.len() < 1_000, "messages multiply");
    }
}

fn run(data: &[u8]) -> World {
    let (mut choices, mut world) = (Choices::new(data), World::new());
    for _ in 0..MOST_STEPS {
        let Some(op) = choices.next() else { break };
        world.step(op, &mut choices);
        world.check();
    }
    world
}

pub(crate) fn relay(data: &[u8]) {
    run(data);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // A claim, all that follows, a quote for the first and for another copy, a selection, a yes.
    let claim = |n| vec![0, n, 23];
    let match_of = |n| [claim(n), vec![13, 0, 13, 1, 23, 15, n, 23, 17, 0, 23]].concat();
    let broken = [
        claim(1),
        vec![20, 3, 13, 0, 20, 3, 23, 13, 1, 19, 3, 23, 15, 1, 1, 23, 17, 0, 23],
    ];
    let disturbed = [
        claim(2),
        vec![
            13, 0, 10, 0, 0, 10, 0, 1, 9, 0, 1, 10, 0, 2, 1, 1, 23, 15, 2, 10, 0, 1, 200, 0, 4, 23,
        ],
        vec![17, 0, 10, 0, 2, 3, 0, 23],
    ];
    let mut both = match_of(1);
    both.extend(match_of(0));
    vec![
        match_of(0),
        match_of(2),
        both,
        broken.concat(),
        disturbed.concat(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_sequences_match_claims_with_quotes() {
        let matched: Vec<_> = seeds().iter().map(|seed| run(seed).matched).collect();
        assert_eq!(matched[..3], [1, 1, 2]);
        assert_eq!(matched[4], 1, "although somebody disturbed it");
    }

    #[test]
    fn mutations_of_the_kept_sequences_still_match_some() {
        let mut mutator = crate::mutate::Mutator::new(1, seeds());
        let matched = (0..200).filter(|_| run(&mutator.input()).matched > 0).count();
        assert!(matched > 20, "{matched} of 200");
    }
}
