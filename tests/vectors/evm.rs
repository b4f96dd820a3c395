//! Beta on an EVM chain: the slot and what it holds, every call, and the redeemer's words.

use crate::file::Vectors;
use crate::order::{CHAIN_ID, LANE, Of, T_BETA, WEI, preimage};
use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolStruct};
use kofo_evm::bindings::HashLanes;
use kofo_evm::{
    Profile, commitment, contract_address, creation_code, domain, redeem_for_digest, release_digest,
};
use kofo_evm::{slot, terms};

mod messages {
    #![allow(missing_docs, clippy::too_many_arguments, unreachable_pub)]
    alloy::sol! {
        struct RedeemTo { uint256 slot; bytes32 commitment; address to; }
        struct RefundTo { uint256 slot; bytes32 commitment; address to; }
    }
}
use messages::{RedeemTo, RefundTo};

const TOKEN: Address = Address::repeat_byte(0x70);
/// Who redeems for the redeemer, and what it keeps.
const RELAYER: Address = Address::repeat_byte(0xc3);
const WAGE: u128 = WEI / 100;
const PAYEE: Address = Address::repeat_byte(0x9a);

fn signer(of: Of) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::from(of.account_secret())).unwrap()
}

pub(crate) fn address(of: Of) -> Address {
    signer(of).address()
}

fn contract() -> Address {
    contract_address(Profile::Ethereum, CHAIN_ID)
}

fn hashlock() -> B256 {
    B256::from(*preimage().hashlock().as_bytes())
}

fn secret() -> B256 {
    B256::from(*preimage().expose())
}

/// What is locked under the lane: in the chain's coin, or in a token.
fn it(token: Address) -> HashLanes::Lock {
    HashLanes::Lock {
        slot: slot(address(Of::Taker), LANE),
        redeemer: address(Of::Maker),
        timelock: U48::from(T_BETA.0),
        amount: U256::from(WEI),
        token,
    }
}

fn shown() -> B256 {
    terms(hashlock(), address(Of::Maker), T_BETA.0)
}

fn held(token: Address) -> B256 {
    commitment(shown(), U256::from(WEI), token)
}

/// A party's signature, checked as the contract does.
fn word(of: Of, digest: B256) -> Bytes {
    let signature = signer(of).sign_hash_sync(&digest).unwrap();
    assert_eq!(
        signature.recover_address_from_prehash(&digest).unwrap(),
        address(of)
    );
    Bytes::copy_from_slice(&signature.as_bytes())
}

pub(crate) fn lock(out: &mut Vectors) {
    out.section("evm");
    out.number("chain_id", CHAIN_ID.into());
    out.bytes("contract", contract());
    out.bytes("echoin_contract", contract_address(Profile::Echoin, 18));
    let code = alloy::primitives::keccak256(creation_code(Profile::Ethereum, CHAIN_ID));
    out.bytes("creation_code_hash", code);
    out.bytes("owner", address(Of::Taker));
    out.number("lane", LANE.into());
    out.bytes("redeemer", address(Of::Maker));
    out.number("timelock", T_BETA.0.into());
    out.number("wei", WEI);
    out.bytes("token", TOKEN);
    out.bytes("slot", slot(address(Of::Taker), LANE).to_be_bytes::<32>());
    out.bytes("terms", shown());
    out.bytes("commitment", held(Address::ZERO));
    out.bytes("token_commitment", held(TOKEN));
    let (lane, terms) = (LANE, shown());
    out.bytes("lock", HashLanes::lockCall { lane, terms }.abi_encode());
    let (token, amount) = (TOKEN, U256::from(WEI));
    let call = HashLanes::lockTokenCall {
        lane,
        terms,
        token,
        amount,
    };
    out.bytes("lock_token", call.abi_encode());
    for (name, token) in [("", Address::ZERO), ("_token", TOKEN)] {
        let preimage = secret();
        let redeem = HashLanes::redeemCall {
            preimage,
            it: it(token),
        };
        out.bytes(&format!("redeem{name}"), redeem.abi_encode());
        let hashlock = hashlock();
        let refund = HashLanes::refundCall {
            hashlock,
            it: it(token),
        };
        out.bytes(&format!("refund{name}"), refund.abi_encode());
    }
    let slots = vec![it(Address::ZERO).slot];
    out.bytes("slots", HashLanes::slotsCall { which: slots }.abi_encode());
}

