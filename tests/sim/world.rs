//! The world: chains, nodes, and a way to let time pass.

use kofo_adapter_api::{ChainAdapter, PartyWanted};
use kofo_journal::faulty::{Fault, Faulty, Syncs};
use kofo_journal::memory::{Disk, Memory};
use kofo_node::driver::{Begin, Driver, DriverError, Effect};
use kofo_primitives::*;
use kofo_settlement::{Ended, LegState, Margins, Outcome, Pace, Phase, Policy, Sighting, Terms, Timelocks};
use kofo_sim::{AccountId, Owner, SimAdapter, SimChain};
use std::collections::BTreeMap;

pub(crate) const START: UnixTime = UnixTime(1_000_000);
const DEPTH: u32 = 2;
/// Each step of time: one block on every chain.
const STEP: Seconds = Seconds(10);

/// Asset names: the part before the dot is the chain.
pub(crate) fn asset(name: &str) -> AssetId {
    let (chain, coin) = name.split_once('.').expect("chain.coin");
    AssetId::new(&format!("sim:{chain}/coin:{coin}")).unwrap()
}

pub(crate) const ASSETS: [&str; 4] = ["bitcoin.btc", "ethereum.eth", "ethereum.usdx", "echoin.ec"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Initiator,
    Participant,
}

/// Where a node is to die: at its n-th sync, or when it has handed out its n-th effect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    Never,
    AtSync(Fault),
    AtEffect(u64),
}

pub(crate) struct Node {
    account: AccountId,
    disk: Disk,
    driver: Option<Driver<Faulty<Memory>>>,
    adapters: BTreeMap<ChainId, SimAdapter>,
    death: Death,
    syncs: Syncs,
    pub(crate) effects: u64,
    pub(crate) deaths: u64,
    /// It is off and does not come back by itself.
    pub(crate) away: bool,
    stays_away: bool,
}

pub(crate) struct World {
    pub(crate) chains: BTreeMap<ChainId, SimChain>,
    pub(crate) nodes: BTreeMap<Who, Node>,
    pub(crate) swap: SwapId,
    policy: Policy,
    seed: Seed,
    network: NetworkId,
}

impl Node {
    fn new(account: u32, chains: &BTreeMap<ChainId, SimChain>, death: Death) -> Self {
        let mut node = Self {
            account: AccountId(account),
            disk: Disk::new(),
            driver: None,
            adapters: BTreeMap::new(),
            death,
            syncs: Syncs::default(),
            effects: 0,
            deaths: 0,
            away: false,
            stays_away: false,
        };
        node.start(chains);
        node
    }

    fn start(&mut self, chains: &BTreeMap<ChainId, SimChain>) {
        let memory = Memory::open(&self.disk).unwrap();
        let journal = match self.death {
            Death::AtSync(fault) if self.deaths == 0 => Faulty::new(memory, fault),
            _ => Faulty::sound(memory),
        };
        self.syncs = journal.syncs();
        self.driver = Some(Driver::open(journal).unwrap());
        let adapter = |chain: &SimChain| SimAdapter::new(chain.clone(), self.account);
        self.adapters = chains
            .iter()
            .map(|(id, chain)| (id.clone(), adapter(chain)))
            .collect();
    }

    /// Journal syncs since it started last.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.count()
    }

    fn stop(&mut self) {
        self.driver = None;
        self.adapters.clear();
    }

    pub(crate) fn driver(&mut self) -> &mut Driver<Faulty<Memory>> {
        self.driver.as_mut().expect("the node runs")
    }

    /// One turn of the shell: all events, one sync, all effects. Whether anything happened; `Err` is a death.
    fn turn(&mut self) -> Result<bool, DriverError> {
        let mut events = Vec::new();
        for (chain, adapter) in &self.adapters {
            events.extend(std::iter::from_fn(|| adapter.poll()).map(|event| (chain.clone(), event)));
        }
        let mut busy = !events.is_empty();
        for (chain, event) in events {
            self.driver().chain_event(&chain, event)?;
        }
        for Effect { chain, leg, action } in self.driver().flush()?.effects {
            busy = true;
            self.effects += 1;
            if matches!(self.death, Death::AtEffect(n) if n == self.effects && self.deaths == 0) {
                return Err(DriverError::TooMany);
            }
            self.adapters[&chain].act_now(leg, action);
        }
        Ok(busy)
    }
}

