//! The world: chains, nodes, and a way to let time pass.

use super::node::{Chains, Death, Node, Who};
use kofo_node::driver::{Begin, Live};
use kofo_primitives::*;
use kofo_settlement::{Ended, LegState, Margins, Outcome, Pace, Phase, Policy, Sighting, Terms};
use kofo_sim::{AccountId, SimChain};
use std::collections::BTreeMap;

/// When every story begins, by its chains.
pub const START: UnixTime = UnixTime(1_000_000);
/// Each step of time: one block on every chain.
const STEP: Seconds = Seconds(10);
/// What one note holds in the beginning.
const NOTE: u128 = 3_000_000;

/// Asset names: the part before the dot is the chain.
pub fn asset(name: &str) -> AssetId {
    let (chain, coin) = name.split_once('.').expect("chain.coin");
    AssetId::new(&format!("sim:{chain}/coin:{coin}")).unwrap()
}

/// The assets of the world.
pub const ASSETS: [&str; 4] = ["bitcoin.btc", "ethereum.eth", "ethereum.usdx", "echoin.ec"];

/// Two nodes that swap, and their chains.
pub struct World {
    /// Each chain by its name.
    pub chains: BTreeMap<ChainId, SimChain>,
    /// Both nodes.
    pub nodes: BTreeMap<Who, Node>,
    /// The swaps that were agreed, in this order. What asks for one swap asks for the first.
    pub swaps: Vec<SwapId>,
    pub(crate) policy: Policy,
    pub(crate) seed: Seed,
    pub(crate) network: NetworkId,
}

/// Every chain, and on each so many notes for either account and asset. Two locks at once need two notes.
fn funded_chains(notes: u64) -> Chains {
    let mut chains = BTreeMap::new();
    for name in ["bitcoin", "ethereum", "echoin"] {
        let id = ChainId::new(&format!("sim:{name}")).unwrap();
        let coins = ASSETS.iter().map(|a| asset(a)).filter(|a| a.chain() == id);
        chains.insert(id.clone(), SimChain::new(id.clone(), coins, START));
    }
    for name in ASSETS {
        for account in [1, 2] {
            let coin = asset(name);
            (0..notes).for_each(|_| chains[&coin.chain()].fund(AccountId(account), &coin, Amount::new(NOTE)));
        }
    }
    chains.values().for_each(|chain| chain.mine(3));
    chains
}

impl World {
    /// A world in which both have agreed to swap: `give` against `want`, amounts of 1,000,000 each.
    pub fn agreed(give: &[&str], want: &[&str], deaths: [Death; 2]) -> Self {
        let mut world = Self::empty(deaths, 4);
        world.agree(give, want, 1);
        world
    }

    /// A world in which both have agreed to so many swaps at once, all of them `give` against `want`.
    pub fn crowded(give: &[&str], want: &[&str], swaps: u64) -> Self {
        let mut world = Self::empty([Death::Never; 2], swaps + 3);
        world.agree(give, want, swaps);
        world
    }

    fn empty([initiator, participant]: [Death; 2], notes: u64) -> Self {
        let chains = funded_chains(notes);
        let nodes = [
            (Who::Initiator, Node::new(1, &chains, initiator)),
            (Who::Participant, Node::new(2, &chains, participant)),
        ];
        let paces = chains.keys().map(|id| (id.clone(), Pace::REGTEST)).collect();
        Self {
            chains,
            nodes: nodes.into(),
            swaps: Vec::new(),
            policy: Policy {
                paces,
                margins: Margins::REGTEST,
            },
            seed: Seed::new([9; 64]),
            network: NetworkId::new("kofo-sim").unwrap(),
        }
    }

    fn agree(&mut self, give: &[&str], want: &[&str], swaps: u64) {
        let orders: Vec<_> = (0..swaps).map(|nth| self.order(give, want, nth)).collect();
        self.swaps = orders.iter().map(SettlementOrder::id).collect();
        for (order, nth) in orders.iter().zip(0..) {
            for who in Who::BOTH {
                self.begin(order, who, nth);
            }
        }
    }

    /// What each node was given of an asset in the beginning.
    pub(crate) fn funded(&self, asset: &AssetId) -> Amount {
        Amount::new(self.chains[&asset.chain()].minted(asset).units() / 2)
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.chains.values().map(|chain| chain.tip().time).max().unwrap()
    }

    fn begin(&mut self, order: &SettlementOrder, who: Who, nth: u64) {
        let (role, preimage) = match who {
            Who::Initiator => (Role::Initiator, Some(self.preimage(nth))),
            Who::Participant => (Role::Participant, None),
        };
        let heights = self
            .chains
            .iter()
            .map(|(id, chain)| (id.clone(), chain.tip().height))
            .collect();
        let terms = Terms::new(order, role, &self.policy, self.now(), &heights).unwrap();
        let begin = Begin::new(order.clone(), terms, preimage, 0);
        loop {
            let node = self.nodes.get_mut(&who).unwrap();
            node.driver().begin(begin.clone()).unwrap();
            match node.turn() {
                Ok(_) => return,
                Err(_) => self.die_and_come_back(who),
            }
        }
    }

