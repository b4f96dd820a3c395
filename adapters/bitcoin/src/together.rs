//! Spends by key path (rules B7 and B8): both parties sign, no leaf and no preimage is shown.
//!
//! One transaction takes the coins of up to 32 different HTLCs. A redeem pays everything to the payout of the first
//! leg, because all are the same redeemer's; a refund pays each leg to its own refunder's payout, so that it is known
//! for a refund in every leg. One party asks ([`KeySpend::ask`]), the other helps ([`KeySpend::help`]); both build the
//! same [`KeySpend`] from the terms and from the coins.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::SecretKey;
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, OutPoint, Script, Transaction, TxOut, Witness};
use kofo_adapter_api::MOST_TOGETHER;
use kofo_primitives::Together;
use std::collections::BTreeSet;

use crate::htlc::Htlc;
use crate::musig::{self, Ask, Help, JointKey, MusigError, NONCE_BYTES};
use crate::spend::{Coin, SIGNATURE_BYTES, SpendError, paid, set_witness, unsigned};

/// One input: a coin of an HTLC, and the payout script of who gets it.
#[derive(Debug, Clone, Copy)]
pub struct KeyInput<'a> {
    /// What it is locked under.
    pub htlc: &'a Htlc,
    /// What is spent.
    pub coin: Coin,
    /// The payout script of the redeemer (for a redeem) or refunder (for a refund) of this leg.
    pub payout: &'a Script,
}

/// Why both parties do not spend together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySpendError {
    /// None or too many.
    #[error("expected 1 to {MOST_TOGETHER} coins to spend together, got {got}")]
    Count {
        /// Coins given.
        got: usize,
    },
    /// One coin in two inputs.
    #[error("the coin {outpoint} is named twice: each coin is spent once")]
    Twice {
        /// The coin.
        outpoint: OutPoint,
    },
    /// Not one key, nonce or signature for each input.
    #[error("expected {want} {what}, one for each coin, got {got}")]
    Parts {
        /// Of what.
        what: &'static str,
        /// Coins.
        want: usize,
        /// Given.
        got: usize,
    },
    /// Nothing worth having would be left.
    #[error(transparent)]
    Spend(#[from] SpendError),
    /// The signing of one input fails.
    #[error("input {index}: {error}")]
    Musig {
        /// Which input.
        index: usize,
        /// Why.
        error: MusigError,
    },
}

/// A transaction that is to be signed by both parties.
#[derive(Clone)]
pub struct KeySpend {
    tx: Transaction,
    spent: Vec<TxOut>,
    keys: Vec<JointKey>,
}

/// A [`KeySpend`] that waits for the other party's help. Holds secret nonces: it can be finished once, and neither
/// copied nor written down.
///
/// ```compile_fail,E0382
/// # use kofo_bitcoin::AskedSpend;
/// fn signs_twice(asked: AskedSpend) {
///     let _ = asked.finish(&[], &[]);
///     let _ = asked.finish(&[], &[]);
/// }
/// ```
/// ```compile_fail,E0599
/// # use kofo_bitcoin::AskedSpend;
/// fn copies(asked: &AskedSpend) -> AskedSpend {
///     AskedSpend::clone(asked)
/// }
/// ```
pub struct AskedSpend {
    tx: Transaction,
    asks: Vec<Ask>,
}

