//! A network of four validators, and one order of it.

use kofo_clearance::*;
use kofo_primitives::*;

/// When the network begins (unix ms).
pub(crate) const BEGAN: u64 = 1_800_000_000_000;

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-vectors").unwrap()
}

pub(crate) fn kofo() -> AssetId {
    AssetId::new("kofo:vectors/fee:kofo").unwrap()
}

pub(crate) fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

/// The vote key of validator `n`, 1 to 4; its account is `key(0x10 + n)`.
pub(crate) fn voter(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n; 32]).unwrap()
}

pub(crate) fn account(n: u8) -> NodeKey {
    key(0x10 + n)
}

/// To which openings are sealed.
pub(crate) fn seal_key() -> NodeKey {
    key(0x5e)
}

pub(crate) fn set() -> ValidatorSet {
    let member = |n| Validator {
        key: voter(n).key(),
        account: account(n).id(),
        power: 1_000_000 * u64::from(n),
    };
    ValidatorSet::new(0, (1..=4).map(member).collect()).unwrap()
}

fn chain(name: &str) -> ChainId {
    ChainId::new(&format!("test:{name}")).unwrap()
}

fn params() -> Params {
    let pair = |alpha, beta| PairRule {
        alpha: chain(alpha),
        beta: chain(beta),
        min_gap: Seconds(1_800),
        min_beta: Seconds(1_800),
        reveal: Seconds(300),
    };
    Params {
        seats: 4,
        power_cap_bps: 10_000,
        epoch_ms: 3_600_000,
        unbond_ms: 604_800_000,
        unstake_ms: 1_814_400_000,
        foundation_bps: 1_000,
        validators_bps: 2_000,
        foundation: key(0xf0).id(),
        stake: kofo(),
        min_stake: Amount::new(1_000),
        listing_ms: 0,
        margin_bps: 1_000,
        harmed_bps: 300,
        cancel_bps: 1_000,
        double_vote_bps: 500,
        missed_heights: 100,
        missed_bps: 100,
        jail_ms: 3_600_000,
        unobserved_ms: 86_400_000,
        unclear_ms: 86_400_000,
        points_trades: 10_000_000,
        clock_ms: 5_000,
        max_batch_bytes: 1_000_000,
        assets: vec![LedgerAsset {
            asset: kofo(),
            symbol: Text::new("kofo").unwrap(),
            decimals: 6,
            min_fee: Amount::new(100),
            min_bond: Amount::new(1_000),
            weight_cap: Amount::new(100_000),
            double_quote: Amount::new(500),
        }],
        pairs: vec![pair("a", "b"), pair("b", "a")],
        proofs: vec![],
    }
}

pub(crate) fn genesis() -> Genesis {
    let member = |n: u8| GenesisValidator {
        account: account(n).id(),
        key: voter(n).key(),
        stake: Amount::new(1_000_000 * u128::from(n)),
        commission_bps: 1_000,
        observes: vec![chain("a"), chain("b")],
        engine: Text::new("/dns4/engine.example/tcp/27000").unwrap(),
        service: Text::new("/dns4/service.example/tcp/9000").unwrap(),
    };
    let balance = |n, [free, provider, relay]: [u128; 3]| GenesisBalance {
        account: key(n).id(),
        asset: kofo(),
        free: Amount::new(free),
        provider: Amount::new(provider),
        relay: Amount::new(relay),
    };
    Genesis {
        version: 1,
        network: network(),
        time_ms: BEGAN,
        params: params(),
        validators: (1..=4).map(member).collect(),
        balances: vec![
            balance(0xc0, [1_000_000, 0, 0]),
            balance(0xb0, [0, 1_000_000, 0]),
            balance(0xa1, [0, 0, 30_000]),
            balance(0xa2, [0, 0, 20_000]),
        ],
        seal_key: seal_key().id(),
        shares: vec![],
    }
}

/// Whom relay 1 or 2 is paid through.
pub(crate) fn payee(n: u8) -> HopOpening {
    HopOpening {
        payee: key(0xa0 + n).id(),
        salt: [0xd0 + n; 32],
    }
}

pub(crate) fn sealed_payee(claim: &ClaimId, n: u8) -> Bytes<512> {
    payee(n).seal(claim, &seal_key().id(), &[0xe0 + n; 32]).unwrap()
}

pub(crate) fn opening(n: u8) -> Opening {
    Opening {
        alpha: Party::new([n; 20]).unwrap(),
        beta: Party::new([n + 1; 20]).unwrap(),
        contacts: vec![],
        salt: [n; 32],
    }
}

