//! Redeem and refund transactions: HTLC outputs in (nearly always one), one payout out, by leaf.
//!
//! Signatures take no auxiliary randomness, so that building twice gives the same bytes. Both spend with
//! `nSequence` 0xfffffffd: replaceable by fee, and subject to the lock time.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::key::Keypair;
use bitcoin::secp256k1::schnorr::Signature;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};

use kofo_primitives::ActKind;

use crate::htlc::{Htlc, PREIMAGE_BYTES};

/// Bytes of a Schnorr signature with the default sighash.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// One output that pays to an HTLC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// What it holds.
    pub value: Amount,
}

/// Coins of one HTLC and where they shall go. More than one only where somebody paid twice.
#[derive(Debug, Clone, Copy)]
pub struct Spend<'a> {
    /// What is spent.
    pub coins: &'a [Coin],
    /// The owner's payout script.
    pub payout: &'a Script,
    /// What of the value goes to the miner.
    pub fee: Amount,
}

/// Why a spend is not built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpendError {
    /// The key is not the one in the leaf.
    #[error("the leaf wants the key {want}: the secret given is another's")]
    WrongKey {
        /// The key in the leaf.
        want: PublicKey,
    },
    /// The signature is not over this transaction, or by another key.
    #[error("the signature is not one by {want} over this transaction")]
    WrongSignature {
        /// The key in the leaf.
        want: PublicKey,
    },
    /// The preimage does not open the leaf. It is not shown.
    #[error("the preimage does not hash to the hashlock of this leg")]
    WrongPreimage,
    /// Nothing worth having would be left.
    #[error(
        "{value} less a fee of {fee} leaves less than the smallest relayed output ({dust}): wait for lower fees"
    )]
    Uneconomic {
        /// What the output holds.
        value: Amount,
        /// The fee asked for.
        fee: Amount,
        /// The smallest payout.
        dust: Amount,
    },
}

/// What opens a leaf beside the signature.
struct Leaf<'a> {
    script: ScriptBuf,
    preimage: Option<&'a [u8; PREIMAGE_BYTES]>,
    key: &'a PublicKey,
    lock_time: LockTime,
}

impl Htlc {
    /// The redeem by leaf: shows the preimage.
    pub fn redeem(
        &self,
        spend: &Spend<'_>,
        preimage: &[u8; PREIMAGE_BYTES],
        secret: &SecretKey,
    ) -> Result<Transaction, SpendError> {
        self.opens(preimage)?;
        self.spend(spend, &self.redeem_way(preimage), secret)
    }

    /// The refund by leaf: valid once the chain's median time has reached the timelock.
    pub fn refund(&self, spend: &Spend<'_>, secret: &SecretKey) -> Result<Transaction, SpendError> {
        self.spend(spend, &self.refund_way(), secret)
    }

    /// Virtual bytes of a redeem of so many coins to `payout`, exactly.
    pub fn redeem_vsize(&self, coins: usize, payout: &Script) -> u64 {
        self.vsize(coins, payout, &self.redeem_way(&[0; PREIMAGE_BYTES]))
    }

    /// Virtual bytes of a refund of so many coins to `payout`, exactly.
    pub fn refund_vsize(&self, coins: usize, payout: &Script) -> u64 {
        self.vsize(coins, payout, &self.refund_way())
    }

    /// The signatures of a redeem (whose preimage is filled in later) or a refund, one for each coin.
    pub(crate) fn presign(
        &self,
        spend: &Spend<'_>,
        act: ActKind,
        secret: &SecretKey,
    ) -> Result<Vec<Signature>, SpendError> {
        let way = match act {
            ActKind::Redeem => self.redeem_way(&[0; PREIMAGE_BYTES]),
            _ => self.refund_way(),
        };
        let signed = self.spend(spend, &way, secret)?;
        let signatures = signed.input.iter().map(|input| {
            let signature = input.witness.nth(0);
            let signature = signature.and_then(|bytes| Signature::from_slice(bytes).ok());
            signature.expect("a spend by leaf begins with its signature")
        });
        Ok(signatures.collect())
    }

    /// A redeem with signatures that the redeemer has given, one for each coin.
    pub(crate) fn complete_redeem(
        &self,
        spend: &Spend<'_>,
        preimage: &[u8; PREIMAGE_BYTES],
        signatures: &[Signature],
    ) -> Result<Transaction, SpendError> {
        self.opens(preimage)?;
        self.complete(spend, &self.redeem_way(preimage), signatures)
    }

    /// A refund with signatures that the refunder has given, one for each coin.
    pub(crate) fn complete_refund(
        &self,
        spend: &Spend<'_>,
        signatures: &[Signature],
    ) -> Result<Transaction, SpendError> {
        self.complete(spend, &self.refund_way(), signatures)
    }

    /// That the preimage is the hashlock's.
    pub(crate) fn opens(&self, preimage: &[u8; PREIMAGE_BYTES]) -> Result<(), SpendError> {
        if sha256::Hash::hash(preimage).to_byte_array() == *self.hashlock() {
            return Ok(());
        }
        Err(SpendError::WrongPreimage)
    }

    fn redeem_way<'a>(&'a self, preimage: &'a [u8; PREIMAGE_BYTES]) -> Leaf<'a> {
        let (script, key) = (self.redeem_leaf(), self.redeemer());
        Leaf {
            script,
            preimage: Some(preimage),
            key,
            lock_time: LockTime::ZERO,
        }
    }

