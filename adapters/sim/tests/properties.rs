//! Whatever happens on a simulated chain: money is conserved, runs repeat exactly, and what an adapter told over time is
//! what a new one finds at once.

// Clippy takes only functions marked `#[test]` for tests, not what they share.
#![allow(clippy::unwrap_used)]

use kofo_adapter_api::conformance::Told;
use kofo_primitives::{
    Act, ActKind, Amount, AssetId, ChainAction, ChainEvent, ChainId, End, HtlcSpec, LegEvent, LegId, LegRef,
    Place, Preimage, Prepared, Seconds, Side, SwapId, SwapNonce, UnixTime,
};
use kofo_sim::{AccountId, Contract, Dropped, Owner, SimAdapter, SimChain, SimParty};
use proptest::prelude::*;

const LEGS: u8 = 3;
const START: UnixTime = UnixTime(1_000);
const TIMELOCK: UnixTime = UnixTime(1_500);
const AMOUNT: Amount = Amount::new(1_000);

#[derive(Clone, Debug)]
enum Step {
    Act(u8, ActKind),
    Poll(usize),
    Restart(usize),
    Mine(u32),
    MineQuietly(u32),
    Advance(u64),
    Reorg(u32, bool),
    Evict,
    Refuse(u32),
    FailAfterAccepting(u32),
    FeeFloor(u128),
    Cut(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        4 => Just(ActKind::Lock),
        2 => Just(ActKind::Redeem),
        2 => Just(ActKind::Refund),
        1 => Just(ActKind::Cancel),
    ];
    prop_oneof![
        6 => (0..LEGS, kind).prop_map(|(leg, kind)| Step::Act(leg, kind)),
        6 => (0usize..2).prop_map(Step::Poll),
        1 => (0usize..2).prop_map(Step::Restart),
        6 => (1u32..4).prop_map(Step::Mine),
        1 => (1u32..3).prop_map(Step::MineQuietly),
        2 => (1u64..300).prop_map(Step::Advance),
        2 => (1u32..4, any::<bool>()).prop_map(|(blocks, back)| Step::Reorg(blocks, back)),
        1 => Just(Step::Evict),
        1 => (0u32..3).prop_map(Step::Refuse),
        1 => (0u32..3).prop_map(Step::FailAfterAccepting),
        1 => (1u128..40).prop_map(Step::FeeFloor),
        1 => any::<bool>().prop_map(Step::Cut),
    ]
}

/// A payer and a payee with a few legs between them, and a core so simple that it broadcasts whatever was built.
struct World {
    chain: SimChain,
    asset: AssetId,
    adapters: [SimAdapter; 2],
    told: Vec<[Told; 2]>,
    held: Vec<[Vec<Prepared>; 2]>,
    log: Vec<ChainEvent>,
}

impl World {
    fn new() -> Self {
        let asset = AssetId::new("sim:one/coin:a").unwrap();
        let chain = SimChain::new(ChainId::new("sim:one").unwrap(), [asset.clone()], START);
        for _ in 0..LEGS {
            chain.fund(AccountId(0), &asset, Amount::new(1_500));
        }
        let adapters = [0, 1].map(|account| SimAdapter::new(chain.clone(), AccountId(account)));
        let mut world = Self {
            chain,
            asset,
            adapters,
            told: Vec::new(),
            held: Vec::new(),
            log: Vec::new(),
        };
        world.told.resize_with(LEGS.into(), Default::default);
        world.held.resize_with(LEGS.into(), Default::default);
        (0..2).for_each(|peer| world.watch_all(peer));
        world
    }

    fn spec(&self, leg: u8, peer: usize) -> HtlcSpec {
        let party = |account| SimParty {
            account: AccountId(account),
            lane: leg.into(),
        };
        HtlcSpec {
            asset: self.asset.clone(),
            amount: AMOUNT,
            hashlock: preimage(leg).hashlock(),
            timelock: TIMELOCK,
            redeemer: party(1).to_party(),
            refunder: party(0).to_party(),
            place: Place::default(),
            depth: 2,
            end: [End::Refunder, End::Redeemer][peer],
            nonce: SwapNonce::new([leg; 32]),
            from_height: 0,
        }
    }

    fn watch_all(&mut self, peer: usize) {
        for leg in 0..LEGS {
            let spec = self.spec(leg, peer);
            let held = self.held[usize::from(leg)][peer].clone();
            self.told[usize::from(leg)][peer] = Told::default();
            self.adapters[peer].act_now(of(leg), ChainAction::Watch { spec, held });
        }
    }

