//! A clearance layer to trade under: four validators without an engine, and accounts with money.

use super::fixture::*;
use crate::clearing::{Clearing, ClearingParts, SimulatedValidators};
use crate::config::{InventoryLimit, NodeRole, ReserveConfig};
use crate::journal::SharedJournal;
use crate::rpc::api::{ClaimFee, ClaimTerms};
use kofo_clearance::{
    AccountAct, Act, BondKind, Genesis, GenesisBalance, GenesisValidator, LedgerAsset, Op, PairRule, Params,
};
use kofo_network::Identity;
use kofo_primitives::{
    Amount, AssetId, ChainId, FeePayer, NetworkId, NodeId, NodeKey, Seconds, Seed, Text, ValidatorSecret,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What fees are paid in: six decimals.
pub(in crate::market) const KOFO: &str = "kofo:sim/fee:kofo";
const VALIDATORS: u8 = 4;
const FOUNDATION: u8 = 0xf0;

/// The validators and what they began with.
#[derive(Clone)]
pub(super) struct Town {
    pub(super) validators: SimulatedValidators,
    pub(super) genesis: Genesis,
}

pub(super) fn kofo() -> AssetId {
    AssetId::new(KOFO).unwrap()
}

/// The account of node number `n`.
pub(super) fn account(n: u8) -> NodeId {
    let network = NetworkId::new("kofo-sim").unwrap();
    crate::run::node_key(&Seed::new([n; 64]), &network).id()
}

fn seal_key() -> NodeKey {
    NodeKey::new(&[0x5e; 32]).unwrap()
}

fn params() -> Params {
    let amount = |whole: u128| Amount::new(whole * 1_000_000);
    let pair = |alpha, beta| PairRule {
        alpha: ChainId::new(alpha).unwrap(),
        beta: ChainId::new(beta).unwrap(),
        min_gap: Seconds(1_800),
        min_beta: Seconds(1_800),
        reveal: Seconds(300),
    };
    Params {
        seats: VALIDATORS,
        power_cap_bps: 10_000,
        epoch_ms: 86_400_000,
        unbond_ms: 7 * 86_400_000,
        unstake_ms: 21 * 86_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: account(FOUNDATION),
        stake: kofo(),
        min_stake: amount(1_000),
        listing_ms: 0,
        margin_bps: 2_000,
        harmed_bps: 1_000,
        cancel_bps: 1_000,
        double_vote_bps: 500,
        missed_heights: 1_000,
        missed_bps: 10,
        jail_ms: 3_600_000,
        unobserved_ms: 86_400_000,
        unclear_ms: 86_400_000,
        points_trades: 10_000_000,
        clock_ms: 5_000,
        max_batch_bytes: 1_000_000,
        assets: vec![LedgerAsset {
            asset: kofo(),
            symbol: Text::new("KOFO").unwrap(),
            decimals: 6,
            min_fee: Amount::new(1_000),
            min_bond: amount(10),
            weight_cap: amount(10_000),
            double_quote: amount(5),
        }],
        pairs: vec![pair("sim:btc", "sim:eth"), pair("sim:eth", "sim:btc")],
        proofs: Vec::new(),
    }
}

fn vote(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[100 + n; 32]).unwrap()
}