impl KeySpend {
    /// The transaction that spends these coins, less the fee. A refund shares the fee between its legs, the first
    /// paying what is left over.
    pub fn new(what: Together, inputs: &[KeyInput<'_>], fee: Amount) -> Result<Self, KeySpendError> {
        if inputs.is_empty() || inputs.len() > MOST_TOGETHER {
            return Err(KeySpendError::Count { got: inputs.len() });
        }
        let mut seen = BTreeSet::new();
        for input in inputs {
            let outpoint = input.coin.outpoint;
            if !seen.insert(outpoint) {
                return Err(KeySpendError::Twice { outpoint });
            }
        }
        let outputs = outputs(what, inputs, fee)?;
        let spent = |input: &KeyInput<'_>| paid(&input.htlc.script_pubkey(), input.coin.value);
        Ok(Self {
            tx: unsigned_key_path(inputs, outputs),
            spent: inputs.iter().map(spent).collect(),
            keys: inputs.iter().map(|input| input.htlc.joint_key()).collect(),
        })
    }

    /// Virtual bytes of the signed transaction, exactly.
    pub fn vsize(what: Together, inputs: &[KeyInput<'_>]) -> u64 {
        let payouts = match what {
            Together::Redeem => inputs.get(..1).unwrap_or_default(),
            Together::Refund => inputs,
        };
        let outputs = payouts
            .iter()
            .map(|input| paid(input.payout, Amount::ZERO))
            .collect();
        let mut tx = unsigned_key_path(inputs, outputs);
        for input in &mut tx.input {
            input.witness = Witness::from_slice(&[[0; SIGNATURE_BYTES]]);
        }
        tx.weight().to_vbytes_ceil()
    }

    /// Draws a nonce for each input. `secrets` are ours, in the order of the inputs.
    pub fn ask(self, secrets: &[SecretKey]) -> Result<AskedSpend, KeySpendError> {
        self.expect("keys", secrets.len())?;
        let asks = self
            .keys
            .iter()
            .zip(secrets)
            .enumerate()
            .map(|(index, (key, secret))| {
                let ask = Ask::new(key.clone(), self.message(index), secret);
                ask.map_err(|error| KeySpendError::Musig { index, error })
            });
        let asks = asks.collect::<Result<_, _>>()?;
        Ok(AskedSpend { tx: self.tx, asks })
    }

    /// Signs each input for the other party, whose nonces these are. Each answer has a fresh nonce, which is gone when
    /// this returns.
    pub fn help(
        &self,
        secrets: &[SecretKey],
        nonces: &[[u8; NONCE_BYTES]],
    ) -> Result<Vec<Help>, KeySpendError> {
        self.expect("keys", secrets.len())?;
        self.expect("nonces", nonces.len())?;
        let parts = self.keys.iter().zip(secrets).zip(nonces).enumerate();
        let helps = parts.map(|(index, ((key, secret), nonce))| {
            let help = musig::help(key, &self.message(index), secret, nonce);
            help.map_err(|error| KeySpendError::Musig { index, error })
        });
        helps.collect()
    }

    /// What the signature of an input signs: all inputs and outputs.
    fn message(&self, index: usize) -> [u8; 32] {
        SighashCache::new(&self.tx)
            .taproot_key_spend_signature_hash(index, &Prevouts::All(&self.spent), TapSighashType::Default)
            .expect("every input has its coin")
            .to_byte_array()
    }

    fn expect(&self, what: &'static str, got: usize) -> Result<(), KeySpendError> {
        let want = self.keys.len();
        if want == got {
            return Ok(());
        }
        Err(KeySpendError::Parts { what, want, got })
    }
}

impl AskedSpend {
    /// Our public nonce for each input.
    pub fn nonces(&self) -> Vec<[u8; NONCE_BYTES]> {
        self.asks.iter().map(Ask::nonce).collect()
    }

    /// Checks the help for each input and signs the transaction.
    pub fn finish(self, secrets: &[SecretKey], helps: &[Help]) -> Result<Transaction, KeySpendError> {
        let Self { mut tx, asks } = self;
        let want = asks.len();
        for (what, got) in [("keys", secrets.len()), ("signatures", helps.len())] {
            if got != want {
                return Err(KeySpendError::Parts { what, want, got });
            }
        }
        for (index, ((ask, secret), help)) in asks.into_iter().zip(secrets).zip(helps).enumerate() {
            let signature = ask.finish(secret, help);
            let signature = signature.map_err(|error| KeySpendError::Musig { index, error })?;
            set_witness(&mut tx, index, Witness::from_slice(&[signature.serialize()]));
        }
        Ok(tx)
    }
}

fn unsigned_key_path(inputs: &[KeyInput<'_>], outputs: Vec<TxOut>) -> Transaction {
    let coins = inputs.iter().map(|input| input.coin.outpoint).collect();
    unsigned(coins, LockTime::ZERO, outputs)
}

/// Where the coins go.
fn outputs(what: Together, inputs: &[KeyInput<'_>], fee: Amount) -> Result<Vec<TxOut>, SpendError> {
    match (what, inputs) {
        (Together::Redeem, [first, ..]) => {
            let value = inputs
                .iter()
                .try_fold(Amount::ZERO, |sum, input| sum.checked_add(input.coin.value))
                .unwrap_or(Amount::ZERO);
            Ok(vec![output(first.payout, value, fee)?])
        }
        _ => {
            let legs = inputs.len().max(1) as u64;
            let (share, rest) = (fee / legs, fee % legs);
            let mut rest = Some(rest);
            let each = inputs.iter().map(|input| {
                let share = share.checked_add(rest.take().unwrap_or(Amount::ZERO));
                output(input.payout, input.coin.value, share.unwrap_or(Amount::MAX))
            });
            each.collect()
        }
    }
}

fn output(payout: &Script, value: Amount, fee: Amount) -> Result<TxOut, SpendError> {
    let dust = payout.minimal_non_dust();
    match value.checked_sub(fee).filter(|left| *left >= dust) {
        Some(left) => Ok(paid(payout, left)),
        None => Err(SpendError::Uneconomic { value, fee, dust }),
    }
}

#[cfg(test)]
mod tests;
