//! A network that lives by dice: in every batch no unit is made or lost, and whoever does it again comes to the same
//! root. What is here is all that accounts and validators do; orders are added where their tests are.

use super::*;
use crate::book::{BondKind, Book, Purse, balanced};
use crate::fixtures::{
    CLAIMANT, Chain, FOUNDATION, PROVIDER, RELAYS, VALIDATORS as FOUNDERS, account, chain, funded, kofo,
    network, sign, validator,
};
use crate::op::{Act, Complaint};
use crate::proofs::NoProofs;
use kofo_primitives::{Amount, AssetId, DoubleVote, NodeId, SignedVote, Vote, VoteKind};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: u64 = 60_000;
/// Accounts that act: those of the genesis, and some that have nothing at first.
const NEW: [u8; 4] = [51, 52, 53, 54];

/// The same numbers from the same seed on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    pub(crate) fn below<T: TryFrom<u64>>(&mut self, most: u64) -> T {
        T::try_from(self.roll() % most).ok().expect("the number is small")
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.roll().is_multiple_of(n)
    }

    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below::<usize>(all.len() as u64)]
    }

    /// Of any size that an account here may have, and now and then more.
    fn amount(&mut self) -> Amount {
        let most = 10u64.pow(1 + self.below::<u32>(6));
        Amount::new(self.below(most * 2))
    }
}

/// A network that lives by dice, and a second ledger that does all of it again.
pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) chain: Chain,
    pub(crate) twin: Ledger,
    accounts: Vec<u8>,
    ids: BTreeMap<u8, NodeId>,
    /// What was taken, by kind.
    pub(crate) taken: BTreeMap<&'static str, u32>,
    /// Which sets served.
    pub(crate) sets: BTreeSet<Vec<NodeId>>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut genesis = funded();
        genesis.params.seats = 6;
        genesis.params.power_cap_bps = 3_000;
        genesis.params.listing_ms = 0;
        genesis.params.missed_heights = 40;
        let accounts = [&[CLAIMANT, PROVIDER][..], &RELAYS, &FOUNDERS, &NEW].concat();
        Self {
            dice: Dice(seed),
            ids: accounts.iter().map(|n| (*n, account(*n))).collect(),
            twin: Ledger::new(genesis.clone(), Arc::new(NoProofs)).unwrap(),
            chain: Chain::new(genesis),
            accounts,
            taken: BTreeMap::new(),
            sets: BTreeSet::new(),
        }
    }

    fn act(&mut self) -> Act {
        let dice = &mut self.dice;
        let (amount, to) = (dice.amount(), self.ids[&dice.of(&self.accounts)]);
        let kind = dice.of(&[BondKind::Provider, BondKind::Relay]);
        let asset = kofo();
        match dice.below::<u8>(14) {
            0 | 1 => Act::Transfer { to, asset, amount },
            2 => Act::Bond { kind, asset, amount },
            3 => Act::Unbond { kind, asset, amount },
            4 | 5 => Act::Stake {
                key: validator(1 + dice.below::<u8>(20)).key(),
                commission_bps: dice.below::<u16>(10_500),
                amount,
            },
            6 => Act::Unstake { amount },
            7 => Act::Delegate { to, amount },
            8 => Act::Undelegate { from: to, amount },
            9 => Act::Collect,
            10 => Act::Observe {
                chains: ["test:a", "test:b"][..dice.below::<usize>(12).min(2)]
                    .iter()
                    .map(|name| chain(name))
                    .collect(),
            },
            11 => Act::List {
                pairs: vec![(kofo(), AssetId::new("test:a/slip44:0").unwrap())],
            },
            12 => Act::Unjail,
            _ => Act::Grant {
                to,
                points: dice.below(100),
            },
        }
    }

    fn double_vote(&mut self) -> Op {
        let secret = validator(1 + self.dice.below::<u8>(8));
        let height = (self.chain.ledger.tip().height + 2).saturating_sub(self.dice.below(400));
        let round = self.dice.below::<u32>(2);
        let signed = |header| {
            let vote = Vote {
                kind: VoteKind::Precommit,
                height,
                round,
                header,
            };
            let signature = secret.sign(&vote.digest(&network()));
            let key = secret.key();
            SignedVote { vote, key, signature }
        };
        let (first, second) = (signed(None), signed(Some([1; 32])));
        Op::DoubleVote(Box::new(DoubleVote { first, second }))
    }

    /// Complaints of most validators about one, or of one.
    fn complaints(&mut self) -> Vec<Op> {
        let complaint = Complaint {
            height: (self.chain.ledger.tip().height + 1).saturating_sub(self.dice.below(50)),
            round: self.dice.below::<u32>(2),
            proposer: validator(1 + self.dice.below::<u8>(6)).key(),
        };
        let many = if self.dice.one_in(3) { 7 } else { 1 };
        let from = 1 + self.dice.below::<u8>(6);
        let by = (from..from + many).map(|n| complaint.sign(&network(), &validator(n)));
        by.map(|said| Op::Complaint(Box::new(said))).collect()
    }

    fn ops(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        let mut ahead = BTreeMap::<u8, u64>::new();
        for _ in 0..self.dice.below::<u8>(4) {
            let act = self.act();
            let n = if matches!(act, Act::Grant { .. }) {
                FOUNDATION
            } else {
                self.dice.of(&self.accounts)
            };
            let next = accounts::sequence(&self.chain.ledger.state, account(n));
            let more = ahead.entry(n).or_default();
            let wrong = u64::from(self.dice.one_in(30));
            ops.push(sign(n, next + *more + wrong, act));
            *more += 1;
        }
        if self.dice.one_in(60) {
            ops.push(self.double_vote());
        }
        if self.dice.one_in(60) {
            ops.extend(self.complaints());
        }
        ops
    }

    /// One validator may be silent for a while, if the others can do without it.
    fn silence(&mut self) {
        let set = self.chain.ledger.validators();
        if self.dice.one_in(60) {
            self.chain.silent = match self.dice.below::<u8>(3) {
                0 => Vec::new(),
                _ => vec![self.dice.below(set.members().len() as u64)],
            };
        }
        let all = set.members().iter().enumerate();
        let silent = all.filter(|(place, _)| self.chain.silent.contains(place));
        let power: u64 = silent.map(|(_, member)| member.power).sum();
        if set.total() - power < set.quorum() {
            self.chain.silent.clear();
        }
    }

    /// One batch of anything and these, some time later. Which orders ended.
    pub(crate) fn batch(&mut self, more: Vec<Op>) -> Vec<Settlement> {
        self.silence();
        let later: u64 = match self.dice.below::<u64>(300) {
            0 => self.dice.below(10 * 24 * 60 * MINUTE),
            1..=12 => self.dice.below(120 * MINUTE),
            _ => self.dice.below(3_000),
        };
        let (mut ops, last) = (self.ops(), self.chain.last.clone());
        ops.extend(more);
        let (done, settlements) = self.chain.batch(later + 1, ops.clone());
        let mut again = self.twin.next(self.chain.now(), last.as_ref()).unwrap();
        for (op, done) in ops.iter().zip(&done) {
            let op = CheckedOp::read(encode(op), &network()).unwrap();
            assert_eq!(again.take(&op), *done);
            if done.is_ok() {
                *self.taken.entry(kind(op.op())).or_default() += 1;
            }
        }
        let again = again.finish();
        assert_eq!(Some(&again.header), self.chain.headers.last());
        assert_eq!(again.settlements, settlements);
        self.twin = again.ledger;
        let set = self.twin.validators();
        self.sets
            .insert(set.members().iter().map(|one| one.account).collect());
        assert!(balanced(&self.twin.state));
        settlements
    }

    /// A node that begins with a snapshot goes on as the others.
    pub(crate) fn restart(&mut self) {
        let header = self.chain.headers.last().unwrap();
        let bytes = self.chain.ledger.snapshot();
        let genesis = Arc::new(self.twin.genesis().clone());
        self.twin = Ledger::restore(genesis, Arc::new(NoProofs), header, &bytes).unwrap();
        for id in self.ids.values() {
            self.unbonding(*id);
        }
    }

    /// What is on its way back to an account is what its timers say.
    fn unbonding(&self, id: NodeId) {
        let view = self.twin.account(id);
        let timers: u128 = view
            .holdings
            .iter()
            .flat_map(|holding| &holding.unbonding)
            .map(|(_, amount)| amount.units())
            .sum();
        let there = self.twin.state.balance(Purse::Unbonding(id), &kofo());
        assert_eq!(there.units(), timers);
    }
}

