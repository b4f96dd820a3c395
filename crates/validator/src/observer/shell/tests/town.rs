//! Four validators who watch two chains in memory, and a ledger that takes what they say.

use super::trade::{OnChain, cleared, on_chain};
use crate::head::{Clock, Head};
use crate::observer::{Eyes, ObserverParts, observe};
use kofo_adapter_api::ChainAdapter;
use kofo_clearance::{
    CheckedOp, Ending, Fact, Genesis, GenesisBalance, GenesisValidator, Ledger, LedgerAsset, LiveOrder,
    NoProofs, Op, PairRule, Params, Settlement,
};
use kofo_journal::memory::{Disk, Memory};
use kofo_node::engine::Adapters;
use kofo_node::journal::SharedJournal;
use kofo_primitives::*;
use kofo_sim::{AccountId, SimAdapter, SimChain};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// When it begins (unix s).
const BEGIN: u64 = 1_700_000_000;
/// Blocks come so often (s).
const BLOCK: u64 = 10;
/// Something is waited for so long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn network() -> NetworkId {
    NetworkId::new("kofo-test").unwrap()
}

pub(super) fn kofo() -> AssetId {
    AssetId::new("kofo:test/fee:kofo").unwrap()
}

pub(super) fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

pub(super) fn account(key: &NodeKey) -> NodeId {
    key.id()
}

pub(super) fn claimant_account() -> NodeKey {
    key(5)
}

pub(super) fn provider_account() -> NodeKey {
    key(4)
}

fn secret(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n; 32]).unwrap()
}

fn params(chains: &[SimChain; 2]) -> Params {
    let amount = Amount::new;
    Params {
        seats: 25,
        power_cap_bps: 10_000,
        epoch_ms: 30 * 86_400_000,
        unbond_ms: 30 * 86_400_000,
        unstake_ms: 60 * 86_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: key(200).id(),
        stake: kofo(),
        min_stake: amount(1_000),
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 100,
        cancel_bps: 1_000,
        double_vote_bps: 500,
        missed_heights: 100_000,
        missed_bps: 10,
        jail_ms: 3_600_000,
        unobserved_ms: 14 * 86_400_000,
        unclear_ms: 7 * 86_400_000,
        points_trades: 10_000_000,
        clock_ms: 5_000,
        max_batch_bytes: 1_000_000,
        assets: vec![LedgerAsset {
            asset: kofo(),
            symbol: Text::new("kofo").unwrap(),
            decimals: 6,
            min_fee: amount(100),
            min_bond: amount(1_000),
            weight_cap: amount(100_000),
            double_quote: amount(500),
        }],
        pairs: vec![PairRule {
            alpha: chains[0].id().clone(),
            beta: chains[1].id().clone(),
            min_gap: Seconds(1_800),
            min_beta: Seconds(1_800),
            reveal: Seconds(300),
        }],
        proofs: Vec::new(),
    }
}

fn genesis(chains: &[SimChain; 2]) -> Genesis {
    let member = |n: u8| GenesisValidator {
        account: key(100 + n).id(),
        key: secret(n).key(),
        stake: Amount::new(1_000_000),
        commission_bps: 1_000,
        observes: chains.iter().map(|chain| chain.id().clone()).collect(),
        engine: Text::new("/memory/1").unwrap(),
        service: Text::new("/memory/1").unwrap(),
    };
    let balance = |of: &NodeKey, provider| GenesisBalance {
        account: of.id(),
        asset: kofo(),
        free: Amount::new(1_000_000),
        provider: Amount::new(provider),
        relay: Amount::ZERO,
    };
    Genesis {
        version: 1,
        network: network(),
        time_ms: (BEGIN - 60) * 1_000,
        params: params(chains),
        validators: (1..=4).map(member).collect(),
        balances: vec![
            balance(&provider_account(), 1_000_000),
            balance(&claimant_account(), 0),
        ],
        seal_key: key(9).id(),
        shares: Vec::new(),
    }
}

/// All of it. Time, blocks and batches go on only when told to.
pub(super) struct Town {
    pub(super) chains: [SimChain; 2],
    now_ms: Arc<AtomicU64>,
    said: Arc<Mutex<Vec<Op>>>,
    head: watch::Sender<Arc<Head>>,
    journals: Vec<SharedJournal>,
    observers: Vec<JoinHandle<()>>,
    pub(super) ended: Vec<Settlement>,
    /// Every word that the ledger took, in order: of whom, of which side, what.
    pub(super) taken: Vec<(ValidatorKey, Side, u32, Fact)>,
}

impl Town {
    pub(super) fn new() -> Self {
        let chain = |name: &str| {
            let id = ChainId::new(&format!("sim:{name}")).unwrap();
            let coin = AssetId::new(&format!("{id}/coin:x")).unwrap();
            SimChain::new(id, [coin], UnixTime(BEGIN))
        };
        let chains = [chain("alpha"), chain("beta")];
        let ledger = Ledger::new(genesis(&chains), Arc::new(NoProofs)).unwrap();
        let head = Head {
            ledger,
            certificate: None,
        };
        let mut town = Self {
            chains,
            now_ms: Arc::new(AtomicU64::new(BEGIN * 1_000)),
            said: Arc::default(),
            head: watch::Sender::new(Arc::new(head)),
            journals: (0..4)
                .map(|_| SharedJournal::new(Memory::open(&Disk::new()).unwrap()))
                .collect(),
            observers: Vec::new(),
            ended: Vec::new(),
            taken: Vec::new(),
        };
        town.start();
        town
    }