    fn refund_way(&self) -> Leaf<'_> {
        let (script, key) = (self.refund_leaf(), self.refunder());
        Leaf {
            script,
            preimage: None,
            key,
            lock_time: self.refund_lock_time(),
        }
    }

    fn vsize(&self, coins: usize, payout: &Script, leaf: &Leaf<'_>) -> u64 {
        let coins = vec![OutPoint::null(); coins];
        let mut tx = unsigned(coins, leaf.lock_time, vec![paid(payout, Amount::ZERO)]);
        for input in &mut tx.input {
            input.witness = self.witness(&[0; SIGNATURE_BYTES], leaf);
        }
        tx.weight().to_vbytes_ceil()
    }

    fn spend(
        &self,
        spend: &Spend<'_>,
        leaf: &Leaf<'_>,
        secret: &SecretKey,
    ) -> Result<Transaction, SpendError> {
        let secp = Secp256k1::new();
        let mut keypair = Keypair::from_secret_key(&secp, secret);
        if keypair.public_key() != *leaf.key {
            return Err(SpendError::WrongKey { want: *leaf.key });
        }
        let (mut tx, spent) = self.unsigned(spend, leaf)?;
        for index in 0..spent.len() {
            let message = leaf_message(&tx, &spent, index, &leaf.script);
            let signature = secp.sign_schnorr_no_aux_rand(&message, &keypair);
            set_witness(&mut tx, index, self.witness(&signature.serialize(), leaf));
        }
        keypair.non_secure_erase();
        Ok(tx)
    }

    fn complete(
        &self,
        spend: &Spend<'_>,
        leaf: &Leaf<'_>,
        signatures: &[Signature],
    ) -> Result<Transaction, SpendError> {
        let (mut tx, spent) = self.unsigned(spend, leaf)?;
        let wrong = || SpendError::WrongSignature { want: *leaf.key };
        if signatures.len() != spent.len() {
            return Err(wrong());
        }
        let (secp, key) = (Secp256k1::verification_only(), leaf.key.x_only_public_key().0);
        for (index, signature) in signatures.iter().enumerate() {
            let message = leaf_message(&tx, &spent, index, &leaf.script);
            secp.verify_schnorr(signature, &message, &key)
                .map_err(|_| wrong())?;
            set_witness(&mut tx, index, self.witness(&signature.serialize(), leaf));
        }
        Ok(tx)
    }

    /// The transaction without witnesses, and the outputs that it spends.
    fn unsigned(&self, spend: &Spend<'_>, leaf: &Leaf<'_>) -> Result<(Transaction, Vec<TxOut>), SpendError> {
        let outpoints = spend.coins.iter().map(|coin| coin.outpoint).collect();
        let payout = vec![paid(spend.payout, spend.left()?)];
        let tx = unsigned(outpoints, leaf.lock_time, payout);
        let script_pubkey = self.script_pubkey();
        let spent = spend.coins.iter().map(|coin| paid(&script_pubkey, coin.value));
        Ok((tx, spent.collect()))
    }

    fn witness(&self, signature: &[u8], leaf: &Leaf<'_>) -> Witness {
        let mut witness = Witness::new();
        witness.push(signature);
        if let Some(preimage) = leaf.preimage {
            witness.push(preimage);
        }
        witness.push(leaf.script.as_bytes());
        witness.push(self.control_block(&leaf.script));
        witness
    }
}

impl Spend<'_> {
    /// What the payout gets.
    pub(crate) fn left(&self) -> Result<Amount, SpendError> {
        let value = self
            .coins
            .iter()
            .try_fold(Amount::ZERO, |sum, coin| sum.checked_add(coin.value));
        let value = value.unwrap_or(Amount::ZERO);
        let dust = self.payout.minimal_non_dust();
        let uneconomic = SpendError::Uneconomic {
            value,
            fee: self.fee,
            dust,
        };
        value
            .checked_sub(self.fee)
            .filter(|left| *left >= dust)
            .ok_or(uneconomic)
    }
}

/// The preimage of `hashlock` if a spend shows it anywhere in its witness.
pub fn preimage_in(witness: &Witness, hashlock: &[u8; 32]) -> Option<[u8; PREIMAGE_BYTES]> {
    witness
        .iter()
        .filter_map(|item| <[u8; PREIMAGE_BYTES]>::try_from(item).ok())
        .find(|item| sha256::Hash::hash(item).to_byte_array() == *hashlock)
}

/// A transaction of ours before it is signed: replaceable by fee.
pub(crate) fn unsigned(coins: Vec<OutPoint>, lock_time: LockTime, output: Vec<TxOut>) -> Transaction {
    let input = coins.into_iter().map(|previous_output| TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    });
    Transaction {
        version: Version::TWO,
        lock_time,
        input: input.collect(),
        output,
    }
}

pub(crate) fn paid(script: &Script, value: Amount) -> TxOut {
    TxOut {
        value,
        script_pubkey: script.to_owned(),
    }
}

pub(crate) fn set_witness(tx: &mut Transaction, index: usize, witness: Witness) {
    tx.input.get_mut(index).expect("every coin has its input").witness = witness;
}

/// What a leaf's signature signs: all inputs and outputs.
fn leaf_message(tx: &Transaction, spent: &[TxOut], index: usize, leaf: &Script) -> Message {
    let leaf = TapLeafHash::from_script(leaf, LeafVersion::TapScript);
    let sighash = SighashCache::new(tx)
        .taproot_script_spend_signature_hash(index, &Prevouts::All(spent), leaf, TapSighashType::Default)
        .expect("every input has its coin");
    Message::from(sighash)
}

#[cfg(test)]
mod tests;
