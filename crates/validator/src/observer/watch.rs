//! All legs that a validator watches: what it asks of its adapters, and what it says. Pure.

use super::leg::{Asked, Leg, Word};
use super::trail::Trail;
use kofo_clearance::{Fact, LiveLeg, LiveOrder, Observation};
use kofo_primitives::{
    ChainAction, ChainEvent, ChainId, End, Health, HtlcSpec, LegEvent, LegRef, NetworkId, SwapNonce, Tip,
    UnixTime, ValidatorKey,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is not answered, or not committed, is asked for again so often.
const AGAIN_MS: u64 = 5_000;

/// One chain that we have an adapter for.
#[derive(Clone, Debug)]
struct Chain {
    trail: Trail,
    health: Health,
}

/// One leg under watch.
#[derive(Clone, Debug)]
struct Watched {
    asked: LiveLeg,
    from_height: u64,
    leg: Leg,
    /// When the adapter was asked to watch it.
    asked_ms: Option<u64>,
    /// What we said last, as far as the ledger does not show it yet, and when it was submitted.
    said: Option<(Observation, u64)>,
}

/// Everything under watch.
pub(crate) struct Watch {
    network: NetworkId,
    key: ValidatorKey,
    chains: BTreeMap<ChainId, Chain>,
    legs: BTreeMap<LegRef, Watched>,
}

/// What an adapter is to do.
pub(crate) type Errand = (ChainId, LegRef, ChainAction);

impl Watch {
    /// Of these chains, whose heights are known so far.
    pub(crate) fn new(
        network: NetworkId,
        key: ValidatorKey,
        chains: impl IntoIterator<Item = (ChainId, Trail)>,
    ) -> Self {
        let chain = |(id, trail)| {
            let health = Health::Healthy;
            (id, Chain { trail, health })
        };
        Self {
            network,
            key,
            chains: chains.into_iter().map(chain).collect(),
            legs: BTreeMap::new(),
        }
    }

    /// What is known of a chain's heights.
    pub(crate) fn trail(&self, chain: &ChainId) -> Option<&Trail> {
        self.chains.get(chain).map(|chain| &chain.trail)
    }

    /// The orders that go on now; what to forget of the others.
    pub(crate) fn orders(&mut self, orders: impl Iterator<Item = LiveOrder>) -> Vec<Errand> {
        let mut seen = BTreeSet::new();
        for order in orders {
            for leg in order.legs {
                let place = LegRef {
                    swap: order.order,
                    leg: leg.id,
                };
                if self.order_leg(place, leg, order.committed_ms) {
                    seen.insert(place);
                }
            }
        }
        let over: Vec<_> = self
            .legs
            .keys()
            .filter(|leg| !seen.contains(leg))
            .copied()
            .collect();
        let forgotten = over.into_iter().filter_map(|place| {
            let watched = self.legs.remove(&place)?;
            Some((watched.asked.asset.chain(), place, ChainAction::Unwatch))
        });
        forgotten.collect()
    }

    /// Whether it is watched.
    fn order_leg(&mut self, place: LegRef, asked: LiveLeg, committed_ms: u64) -> bool {
        if let Some(watched) = self.legs.get_mut(&place) {
            watched.leg.look(&asked.watch_ms);
            watched.asked = asked;
            return true;
        }
        // Who came after the order was committed cannot tell what is not there.
        let chain = self.chains.get(&asked.asset.chain());
        let Some(from_height) = chain.and_then(|chain| chain.trail.below(committed_ms)) else {
            return false;
        };
        let watched = Watched {
            asked,
            from_height,
            leg: Leg::default(),
            asked_ms: None,
            said: None,
        };
        self.legs.insert(place, watched);
        true
    }

    /// Takes what an adapter tells. Whether the chain's trail is to be kept anew.
    pub(crate) fn hear(&mut self, chain: &ChainId, event: ChainEvent, now_ms: u64) -> bool {
        match event {
            ChainEvent::Tip(tip) => return self.tip(chain, tip, now_ms),
            ChainEvent::Health(health) => {
                if let Some(chain) = self.chains.get_mut(chain) {
                    chain.health = health;
                }
            }
            ChainEvent::Leg(place, event) => self.leg(chain, place, event),
        }
        false
    }

    fn tip(&mut self, chain: &ChainId, tip: Tip, now_ms: u64) -> bool {
        for watched in self.legs.values_mut() {
            if watched.asked.asset.chain() == *chain {
                watched.leg.tip(tip);
                watched.leg.look(&watched.asked.watch_ms);
            }
        }
        let chain = self.chains.get_mut(chain);
        chain.is_some_and(|chain| chain.trail.note(now_ms, tip.height))
    }

    fn leg(&mut self, chain: &ChainId, place: LegRef, event: LegEvent) {
        if let Some(watched) = self
            .legs
            .get_mut(&place)
            .filter(|it| it.asked.asset.chain() == *chain)
        {
            watched.leg.hear(event);
            watched.leg.look(&watched.asked.watch_ms);
        }
    }

    /// Nothing more is heard of a chain.
    pub(crate) fn lost(&mut self, chain: &ChainId) {
        self.chains.remove(chain);
        self.legs
            .retain(|_, watched| watched.asked.asset.chain() != *chain);
    }

    /// What adapters are to be asked now.
    pub(crate) fn errands(&mut self, now_ms: u64) -> Vec<Errand> {
        let mut errands = Vec::new();
        for (place, watched) in &mut self.legs {
            if watched.leg.is_whole() || !is_due(watched.asked_ms, now_ms) {
                continue;
            }
            watched.asked_ms = Some(now_ms);
            let action = ChainAction::Watch {
                spec: watched.spec(),
                held: Vec::new(),
            };
            errands.push((watched.asked.asset.chain(), *place, action));
        }
        errands
    }

    /// What is to be said now: what is new, and what was said and is not committed after a while.
    pub(crate) fn words(&mut self, now_ms: u64) -> Vec<Observation> {
        let healthy = |chain: &ChainId| {
            let chain = self.chains.get(chain);
            chain.is_some_and(|chain| chain.health == Health::Healthy)
        };
        let mut words = Vec::new();
        for (place, watched) in &mut self.legs {
            let committed = watched.committed(&self.key);
            if committed
                .is_some_and(|(count, ..)| watched.said.as_ref().is_some_and(|(said, _)| said.count <= count))
            {
                watched.said = None;
            }
            if !healthy(&watched.asked.asset.chain()) {
                continue;
            }
            let said = watched
                .said
                .as_ref()
                .map(|(said, _)| (said.count, said.fact, said.tip));
            let last = said.or(committed);
            let asked = Asked {
                depth: watched.asked.depth,
                watch_ms: &watched.asked.watch_ms,
                last: last.map(|(_, fact, tip)| (fact, tip)),
            };
            if let Some(word) = watched.leg.word(&asked) {
                let count = last.map_or(0, |(count, ..)| count.saturating_add(1));
                let word = observation(&self.network, *place, count, word);
                watched.said = Some((word.clone(), now_ms));
                words.push(word);
            } else if let Some((said, at)) = watched.said.as_mut().filter(|(_, at)| is_due(Some(*at), now_ms))
            {
                *at = now_ms;
                words.push(said.clone());
            }
        }
        words
    }
}

impl Watched {
    /// The leg as an adapter needs it. We are no party: the nonce gives no key of ours, and the end is either.
    fn spec(&self) -> HtlcSpec {
        let leg = &self.asked;
        HtlcSpec {
            asset: leg.asset.clone(),
            amount: leg.amount,
            hashlock: leg.hashlock,
            timelock: leg.timelock,
            redeemer: leg.redeemer.clone(),
            refunder: leg.refunder.clone(),
            place: leg.place.clone(),
            depth: leg.depth,
            end: End::Redeemer,
            nonce: SwapNonce::new([0; 32]),
            from_height: self.from_height,
        }
    }

    /// Our last word as the ledger has it.
    fn committed(&self, key: &ValidatorKey) -> Option<(u32, Fact, UnixTime)> {
        let mut said = self.asked.said.iter();
        let ours = said.find(|(of, ..)| of == key);
        ours.map(|(_, count, fact, tip)| (*count, *fact, *tip))
    }
}

fn is_due(last_ms: Option<u64>, now_ms: u64) -> bool {
    last_ms.is_none_or(|last| now_ms >= last.saturating_add(AGAIN_MS))
}

fn observation(network: &NetworkId, place: LegRef, count: u32, word: Word) -> Observation {
    Observation {
        version: 1,
        network: network.clone(),
        order: place.swap,
        leg: place.leg,
        count,
        fact: word.fact,
        tx: word.tx,
        height: word.height,
        depth: word.depth,
        tip: word.tip,
    }
}

#[cfg(test)]
mod tests;
