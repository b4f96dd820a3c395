//! One matched order that is right, for tests to make wrong.

use crate::*;

/// When everything was made.
pub(crate) const NOW: u64 = 1_000_000;

pub(crate) fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

/// The claim's key; 2 is its seal key, 3 the quote's, 4 the bond, 31 and 32 are relays, 99 is the provider's pseudonym.
pub(crate) fn claim_key() -> NodeKey {
    key(1)
}

pub(crate) fn claim() -> Claim {
    let on = |id, place: &[u8]| ClaimedAsset {
        asset: AssetId::new(id).unwrap(),
        place: Place::new(place).unwrap(),
        depth: 1,
    };
    Claim {
        version: 1,
        network: NetworkId::new("kofo-test").unwrap(),
        mode: Mode::P2P,
        key: claim_key().id(),
        seal_key: key(2).id(),
        nonce: [7; 32],
        give: on("test:a/slip44:0", &[]),
        want: on("test:b/slip44:0", &[0xc0; 20]),
        give_amount: Amount::new(100),
        limit: Limit::Hidden(limit_opening().commit()),
        partial: Some(Amount::new(10)),
        fee: FeeTerms::Free,
        balance: None,
        max_hops: 4,
        created_ms: NOW,
        expires_ms: NOW + 600_000,
    }
}

pub(crate) fn limit_opening() -> LimitOpening {
    LimitOpening {
        ratio: Ratio::new(19, 1).unwrap(),
        salt: [9; 32],
    }
}

/// The claim over relays of these keys to 99.
pub(crate) fn path(claim: &Claim, relays: &[u8]) -> Vec<HopEntry> {
    let id = claim.id();
    let hops = [vec![1], relays.to_vec(), vec![99]].concat();
    let (mut previous, mut path) = (*id.as_bytes(), vec![]);
    for (index, pair) in (0..).zip(hops.windows(2)) {
        let next = key(pair[1]).id();
        path.push(HopEntry::sign(
            &id,
            (index, previous),
            &key(pair[0]),
            next,
            (None, None),
        ));
        previous = path.last().unwrap().digest();
    }
    path
}

/// The way back of a fulfil over them.
pub(crate) fn returns(fulfil: &Fulfil, relays: &[u8]) -> Vec<ReturnEntry> {
    let (mut previous, mut back) = (*fulfil.id().as_bytes(), vec![]);
    for (index, relay) in (1..).zip(relays).collect::<Vec<_>>().into_iter().rev() {
        back.push(ReturnEntry::sign(index, previous, None, &key(*relay)));
        previous = back.last().unwrap().digest();
    }
    back
}

pub(crate) fn opening(n: u8) -> Opening {
    Opening {
        alpha: Party::new([n; 20]).unwrap(),
        beta: Party::new([n + 1; 22]).unwrap(),
        contacts: vec![Contact::new("/memory/1").unwrap()],
        salt: [n; 32],
    }
}

pub(crate) fn terms(claim: &Claim) -> FulfilTerms {
    FulfilTerms {
        give: Amount::new(50),
        want: Amount::new(1_000),
        alpha_timelock: UnixTime(9_000),
        beta_timelock: UnixTime(5_000),
        alpha_lock_by: UnixTime(2_000),
        beta_lock_by: UnixTime(3_000),
        redeem_by: UnixTime(4_000),
        premium_bps: 0,
        nonce: SwapNonce::new([8; 32]),
        opening: opening(60).commit(),
        reservation: Reservation::sign(&key(4), 7, None, &claim.id(), &key(3).id()),
    }
}

pub(crate) fn fulfil(claim: &Claim, terms: &FulfilTerms, path: &[HopEntry]) -> Fulfil {
    Fulfil {
        version: 1,
        network: claim.network.clone(),
        claim: claim.id(),
        path: path.last().unwrap().digest(),
        key: key(3).id(),
        terms: terms.digest(),
        sealed: terms.seal(&claim.id(), &claim.seal_key, &[5; 32]).unwrap(),
        for_validators: None,
        expires_ms: NOW + 30_000,
    }
}

pub(crate) fn select(claim: &Claim, fulfil: &Fulfil, returns: &[ReturnEntry]) -> Select {
    let opened = matches!(claim.limit, Limit::Hidden(_));
    Select {
        version: 1,
        network: claim.network.clone(),
        claim: claim.id(),
        fulfil: fulfil.id(),
        hashlock: Preimage::new([6; 32]).hashlock(),
        nonce: SwapNonce::new([6; 32]),
        opening: opening(50).commit(),
        limit: opened.then(limit_opening),
        returns: returns
            .last()
            .map_or(*fulfil.id().as_bytes(), ReturnEntry::digest),
        fee_root: [0; 32],
        for_validators: None,
    }
}

/// What everybody signs for that claim and those terms.
pub(crate) fn parts_of(claim: Claim, terms: FulfilTerms) -> MatchedParts {
    let path = path(&claim, &[31, 32]);
    let fulfil = fulfil(&claim, &terms, &path);
    let returns = returns(&fulfil, &[31, 32]);
    MatchedParts {
        select: select(&claim, &fulfil, &returns).sign(&claim_key()),
        fulfil: fulfil.sign(&key(3)),
        claim: claim.sign(&claim_key()),
        path,
        terms,
        returns,
        claimant: opening(50),
        provider: opening(60),
    }
}

pub(crate) fn parts() -> MatchedParts {
    parts_of(claim(), terms(&claim()))
}
