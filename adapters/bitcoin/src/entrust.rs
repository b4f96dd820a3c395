//! What the owner of a leg entrusts to a third party (rule B13): signatures of redeems or refunds to the owner's own payout, at
//! rising fees.
//!
//! A package names the coin, the fee and the owner's signature; whoever takes it over builds the transaction from the
//! leg's terms, so that it can pay to nobody else. A redeem lacks the preimage: its signature is worth nothing before
//! that is known. A refund is valid from the timelock on, like the owner's own.

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::schnorr::Signature;
use bitcoin::{Amount, OutPoint, Transaction, Txid};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{Entrusted, MOST_LEVELS};
use kofo_primitives::{Act, ActKind, Bytes, End};

use crate::fee::SatPerVb;
use crate::spend::{Coin, Spend, SpendError};
use crate::terms::Terms;

/// Names this form of a package; another one gets another number.
const VERSION: u8 = 1;
/// From the least that is relayed to the highest fee.
const LEVELS: u32 = 5;
const _: () = assert!(LEVELS as usize <= MOST_LEVELS);
/// The highest fee is this share of the coin: whoever holds the packages could send the dearest one at once.
const SHARE: u64 = 4;

#[derive(BorshSerialize, BorshDeserialize)]
struct Package {
    version: u8,
    act: ActKind,
    /// In the byte order of transactions.
    txid: [u8; 32],
    vout: u32,
    value: u64,
    fee: u64,
    signature: [u8; 64],
}

/// Why a leg is not entrusted, or a package not taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntrustError {
    /// Not the bytes of a package.
    #[error("the package is malformed: {0}")]
    Malformed(String),
    /// The act is not one of the owner's.
    #[error("expected a redeem by the redeemer or a refund by the refunder, got {act:?} by the {end:?}")]
    Act {
        /// What shall be done.
        act: ActKind,
        /// What the owner is.
        end: End,
    },
    /// The package is for the other act.
    #[error("expected a package for a {want:?}, got one for a {got:?}")]
    Other {
        /// What shall be done.
        want: ActKind,
        /// What the package is for.
        got: ActKind,
    },
    /// A lock has exactly the amount of its leg.
    #[error("expected a lock of {want}, got one of {got}")]
    Amount {
        /// What was agreed.
        want: Amount,
        /// What the package names.
        got: Amount,
    },
    /// The chain has another lock, or none.
    #[error(
        "the package spends {got}, which is not the lock of this leg: watch the leg, or ask its owner again"
    )]
    Coin {
        /// What the package spends.
        got: OutPoint,
    },
    /// The leg has no final lock.
    #[error("expected a final lock that nothing has spent, got none: watch the leg and wait")]
    NotFinal,
    /// The signature is not the owner's over this transaction, or the preimage is wrong, or too little is left.
    #[error(transparent)]
    Spend(#[from] SpendError),
}

/// The fees of the packages for one act, rising.
pub(crate) fn levels(
    terms: &Terms,
    act: ActKind,
    coin: Coin,
    most: SatPerVb,
) -> Result<Vec<Amount>, EntrustError> {
    expect_act(terms, act)?;
    let payout = &terms.ours().payout;
    let vsize = match act {
        ActKind::Redeem => terms.htlc.redeem_vsize(1, payout),
        _ => terms.htlc.refund_vsize(1, payout),
    };
    let fees = rates(cap(coin.value, vsize, most)).into_iter().map(|rate| {
        let fee = rate.fee(vsize);
        let coins = &[coin];
        Spend { coins, payout, fee }.left()?;
        Ok(fee)
    });
    fees.collect()
}

/// The package of one level, with the owner's signature for it.
pub(crate) fn package(
    act: ActKind,
    coin: Coin,
    fee: Amount,
    signatures: &[Signature],
) -> Result<Entrusted, EntrustError> {
    let [signature] = signatures else {
        let got = format!("expected one signature, got {}", signatures.len());
        return Err(EntrustError::Malformed(got));
    };
    Ok(encode(&Package {
        version: VERSION,
        act,
        txid: coin.outpoint.txid.to_byte_array(),
        vout: coin.outpoint.vout,
        value: coin.value.to_sat(),
        fee: fee.to_sat(),
        signature: signature.serialize(),
    }))
}

/// The transaction of a package, complete, and its fee. `locked` is the lock of the leg as the chain has it.
pub(crate) fn take_over(
    terms: &Terms,
    act: &Act,
    entrusted: &Entrusted,
    locked: Coin,
) -> Result<(Transaction, Amount), EntrustError> {
    expect_act(terms, act.kind())?;
    let package: Package = borsh::from_slice(entrusted.as_slice())
        .map_err(|error| EntrustError::Malformed(error.to_string()))?;
    if package.version != VERSION {
        let why = format!("expected version {VERSION}, got {}", package.version);
        return Err(EntrustError::Malformed(why));
    }
    if package.act != act.kind() {
        let (want, got) = (act.kind(), package.act);
        return Err(EntrustError::Other { want, got });
    }
    let coin = package.coin();
    if coin.value != terms.amount {
        let (want, got) = (terms.amount, coin.value);
        return Err(EntrustError::Amount { want, got });
    }
    if coin != locked {
        return Err(EntrustError::Coin { got: coin.outpoint });
    }
    let signature = Signature::from_slice(&package.signature)
        .map_err(|error| EntrustError::Malformed(error.to_string()))?;
    let (coins, fee) = ([coin], Amount::from_sat(package.fee));
    let spend = Spend {
        coins: &coins,
        payout: &terms.ours().payout,
        fee,
    };
    let tx = match act {
        Act::Redeem(preimage) => terms
            .htlc
            .complete_redeem(&spend, preimage.expose(), &[signature])?,
        _ => terms.htlc.complete_refund(&spend, &[signature])?,
    };
    Ok((tx, fee))
}

impl Package {
    fn coin(&self) -> Coin {
        Coin {
            outpoint: OutPoint {
                txid: Txid::from_byte_array(self.txid),
                vout: self.vout,
            },
            value: Amount::from_sat(self.value),
        }
    }
}

fn expect_act(terms: &Terms, act: ActKind) -> Result<(), EntrustError> {
    match (act, terms.end) {
        (ActKind::Redeem, End::Redeemer) | (ActKind::Refund, End::Refunder) => Ok(()),
        (act, end) => Err(EntrustError::Act { act, end }),
    }
}

fn encode(package: &Package) -> Entrusted {
    let bytes = borsh::to_vec(package).expect("memory takes all bytes");
    Bytes::new(bytes).expect("a package has some 150 bytes")
}

/// The rate of the dearest level.
fn cap(value: Amount, vsize: u64, most: SatPerVb) -> SatPerVb {
    let share = (value / SHARE).to_sat().checked_div(vsize).unwrap_or(0);
    most.min(SatPerVb(share)).max(SatPerVb(1))
}

/// Rising rates, each the same multiple of the one before, from the least that is relayed to the cap.
fn rates(cap: SatPerVb) -> Vec<SatPerVb> {
    let reaches = |factor: &u64| factor.saturating_pow(LEVELS - 1) >= cap.0;
    let factor = (1..=u64::MAX).find(reaches).unwrap_or(u64::MAX);
    let mut rates: Vec<_> = (0..LEVELS)
        .map(|level| SatPerVb(factor.saturating_pow(level)).min(cap))
        .collect();
    rates.dedup();
    rates
}

#[cfg(test)]
pub(crate) mod tests;