fn genesis() -> Genesis {
    let amount = |whole: u128| Amount::new(whole * 1_000_000);
    let validator = |n: u8| {
        let peer = Identity::from_secret(Zeroizing::new([200 + n; 32])).peer_id();
        GenesisValidator {
            account: account(100 + n),
            key: vote(n).key(),
            stake: amount(10_000),
            commission_bps: 1_000,
            observes: vec![ChainId::new("sim:btc").unwrap(), ChainId::new("sim:eth").unwrap()],
            engine: Text::new("/memory/1").unwrap(),
            service: Text::new(&format!("/ip4/127.0.0.1/tcp/{}/p2p/{peer}", 1_000 + u16::from(n))).unwrap(),
        }
    };
    let balance = |n: u8, free, provider, relay| GenesisBalance {
        account: account(n),
        asset: kofo(),
        free: amount(free),
        provider: amount(provider),
        relay: amount(relay),
    };
    let mut balances = vec![balance(1, 1_000, 0, 0), balance(2, 1_000, 0, 0)];
    balances.extend((10..20).map(|relay| balance(relay, 0, 0, 100)));
    balances.extend((20..25).map(|provider| balance(provider, 100, 100_000, 0)));
    Genesis {
        version: 1,
        network: NetworkId::new("kofo-sim").unwrap(),
        time_ms: crate::clock::now_ms() - 60_000,
        params: params(),
        validators: (0..VALIDATORS).map(validator).collect(),
        balances,
        seal_key: seal_key().id(),
        shares: Vec::new(),
    }
}

impl Town {
    pub(super) fn new() -> Self {
        let genesis = genesis();
        let votes = (0..VALIDATORS).map(vote).collect();
        let validators = SimulatedValidators::new(genesis.clone(), votes, seal_key()).unwrap();
        Self { validators, genesis }
    }

    pub(super) fn client(&self, key: NodeKey, journal: SharedJournal) -> Arc<Clearing> {
        let parts = ClearingParts {
            genesis: self.genesis.clone(),
            services: Vec::new(),
            key,
            transport: Arc::new(self.validators.clone()),
            journal,
        };
        Arc::new(Clearing::open(parts).unwrap())
    }

    /// A street whose people all know the clearance layer.
    pub(super) fn street(&self, relays: u8, providers: Vec<Plan>) -> Street {
        Street::with(relays, providers, |plan| {
            plan.town = Some(self.clone());
            plan.provider.reserve = Some(reserve());
        })
    }

    /// The same with another wallet, and relays from that number on, over a network of its own.
    pub(super) fn street_of(&self, wallet: u8, relays: u8, providers: Vec<Plan>) -> Street {
        Street::with(1, providers, |plan| {
            plan.town = Some(self.clone());
            plan.provider.reserve = Some(reserve());
            match plan.role {
                NodeRole::Wallet => (plan.number, plan.seed) = (wallet, wallet),
                NodeRole::Relay => (plan.number, plan.seed) = (relays, relays),
                NodeRole::Provider => {}
            }
        })
    }

    /// Node number `n` asks for its whole bond back.
    pub(super) fn spend_bond(&self, n: u8) {
        let network = self.genesis.network.clone();
        let key = crate::run::node_key(&Seed::new([n; 64]), &network);
        let act = AccountAct {
            version: 1,
            network,
            account: key.id(),
            sequence: 0,
            act: Act::Unbond {
                kind: BondKind::Provider,
                asset: kofo(),
                amount: Amount::new(100_000_000_000),
            },
        };
        self.validators.take(Op::Act(Box::new(act.sign(&key)))).unwrap();
    }

    /// What an account has free, as a provider's bond, and otherwise: in smallest units.
    pub(super) fn has(&self, account: NodeId) -> (u128, u128) {
        let view = self.validators.ledger().account(account);
        let holding = view.holdings.first();
        holding.map_or((0, 0), |held| (held.free.units(), held.provider.units()))
    }
}

/// One ETH is worth 100 KOFO.
pub(super) fn reserve() -> ReserveConfig {
    ReserveConfig {
        asset: "KOFO".into(),
        premium_bps: 0,
        most_fee: "1".into(),
        worth: vec![InventoryLimit {
            symbol: "ETH".into(),
            most: "100".into(),
        }],
    }
}

/// The fixture's claim with a fee of 0.3 KOFO.
pub(super) fn with_fee(terms: ClaimTerms) -> ClaimTerms {
    ClaimTerms {
        fee: Some(ClaimFee {
            asset: kofo(),
            amount: Amount::new(300_000),
            payer: FeePayer::Claimant,
        }),
        ..terms
    }
}
