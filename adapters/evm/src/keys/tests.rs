use super::*;
use crate::calls;
use alloy::primitives::Bytes;

/// BIP-39 seed of "test test … junk", whose accounts every development chain funds.
const SEED: [u8; 64] = alloy::primitives::hex!(
    "9dfc3c64c2f8bede1533b6a79f8570e5943e0b8fd1cf77107adf7b72cef42185"
    "d564a3aee24cab43f80e3c4538087d70fc824eabbad596a23c97b6ee8322ccc0"
);
const CHAIN: u64 = 31_337;

fn keys() -> EvmKeys {
    EvmKeys::new(Seed::new(SEED))
}

fn asked(question: &Question) -> Result<Vec<u8>, SignerError> {
    keys().answer(&borsh::to_vec(question).unwrap())
}

fn tx(to: Address, value: u8, input: Bytes) -> Unsigned {
    let mut wei = [0; 32];
    wei[31] = value;
    Unsigned {
        echoin: false,
        chain_id: CHAIN,
        nonce: 0,
        gas: 50_000,
        max_fee: 2,
        tip: 1,
        to: to.into(),
        value: wei,
        input: input.to_vec(),
    }
}

fn signed(tx: Unsigned) -> bool {
    asked(&Question::Sign(0, tx)).is_ok()
}

#[test]
fn accounts_are_those_that_any_wallet_derives_from_the_words() {
    let address = |index| Address::from_slice(&asked(&Question::Address(index)).unwrap()).to_string();
    let expected = [
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    ];
    assert_eq!([0, 1].map(address), expected);
    assert!(asked(&Question::Address(ACCOUNTS)).is_err());
}

#[test]
fn only_what_a_swap_needs_is_signed() {
    let contract = contract_address(Profile::Ethereum, CHAIN);
    let (stranger, token) = (Address::repeat_byte(7), Address::repeat_byte(8));
    let ours = keys().key(1).unwrap().address();
    let approve = |spender| calls::approve(token, spender, U256::MAX).input;
    assert!(signed(tx(contract, 1, Bytes::from(vec![1, 2, 3, 4]))));
    assert!(signed(tx(ours, 1, Bytes::new())));
    assert!(signed(tx(token, 0, approve(contract))));
    assert!(
        !signed(tx(stranger, 1, Bytes::new())),
        "coins of ours to a stranger"
    );
    assert!(
        !signed(tx(token, 0, approve(stranger))),
        "tokens of ours to a stranger"
    );
    assert!(!signed(tx(token, 1, approve(contract))), "coins with an approval");
    assert!(
        !signed(tx(token, 0, Bytes::from(vec![0xa9, 5, 9, 0xcb]))),
        "a transfer of tokens"
    );
    assert!(!signed(tx(ours, 1, Bytes::from(vec![1]))));
    let elsewhere = Unsigned {
        chain_id: 1,
        ..tx(contract, 1, Bytes::new())
    };
    assert!(!signed(elsewhere), "the contract of another chain");
    let payment = Question::Sign(0, tx(stranger, 1, Bytes::new()));
    let payment = borsh::to_vec(&payment).unwrap();
    assert!(
        keys().paying().answer(&payment).is_ok(),
        "a payment by keys that may pay"
    );
}

#[test]
fn what_is_no_question_is_refused() {
    for bytes in [vec![], vec![9], vec![0xff; 100]] {
        assert!(matches!(keys().answer(&bytes), Err(SignerError::Refused(_))));
    }
}
