//! What strangers say about claims: nothing is taken that its author did not sign, and an order is only what everybody
//! signed.

use crate::codec::canonical;
use crate::fixture::*;
use crate::market::{self, Deal, orders};
use kofo_primitives::*;
use std::sync::OnceLock;

/// The seeds of a target, made once.
pub(crate) fn known(seeds: fn() -> Vec<Vec<u8>>, kept: &'static OnceLock<Vec<Vec<u8>>>, data: &[u8]) -> bool {
    kept.get_or_init(seeds).iter().any(|seed| seed == data)
}

pub(crate) fn signed_claim(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    if let Some(claim) = canonical::<Signed<Claim>>(data) {
        let right = claim.check().is_ok();
        assert!(
            !right || known(seeds_of_claims, &KNOWN, data),
            "a claim that nobody signed"
        );
    }
}

pub(crate) fn seeds_of_claims() -> Vec<Vec<u8>> {
    let fee = FeeTerms::Posted {
        asset: asset("c"),
        cap: Amount::new(5),
        payer: FeePayer::Split { claimant_bps: 5_000 },
    };
    let cleared = Claim {
        mode: Mode::Cleared,
        fee,
        balance: Some([3; 32]),
        ..market::claim(3, None)
    };
    let claims = [market::claim(1, Some(10)), market::hidden(2, None), cleared];
    claims.map(|claim| encode(&claim.sign(&key(1)))).into()
}

pub(crate) fn cancel(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    if let Some(cancel) = canonical::<Signed<Cancel>>(data) {
        let right = cancel.check().is_ok();
        assert!(
            !right || known(seeds_of_cancels, &KNOWN, data),
            "a cancel that nobody signed"
        );
    }
}

pub(crate) fn cancelled() -> Signed<Cancel> {
    let claim = market::claim(1, None);
    let cancel = Cancel {
        version: 1,
        network: network(),
        claim: claim.id(),
        key: claim.key,
        expires_ms: claim.expires_ms,
    };
    cancel.sign(&key(1))
}

pub(crate) fn seeds_of_cancels() -> Vec<Vec<u8>> {
    vec![encode(&cancelled())]
}

/// Entries of one claim: only what every hop signed, from the claimant on, reaches the receiver.
pub(crate) fn claim_path(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let Some(entries) = canonical::<Vec<HopEntry>>(data) else {
        return;
    };
    let claim = market::claim(1, None).sign(&key(1));
    if Path::received(&claim, &claim.body.id(), entries, &key(99).id()).is_ok() {
        assert!(known(seeds_of_paths, &KNOWN, data), "a path that nobody signed");
    }
}

pub(crate) fn seeds_of_paths() -> Vec<Vec<u8>> {
    let claim = market::claim(1, None);
    let of = |relays: &[u8]| market::path(&claim, relays, key(99).id());
    let mut asking = of(&[]);
    let bid = Bid {
        commitment: Bytes::new([2; 33]).expect("short"),
        sealed: Bytes::new([3; 60]).expect("short"),
    };
    let asks = (Some(bid), Some([4; 32]));
    asking[0] = HopEntry::sign(
        &claim.id(),
        (0, *claim.id().as_bytes()),
        &key(1),
        key(99).id(),
        asks,
    );
    vec![encode(&of(&[])), encode(&of(&[31, 32])), encode(&asking)]
}

pub(crate) fn signed_fulfil(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let Some(fulfil) = canonical::<Signed<Fulfil>>(data) else {
        return;
    };
    let (signed, opens) = (fulfil.check().is_ok(), fulfil.open(&key(2)));
    assert!(
        !signed || known(seeds_of_fulfils, &KNOWN, data),
        "a quote that nobody signed"
    );
    if let Ok(terms) = opens {
        let real = orders().iter().any(|parts| parts.terms == terms);
        assert!(real, "terms that nobody sealed");
    }
}

pub(crate) fn seeds_of_fulfils() -> Vec<Vec<u8>> {
    orders().iter().map(|parts| encode(&parts.fulfil)).collect()
}

/// What is inside of what is sealed.
pub(crate) fn sealed_parts(data: &[u8]) {
    canonical::<FulfilTerms>(data);
    canonical::<ClaimantPart>(data);
    if let Some(opening) = canonical::<Opening>(data) {
        let few = opening.contacts.len() <= MAX_CONTACTS;
        assert_eq!(opening.check().is_ok(), few);
    }
}

pub(crate) fn seeds_of_sealed_parts() -> Vec<Vec<u8>> {
    let parts = orders().remove(0);
    let part = ClaimantPart {
        opening: parts.claimant,
        returns: parts.returns,
    };
    vec![encode(&parts.terms), encode(&part), encode(&parts.provider)]
}

