//! A network: validators with seeds, accounts with money, and orders as claimants submit them.

use kofo_clearance::{
    AccountAct, Act, Genesis, GenesisBalance, GenesisValidator, LedgerAsset, PairRule, Params, Submission,
    SubmittedOrder,
};
use kofo_primitives::*;
use kofo_validator::{Keys, share_of};

/// The provider's account: its bond is 10,000,000, and as much is free.
pub(crate) const PROVIDER: u8 = 4;
/// The account that pays for claims, with 100,000,000.
pub(crate) const CLAIMANT: u8 = 5;
/// Relays' accounts; their bonds are 30,000, 20,000 and 10,000.
pub(crate) const RELAYS: [u8; 3] = [31, 32, 33];
/// The foundation's account.
pub(crate) const FOUNDATION: u8 = 200;
const COMMITTEE: [u8; 32] = [77; 32];

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-test").unwrap()
}

pub(crate) fn kofo() -> AssetId {
    AssetId::new("kofo:test/fee:kofo").unwrap()
}

/// The key of an account.
pub(crate) fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

/// The seed of validator `n`.
pub(crate) fn seed(n: usize) -> Seed {
    Seed::new([u8::try_from(n + 1).unwrap(); 64])
}

pub(crate) fn keys(n: usize) -> Keys {
    Keys::new(&seed(n), &network())
}

fn params() -> Params {
    let chain = |name| ChainId::new(name).unwrap();
    let amount = Amount::new;
    Params {
        seats: 25,
        power_cap_bps: 10_000,
        epoch_ms: 3_600_000,
        unbond_ms: 7 * 86_400_000,
        unstake_ms: 21 * 86_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: key(FOUNDATION).id(),
        stake: kofo(),
        min_stake: amount(1_000),
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 300,
        cancel_bps: 1_000,
        double_vote_bps: 500,
        missed_heights: 100_000,
        missed_bps: 10,
        jail_ms: 3_600_000,
        unobserved_ms: 86_400_000,
        unclear_ms: 86_400_000,
        points_trades: 10_000_000,
        clock_ms: 5_000,
        max_batch_bytes: 500_000,
        assets: vec![LedgerAsset {
            asset: kofo(),
            symbol: Text::new("KOFO").unwrap(),
            decimals: 6,
            min_fee: amount(100),
            min_bond: amount(1_000),
            weight_cap: amount(100_000),
            double_quote: amount(500),
        }],
        pairs: vec![PairRule {
            alpha: chain("test:a"),
            beta: chain("test:b"),
            min_gap: Seconds(1_800),
            min_beta: Seconds(1_800),
            reveal: Seconds(300),
        }],
        proofs: Vec::new(),
    }
}

fn balance(account: NodeId, [free, provider, relay]: [u128; 3]) -> GenesisBalance {
    GenesisBalance {
        account,
        asset: kofo(),
        free: Amount::new(free),
        provider: Amount::new(provider),
        relay: Amount::new(relay),
    }
}

/// A network that begins a second before `now_ms`, with validators at these engine and service ports. `others` more
/// have money to become validators.
pub(crate) fn genesis(now_ms: u64, ports: &[(u16, u16)], others: usize) -> Genesis {
    let validator = |(n, (engine, service)): (usize, &(u16, u16))| {
        let keys = keys(n);
        let peer = keys.identity.peer_id();
        GenesisValidator {
            account: keys.account.id(),
            key: keys.voter(),
            stake: Amount::new(1_000_000),
            commission_bps: 1_000,
            observes: vec![ChainId::new("test:a").unwrap(), ChainId::new("test:b").unwrap()],
            engine: Text::new(&format!("/ip4/127.0.0.1/tcp/{engine}")).unwrap(),
            service: Text::new(&format!("/ip4/127.0.0.1/tcp/{service}/p2p/{peer}")).unwrap(),
        }
    };
    let validators: Vec<_> = ports.iter().enumerate().map(validator).collect();
    let share = |one: &GenesisValidator| (one.account, share_of(&COMMITTEE, one.account).unwrap());
    let accounts = (0..validators.len() + others).map(|n| keys(n).account.id());
    let mut balances: Vec<_> = accounts
        .map(|account| balance(account, [5_000_000, 0, 0]))
        .collect();
    balances.push(balance(key(PROVIDER).id(), [10_000_000, 10_000_000, 0]));
    balances.push(balance(key(CLAIMANT).id(), [100_000_000, 0, 0]));
    for (relay, bond) in RELAYS.iter().zip([30_000, 20_000, 10_000]) {
        balances.push(balance(key(*relay).id(), [0, 0, bond]));
    }
    Genesis {
        version: 1,
        network: network(),
        time_ms: now_ms - 1_000,
        params: params(),
        shares: validators.iter().map(share).collect(),
        validators,
        balances,
        seal_key: NodeKey::new(&COMMITTEE).unwrap().id(),
    }
}

/// An act of an account.
pub(crate) fn act(key: &NodeKey, sequence: u64, act: Act) -> Submission {
    let act = AccountAct {
        version: 1,
        network: network(),
        account: key.id(),
        sequence,
        act,
    };
    Submission::Act(Box::new(act.sign(key)))
}

/// A transfer of the claimant to the foundation.
pub(crate) fn transfer(sequence: u64, units: u128) -> Submission {
    let (to, asset, amount) = (key(FOUNDATION).id(), kofo(), Amount::new(units));
    act(&key(CLAIMANT), sequence, Act::Transfer { to, asset, amount })
}

pub(crate) fn order_of(submission: &Submission) -> SwapId {
    match submission {
        Submission::Order(order) => order_id(&order.claim.body, &order.fulfil.body, &order.select.body),
        other => panic!("{other:?}"),
    }
}

/// Where the parts of order `n` come from.
pub(crate) fn order(n: u8, now_ms: u64) -> Submission {
    Submission::Order(Box::new(crate::orders::submitted(n, now_ms)))
}

pub(crate) fn submitted(submission: Submission) -> SubmittedOrder {
    match submission {
        Submission::Order(order) => *order,
        other => panic!("{other:?}"),
    }
}

/// What validators share.
pub(crate) fn committee() -> NodeKey {
    NodeKey::new(&COMMITTEE).unwrap()
}