/// The claim's key is 0x01, the quote's 0x02, the relays' 0x31 and 0x32, the provider's pseudonym 0x33.
pub(crate) fn claim() -> Claim {
    let on = |name: &str| ClaimedAsset {
        asset: AssetId::new(&format!("test:{name}/slip44:0")).unwrap(),
        place: Place::default(),
        depth: 1,
    };
    Claim {
        version: 1,
        network: network(),
        mode: Mode::Cleared,
        key: key(0x01).id(),
        seal_key: key(0x03).id(),
        nonce: [7; 32],
        give: on("a"),
        want: on("b"),
        give_amount: Amount::new(100),
        limit: Limit::Stated(Ratio::new(19, 1).unwrap()),
        partial: None,
        fee: FeeTerms::Pool {
            asset: kofo(),
            amount: Amount::new(100_001),
            payer: FeePayer::Claimant,
        },
        balance: None,
        max_hops: 8,
        created_ms: BEGAN,
        expires_ms: BEGAN + 600_000,
    }
}

fn terms(claim: &ClaimId) -> FulfilTerms {
    let at = |minutes| UnixTime(BEGAN / 1_000).plus(Seconds::minutes(minutes));
    let reserve = Some((kofo(), Amount::new(10_000)));
    FulfilTerms {
        give: Amount::new(100),
        want: Amount::new(2_000),
        alpha_timelock: at(120),
        beta_timelock: at(60),
        alpha_lock_by: at(10),
        beta_lock_by: at(20),
        redeem_by: at(40),
        premium_bps: 0,
        nonce: SwapNonce::new([8; 32]),
        opening: opening(60).commit(),
        reservation: Reservation::sign(&key(0xb0), 1, reserve, claim, &key(0x02).id()),
    }
}

fn path(claim: &ClaimId) -> Vec<HopEntry> {
    let hops = [
        (0x01, 0x31, None),
        (0x31, 0x32, Some(payee(1).commit())),
        (0x32, 0x33, Some(payee(2).commit())),
    ];
    let (mut previous, mut path) = (*claim.as_bytes(), vec![]);
    for (index, (hop, next, payee)) in (0..).zip(hops) {
        let entry = HopEntry::sign(claim, (index, previous), &key(hop), key(next).id(), (None, payee));
        previous = entry.digest();
        path.push(entry);
    }
    path
}

fn returns(claim: &ClaimId, fulfil: &Fulfil) -> Vec<ReturnEntry> {
    let (mut previous, mut back) = (*fulfil.id().as_bytes(), vec![]);
    for n in [2, 1] {
        let sealed = Some(sealed_payee(claim, n));
        back.push(ReturnEntry::sign(n, previous, sealed, &key(0x30 + n)));
        previous = back.last().unwrap().digest();
    }
    back
}

pub(crate) fn order() -> ClearedOrder {
    let (claim, id) = (claim(), claim().id());
    let (terms, path) = (terms(&id), path(&id));
    let fulfil = Fulfil {
        version: 1,
        network: network(),
        claim: id,
        path: path.last().unwrap().digest(),
        key: key(0x02).id(),
        terms: terms.digest(),
        sealed: terms.seal(&id, &claim.seal_key, &[5; 32]).unwrap(),
        for_validators: None,
        expires_ms: BEGAN + 30_000,
    };
    let returns = returns(&id, &fulfil);
    let select = Select {
        version: 1,
        network: network(),
        claim: id,
        fulfil: fulfil.id(),
        hashlock: Preimage::new([6; 32]).hashlock(),
        nonce: SwapNonce::new([6; 32]),
        opening: opening(50).commit(),
        limit: None,
        returns: returns.last().unwrap().digest(),
        fee_root: [0; 32],
        for_validators: None,
    };
    let order = MatchedOrder::new(MatchedParts {
        claim: claim.sign(&key(0x01)),
        path,
        fulfil: fulfil.sign(&key(0x02)),
        terms,
        returns,
        select: select.sign(&key(0x01)),
        claimant: opening(50),
        provider: opening(60),
    })
    .unwrap();
    ClearedOrder {
        hops: vec![Some(payee(1)), Some(payee(2))],
        payment: Some(payment(order.id()).sign(&key(0xc0))),
        order,
    }
}

pub(crate) fn payment(order: SwapId) -> Payment {
    Payment {
        version: 1,
        network: network(),
        order,
        account: key(0xc0).id(),
    }
}
