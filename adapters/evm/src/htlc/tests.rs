use super::*;
use alloy::primitives::{address, b256};
use kofo_primitives::{Bytes, End, Hashlock, NetworkId, SwapNonce, UnixTime};

const OWNER: Address = address!("00000000000000000000000000000000000000b0");
const REDEEMER: Address = address!("00000000000000000000000000000000000000a1");

fn config() -> EvmConfig {
    EvmConfig::ethereum("http://localhost", 31_337, NetworkId::new("kofo-test").unwrap()).unwrap()
}

fn spec() -> HtlcSpec {
    let config = config();
    let contract = contract_address(config.profile, config.chain_id);
    HtlcSpec {
        asset: config.coin,
        amount: Amount::new(1_000_000_000_000_000_000),
        hashlock: Hashlock::new([0x11; 32]),
        timelock: UnixTime(1_800_000_000),
        redeemer: Bytes::new(REDEEMER.to_vec()).unwrap(),
        refunder: Bytes::new([OWNER.as_slice(), &[0x80, 0x07]].concat()).unwrap(),
        place: Bytes::new(contract.to_vec()).unwrap(),
        depth: 1,
        end: End::Refunder,
        nonce: SwapNonce::new([0; 32]),
        from_height: 0,
    }
}

#[test]
fn slot_terms_and_commitment_are_pinned() {
    let it = Htlc::new(&config(), &spec()).unwrap();
    assert_eq!(
        B256::from(it.slot()),
        b256!("00000000000000000000000000000000000000b0000000000000000000008007")
    );
    // By hand: keccak256(abi.encode(...)) of three words each.
    let words = |words: &[&[u8]]| {
        let padded = words.iter().map(|w| [vec![0; 32 - w.len()], w.to_vec()].concat());
        keccak256(padded.collect::<Vec<_>>().concat())
    };
    let terms = words(&[&[0x11; 32], REDEEMER.as_slice(), &1_800_000_000u64.to_be_bytes()]);
    assert_eq!(it.terms(), terms);
    let amount = 1_000_000_000_000_000_000u128.to_be_bytes();
    assert_eq!(it.commitment(), words(&[terms.as_slice(), &amount, &[]]));
    assert_eq!(it.commitment(), COMMITMENT);
}

const COMMITMENT: B256 = b256!("90428e4c98fb2925779de7a316aeab318cd97fbc4aef61b0fdeccbb372600e62");

#[test]
fn every_term_changes_the_commitment() {
    let mut seen = vec![Htlc::new(&config(), &spec()).unwrap().commitment()];
    let mut others = vec![spec(); 4];
    others[0].amount = Amount::new(1);
    others[1].hashlock = Hashlock::new([0x12; 32]);
    others[2].timelock = UnixTime(1_800_000_001);
    others[3].redeemer = Bytes::new([0xa2; 20]).unwrap();
    for other in others {
        let commitment = Htlc::new(&config(), &other).unwrap().commitment();
        assert!(!seen.contains(&commitment));
        seen.push(commitment);
    }
}

#[test]
fn what_is_not_of_this_contract_is_refused() {
    let mut wrong = vec![spec(); 5];
    wrong[0].place = Bytes::new([1; 20]).unwrap();
    wrong[1].refunder = Bytes::new(OWNER.to_vec()).unwrap();
    wrong[2].redeemer = Bytes::new([0; 20]).unwrap();
    wrong[3].timelock = UnixTime(1 << 48);
    wrong[4].redeemer = Bytes::new(wrong[4].place.as_slice()).unwrap();
    for spec in wrong {
        let refused = Htlc::new(&config(), &spec);
        assert!(
            matches!(refused, Err(AdapterError::Malformed { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn a_token_must_be_configured_under_its_one_name() {
    let mut config = config();
    let id = "eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3";
    let token = AssetId::new(id).unwrap();
    assert!(matches!(
        token_of(&config, &token),
        Err(AdapterError::UnknownAsset { .. })
    ));
    config.tokens.push(token.clone());
    let address = address!("5fbdb2315678afecb367f032d93f642f64180aa3");
    assert_eq!(token_of(&config, &token), Ok(address));
    assert_eq!(token_of(&config, &config.coin), Ok(Address::ZERO));
}