impl World {
    /// A world in which both have agreed to swap: `give` against `want`, amounts of 1,000,000 each.
    pub(crate) fn agreed(give: &[&str], want: &[&str], deaths: [Death; 2]) -> Self {
        let mut chains = BTreeMap::new();
        for name in ["bitcoin", "ethereum", "echoin"] {
            let id = ChainId::new(&format!("sim:{name}")).unwrap();
            let coins = ASSETS.iter().map(|a| asset(a)).filter(|a| a.chain() == id);
            chains.insert(id.clone(), SimChain::new(id.clone(), coins, START));
        }
        for name in ASSETS {
            for account in [1, 2] {
                let coin = asset(name);
                (0..4).for_each(|_| {
                    chains[&coin.chain()].fund(AccountId(account), &coin, Amount::new(3_000_000))
                });
            }
        }
        chains.values().for_each(|chain| chain.mine(3));
        let [initiator, participant] = deaths;
        let nodes = [
            (Who::Initiator, Node::new(1, &chains, initiator)),
            (Who::Participant, Node::new(2, &chains, participant)),
        ];
        let paces = chains.keys().map(|id| (id.clone(), Pace::REGTEST)).collect();
        let mut world = Self {
            chains,
            nodes: nodes.into(),
            swap: SwapId::new([0; 32]),
            policy: Policy {
                paces,
                margins: Margins::REGTEST,
            },
            seed: Seed::new([9; 64]),
            network: NetworkId::new("kofo-sim").unwrap(),
        };
        let order = world.order(give, want);
        world.swap = order.id();
        world.begin(&order, Who::Initiator);
        world.begin(&order, Who::Participant);
        world
    }

    fn now(&self) -> UnixTime {
        self.chains.values().map(|chain| chain.tip().time).max().unwrap()
    }

    fn party(&self, who: Who, asset: &AssetId, leg: LegId, taken: &mut Vec<Party>) -> Party {
        let (role, nonce) = match who {
            Who::Initiator => (Role::Initiator, SwapNonce::new([1; 32])),
            Who::Participant => (Role::Participant, SwapNonce::new([2; 32])),
        };
        let wanted = PartyWanted {
            asset,
            leg,
            end: leg.end_of(role),
            nonce: &nonce,
            taken,
        };
        let party = block_on(self.nodes[&who].adapters[&asset.chain()].party(wanted)).unwrap();
        taken.push(party.clone());
        party
    }

    fn order(&self, give: &[&str], want: &[&str]) -> SettlementOrder {
        let keys = [1u8, 2].map(|n| NodeKey::new(&[n; 32]).unwrap());
        let mut taken = [Vec::new(), Vec::new()];
        let ids = |side, n: usize| (0..u8::try_from(n).unwrap()).map(move |index| LegId { side, index });
        let side = |side, names: &[&str]| -> Vec<(LegId, AssetId)> {
            ids(side, names.len())
                .zip(names.iter().map(|name| asset(name)))
                .collect()
        };
        let (alpha, beta) = (side(Side::Alpha, give), side(Side::Beta, want));
        let mut offered = |legs: &[(LegId, AssetId)]| -> Vec<OfferedLeg> {
            let leg = |(id, asset): &(LegId, AssetId)| OfferedLeg {
                asset: asset.clone(),
                amount: Amount::new(1_000_000),
                party: self.party(Who::Initiator, asset, *id, &mut taken[0]),
                place: Place::default(),
                depth: DEPTH,
            };
            legs.iter().map(leg).collect()
        };
        let offer = Offer {
            version: 1,
            network: self.network.clone(),
            mode: Mode::P2P,
            fee: Amount::ZERO,
            maker: keys[0].id(),
            contacts: vec![Contact::new("/memory/1").unwrap()],
            nonce: SwapNonce::new([1; 32]),
            hashlock: self.preimage().hashlock(),
            give: offered(&alpha),
            want: offered(&beta),
            expires: self.now().plus(Seconds(60)),
        };
        let chains =
            |legs: &[(LegId, AssetId)]| legs.iter().map(|(_, asset)| asset.chain()).collect::<Vec<_>>();
        let Timelocks { alpha: t1, beta: t2 } =
            self.policy.timelocks(&chains(&alpha), &chains(&beta)).unwrap();
        let mut accepted = |legs: &[(LegId, AssetId)], span| -> Vec<AcceptedLeg> {
            let leg = |(id, asset): &(LegId, AssetId)| AcceptedLeg {
                party: self.party(Who::Participant, asset, *id, &mut taken[1]),
                timelock: self.now().plus(span),
            };
            legs.iter().map(leg).collect()
        };
        let acceptance = Acceptance {
            version: 1,
            offer: offer.id(),
            taker: keys[1].id(),
            nonce: SwapNonce::new([2; 32]),
            alpha: accepted(&alpha, t1),
            beta: accepted(&beta, t2),
        };
        let acceptance = acceptance.sign(&offer, &keys[1]);
        SettlementOrder::new(offer.sign(&keys[0]), acceptance).unwrap()
    }

    fn preimage(&self) -> Preimage {
        self.seed.preimage(&self.network, &SwapNonce::new([1; 32]))
    }

