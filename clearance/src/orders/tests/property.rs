//! Whatever validators say, parties sign, chains prove and time does: money is kept, every order ends once, and everybody
//! who replays it has the same ledger.

use crate::book::Purse;
use crate::op::{Change, Fact, Op, Proven};
use crate::orders::fixtures::*;
use crate::receipt::Settlement;
use kofo_primitives::{Amount, Digest, FeePayer, LegId, Side, SwapId, UnixTime};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Event {
    Commit {
        fee: u128,
        payer: FeePayer,
        premium_bps: u16,
        reserve: u128,
        shown: [bool; 3],
    },
    See {
        who: Vec<u8>,
        order: usize,
        side: Side,
        fact: Fact,
    },
    Prove {
        order: usize,
        proof: u8,
    },
    Amend {
        order: usize,
        cancel: bool,
        by: u64,
    },
    Wait(u64),
}

fn fact() -> impl Strategy<Value = Fact> {
    use Fact::*;
    prop::sample::select(vec![
        Absent, Seen, Final, Final, Redeemed, Refunded, Refunded, Unclear,
    ])
}

fn event() -> impl Strategy<Value = Event> {
    let payer = prop_oneof![
        Just(FeePayer::Claimant),
        Just(FeePayer::Provider),
        (0u16..=10_000).prop_map(|claimant_bps| FeePayer::Split { claimant_bps }),
    ];
    let side = prop::sample::select(vec![Side::Alpha, Side::Beta]);
    let all = Just(ALL.to_vec());
    let some = prop::sample::subsequence(ALL.to_vec(), 1..=4);
    let commit = (
        100u128..200_000,
        payer,
        0u16..500,
        1u128..200_000,
        any::<[bool; 3]>(),
    );
    prop_oneof![
        2 => commit.prop_map(|(fee, payer, premium_bps, reserve, shown)| Event::Commit { fee, payer, premium_bps, reserve, shown }),
        8 => (prop_oneof![all, some], 0usize..4, side, fact())
            .prop_map(|(who, order, side, fact)| Event::See { who, order, side, fact }),
        1 => (0usize..4, 0u8..4).prop_map(|(order, proof)| Event::Prove { order, proof }),
        1 => (0usize..4, any::<bool>(), 0u64..700).prop_map(|(order, cancel, by)| Event::Amend { order, cancel, by }),
        3 => prop_oneof![4 => 1_000u64..900_000, 1 => DAY_MS..8 * DAY_MS].prop_map(Event::Wait),
    ]
}

/// A town, its orders with what each took in, and how they ended.
struct Run {
    town: Town,
    orders: Vec<(SwapId, Trade)>,
    taken: BTreeMap<SwapId, Amount>,
    ended: BTreeMap<SwapId, Settlement>,
}

impl Run {
    fn ops(&mut self, ops: Vec<Op>) -> bool {
        let (done, ended) = self.town.run(ops);
        self.keep(ended);
        done.iter().all(Result::is_ok)
    }

    fn keep(&mut self, ended: Vec<Settlement>) {
        for settlement in ended {
            let again = self.ended.insert(settlement.order, settlement);
            assert_eq!(again, None, "an order ends once");
        }
    }

    fn commit(&mut self, mut trade: Trade) {
        let cleared = trade.cleared();
        let id = cleared.order.id();
        trade.payer = None;
        if self.ops(vec![Op::Order(Box::new(cleared))]) {
            let purses = [Purse::Escrow(id), Purse::Reserved(id)];
            let taken = purses.map(|purse| self.town.has(purse)).iter().sum();
            self.taken.insert(id, Amount::new(taken));
        }
        self.orders.push((id, trade));
    }

