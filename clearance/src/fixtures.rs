//! A small network, for tests.

mod funded;

pub(crate) use funded::*;

use crate::genesis::{Genesis, GenesisValidator, LedgerAsset, Params};
use kofo_primitives::{
    Amount, AssetId, Certificate, Header, NetworkId, NodeId, Text, Validator, ValidatorSecret, ValidatorSet,
    Vote, VoteKind,
};

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-test").unwrap()
}

/// What is staked and paid.
pub(crate) fn asset() -> AssetId {
    AssetId::new("kofo:test/fee:x").unwrap()
}

/// The vote key of validator `n`, whose account is 32 times `n`.
pub(crate) fn validator(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n; 32]).unwrap()
}

/// Validators of these numbers, of equal power.
pub(crate) fn set(epoch: u64, members: impl IntoIterator<Item = u8>) -> ValidatorSet {
    let member = |n| Validator {
        key: validator(n).key(),
        account: NodeId::new([n; 32]),
        power: 1_000,
    };
    ValidatorSet::new(epoch, members.into_iter().map(member).collect()).unwrap()
}

/// Every number whose key is in the set, signed by those at the given places.
pub(crate) fn certify(header: &Header, set: &ValidatorSet, places: std::ops::Range<usize>) -> Certificate {
    let secrets: Vec<_> = (1..=60).map(validator).collect();
    let vote = Vote {
        kind: VoteKind::Precommit,
        height: header.height,
        round: 0,
        header: Some(header.id()),
    };
    let digest = vote.digest(&header.network);
    let signed: Vec<_> = set.members()[places]
        .iter()
        .map(|member| {
            let secret = secrets.iter().find(|secret| secret.key() == member.key);
            (member.key, secret.unwrap().sign(&digest))
        })
        .collect();
    Certificate::new((header.height, 0, header.id()), set, &signed).unwrap()
}

/// A network of that many validators, without balances.
pub(crate) fn genesis(validators: u8) -> Genesis {
    let amount = Amount::new;
    let params = Params {
        seats: 25,
        power_cap_bps: 10_000,
        epoch_ms: 3_600_000,
        unbond_ms: 7 * 86_400_000,
        unstake_ms: 21 * 86_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: NodeId::new([200; 32]),
        stake: asset(),
        min_stake: amount(1_000),
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 300,
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
            asset: asset(),
            symbol: Text::new("kofo").unwrap(),
            decimals: 6,
            min_fee: amount(100),
            min_bond: amount(1_000),
            weight_cap: amount(100_000),
            double_quote: amount(500),
        }],
        pairs: Vec::new(),
        proofs: Vec::new(),
    };
    let member = |n| GenesisValidator {
        account: NodeId::new([n; 32]),
        key: validator(n).key(),
        stake: amount(1_000),
        commission_bps: 1_000,
        observes: Vec::new(),
        engine: Text::new("/memory/1").unwrap(),
        service: Text::new("/memory/1").unwrap(),
    };
    Genesis {
        version: 1,
        network: network(),
        time_ms: 1_000_000,
        params,
        validators: (1..=validators).map(member).collect(),
        balances: Vec::new(),
        seal_key: NodeId::new([9; 32]),
        shares: Vec::new(),
    }
}
