//! Orders as claimants submit them: 50 for 1,000 over three relays, at a fee of 300,000 that the claimant pays.

use crate::town::{CLAIMANT, PROVIDER, RELAYS, committee, key, kofo, network};
use kofo_clearance::SubmittedOrder;
use kofo_primitives::*;

/// A key of order `n` for one purpose.
pub(crate) fn secret(what: u8, n: u8) -> NodeKey {
    let mut bytes = [what; 32];
    bytes[1] = n;
    NodeKey::new(&bytes).unwrap()
}

/// The claim's key of order `n`.
pub(crate) fn claim_key(n: u8) -> NodeKey {
    secret(21, n)
}

fn claimed(asset: &str) -> ClaimedAsset {
    ClaimedAsset {
        asset: AssetId::new(asset).unwrap(),
        place: Place::new([0xc0; 20]).unwrap(),
        depth: 1,
    }
}

fn claim(n: u8, now_ms: u64) -> Claim {
    Claim {
        version: 1,
        network: network(),
        mode: Mode::Cleared,
        key: claim_key(n).id(),
        seal_key: secret(22, n).id(),
        nonce: [n; 32],
        give: claimed("test:a/slip44:0"),
        want: claimed("test:b/slip44:0"),
        give_amount: Amount::new(100),
        limit: Limit::Stated(Ratio::new(19, 1).unwrap()),
        partial: Some(Amount::new(10)),
        fee: FeeTerms::Pool {
            asset: kofo(),
            amount: Amount::new(300_000),
            payer: FeePayer::Claimant,
        },
        balance: None,
        max_hops: MAX_HOPS,
        created_ms: now_ms,
        expires_ms: now_ms + 60_000,
    }
}

fn terms(n: u8, claim: &ClaimId, now_ms: u64) -> FulfilTerms {
    let at = |later| UnixTime(now_ms / 1_000 + later);
    let reserve = Some((kofo(), Amount::new(100_000)));
    FulfilTerms {
        give: Amount::new(50),
        want: Amount::new(1_000),
        alpha_timelock: at(4_800),
        beta_timelock: at(2_400),
        alpha_lock_by: at(600),
        beta_lock_by: at(1_200),
        redeem_by: at(1_800),
        premium_bps: 0,
        nonce: SwapNonce::new([n; 32]),
        opening: opening(60).commit(),
        reservation: Reservation::sign(&key(PROVIDER), n.into(), reserve, claim, &secret(23, n).id()),
    }
}

fn opening(n: u8) -> Opening {
    Opening {
        alpha: Party::new([n; 20]).unwrap(),
        beta: Party::new([n + 1; 22]).unwrap(),
        contacts: Vec::new(),
        salt: [n; 32],
    }
}

fn payee(place: usize) -> HopOpening {
    HopOpening {
        payee: key(RELAYS[place]).id(),
        salt: [u8::try_from(place).unwrap(); 32],
    }
}

fn path(n: u8, claim: &ClaimId) -> Vec<HopEntry> {
    let hops = (0..3u8).map(|place| secret(24 + place, n));
    let keys: Vec<_> = std::iter::once(claim_key(n)).chain(hops).collect();
    let (mut previous, mut path) = (*claim.as_bytes(), vec![]);
    for (index, key) in keys.iter().enumerate() {
        let next = keys.get(index + 1).map_or(secret(29, n).id(), NodeKey::id);
        let payee = index.checked_sub(1).map(|place| payee(place).commit());
        let place = u8::try_from(index).unwrap();
        path.push(HopEntry::sign(claim, (place, previous), key, next, (None, payee)));
        previous = path.last().unwrap().digest();
    }
    path
}

fn returns(n: u8, claim: &ClaimId, fulfil: &FulfilId) -> Vec<ReturnEntry> {
    let (mut previous, mut back) = (*fulfil.as_bytes(), vec![]);
    for place in (0..3u8).rev() {
        let sealed = payee(place.into()).seal(claim, &committee().id(), &[40 + place; 32]);
        let entry = ReturnEntry::sign(place + 1, previous, Some(sealed.unwrap()), &secret(24 + place, n));
        previous = entry.digest();
        back.push(entry);
    }
    back
}

/// Order `n`, made at that time.
pub(crate) fn submitted(n: u8, now_ms: u64) -> SubmittedOrder {
    let claim = claim(n, now_ms);
    let id = claim.id();
    let (terms, path) = (terms(n, &id, now_ms), path(n, &id));
    let sealed = opening(60).seal(&id, &committee().id(), &[41; 32]).unwrap();
    let fulfil = Fulfil {
        version: 1,
        network: network(),
        claim: id,
        path: path.last().unwrap().digest(),
        key: secret(23, n).id(),
        terms: terms.digest(),
        sealed: terms.seal(&id, &claim.seal_key, &[42; 32]).unwrap(),
        for_validators: Some(Bytes::new(sealed.as_slice()).unwrap()),
        expires_ms: now_ms + 30_000,
    };
    let returns = returns(n, &id, &fulfil.id());
    let select = Select {
        version: 1,
        network: network(),
        claim: id,
        fulfil: fulfil.id(),
        hashlock: Preimage::new([n; 32]).hashlock(),
        nonce: SwapNonce::new([n; 32]),
        opening: opening(50).commit(),
        limit: None,
        returns: returns.last().unwrap().digest(),
        fee_root: [0; 32],
        for_validators: None,
    };
    let payment = Payment {
        version: 1,
        network: network(),
        order: order_id(&claim, &fulfil, &select),
        account: key(CLAIMANT).id(),
    };
    SubmittedOrder {
        select: select.sign(&claim_key(n)),
        claim: claim.sign(&claim_key(n)),
        path,
        fulfil: fulfil.sign(&secret(23, n)),
        terms,
        returns,
        claimant: opening(50),
        payment: Some(payment.sign(&key(CLAIMANT))),
    }
}