    /// All four begin, with what they kept and adapters that know nothing.
    fn start(&mut self) {
        for (n, journal) in (1..).zip(&self.journals) {
            let adapter = |chain: &SimChain| {
                let adapter: Arc<dyn ChainAdapter> = Arc::new(SimAdapter::new(chain.clone(), AccountId(90)));
                (chain.id().clone(), adapter)
            };
            let adapters: Adapters = self.chains.iter().map(adapter).collect();
            let (said, now_ms) = (Arc::clone(&self.said), Arc::clone(&self.now_ms));
            let parts = ObserverParts {
                network: network(),
                vote: secret(n),
                eyes: Eyes::of(adapters, journal.clone()),
                head: self.head.subscribe(),
                submit: Arc::new(move |op| {
                    said.lock().unwrap().push(op);
                    Ok(())
                }),
                clock: Clock::of(move || now_ms.load(Ordering::SeqCst)),
            };
            self.observers
                .push(tokio::spawn(async move { observe(parts).await.unwrap() }));
        }
    }

    /// All four end, and begin again.
    pub(super) async fn restart(&mut self) {
        for observer in self.observers.drain(..) {
            observer.abort();
            assert!(observer.await.unwrap_err().is_cancelled());
        }
        self.start();
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    /// One batch, with all that was said and these.
    fn batch(&mut self, ops: Vec<Op>) {
        let said = std::mem::take(&mut *self.said.lock().unwrap());
        let head = self.head.borrow().clone();
        let mut draft = head.next(self.now_ms()).unwrap();
        for op in ops.into_iter().chain(said) {
            let checked = CheckedOp::new(op.clone(), &network()).unwrap();
            let taken = draft.take(&checked);
            match op {
                Op::Observed(seen) if taken.is_ok() => {
                    let word = &seen.observation;
                    self.taken.push((seen.key, word.leg.side, word.count, word.fact));
                }
                Op::Observed(_) => {}
                _ => taken.unwrap(),
            }
        }
        let set = head.ledger.validators();
        let finished = draft.finish();
        let header = &finished.header;
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: header.height,
            round: 0,
            header: Some(header.id()),
        };
        let digest = vote.digest(&network());
        let signed: Vec<_> = (1..=4)
            .map(|n| (secret(n).key(), secret(n).sign(&digest)))
            .collect();
        let certificate = Certificate::new((header.height, 0, header.id()), &set, &signed).unwrap();
        self.ended.extend(finished.settlements);
        self.head.send_replace(Arc::new(Head {
            ledger: finished.ledger,
            certificate: Some(certificate),
        }));
    }

    /// Both chains are known to all observers.
    pub(super) async fn known(&mut self) {
        let started = Instant::now();
        let kept = |journal: &SharedJournal| kofo_journal::Journal::scan(journal, "observer/").unwrap().len();
        while self.journals.iter().any(|journal| kept(journal) < 2) {
            assert!(started.elapsed() < PATIENCE, "observers know both chains");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// An order is committed; its legs.
    pub(super) async fn order(&mut self) -> (SwapId, [OnChain; 2]) {
        self.known().await;
        let order = cleared(&self.chains, self.now_ms());
        let (id, legs) = (order.order.id(), on_chain(&self.chains, &order));
        self.batch(vec![Op::Order(Box::new(order))]);
        (id, legs)
    }

    pub(super) fn live(&self, order: SwapId) -> Option<LiveOrder> {
        self.head.borrow().ledger.live(&order)
    }

    /// What is certain of a leg.
    pub(super) fn certain(&self, order: SwapId, side: Side) -> Option<Fact> {
        let live = self.live(order)?;
        live.legs.iter().find(|leg| leg.id.side == side)?.certain
    }

    /// Time passes and each chain of these places makes so many blocks.
    pub(super) fn pass(&self, places: &[usize], blocks: u64) {
        for _ in 0..blocks {
            self.now_ms.fetch_add(BLOCK * 1_000, Ordering::SeqCst);
            for (place, chain) in self.chains.iter().enumerate() {
                chain.advance(Seconds(BLOCK));
                if places.contains(&place) {
                    chain.mine(1);
                }
            }
        }
    }

    /// Batches are made until something holds.
    pub(super) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !holds(self) {
            assert!(
                started.elapsed() < PATIENCE,
                "expected {what}; taken {:?}, ended {:?}",
                self.taken,
                self.ended
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.batch(Vec::new());
        }
    }

    pub(super) async fn until_certain(&mut self, order: SwapId, side: Side, fact: Fact) {
        let what = format!("{fact:?} of {side:?}");
        self.until(&what, |town| town.certain(order, side) == Some(fact))
            .await;
    }

    pub(super) async fn until_ended(&mut self, ending: Ending) -> Settlement {
        self.until("an end", |town| !town.ended.is_empty()).await;
        assert_eq!(self.ended[0].ending, ending);
        self.ended[0].clone()
    }

    /// So many batches with nothing to do but to listen.
    pub(super) async fn listen(&mut self) {
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.batch(Vec::new());
        }
    }

    /// Nobody said anything of a side.
    pub(super) fn is_silent(&self, side: Side) -> bool {
        self.taken.iter().all(|(_, of, ..)| *of != side)
    }

    /// The words of each validator on a side, in order; their counts rise by one.
    pub(super) fn words(&self, side: Side) -> Vec<Vec<Fact>> {
        let mut words: BTreeMap<ValidatorKey, Vec<Fact>> = BTreeMap::new();
        for (of, on, count, fact) in &self.taken {
            if *on == side {
                let of = words.entry(*of).or_default();
                assert_eq!(usize::try_from(*count).unwrap(), of.len());
                of.push(*fact);
            }
        }
        words.into_values().collect()
    }
}
