//! Whole orders that are right, for tests to make wrong; and a town in which they are committed, observed and ended.

mod trade;

pub(super) use trade::*;

use crate::book::{BondKind, Book, Purse, balanced};
use crate::fixtures::{Chain, VALIDATORS, account, funded, kofo, network, validator};
use crate::genesis::{Genesis, ProofRule};
use crate::op::{Fact, Observation, Op, Proven};
use crate::orders::OrderRefused;
use crate::proofs::{LegProofs, ProofError, ProofLeg};
use crate::receipt::{Ending, Payout, Reason, Settlement};
use crate::refused::Refused;
use kofo_primitives::{Amount, ChainId, LegId, NodeId, Side, SwapId, UnixTime};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const DAY_MS: u64 = 86_400_000;

/// Reads a proof of one byte: which fact it shows.
struct OneByte;

impl LegProofs for OneByte {
    fn fact(&self, _: &ProofLeg<'_>, _: &ProofRule, proof: &[u8]) -> Result<Fact, ProofError> {
        match proof {
            [0] => Ok(Fact::Final),
            [1] => Ok(Fact::Redeemed),
            [2] => Ok(Fact::Refunded),
            [3] => Ok(Fact::Seen),
            _ => Err(ProofError("not a proof".into())),
        }
    }
}

/// A network whose clearance goes on. Time is that of its last header.
pub(super) struct Town {
    pub(super) chain: Chain,
    said: BTreeMap<(u8, SwapId, LegId), u32>,
}

pub(super) const ALL: [u8; 4] = [1, 2, 3, 4];

pub(super) fn rules() -> Genesis {
    let mut genesis = funded();
    genesis.params.harmed_bps = 100;
    genesis.params.unclear_ms = 7 * DAY_MS;
    genesis.params.unobserved_ms = 14 * DAY_MS;
    genesis
}

impl Town {
    pub(super) fn new() -> Self {
        Self::of(rules())
    }

    pub(super) fn of(genesis: Genesis) -> Self {
        Self {
            chain: Chain::new(genesis),
            said: BTreeMap::new(),
        }
    }

    /// A town in which proofs of `test:b` count.
    pub(super) fn with_proofs() -> Self {
        let mut genesis = rules();
        genesis.params.proofs = vec![ProofRule {
            chain: ChainId::new("test:b").unwrap(),
            easiest: 0,
            depth: 1,
        }];
        let mut town = Self::of(genesis);
        town.chain.ledger.proofs = Arc::new(OneByte);
        town
    }

    pub(super) fn now(&self) -> u64 {
        self.chain.now()
    }

    /// An order that is right at this time.
    pub(super) fn trade(&self, n: u8) -> Trade {
        Trade::new(n, self.now())
    }

    /// One batch a second later.
    pub(super) fn run(&mut self, ops: Vec<Op>) -> (Vec<Result<(), Refused>>, Vec<Settlement>) {
        let done = self.chain.batch(1_000, ops);
        assert!(balanced(&self.chain.ledger.state));
        done
    }

    pub(super) fn try_order(&mut self, trade: &Trade) -> Result<SwapId, Refused> {
        let cleared = trade.cleared();
        let id = cleared.order.id();
        let (done, _) = self.run(vec![Op::Order(Box::new(cleared))]);
        done[0].clone().map(|()| id)
    }

    pub(super) fn order(&mut self, trade: &Trade) -> SwapId {
        self.try_order(trade).unwrap()
    }

    pub(super) fn refused(&mut self, trade: &Trade) -> OrderRefused {
        match self.try_order(trade).unwrap_err() {
            Refused::Order(refused) => refused,
            other @ (Refused::Act(_) | Refused::Staking(_)) => panic!("{other}"),
        }
    }

    /// What a validator says of a leg at a tip (unix s): the next of its words.
    pub(super) fn word(&mut self, who: u8, of: (SwapId, Side), fact: Fact, tip: u64) -> Op {
        let leg = LegId::first(of.1);
        let count = self.said.entry((who, of.0, leg)).or_default();
        let observation = Observation {
            version: 1,
            network: network(),
            order: of.0,
            leg,
            count: *count,
            fact,
            tx: None,
            height: 1,
            depth: 1,
            tip: UnixTime(tip),
        };
        *count += 1;
        Op::Observed(Box::new(observation.sign(&validator(who))))
    }