pub(crate) fn select_and_answer(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let select = canonical::<Signed<Select>>(data);
    let select = select.filter(|s| key(1).id().verify(&s.body.digest(), &s.signature).is_ok());
    let provider = Deal::new(10, 100, 2_000).key().id();
    let answer = canonical::<Signed<Answer>>(data);
    let answer = answer.filter(|a| provider.verify(&a.body.digest(), &a.signature).is_ok());
    if select.is_some() || answer.is_some() {
        assert!(
            known(seeds_of_selects_and_answers, &KNOWN, data),
            "a word that nobody signed"
        );
    }
}

pub(crate) fn seeds_of_selects_and_answers() -> Vec<Vec<u8>> {
    let [far, near] = [0, 1].map(|at| orders().swap_remove(at));
    let deal = Deal::new(10, 100, 2_000);
    let claim = &far.claim.body;
    let answer = |verdict| deal.answer(claim, &far.select.body, verdict);
    let answers = [answer(deal.opened(claim)), answer(Verdict::Expired)];
    let mut seeds = vec![encode(&far.select), encode(&near.select)];
    seeds.extend(answers.iter().map(encode));
    seeds
}

/// Only what everybody signed is an order.
pub(crate) fn matched_order(data: &[u8]) {
    static KNOWN: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    if let Some(order) = canonical::<MatchedOrder>(data) {
        assert!(
            known(seeds_of_orders, &KNOWN, data),
            "an order that nobody signed"
        );
        check_order(&order);
    }
}

pub(crate) fn seeds_of_orders() -> Vec<Vec<u8>> {
    let order = |parts| MatchedOrder::new(parts).expect("a right order");
    orders().into_iter().map(|parts| encode(&order(parts))).collect()
}

/// Claim, terms and openings, mutated and then signed by everybody: everything behind the signatures is reached.
pub(crate) fn resigned_match(data: &[u8]) {
    let _ = sign_again(data);
}

type Unsigned = (Claim, FulfilTerms, Opening, Opening, Option<LimitOpening>);

/// Whether it makes an order.
fn sign_again(data: &[u8]) -> bool {
    let Ok((mut claim, mut terms, claimant, provider, limit)) = borsh::from_slice::<Unsigned>(data) else {
        return false;
    };
    let deal = Deal::new(10, 100, 2_000);
    claim.key = key(1).id();
    claim.seal_key = key(2).id();
    terms.opening = provider.commit();
    let Reservation { seq, reserve, .. } = terms.reservation;
    terms.reservation = Reservation::sign(&key(10), seq, reserve, &claim.id(), &deal.key().id());
    let mut parts = market::parts(&claim, &deal, terms);
    let mut select = parts.select.body.clone();
    (select.opening, select.limit) = (claimant.commit(), limit);
    parts.select = select.sign(&key(1));
    (parts.claimant, parts.provider) = (claimant, provider);
    let Ok(order) = MatchedOrder::new(parts) else {
        return false;
    };
    assert_eq!(decode::<MatchedOrder>(&encode(&order)).as_ref(), Ok(&order));
    check_order(&order);
    true
}

/// What an order promises, whatever its parts.
fn check_order(order: &MatchedOrder) {
    let parts = order.parts();
    let (claim, terms) = (&parts.claim.body, &parts.terms);
    assert_eq!(parts.claim.check(), Ok(()));
    assert!(
        claim.mode == Mode::Cleared || claim.fee == FeeTerms::Free,
        "a fee between two alone"
    );
    let least = claim.partial.unwrap_or(claim.give_amount);
    assert!(least <= terms.give && terms.give <= claim.give_amount && terms.give > Amount::ZERO);
    let limit = claim
        .limit(parts.select.body.limit.as_ref())
        .expect("an open limit");
    assert!(limit.met_by(terms.give, terms.want) && terms.want > Amount::ZERO);
    let [alpha, beta] = order.legs();
    assert_ne!(alpha.asset, beta.asset);
    assert_eq!((alpha.amount, beta.amount), (terms.give, terms.want));
    assert_eq!(
        (alpha.refunder, beta.redeemer),
        (&parts.claimant.alpha, &parts.claimant.beta)
    );
    assert_eq!(
        (beta.refunder, alpha.redeemer),
        (&parts.provider.beta, &parts.provider.alpha)
    );
    assert!(alpha.depth > 0 && beta.depth > 0);
}

pub(crate) fn seeds_of_unsigned() -> Vec<Vec<u8>> {
    let unsigned = |parts: MatchedParts| {
        let limit = parts.select.body.limit;
        encode(&(
            parts.claim.body,
            parts.terms,
            parts.claimant,
            parts.provider,
            limit,
        ))
    };
    orders().into_iter().map(unsigned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutated_matches_are_taken_often_enough_to_look_behind_the_first_checks() {
        let mut mutator = crate::mutate::Mutator::new(1, seeds_of_unsigned());
        let taken = (0..1_000).filter(|_| sign_again(&mutator.input())).count();
        assert!((50..950).contains(&taken), "{taken} of 1000 are taken");
        assert!(seeds_of_unsigned().iter().all(|seed| sign_again(seed)));
    }
}
