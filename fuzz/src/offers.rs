//! An offer from a stranger, from its text to the terms of a swap. What was mutated is signed again: everything behind
//! the signature is reached too.

use crate::fixture::*;
use kofo_exchange::{
    MAX_OFFER_BYTES, MAX_TEXT, Now, Price, Seen, acceptable, from_text, to_file, to_uri, trading_time,
};
use kofo_primitives::*;
use kofo_settlement::{Input, Phase, Swap, Terms, Tips};
use std::sync::OnceLock;

/// The text of an offer, as people pass it around.
pub(crate) fn offer_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match from_text(&text) {
        Ok(offer) => {
            assert_eq!(offer.check(), Ok(()), "what is read is right by itself");
            let uri = to_uri(&offer).expect("what was read fits");
            assert_eq!(uri, text.trim_ascii(), "one offer has one text");
            assert_eq!(offer.body.maker, key(1).id(), "nobody else's key was used");
        }
        Err(error) => assert!(
            error.to_string().len() < 1_000,
            "an error repeats a stranger's text: {error}"
        ),
    }
}

/// What stands before or behind a real text, unless it is white space, makes it none.
pub(crate) fn offer_text_among_others(data: &[u8]) {
    static REAL: OnceLock<String> = OnceLock::new();
    let real = REAL.get_or_init(|| to_uri(&offer(1, 1, 7).sign(&key(1))).expect("a small offer"));
    let other = String::from_utf8_lossy(data);
    let blank = other.trim_ascii().is_empty();
    for text in [format!("{real}{other}"), format!("{other}{real}")] {
        let read = from_text(&text);
        assert!(read.is_err() || blank, "{other:?} is overlooked");
        assert!(
            read.is_ok() || !blank || text.len() > MAX_TEXT,
            "{other:?} hides it"
        );
    }
}

pub(crate) fn seeds_of_other_texts() -> Vec<Vec<u8>> {
    [" ", "\n", "A", "/", "=", "kofo:offer1", "\u{feff}"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

pub(crate) fn seeds_of_texts() -> Vec<Vec<u8>> {
    let signed = |alpha| offer(alpha, 1, 7).sign(&key(1));
    let texts = [to_uri(&signed(1)), to_file(&signed(2))];
    texts.map(|text| text.expect("a small offer").into_bytes()).into()
}

/// Offer and acceptance, mutated and then signed by both.
pub(crate) fn resigned_order(data: &[u8]) {
    let _ = sign_again(data);
}

/// How many of the two parties would begin a swap.
fn sign_again(data: &[u8]) -> usize {
    let Ok((mut offer, mut acceptance)) = borsh::from_slice::<(Offer, Acceptance)>(data) else {
        return 0;
    };
    offer.maker = key(1).id();
    acceptance.taker = key(2).id();
    acceptance.offer = offer.id();
    let signed = offer.clone().sign(&key(1));
    check_offer(&signed);
    let accepted = acceptance.sign(&offer, &key(2));
    let Ok(order) = SettlementOrder::new(signed, accepted) else {
        return 0;
    };
    assert_eq!(decode::<SettlementOrder>(&encode(&order)).as_ref(), Ok(&order));
    assert_eq!(order.legs().len(), offer.give.len() + offer.want.len());
    let both = [Role::Initiator, Role::Participant].into_iter();
    let terms = both.filter_map(|role| Terms::new(&order, role, &policy(), START, &heights()).ok());
    terms.map(|terms| check_terms(&order, &terms)).count()
}

fn check_offer(signed: &Signed<Offer>) {
    let right = signed.check();
    let body = &signed.body;
    if let Ok(uri) = to_uri(signed) {
        assert_eq!(
            from_text(&uri).is_ok(),
            right.is_ok(),
            "a text is read iff the offer is right"
        );
    } else {
        assert!(encode(signed).len() > MAX_OFFER_BYTES);
    }
    if let Some(price) = Price::of(body) {
        assert_eq!(price.inverse().inverse(), price);
        assert!(!price.display_units(8, 18).is_empty() && !price.display_units(0, 36).is_empty());
    }
    let network = network();
    let place = |asset: &AssetId| CHAINS.map(chain).contains(&asset.chain()).then(Place::default);
    let now = Now {
        network: &network,
        time: trading_time(START, [UnixTime(START.0 + 1), START]),
        us: key(2).id(),
        place: &place,
    };
    if let Ok(good) = acceptable(signed.clone(), &now) {
        assert!(
            right.is_ok() && good.offer().expires >= START,
            "acceptable but not right"
        );
        let mut seen = Seen::default();
        seen.admit(good.offer()).expect("the first of its hashlock");
        assert!(seen.check(good.offer()).is_err(), "an offer is used once");
    }
}

/// Terms that the policy lets through are safe to begin with, and to give up at once.
fn check_terms(order: &SettlementOrder, terms: &Terms) {
    assert_eq!(decode::<Terms>(&encode(terms)).as_ref(), Ok(terms));
    assert_eq!(terms.swap(), order.id());
    let latest_in = terms.incoming().map(|(_, leg)| leg.spec.timelock).max();
    let first_out = terms.outgoing().map(|(_, leg)| leg.spec.timelock).min();
    if terms.role() == Role::Initiator {
        assert!(latest_in < first_out, "beta ends before alpha");
    }
    for leg in terms.legs().values() {
        assert!(leg.spec.timelock > START, "no timelock is past");
        assert_ne!(leg.spec.redeemer, leg.spec.refunder);
        assert!(leg.spec.amount > Amount::ZERO && leg.spec.depth > 0);
    }
    let secret = (terms.role() == Role::Initiator).then(|| preimage(7));
    if let Ok(swap) = Swap::begin(terms, secret) {
        let over = swap.apply(terms, &Input::Abort).expect("nothing was sent");
        assert!(matches!(over.phase(), Phase::Done(_)));
        crate::rules::check_owed(terms, &swap, &Tips::default());
    }
}

pub(crate) fn seeds_of_orders() -> Vec<Vec<u8>> {
    let of = |alpha| {
        let offer = offer(alpha, 1, 7);
        let acceptance = acceptance(&offer);
        encode(&(offer, acceptance))
    };
    vec![of(1), of(2), of(8)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutated_orders_are_taken_often_enough_to_look_behind_the_first_checks() {
        let mut mutator = crate::mutate::Mutator::new(1, seeds_of_orders());
        let taken = (0..1_000).filter(|_| sign_again(&mutator.input()) == 2).count();
        assert!((50..950).contains(&taken), "{taken} of 1000 are taken");
        assert_eq!(
            seeds_of_orders()
                .iter()
                .map(|seed| sign_again(seed))
                .sum::<usize>(),
            6
        );
    }
}