    /// Validators see something now. What ended.
    pub(super) fn see(&mut self, who: &[u8], of: (SwapId, Side), fact: Fact) -> Vec<Settlement> {
        let tip = self.now().div_ceil(1_000) + 1;
        let ops = who.iter().map(|who| self.word(*who, of, fact, tip)).collect();
        let (done, settlements) = self.run(ops);
        let over = |done: &Result<(), Refused>| {
            matches!(done, Ok(()) | Err(Refused::Order(OrderRefused::Unknown(_))))
        };
        assert!(done.iter().all(over), "{done:?}");
        settlements
    }

    /// All of them see something, and the order ends.
    pub(super) fn ends(&mut self, of: (SwapId, Side), fact: Fact) -> Settlement {
        let ended = self.see(&ALL, of, fact);
        assert_eq!(ended.len(), 1, "{fact:?} of {of:?} ends the order");
        ended[0].clone()
    }

    /// All of them see something, and the order goes on.
    pub(super) fn goes_on(&mut self, of: (SwapId, Side), fact: Fact) {
        assert_eq!(self.see(&ALL, of, fact), []);
    }

    /// A chain proves something.
    pub(super) fn proof(
        &mut self,
        (order, side): (SwapId, Side),
        proof: &[u8],
    ) -> (Result<(), Refused>, Vec<Settlement>) {
        let proven = Proven {
            order,
            leg: LegId::first(side),
            proof: proof.to_vec(),
        };
        let (done, ended) = self.run(vec![Op::Proven(Box::new(proven))]);
        (done[0].clone(), ended)
    }

    /// Nothing is said until a time (unix ms). What ended.
    pub(super) fn until(&mut self, time_ms: u64) -> Vec<Settlement> {
        let later = time_ms.checked_sub(self.now()).unwrap();
        let ended = self.chain.wait(later);
        assert!(balanced(&self.chain.ledger.state));
        ended
    }

    pub(super) fn has(&self, purse: Purse) -> u128 {
        self.chain.ledger.state.balance(purse, &kofo()).units()
    }

    pub(super) fn free(&self, n: u8) -> u128 {
        self.has(Purse::Free(account(n)))
    }

    pub(super) fn bond(&self, n: u8) -> u128 {
        self.has(Purse::Bond(account(n), BondKind::Provider))
    }

    /// An order whose legs are both certainly final, in time.
    pub(super) fn locked(&mut self, trade: &Trade) -> SwapId {
        self.locked_by(trade, &ALL)
    }

    /// The same, as these validators say.
    pub(super) fn locked_by(&mut self, trade: &Trade, who: &[u8]) -> SwapId {
        let id = self.order(trade);
        for side in [Side::Alpha, Side::Beta] {
            assert_eq!(self.see(who, (id, side), Fact::Final), []);
        }
        id
    }

    /// What a validator has at stake.
    pub(super) fn stake_of(&self, who: u8) -> u128 {
        self.has(Purse::Stake(account(VALIDATORS[usize::from(who) - 1])))
    }

    /// The trade, both locked, and beta redeemed.
    pub(super) fn settled(&mut self, trade: &Trade) -> Settlement {
        let id = self.locked(trade);
        let settlement = self.ends((id, Side::Beta), Fact::Redeemed);
        assert_eq!(settlement.ending, Ending::Settled);
        settlement
    }
}

/// What a receipt pays for something, in all.
pub(super) fn paid(settlement: &Settlement, why: Reason) -> u128 {
    let of = |payout: &&Payout| payout.why == why;
    let amounts = settlement.payouts.iter().filter(of);
    amounts.map(|payout| payout.amount.units()).sum()
}

/// What it pays to an account, for something.
pub(super) fn paid_to(settlement: &Settlement, to: NodeId, why: Reason) -> u128 {
    let of = |payout: &&Payout| payout.why == why && payout.to == Some(to);
    let amounts = settlement.payouts.iter().filter(of);
    amounts.map(|payout| payout.amount.units()).sum()
}

/// What it pays each hop, in the order of the path.
pub(super) fn hops(settlement: &Settlement) -> Vec<u128> {
    let each = |payout: &Payout| matches!(payout.why, Reason::Hop(_)).then(|| payout.amount.units());
    settlement.payouts.iter().filter_map(each).collect()
}

/// Everything it pays.
pub(super) fn all_paid(settlement: &Settlement) -> Amount {
    let amounts = settlement.payouts.iter().map(|payout| payout.amount);
    amounts.fold(Amount::ZERO, |sum, more| sum.checked_add(more).unwrap())
}