    fn begin(&mut self, order: &SettlementOrder, who: Who) {
        let (role, preimage) = match who {
            Who::Initiator => (Role::Initiator, Some(self.preimage())),
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
    pub(crate) fn stay_away_after_death(&mut self) {
        self.nodes.values_mut().for_each(|node| node.stays_away = true);
    }

    /// The node goes off for good, or until [`World::back`].
    pub(crate) fn away(&mut self, who: Who) {
        let node = self.nodes.get_mut(&who).unwrap();
        node.stop();
        node.away = true;
    }

    pub(crate) fn back(&mut self, who: Who) {
        let node = self.nodes.get_mut(&who).unwrap();
        node.away = false;
        node.start(&self.chains);
    }

    /// Everybody does what is to be done now.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut busy = false;
            for who in [Who::Initiator, Who::Participant] {
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
    pub(crate) fn step(&mut self) {
        self.settle();
        for chain in self.chains.values() {
            chain.advance(STEP);
            chain.mine(1);
        }
        self.settle();
    }

    /// Lets time pass until it is so for everybody who is there; `false` if it is not within two hours.
    pub(crate) fn until(&mut self, what: impl Fn(&Self) -> bool) -> bool {
        (0..720).any(|_| {
            self.step();
            what(self)
        })
    }

    pub(crate) fn phase(&self, who: Who) -> Option<Phase> {
        let driver = self.nodes[&who].driver.as_ref()?;
        Some(driver.swaps().get(&self.swap)?.swap().phase())
    }

    pub(crate) fn over(&self) -> bool {
        let over = |who| self.nodes[&who].away || matches!(self.phase(who), Some(Phase::Done(_)));
        over(Who::Initiator) && over(Who::Participant)
    }

    pub(crate) fn outcome(&self, who: Who) -> Option<Outcome> {
        match self.phase(who)? {
            Phase::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// All that a node knows, for a failure's report.
    pub(crate) fn state(&self, who: Who) -> Option<String> {
        let live = self.nodes[&who].driver.as_ref()?.swaps().get(&self.swap)?;
        Some(format!(
            "{:#?}\nowes {:?}",
            live.swap(),
            live.swap().pending(live.terms(), live.tips())
        ))
    }

    fn leg(&self, who: Who, leg: LegId) -> Option<&LegState> {
        self.nodes[&who]
            .driver
            .as_ref()?
            .swaps()
            .get(&self.swap)?
            .swap()
            .legs()
            .get(&leg)
    }

    /// What a node knows of a lock.
    pub(crate) fn sighting(&self, who: Who, leg: LegId) -> Option<Sighting> {
        self.leg(who, leg)?.locked
    }

    /// The height at which a leg ended, as a node knows it.
    pub(crate) fn ended_at(&self, who: Who, leg: LegId) -> Option<u64> {
        match self.leg(who, leg)?.ended? {
            Ended::Redeemed(s) | Ended::Refunded(s) | Ended::Cancelled(s) => match s.at {
                At::Block(height) => Some(height),
                At::Mempool => None,
            },
            Ended::Dead => None,
        }
    }

    pub(crate) fn timelock(&self, leg: LegId) -> UnixTime {
        let driver = self.nodes[&Who::Initiator]
            .driver
            .as_ref()
            .expect("the initiator runs");
        driver.swaps()[&self.swap].terms().legs()[&leg].spec.timelock
    }

    /// Why a node's lock could not be built.
    pub(crate) fn failure(&self, who: Who) -> Option<&FailClass> {
        self.nodes[&who]
            .driver
            .as_ref()?
            .swaps()
            .get(&self.swap)?
            .swap()
            .failure()
    }

    /// What a node has more or less of an asset than at the beginning, fees left out of account.
    fn gain(&self, who: Who, asset: &AssetId) -> i128 {
        let account = self.nodes[&who].account;
        let now = self.chains[&asset.chain()].balance(account, asset).units();
        i128::try_from(now).unwrap() - 12_000_000
    }

    /// Money is neither made nor lost nor left behind, nobody paid more than network fees, and each leg was locked at
    /// most once. `swapped` says whether the assets changed hands.
    pub(crate) fn check(&self, give: &[&str], want: &[&str], swapped: bool) {
        for name in ASSETS {
            let (asset, mut fees) = (asset(name), 0i128);
            let chain = &self.chains[&asset.chain()];
            assert_eq!(chain.total(&asset), chain.minted(&asset), "{name} is conserved");
            assert_eq!(chain.locked(&asset), Amount::ZERO, "{name} is left in a contract");
            let moved =
                |names: &[&str]| i128::try_from(names.iter().filter(|n| **n == name).count()).unwrap();
            let to_participant = if swapped {
                (moved(give) - moved(want)) * 1_000_000
            } else {
                0
            };
            for (who, due) in [
                (Who::Initiator, -to_participant),
                (Who::Participant, to_participant),
            ] {
                let paid = due - self.gain(who, &asset);
                assert!(
                    (0..5_000).contains(&paid),
                    "{who:?} has {paid} {name} less than it should"
                );
                fees += paid;
            }
            assert_eq!(
                fees,
                i128::try_from(chain.fees(&asset).units()).unwrap(),
                "all that is missing are fees"
            );
        }
        assert!(self.locks() <= give.len() + want.len(), "a second lock");
    }

    /// How many outputs of all blocks lock something.
    pub(crate) fn locks(&self) -> usize {
        let blocks = self
            .chains
            .values()
            .flat_map(|c| (0..=c.tip().height).filter_map(|h| c.block(h)));
        let pays = blocks.flat_map(|block| block.txs).flat_map(|tx| tx.pays);
        pays.filter(|pay| matches!(pay.owner, Owner::Contract(_))).count()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