    fn die_and_come_back(&mut self, who: Who) {
        let node = self.nodes.get_mut(&who).unwrap();
        node.stop();
        node.deaths += 1;
        if node.stays_away {
            node.away = true;
        } else {
            node.start(&self.chains);
        }
    }

    /// From now on whoever dies stays off until [`World::back`].
    pub fn stay_away_after_death(&mut self) {
        self.nodes.values_mut().for_each(|node| node.stays_away = true);
    }

    /// The node goes off for good, or until [`World::back`].
    pub fn away(&mut self, who: Who) {
        let node = self.nodes.get_mut(&who).unwrap();
        node.stop();
        node.away = true;
    }

    /// The node comes back.
    pub fn back(&mut self, who: Who) {
        let node = self.nodes.get_mut(&who).unwrap();
        node.away = false;
        node.start(&self.chains);
    }

    /// Everybody does what is to be done now.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut busy = false;
            for who in Who::BOTH {
                let node = self.nodes.get_mut(&who).unwrap();
                if node.away {
                    continue;
                }
                match node.turn() {
                    Ok(did) => busy |= did,
                    Err(_) => {
                        self.die_and_come_back(who);
                        busy = true;
                    }
                }
            }
            if !busy {
                return;
            }
        }
        panic!("two nodes that talk to their chains for ever");
    }

    /// Ten seconds and one block on every chain pass.
    pub fn step(&mut self) {
        self.settle();
        for chain in self.chains.values() {
            chain.advance(STEP);
            chain.mine(1);
        }
        self.settle();
    }

    /// Lets time pass until it is so for everybody who is there; `false` if it is not within two hours.
    pub fn until(&mut self, what: impl Fn(&Self) -> bool) -> bool {
        (0..720).any(|_| {
            self.step();
            what(self)
        })
    }

    fn live(&self, who: Who, swap: &SwapId) -> Option<&Live> {
        self.nodes[&who].driver.as_ref()?.swaps().get(swap)
    }

    fn first(&self, who: Who) -> Option<&Live> {
        self.live(who, self.swaps.first()?)
    }

    /// How far the swap is, as a node knows it; nothing while the node is off.
    pub fn phase(&self, who: Who) -> Option<Phase> {
        Some(self.first(who)?.swap().phase())
    }

    /// How far each swap is, as a node knows it.
    pub fn phases(&self, who: Who) -> Vec<Option<Phase>> {
        let phase = |swap| Some(self.live(who, swap)?.swap().phase());
        self.swaps.iter().map(phase).collect()
    }

    /// All swaps are over for everybody who is there.
    pub fn over(&self) -> bool {
        let done = |phase: &Option<Phase>| matches!(phase, Some(Phase::Done(_)));
        Who::BOTH
            .iter()
            .all(|who| self.nodes[who].away || self.phases(*who).iter().all(done))
    }

    /// How the swap ended, as a node knows it.
    pub fn outcome(&self, who: Who) -> Option<Outcome> {
        match self.phase(who)? {
            Phase::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// All that a node knows, for a failure's report.
    pub fn state(&self, who: Who) -> Option<String> {
        let live = self.first(who)?;
        Some(format!(
            "{:#?}\nowes {:?}",
            live.swap(),
            live.swap().pending(live.terms(), live.tips())
        ))
    }

    fn leg(&self, who: Who, leg: LegId) -> Option<&LegState> {
        self.first(who)?.swap().legs().get(&leg)
    }

    /// What a node knows of a lock.
    pub fn sighting(&self, who: Who, leg: LegId) -> Option<Sighting> {
        self.leg(who, leg)?.locked
    }

    /// The height at which a leg ended, as a node knows it.
    pub fn ended_at(&self, who: Who, leg: LegId) -> Option<u64> {
        match self.leg(who, leg)?.ended? {
            Ended::Redeemed(s) | Ended::Refunded(s) | Ended::Cancelled(s) => match s.at {
                At::Block(height) => Some(height),
                At::Mempool => None,
            },
            Ended::Dead => None,
        }
    }

    /// The timelock of a leg. The initiator must be there.
    pub fn timelock(&self, leg: LegId) -> UnixTime {
        let live = self.first(Who::Initiator).expect("the initiator runs");
        live.terms().legs()[&leg].spec.timelock
    }

    /// Why a node's lock could not be built.
    pub fn failure(&self, who: Who) -> Option<&FailClass> {
        self.first(who)?.swap().failure()
    }
}