    fn happens(&mut self, n: u8, event: Event) {
        match event {
            Event::Commit {
                fee,
                payer,
                premium_bps,
                reserve,
                shown,
            } => {
                let mut trade = self.town.trade(n).fee(fee, payer);
                trade.terms.premium_bps = premium_bps;
                trade.terms.reservation.reserve = Some((crate::fixtures::kofo(), Amount::new(reserve)));
                for (hop, shown) in trade.hops.iter_mut().zip(shown) {
                    hop.1 = shown;
                }
                self.commit(trade);
            }
            Event::Wait(later_ms) => {
                let ended = self.town.until(self.town.now() + later_ms);
                self.keep(ended);
            }
            Event::See {
                who,
                order,
                side,
                fact,
            } => {
                if let Some((id, _)) = self.orders.get(order).cloned() {
                    let tip = self.town.now() / 1_000 + 2;
                    let word = |who: &u8| self.town.word(*who, (id, side), fact, tip);
                    let ops = who.iter().map(word).collect();
                    self.ops(ops);
                }
            }
            Event::Prove { order, proof } => {
                if let Some((order, _)) = self.orders.get(order).cloned() {
                    let leg = LegId::first(Side::Beta);
                    let proof = vec![proof];
                    self.ops(vec![Op::Proven(Box::new(Proven { order, leg, proof }))]);
                }
            }
            Event::Amend { order, cancel, by } => self.amend(order, cancel, by),
        }
    }

    fn amend(&mut self, order: usize, cancel: bool, by: u64) {
        let Some((id, trade)) = self.orders.get(order).cloned() else {
            return;
        };
        let later = |time: UnixTime| UnixTime(time.0 + by);
        let deadlines = Change::Deadlines {
            alpha_lock_by: later(trade.terms.alpha_lock_by),
            beta_lock_by: later(trade.terms.beta_lock_by),
            redeem_by: later(trade.terms.redeem_by),
        };
        let change = if cancel { Change::Cancel } else { deadlines };
        let live = self.town.chain.ledger.live(&id);
        let count = live.map_or(0, |live| live.amended);
        self.ops(vec![Op::Amend(Box::new(trade.amendment(id, count, change)))]);
    }
}

fn run(events: &[Event]) -> (Run, Digest) {
    let mut run = Run {
        town: Town::with_proofs(),
        orders: Vec::new(),
        taken: BTreeMap::new(),
        ended: BTreeMap::new(),
    };
    for (n, event) in (1..).zip(events) {
        run.happens(n, event.clone());
    }
    for _ in 0..3 {
        let ended = run.town.until(run.town.now() + 10 * DAY_MS);
        run.keep(ended);
    }
    let tip = run.town.chain.ledger.tip().id;
    (run, tip)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn money_is_kept_every_order_ends_once_and_a_replay_is_the_same(
        events in prop::collection::vec(event(), 5..40)
    ) {
        let (done, tip) = run(&events);
        prop_assert_eq!(done.town.chain.ledger.live_orders().count(), 0);
        let ended: Vec<_> = done.ended.keys().collect();
        let taken: Vec<_> = done.taken.keys().collect();
        prop_assert_eq!(ended, taken);
        for (id, settlement) in &done.ended {
            prop_assert_eq!(all_paid(settlement), done.taken[id], "{:?}", settlement);
            for purse in [Purse::Escrow(*id), Purse::Reserved(*id)] {
                prop_assert_eq!(done.town.has(purse), 0);
            }
        }
        prop_assert_eq!(run(&events).1, tip);
    }
}

#[test]
fn the_events_above_reach_every_ending() {
    // Or the property says less than it seems to.
    use crate::receipt::Ending::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = prop::collection::vec(event(), 10..40);
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let events = strategy.new_tree(&mut runner).unwrap().current();
        reached.extend(run(&events).0.ended.values().map(|settlement| settlement.ending));
        if reached.len() == 9 {
            break;
        }
    }
    for ending in [
        Settled,
        NeverLocked,
        ProviderWalked,
        InitiatorWalked,
        Refunded,
        Cancelled,
        Unclear,
        Unobserved,
    ] {
        assert!(reached.contains(&ending), "{ending:?} of {reached:?}");
    }
}
