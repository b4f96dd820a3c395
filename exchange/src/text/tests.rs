use super::*;
use crate::fixtures::{maker, offer};
use proptest::prelude::*;

fn uri() -> String {
    to_uri(&offer().sign(&maker())).unwrap()
}

/// The text of bytes that need not be an offer.
fn text_of(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

#[test]
fn an_offer_survives_the_way_through_a_uri_and_a_file() {
    let signed = offer().sign(&maker());
    assert_eq!(from_text(&uri()), Ok(signed.clone()));
    assert_eq!(from_text(&to_file(&signed).unwrap()), Ok(signed.clone()));
    assert_eq!(from_text(&format!("\r\n  {}\t\n", uri())), Ok(signed));
}

#[test]
fn the_text_of_an_offer_is_pinned() {
    let golden = include_str!("../../testdata/offer.uri");
    assert_eq!(uri(), golden.trim_end());
    assert_eq!(offer().id(), from_text(golden).unwrap().body.id());
    let id = "4a5a7e5481fdd893c2fa0488441ee048fb52d1e5919a79ea9edcc216c685012e";
    assert_eq!(hex32(&offer().id()), id);
}

fn hex32(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn an_altered_offer_fails_by_its_signature() {
    let mut altered = offer().sign(&maker());
    altered.body.want[0].amount = kofo_primitives::Amount::new(1);
    let refused = from_text(&to_uri(&altered).unwrap());
    assert!(
        matches!(refused, Err(TextError::Offer(OrderError::Signature(_)))),
        "{refused:?}"
    );
}

#[test]
fn a_text_that_is_no_offer_at_all_says_what_was_expected() {
    for text in [
        "",
        "hello",
        "bitcoin:bc1q",
        "kofo:offer",
        "KOFO:OFFER1AQ",
        "kofo:offer2AQ",
    ] {
        assert!(
            matches!(from_text(text), Err(TextError::Prefix { .. })),
            "{text:?}"
        );
    }
    let message = from_text("bitcoin:bc1q").unwrap_err().to_string();
    assert!(
        message.contains("kofo:offer1") && message.contains("bitcoin:bc1q"),
        "{message}"
    );
}

#[test]
fn an_oversized_text_is_refused_before_it_is_decoded() {
    let most = MAX_TEXT;
    let text = format!("{PREFIX}{}", "A".repeat(MAX_TEXT));
    assert_eq!(
        from_text(&text),
        Err(TextError::Oversized {
            have: text.len(),
            most
        })
    );
    let text = text_of(&[1; MAX_OFFER_BYTES + 1]);
    let (have, most) = (MAX_OFFER_BYTES + 1, MAX_OFFER_BYTES);
    assert_eq!(from_text(&text), Err(TextError::Oversized { have, most }));
}

#[test]
fn an_offer_of_too_many_long_legs_has_no_text() {
    let mut long = offer();
    let mut leg = long.give[0].clone();
    leg.party = kofo_primitives::Party::new([7; 128]).unwrap();
    leg.asset = format!("eip155:1/erc20:{}", "0".repeat(113)).parse().unwrap();
    long.give = vec![leg.clone(); 8];
    long.want = vec![leg; 8];
    let refused = to_uri(&long.sign(&maker()));
    assert!(
        matches!(
            refused,
            Err(TextError::Oversized {
                most: MAX_OFFER_BYTES,
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_damaged_text_is_refused() {
    for text in [
        format!("{PREFIX}A+/="),
        uri() + "=",
        uri().replacen("kofo:offer1AQ", "kofo:offer1A Q", 1),
    ] {
        assert!(
            matches!(from_text(&text), Err(TextError::Damaged { .. })),
            "{text}"
        );
    }
}

#[test]
fn a_text_with_less_or_more_than_one_offer_is_malformed() {
    let bytes = encode(&offer().sign(&maker()));
    let more = [bytes.as_slice(), &[0]].concat();
    for wrong in [&bytes[..bytes.len() - 1], &more, &[]] {
        assert!(matches!(from_text(&text_of(wrong)), Err(TextError::Malformed(_))));
    }
    let twice = format!("{}\n{}", uri(), uri());
    assert!(matches!(from_text(&twice), Err(TextError::Damaged { .. })));
}

proptest! {
    #[test]
    fn no_single_changed_character_is_read_as_an_offer(at in any::<prop::sample::Index>(), to in "[ -~]") {
        let uri = uri();
        let at = at.index(uri.len());
        let mut changed = uri.clone();
        changed.replace_range(at..=at, &to);
        // A character of white space at the very end is trimmed, and then one is missing.
        prop_assert!(changed == uri || from_text(&changed).is_err());
    }

    #[test]
    fn no_text_makes_the_reader_panic(tail in "[ -~]{0,400}", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = from_text(&tail);
        let prefixed = format!("{PREFIX}{tail}");
        prop_assert!(from_text(&prefixed).is_err());
        prop_assert!(from_text(&text_of(&bytes)).is_err());
    }
}
