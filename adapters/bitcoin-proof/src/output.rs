//! The output of a leg, from its terms alone.
//!
//! ```text
//! internal key   MuSig2 KeyAgg of both parties' keys, sorted (BIP-327)
//! redeem leaf    OP_SIZE <32> OP_EQUALVERIFY OP_SHA256 <H> OP_EQUALVERIFY <xRedeemer> OP_CHECKSIG
//! refund leaf    <xRefunder> OP_CHECKSIGVERIFY <T - 1> OP_CHECKLOCKTIMEVERIFY
//! ```
//!
//! Written a second time beside the adapter's, which no layer may depend on, and on one curve library: validators who
//! read proofs need no signing code.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CHECKSIGVERIFY, OP_CLTV, OP_EQUALVERIFY, OP_SHA256, OP_SIZE};
use bitcoin::secp256k1::{PublicKey, Scalar, Secp256k1, Verification, XOnlyPublicKey};
use bitcoin::taproot::TaprootBuilder;
use bitcoin::{Amount, ScriptBuf};
use kofo_clearance::ProofLeg;
use kofo_primitives::Party;

use crate::flaw::Flaw;

/// Bytes of a preimage, on every chain.
const PREIMAGE_BYTES: i64 = 32;
/// Bytes of a compressed key: what a party begins with. Its payout script follows.
const KEY_BYTES: usize = 33;

/// All that a transaction is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) script: ScriptBuf,
    pub(crate) amount: Amount,
    pub(crate) hashlock: [u8; 32],
    pub(crate) redeem_leaf: ScriptBuf,
    pub(crate) refund_leaf: ScriptBuf,
    pub(crate) redeemer_payout: ScriptBuf,
    pub(crate) refunder_payout: ScriptBuf,
}

impl Output {
    /// What the leg is locked in.
    pub(crate) fn of(leg: &ProofLeg<'_>) -> Result<Self, Flaw> {
        let terms = |why: &str| Flaw::Terms(why.to_owned());
        if !leg.place.as_slice().is_empty() {
            return Err(terms("its place must be empty"));
        }
        let (redeemer, redeemer_payout) = party(leg.redeemer).ok_or_else(|| terms("no redeemer's key"))?;
        let (refunder, refunder_payout) = party(leg.refunder).ok_or_else(|| terms("no refunder's key"))?;
        let amount = u64::try_from(leg.amount.units()).map(Amount::from_sat);
        let amount = amount.map_err(|_| terms("its amount is more than 64 bits"))?;
        let lock_time = lock_time(leg.timelock.0).ok_or_else(|| terms("its timelock is no unix time"))?;
        let secp = Secp256k1::verification_only();
        let internal = aggregate(&secp, &redeemer, &refunder)
            .ok_or_else(|| terms("its parties' keys have no aggregate"))?;
        let hashlock = *leg.hashlock.as_bytes();
        let redeem_leaf = redeem_leaf(&redeemer, &hashlock);
        let refund_leaf = refund_leaf(&refunder, lock_time);
        let tree = TaprootBuilder::new()
            .add_leaf(1, redeem_leaf.clone())
            .and_then(|tree| tree.add_leaf(1, refund_leaf.clone()))
            .expect("two leaves at depth one make a full tree")
            .finalize(&secp, internal)
            .expect("a full tree finalizes");
        Ok(Self {
            script: ScriptBuf::new_p2tr_tweaked(tree.output_key()),
            amount,
            hashlock,
            redeem_leaf,
            refund_leaf,
            redeemer_payout,
            refunder_payout,
        })
    }
}

/// The key and the payout script.
fn party(party: &Party) -> Option<(PublicKey, ScriptBuf)> {
    let (key, payout) = party.as_slice().split_at_checked(KEY_BYTES)?;
    let key = PublicKey::from_slice(key).ok()?;
    (!payout.is_empty()).then(|| (key, ScriptBuf::from_bytes(payout.to_vec())))
}

/// The lock time of a refund is one less than the timelock: Bitcoin asks for a median time *past* it.
fn lock_time(timelock: u64) -> Option<LockTime> {
    let before = u32::try_from(timelock).ok()?.checked_sub(1)?;
    LockTime::from_time(before).ok()
}

fn redeem_leaf(redeemer: &PublicKey, hashlock: &[u8; 32]) -> ScriptBuf {
    ScriptBuf::builder()
        .push_opcode(OP_SIZE)
        .push_int(PREIMAGE_BYTES)
        .push_opcode(OP_EQUALVERIFY)
        .push_opcode(OP_SHA256)
        .push_slice(hashlock)
        .push_opcode(OP_EQUALVERIFY)
        .push_x_only_key(&redeemer.x_only_public_key().0)
        .push_opcode(OP_CHECKSIG)
        .into_script()
}

fn refund_leaf(refunder: &PublicKey, lock_time: LockTime) -> ScriptBuf {
    ScriptBuf::builder()
        .push_x_only_key(&refunder.x_only_public_key().0)
        .push_opcode(OP_CHECKSIGVERIFY)
        .push_lock_time(lock_time)
        .push_opcode(OP_CLTV)
        .into_script()
}

/// BIP-327 `KeyAgg` of two keys: L is the hash of the sorted keys, the first has the hash of L and itself as its
/// coefficient, the second has 1. `None` for one key, in either sign, and for keys that cancel out.
fn aggregate<C: Verification>(
    secp: &Secp256k1<C>,
    one: &PublicKey,
    two: &PublicKey,
) -> Option<XOnlyPublicKey> {
    if one.x_only_public_key().0 == two.x_only_public_key().0 {
        return None;
    }
    let [one, two] = [one.serialize(), two.serialize()];
    let (first, second) = if one < two { (one, two) } else { (two, one) };
    let list = tagged("KeyAgg list", &[&first, &second]);
    let coefficient = Scalar::from_be_bytes(tagged("KeyAgg coefficient", &[&list, &first])).ok()?;
    let first = PublicKey::from_slice(&first)
        .ok()?
        .mul_tweak(secp, &coefficient)
        .ok()?;
    let sum = first.combine(&PublicKey::from_slice(&second).ok()?).ok()?;
    Some(sum.x_only_public_key().0)
}

/// The tagged hash of BIP-340.
fn tagged(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag.as_bytes());
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_byte_array());
    engine.input(tag.as_byte_array());
    for part in parts {
        engine.input(part);
    }
    sha256::Hash::from_engine(engine).to_byte_array()
}

#[cfg(test)]
mod tests;