pub(crate) fn words(out: &mut Vectors) {
    out.section("evm_words");
    let domain = domain(contract(), CHAIN_ID);
    out.bytes("domain", domain.hash_struct());
    let lock = (it(Address::ZERO).slot, held(Address::ZERO));
    let digest = release_digest(&domain, lock.0, lock.1);
    out.bytes("release_digest", digest);
    out.bytes("release_word", word(Of::Maker, digest));
    let call = HashLanes::releaseCall {
        hashlock: hashlock(),
        it: it(Address::ZERO),
        signature: word(Of::Maker, digest),
    };
    out.bytes("release", call.abi_encode());
    // Rule V9, of one leg: version, and a list of one.
    let list = |of: &[u8]| [&[1, 1, 0, 0, 0], of].concat();
    out.bytes("round_request", list(digest.as_slice()));
    out.bytes("round_reply", list(&word(Of::Maker, digest)));
    out.bytes("relayer", RELAYER);
    out.number("wage", WAGE);
    let fee = U256::from(WAGE);
    let digest = redeem_for_digest(&domain, lock, RELAYER, fee);
    out.bytes("redeem_for_digest", digest);
    out.bytes("redeem_for_word", word(Of::Maker, digest));
    let call = HashLanes::redeemForCall {
        preimage: secret(),
        it: it(Address::ZERO),
        fee,
        signature: word(Of::Maker, digest),
    };
    out.bytes("redeem_for", call.abi_encode());
    // Rule V11: version, a wage, its account, how much, and the word.
    let wage = WAGE.to_le_bytes();
    let package = [&[1, 1], RELAYER.as_slice(), &wage, &word(Of::Maker, digest)].concat();
    out.bytes("tower_package", package);
}

/// What nodes do not send by themselves, and may: many locks and redeems at once.
pub(crate) fn batches(out: &mut Vectors) {
    out.section("evm_batches");
    let new = |lane: u16| HashLanes::NewLock {
        terms: shown(),
        laneAndAmount: (U256::from(lane) << 240) | U256::from(WEI),
    };
    let locks = vec![new(LANE), new(LANE + 1)];
    out.bytes(
        "lock_batch",
        HashLanes::lockBatchCall { locks: locks.clone() }.abi_encode(),
    );
    let call = HashLanes::lockTokenBatchCall { token: TOKEN, locks };
    out.bytes("lock_token_batch", call.abi_encode());
    let one = it(Address::ZERO);
    let redemption = |lane| HashLanes::Redemption {
        preimage: secret(),
        slot: slot(address(Of::Taker), lane),
        timelock: one.timelock,
        amount: one.amount,
    };
    let call = HashLanes::redeemBatchCall {
        token: Address::ZERO,
        redeemer: one.redeemer,
        items: vec![redemption(LANE), redemption(LANE + 1)],
    };
    out.bytes("redeem_batch", call.abi_encode());
}

/// The end of a lock at an address that its party's word names; its digest is in no rule but the contract's.
pub(crate) fn elsewhere(out: &mut Vectors) {
    out.section("evm_elsewhere");
    let domain = domain(contract(), CHAIN_ID);
    let (slot, commitment, to) = (it(Address::ZERO).slot, held(Address::ZERO), PAYEE);
    out.bytes("to", to);
    let digest = RedeemTo { slot, commitment, to }.eip712_signing_hash(&domain);
    let signature = word(Of::Maker, digest);
    out.bytes("redeem_to_digest", digest);
    out.bytes("redeem_to_word", &signature);
    let (preimage, hashlock) = (secret(), hashlock());
    let it = || it(Address::ZERO);
    let call = HashLanes::redeemToCall {
        preimage,
        it: it(),
        to,
        signature,
    };
    out.bytes("redeem_to", call.abi_encode());
    let digest = RefundTo { slot, commitment, to }.eip712_signing_hash(&domain);
    let signature = word(Of::Taker, digest);
    out.bytes("refund_to_digest", digest);
    out.bytes("refund_to_word", &signature);
    let call = HashLanes::refundToCall {
        hashlock,
        it: it(),
        to,
        signature,
    };
    out.bytes("refund_to", call.abi_encode());
}