fn kind(op: &Op) -> &'static str {
    match op {
        Op::Act(act) => match act.body.act {
            Act::Transfer { .. } => "transfer",
            Act::Bond { .. } => "bond",
            Act::Unbond { .. } => "unbond",
            Act::Stake { .. } => "stake",
            Act::Unstake { .. } => "unstake",
            Act::Delegate { .. } => "delegate",
            Act::Undelegate { .. } => "undelegate",
            Act::Collect => "collect",
            Act::Observe { .. } => "observe",
            Act::List { .. } => "list",
            Act::Unjail => "unjail",
            Act::Grant { .. } => "grant",
        },
        Op::DoubleVote(_) => "double vote",
        Op::Complaint(_) => "complaint",
        Op::Order(_) => "order",
        Op::Observed(_) => "observed",
        Op::Proven(_) => "proven",
        Op::DoubleQuote(_) => "double quote",
        Op::Amend(_) => "amendment",
    }
}

#[test]
fn the_root_after_five_hundred_batches_is_the_same_on_every_machine_and_in_every_build() {
    let mut world = World::new(2_026);
    for _ in 0..500 {
        world.batch(Vec::new());
    }
    assert!(world.twin.validators().epoch() > 10 && world.sets.len() > 3);
    let root = world.chain.headers.last().unwrap().state;
    let text: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
    // It changes with every rule and every form of what is kept: then all validators must change at once.
    assert_eq!(
        text,
        "b0e44ba05c85a406fd3b51fbce2e86bd53c3d46f442343bce3fdca7e33fcaf13"
    );
}
