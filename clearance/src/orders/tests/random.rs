//! Ten thousand batches of everything that anybody can do: orders among them, of which some end in each way.

use crate::book::{Book, Purse};
use crate::fixtures::{RELAYS, kofo, network};
use crate::ledger::random::World;
use crate::op::{Change, Fact, Observation, Op};
use crate::orders::fixtures::Trade;
use crate::orders::{LiveLeg, LiveOrder};
use crate::receipt::Ending;
use kofo_primitives::{Amount, FeePayer, SwapId, UnixTime, ValidatorKey};
use std::collections::BTreeMap;

/// A world in which people trade.
struct Market {
    world: World,
    trades: BTreeMap<SwapId, Trade>,
    ended: BTreeMap<Ending, u32>,
    reservations: u64,
}

impl Market {
    /// An order that is right, but for what its accounts have by now.
    fn order(&mut self) -> Op {
        let dice = &mut self.world.dice;
        let payer = dice.of(&[
            FeePayer::Claimant,
            FeePayer::Provider,
            FeePayer::Split { claimant_bps: 3_000 },
        ]);
        let from = dice.below::<usize>(RELAYS.len() as u64);
        let hops = &RELAYS[from..];
        let mut trade = Trade::new(dice.below(250), self.world.chain.now())
            .fee(100 + dice.below::<u128>(5_000), payer)
            .over(hops);
        trade.terms.premium_bps = dice.below(200);
        trade.terms.reservation.seq = self.reservations;
        trade.terms.reservation.reserve = Some((kofo(), Amount::new(1 + dice.below::<u128>(30_000))));
        self.reservations += 1;
        let cleared = trade.cleared();
        self.trades.insert(cleared.order.id(), trade);
        Op::Order(Box::new(cleared))
    }

    /// What a validator says next of a leg.
    fn word(&self, by: &ValidatorKey, order: SwapId, leg: &LiveLeg, fact: Fact) -> Op {
        let before = leg.said.iter().find(|(key, ..)| key == by);
        let observation = Observation {
            version: 1,
            network: network(),
            order,
            leg: leg.id,
            count: before.map_or(0, |(_, count, ..)| count + 1),
            fact,
            tx: None,
            height: 1,
            depth: 1,
            tip: UnixTime(self.world.chain.now() / 1_000 + 2),
        };
        Op::Observed(Box::new(observation.sign(self.world.chain.secret(by))))
    }

    /// What is said of an order: mostly by all, and what comes next in a swap.
    fn said(&mut self, live: &LiveOrder) -> Vec<Op> {
        let dice = &mut self.world.dice;
        let [alpha, beta] = &live.legs;
        let (mut leg, mut fact) = match (alpha.certain, beta.certain) {
            (Some(Fact::Final), Some(Fact::Final)) => (beta, dice.of(&[Fact::Redeemed, Fact::Refunded])),
            (Some(Fact::Final), Some(Fact::Refunded)) => (alpha, Fact::Refunded),
            (Some(Fact::Final), _) => (beta, dice.of(&[Fact::Final, Fact::Final, Fact::Absent])),
            _ => (alpha, dice.of(&[Fact::Final, Fact::Final, Fact::Absent])),
        };
        let strange = dice.one_in(40);
        if strange {
            leg = &live.legs[dice.below::<usize>(2)];
            fact = dice.of(&[Fact::Absent, Fact::Seen, Fact::Refunded, Fact::Unclear]);
        }
        let one = strange && dice.one_in(2);
        let set = self.world.chain.ledger.validators();
        let who = set.members().iter().take(if one { 1 } else { 31 });
        who.map(|member| self.word(&member.key, live.order, leg, fact))
            .collect()
    }

    fn amendment(&mut self, live: &LiveOrder) -> Option<Op> {
        let trade = self.trades.get(&live.order)?;
        let later = |time: UnixTime| UnixTime(time.0 + 60);
        let change = self.world.dice.of(&[
            Change::Cancel,
            Change::Deadlines {
                alpha_lock_by: later(live.alpha_lock_by),
                beta_lock_by: later(live.beta_lock_by),
                redeem_by: later(live.redeem_by),
            },
        ]);
        let amendment = trade.amendment(live.order, live.amended, change);
        Some(Op::Amend(Box::new(amendment)))
    }

    fn batch(&mut self) {
        let mut ops = Vec::new();
        let live: Vec<_> = self.world.chain.ledger.live_orders().collect();
        for order in &live {
            if self.world.dice.one_in(3) {
                ops.extend(self.said(order));
            }
            if self.world.dice.one_in(40) {
                ops.extend(self.amendment(order));
            }
        }
        if live.len() < 4 && self.world.dice.one_in(4) {
            ops.push(self.order());
        }
        for settlement in self.world.batch(ops) {
            *self.ended.entry(settlement.ending).or_default() += 1;
            self.trades.remove(&settlement.order);
            for purse in [Purse::Escrow(settlement.order), Purse::Reserved(settlement.order)] {
                let left = self.world.twin.state.balance(purse, &kofo());
                assert_eq!(left, Amount::ZERO, "{settlement:?}");
            }
        }
    }
}

#[test]
fn ten_thousand_random_batches_make_and_lose_nothing_and_are_done_again_to_the_same_roots() {
    let mut market = Market {
        world: World::new(5),
        trades: BTreeMap::new(),
        ended: BTreeMap::new(),
        reservations: 0,
    };
    for n in 1..=10_000 {
        market.batch();
        if n % 1_000 == 0 {
            market.world.restart();
        }
    }
    let world = &market.world;
    assert_eq!(world.taken.len(), 17, "{:?}", world.taken);
    assert!(world.taken.values().all(|times| *times > 10), "{:?}", world.taken);
    assert!(market.ended.len() >= 8, "{:?}", market.ended);
    assert!(world.sets.len() > 20, "{}", world.sets.len());
    assert!(world.twin.validators().epoch() > 250);
    for purse in [Purse::Burnt, Purse::Free(world.twin.genesis().params.foundation)] {
        assert!(world.twin.state.balance(purse, &kofo()) > Amount::ZERO);
    }
}
