use super::*;
use bitcoin::hashes::{HashEngine, sha256};
use bitcoin::secp256k1::Scalar as Tweak;

fn key(hex: &str) -> PublicKey {
    hex.parse().unwrap()
}

// Two of the keys of BIP-327's own test vectors.
const A: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const B: &str = "03dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659";

#[test]
fn the_order_of_the_parties_does_not_matter() {
    assert_eq!(
        aggregate(&key(A), &key(B)).unwrap(),
        aggregate(&key(B), &key(A)).unwrap()
    );
}

#[test]
fn the_aggregate_is_what_bip_327_defines() {
    assert_eq!(
        aggregate(&key(A), &key(B)).unwrap(),
        reference_aggregate(&key(A), &key(B))
    );
    assert_eq!(
        aggregate(&key(B), &key(A)).unwrap(),
        reference_aggregate(&key(A), &key(B))
    );
}

/// BIP-327 `KeyAgg` of two keys in plain steps, with the other curve library: L is the hash of the sorted
/// keys, the second distinct key has coefficient 1, the first has the hash of L and itself.
fn reference_aggregate(one: &PublicKey, two: &PublicKey) -> XOnlyPublicKey {
    fn tagged(tag: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let tag = sha256::Hash::hash(tag);
        let mut engine = sha256::Hash::engine();
        engine.input(tag.as_byte_array());
        engine.input(tag.as_byte_array());
        parts.iter().for_each(|part| engine.input(part));
        sha256::Hash::from_engine(engine).to_byte_array()
    }

    let mut keys = [one.serialize(), two.serialize()];
    keys.sort();
    let list = tagged(b"KeyAgg list", &[&keys[0], &keys[1]]);
    let coefficient = Tweak::from_be_bytes(tagged(b"KeyAgg coefficient", &[&list, &keys[0]])).unwrap();
    let first = PublicKey::from_slice(&keys[0]).unwrap();
    let second = PublicKey::from_slice(&keys[1]).unwrap();
    let secp = Secp256k1::new();
    first
        .mul_tweak(&secp, &coefficient)
        .unwrap()
        .combine(&second)
        .unwrap()
        .x_only_public_key()
        .0
}

const MESSAGE: [u8; 32] = [0x33; 32];

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).unwrap()
}

fn joint() -> JointKey {
    let secp = Secp256k1::new();
    let [one, two] = [1, 2].map(|byte| secret(byte).public_key(&secp));
    JointKey::new(&one, &two, &TapTweakHash::from_byte_array([7; 32])).unwrap()
}

fn ask() -> Ask {
    Ask::new(joint(), MESSAGE, &secret(1)).unwrap()
}

#[test]
fn the_tweaked_key_is_the_one_that_taproot_computes() {
    let secp = Secp256k1::new();
    let [one, two] = [1, 2].map(|byte| secret(byte).public_key(&secp));
    let internal = aggregate(&one, &two).unwrap();
    let tweak = Tweak::from_be_bytes([7; 32]).unwrap();
    assert_eq!(*joint().output(), internal.add_tweak(&secp, &tweak).unwrap().0);
}

#[test]
fn both_together_sign_what_plain_bip_340_verifies() {
    for (asker, helper) in [(1, 2), (2, 1)] {
        let ask = Ask::new(joint(), MESSAGE, &secret(asker)).unwrap();
        let help = help(&joint(), &MESSAGE, &secret(helper), &ask.nonce()).unwrap();
        let whole = ask.finish(&secret(asker), &help).unwrap();
        let message = Message::from_digest(MESSAGE);
        Secp256k1::new()
            .verify_schnorr(&whole, &message, joint().output())
            .unwrap();
    }
}

#[test]
fn help_with_another_message_another_nonce_or_another_key_is_refused() {
    let good = |asked: &Ask| help(&joint(), &MESSAGE, &secret(2), &asked.nonce()).unwrap();

    let asked = ask();
    let other_message = help(&joint(), &[0x34; 32], &secret(2), &asked.nonce()).unwrap();
    assert_eq!(asked.finish(&secret(1), &other_message), Err(MusigError::Partial));

    let (first, second) = (ask(), ask());
    let for_first = good(&first);
    assert_eq!(second.finish(&secret(1), &for_first), Err(MusigError::Partial));

    let asked = ask();
    let mut mixed = good(&asked);
    mixed.nonce = good(&asked).nonce;
    assert_eq!(asked.finish(&secret(1), &mixed), Err(MusigError::Partial));

    // The asker's own key in place of the helper's.
    let asked = ask();
    let own = help(&joint(), &MESSAGE, &secret(1), &asked.nonce()).unwrap();
    assert_eq!(asked.finish(&secret(1), &own), Err(MusigError::Partial));

    let got = secret(3).public_key(&Secp256k1::new());
    let stranger = help(&joint(), &MESSAGE, &secret(3), &ask().nonce());
    assert_eq!(stranger, Err(MusigError::Stranger { got }));
}

#[test]
fn bytes_that_are_no_nonce_or_no_scalar_are_refused() {
    assert_eq!(
        help(&joint(), &MESSAGE, &secret(2), &[0; NONCE_BYTES]),
        Err(MusigError::Nonce)
    );
    let asked = ask();
    let mut broken = help(&joint(), &MESSAGE, &secret(2), &asked.nonce()).unwrap();
    broken.partial = [0xff; PARTIAL_BYTES];
    assert_eq!(asked.finish(&secret(1), &broken), Err(MusigError::Partial));
    let asked = ask();
    let mut broken = help(&joint(), &MESSAGE, &secret(2), &asked.nonce()).unwrap();
    broken.nonce[0] = 9;
    assert_eq!(asked.finish(&secret(1), &broken), Err(MusigError::Nonce));
}

#[test]
fn a_nonce_that_cancels_the_other_is_a_wrong_signature_and_nothing_worse() {
    let asked = ask();
    let mut negated = asked.nonce();
    negated[0] ^= 1;
    negated[33] ^= 1;
    let help = Help {
        nonce: negated,
        partial: [1; PARTIAL_BYTES],
    };
    assert_eq!(asked.finish(&secret(1), &help), Err(MusigError::Partial));
}

#[test]
fn no_two_rounds_share_a_nonce_even_over_the_same_message() {
    let (first, second) = (ask(), ask());
    assert_ne!(first.nonce(), second.nonce());
    let helped = |asked: &Ask| help(&joint(), &MESSAGE, &secret(2), &asked.nonce()).unwrap();
    let (one, two) = (helped(&first), helped(&first));
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.partial, two.partial);
}
