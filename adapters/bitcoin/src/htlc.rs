//! The hash-locked output: a taproot tree of two leaves under a key that needs both parties.
//!
//! ```text
//! internal key   MuSig2 KeyAgg of both parties' keys, sorted (BIP-327)
//! redeem leaf    OP_SIZE <32> OP_EQUALVERIFY OP_SHA256 <H> OP_EQUALVERIFY <xRedeemer> OP_CHECKSIG
//! refund leaf    <xRefunder> OP_CHECKSIGVERIFY <T - 1> OP_CHECKLOCKTIMEVERIFY
//! ```
//!
//! `OP_SIZE` pins the preimage to 32 bytes, as the other chains do: a longer one that opened only this leg
//! would be theft. T is unix time and is measured by the chain's median time past. Bitcoin lets a transaction
//! into a block when its lock time is *less* than that median; with `T - 1` in the script the rule becomes the
//! one of every other chain: the refund is valid from the moment the chain's own time is T.

use bitcoin::absolute::LockTime;
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CHECKSIGVERIFY, OP_CLTV, OP_EQUALVERIFY, OP_SHA256, OP_SIZE};
use bitcoin::secp256k1::{PublicKey, Secp256k1};
use bitcoin::taproot::{LeafVersion, TaprootBuilder, TaprootSpendInfo};
use bitcoin::{Address, Network, ScriptBuf};

use crate::musig::{self, JointKey, NoAggregate};

/// The first value that Bitcoin reads as a time; below it is a height.
const FIRST_UNIX_LOCK_TIME: u64 = 500_000_000;
/// Bytes of a preimage, on every chain.
pub const PREIMAGE_BYTES: usize = 32;

/// One hash-locked output, complete: its address follows from it and from nothing else.
#[derive(Debug, Clone)]
pub struct Htlc {
    redeemer: PublicKey,
    refunder: PublicKey,
    hashlock: [u8; 32],
    refund_lock_time: LockTime,
    tree: TaprootSpendInfo,
}

/// Why terms have no Bitcoin output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HtlcError {
    /// One key for both parties: whoever has it takes the money both ways.
    #[error("redeemer and refunder share the key {key}: each party must draw its own")]
    SameKey {
        /// The shared key.
        key: PublicKey,
    },
    /// Not a time that a Bitcoin script can hold.
    #[error("timelock {got} is not unix time in seconds between 500000001 and 4294967295")]
    Timelock {
        /// The timelock as given.
        got: u64,
    },
    /// The keys cancel out.
    #[error(transparent)]
    NoAggregate(#[from] NoAggregate),
}

impl Htlc {
    /// `hashlock` is the SHA-256 of the preimage; `timelock` is unix time in seconds, the first moment (of the
    /// chain's median time) at which the refund is valid.
    pub fn new(
        redeemer: PublicKey,
        refunder: PublicKey,
        hashlock: [u8; 32],
        timelock: u64,
    ) -> Result<Self, HtlcError> {
        if redeemer.x_only_public_key().0 == refunder.x_only_public_key().0 {
            return Err(HtlcError::SameKey { key: redeemer });
        }
        let refund_lock_time = refund_lock_time(timelock)?;
        let internal = musig::aggregate(&redeemer, &refunder)?;
        let tree = TaprootBuilder::new()
            .add_leaf(1, redeem_leaf(&redeemer, &hashlock))
            .and_then(|tree| tree.add_leaf(1, refund_leaf(&refunder, refund_lock_time)))
            .expect("two leaves at depth one make a full tree")
            .finalize(&Secp256k1::verification_only(), internal)
            .expect("a full tree finalizes");
        Ok(Self {
            redeemer,
            refunder,
            hashlock,
            refund_lock_time,
            tree,
        })
    }

    /// Who may redeem with the preimage.
    pub fn redeemer(&self) -> &PublicKey {
        &self.redeemer
    }

    /// Who may refund after the timelock.
    pub fn refunder(&self) -> &PublicKey {
        &self.refunder
    }

    /// SHA-256 of the preimage.
    pub fn hashlock(&self) -> &[u8; 32] {
        &self.hashlock
    }

    /// The `nLockTime` of a refund.
    pub fn refund_lock_time(&self) -> LockTime {
        self.refund_lock_time
    }

    /// The leaf that wants the preimage.
    pub fn redeem_leaf(&self) -> ScriptBuf {
        redeem_leaf(&self.redeemer, &self.hashlock)
    }

    /// The leaf that wants the time.
    pub fn refund_leaf(&self) -> ScriptBuf {
        refund_leaf(&self.refunder, self.refund_lock_time)
    }

    /// What a lock pays to, and what is watched for.
    pub fn script_pubkey(&self) -> ScriptBuf {
        ScriptBuf::new_p2tr_tweaked(self.tree.output_key())
    }

    /// The same as [`Self::script_pubkey`], for people.
    pub fn address(&self, network: Network) -> Address {
        Address::p2tr_tweaked(self.tree.output_key(), network)
    }

    /// The key that needs both parties, ready to sign.
    pub(crate) fn joint_key(&self) -> JointKey {
        JointKey::new(&self.redeemer, &self.refunder, &self.tree.tap_tweak())
            .expect("the same keys and tree have made the address")
    }

    /// The proof that `leaf`, which must be one of ours, is in the tree.
    pub(crate) fn control_block(&self, leaf: &ScriptBuf) -> Vec<u8> {
        self.tree
            .control_block(&(leaf.clone(), LeafVersion::TapScript))
            .expect("the leaf is one of the two of this tree")
            .serialize()
    }
}

fn refund_lock_time(timelock: u64) -> Result<LockTime, HtlcError> {
    let out_of_range = HtlcError::Timelock { got: timelock };
    if timelock <= FIRST_UNIX_LOCK_TIME {
        return Err(out_of_range);
    }
    match u32::try_from(timelock) {
        Ok(seconds) => LockTime::from_time(seconds - 1).map_err(|_| out_of_range),
        Err(_) => Err(out_of_range),
    }
}

fn redeem_leaf(redeemer: &PublicKey, hashlock: &[u8; 32]) -> ScriptBuf {
    ScriptBuf::builder()
        .push_opcode(OP_SIZE)
        .push_int(PREIMAGE_BYTES as i64)
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

#[cfg(test)]
mod tests;
