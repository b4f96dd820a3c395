use super::*;
use crate::config::Profile;
use crate::contract::{contract_address, domain};
use crate::local_signer;
use crate::round::tests::now;
use alloy::primitives::{address, b256};
use kofo_primitives::Seed;

fn here() -> Eip712Domain {
    domain(contract_address(Profile::Ethereum, 31_337), 31_337)
}

const SLOT: U256 = U256::from_limbs([0x8007, 0xb0 << 32, 0, 0]);
const COMMITMENT: B256 = B256::new([0x33; 32]);
const RELAYER: Address = address!("00000000000000000000000000000000000000c3");

fn on_lock() -> WordOn {
    WordOn {
        echoin: false,
        chain_id: 31_337,
        slot: SLOT.to_be_bytes(),
        commitment: COMMITMENT.0,
        wage: None,
    }
}

/// By hand, as the contract does it: `keccak256(1901 ‖ domain ‖ keccak256(type ‖ words))`.
fn by_hand(kind: &str, words: &[&[u8]]) -> B256 {
    use alloy::primitives::keccak256;
    let padded = words
        .iter()
        .flat_map(|word| [vec![0; 32 - word.len()], word.to_vec()].concat());
    let mut message = keccak256(kind).to_vec();
    message.extend(padded);
    let mut whole = vec![0x19, 0x01];
    whole.extend(here().hash_struct());
    whole.extend(keccak256(message));
    keccak256(whole)
}

#[test]
fn the_digests_are_those_that_the_contract_computes() {
    let slot = SLOT.to_be_bytes::<32>();
    let release = by_hand(
        "Release(uint256 slot,bytes32 commitment)",
        &[&slot, COMMITMENT.as_slice()],
    );
    assert_eq!(release_digest(&here(), SLOT, COMMITMENT), release);
    assert_eq!(release, RELEASE);
    let fee = U256::from(1_000);
    let redeem_for = by_hand(
        "RedeemFor(uint256 slot,bytes32 commitment,address relayer,uint256 fee)",
        &[
            &slot,
            COMMITMENT.as_slice(),
            RELAYER.as_slice(),
            &1_000u64.to_be_bytes(),
        ],
    );
    assert_eq!(
        redeem_for_digest(&here(), (SLOT, COMMITMENT), RELAYER, fee),
        redeem_for
    );
    assert_eq!(redeem_for, REDEEM_FOR);
}

const RELEASE: B256 = b256!("71728b2c33b93933df2ce4d816a4f4a6cc894b076ddafca22a454d3699be080d");
const REDEEM_FOR: B256 = b256!("ef321c8c500b31e7f0e83d9252d2ee892530215a783557a984ced718661fbbc4");

#[test]
fn a_word_is_bound_to_slot_commitment_contract_and_chain() {
    let digest = release_digest(&here(), SLOT, COMMITMENT);
    let other_chain = domain(contract_address(Profile::Ethereum, 31_337), 1);
    let other_contract = domain(RELAYER, 31_337);
    for other in [
        release_digest(&here(), SLOT + U256::from(1), COMMITMENT),
        release_digest(&here(), SLOT, B256::new([0x34; 32])),
        release_digest(&other_chain, SLOT, COMMITMENT),
        release_digest(&other_contract, SLOT, COMMITMENT),
        redeem_for_digest(&here(), (SLOT, COMMITMENT), RELAYER, U256::ZERO),
    ] {
        assert_ne!(other, digest);
    }
}

#[test]
fn a_word_holds_for_its_signer_and_its_digest_and_for_nothing_else() {
    let redeemer = now(Account::owner(&local_signer(&Seed::new([1; 64])))).unwrap();
    let digest = release_digest(&here(), SLOT, COMMITMENT);
    let word = now(Word::by(&redeemer, on_lock())).unwrap();
    assert_eq!(word.check(digest, redeemer.address()), Ok(()));
    assert!(word.check(digest, RELAYER).is_err());
    assert!(word.check(COMMITMENT, redeemer.address()).is_err());
}

#[test]
fn what_the_contract_or_the_chain_would_not_take_is_no_word() {
    let redeemer = now(Account::owner(&local_signer(&Seed::new([1; 64])))).unwrap();
    let digest = release_digest(&here(), SLOT, COMMITMENT);
    let good = now(Word::by(&redeemer, on_lock())).unwrap();
    let mut with_parity = good.0;
    with_parity[64] -= 27;
    let mut high_s = good.0;
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    let s = order - U256::from_be_slice(&good.0[32..64]);
    high_s[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    high_s[64] = 27 + 28 - high_s[64];
    for bytes in [with_parity, high_s, [0; 65], [0xff; 65]] {
        let refused = Word::raw(bytes).check(digest, redeemer.address());
        assert!(
            matches!(refused, Err(AdapterError::Malformed { .. })),
            "{refused:?}"
        );
    }
}