    fn poll(&mut self, peer: usize) {
        while let Some(event) = self.adapters[peer].poll() {
            if let ChainEvent::Leg(leg, event) = &event {
                let index = usize::from(leg.leg.index);
                self.told[index][peer].hear(event);
                if let LegEvent::Built(act, tx) = event {
                    self.held[index][peer].push(tx.clone());
                    let (act, tx, not_after) = (*act, tx.clone(), None);
                    self.adapters[peer].act_now(*leg, ChainAction::Broadcast { act, tx, not_after });
                }
            }
            self.log.push(event);
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Act(leg, kind) => {
                let (peer, act) = match kind {
                    ActKind::Lock => (0, Act::Lock),
                    ActKind::Redeem => (1, Act::Redeem(preimage(leg))),
                    ActKind::Refund => (0, Act::Refund),
                    ActKind::Cancel => (0, Act::Cancel),
                    // Never built alone.
                    ActKind::RedeemTogether | ActKind::RefundTogether => return,
                };
                self.adapters[peer].act_now(of(leg), ChainAction::Build(act));
            }
            Step::Poll(peer) => self.poll(peer),
            Step::Restart(peer) => {
                let account = self.adapters[peer].account();
                self.poll(peer);
                self.adapters[peer] = SimAdapter::new(self.chain.clone(), account);
                self.watch_all(peer);
            }
            Step::Mine(blocks) => self.chain.mine(blocks),
            Step::MineQuietly(blocks) => self.chain.mine_quietly(blocks),
            Step::Advance(seconds) => self.chain.advance(Seconds(seconds)),
            Step::Reorg(blocks, back) => {
                let txs = if back { Dropped::Return } else { Dropped::Vanish };
                self.chain.reorg(blocks, txs);
            }
            Step::Evict => self.chain.evict_mempool(),
            Step::Refuse(times) => self.chain.refuse_broadcasts(times),
            Step::FailAfterAccepting(times) => self.chain.fail_after_accepting(times),
            Step::FeeFloor(units) => self.chain.set_fee_floor(Amount::new(units)),
            Step::Cut(cut) => self.chain.cut(cut),
        }
        assert_eq!(self.chain.total(&self.asset), self.chain.minted(&self.asset));
    }

    fn run(steps: &[Step]) -> Self {
        let mut world = Self::new();
        steps.iter().for_each(|step| world.take(step));
        world.chain.cut(false);
        world.chain.announce();
        (0..2).for_each(|peer| world.poll(peer));
        // What the last broadcasts changed.
        (0..2).for_each(|peer| world.poll(peer));
        world
    }
}

fn of(leg: u8) -> LegRef {
    LegRef {
        swap: SwapId::new([leg; 32]),
        leg: LegId {
            side: Side::Alpha,
            index: leg,
        },
    }
}

fn preimage(leg: u8) -> Preimage {
    Preimage::new([leg.wrapping_add(100); 32])
}

proptest! {
    #[test]
    fn what_was_told_over_time_is_what_a_new_adapter_finds_at_once(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::run(&steps);
        let before = world.told.clone();
        for peer in 0..2 {
            world.take(&Step::Restart(peer));
            world.poll(peer);
        }
        for (before, after) in before.iter().flatten().zip(world.told.iter().flatten()) {
            prop_assert_eq!(before.lock, after.lock);
            prop_assert_eq!(&before.redeem, &after.redeem);
            prop_assert_eq!(before.refund, after.refund);
            prop_assert_eq!(before.cancel, after.cancel);
        }
    }

    #[test]
    fn the_same_steps_give_the_same_events(steps in prop::collection::vec(step(), 0..80)) {
        prop_assert_eq!(World::run(&steps).log, World::run(&steps).log);
    }

    #[test]
    fn an_honest_payer_never_locks_twice(steps in prop::collection::vec(step(), 0..120)) {
        let world = World::run(&steps);
        for leg in 0..LEGS {
            for told in &world.told[usize::from(leg)] {
                prop_assert!(!told.wrong_amount(), "{:?}", told);
            }
            let owner = Owner::Contract(Contract::of(&world.spec(leg, 0)).unwrap());
            prop_assert!(world.chain.notes(&owner, &world.asset).len() <= 1);
        }
    }
}
