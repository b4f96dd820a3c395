//! The form of [`Prepared`] on Bitcoin: the signed transaction and what it pays. Its inputs are its reservation.

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::{Amount, OutPoint, Transaction};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{ActKind, Bytes, Prepared};

use crate::fee::schedule::Paid;

/// Names this layout; another one gets another number.
const VERSION: u8 = 1;

/// A signed transaction of one act. May hold a preimage: printed by its id only.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) kind: ActKind,
    pub(crate) tx: Transaction,
    pub(crate) fee: Amount,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Signed({:?}, {}, fee {})",
            self.kind,
            self.tx.compute_txid(),
            self.fee
        )
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Record {
    version: u8,
    kind: ActKind,
    fee: u64,
    tx: Vec<u8>,
}

/// Why bytes are no transaction of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PreparedError {
    #[error("a prepared bitcoin transaction is malformed: {0}")]
    Malformed(String),
    #[error("a transaction of {have} bytes does not fit into {most}: consolidate the wallet's small coins")]
    TooLarge { have: usize, most: usize },
}

impl Signed {
    pub(crate) fn outpoints(&self) -> impl Iterator<Item = OutPoint> + '_ {
        self.tx.input.iter().map(|input| input.previous_output)
    }

    /// What it pays.
    pub(crate) fn paid(&self) -> Paid {
        Paid {
            fee: self.fee,
            vsize: self.tx.weight().to_vbytes_ceil(),
        }
    }

    /// What it takes in.
    pub(crate) fn value(&self) -> Amount {
        let outputs = self.tx.output.iter().map(|output| output.value);
        outputs.fold(self.fee, |sum, value| {
            sum.checked_add(value).unwrap_or(Amount::MAX_MONEY)
        })
    }

    /// Whether both spend the same coins: versions of one act.
    pub(crate) fn same_inputs(&self, other: &Self) -> bool {
        let sorted = |signed: &Self| {
            let mut outpoints: Vec<OutPoint> = signed.outpoints().collect();
            outpoints.sort_unstable();
            outpoints
        };
        sorted(self) == sorted(other)
    }

    pub(crate) fn encode(&self) -> Result<Prepared, PreparedError> {
        let record = Record {
            version: VERSION,
            kind: self.kind,
            fee: self.fee.to_sat(),
            tx: serialize(&self.tx),
        };
        let bytes = borsh::to_vec(&record).map_err(|error| PreparedError::Malformed(error.to_string()))?;
        let prepared = Bytes::new(bytes);
        prepared.map(Prepared).map_err(|e| PreparedError::TooLarge {
            have: e.have,
            most: e.most,
        })
    }

    pub(crate) fn decode(prepared: &Prepared) -> Result<Self, PreparedError> {
        let malformed = |why: String| PreparedError::Malformed(why);
        let record: Record =
            borsh::from_slice(prepared.0.as_slice()).map_err(|error| malformed(error.to_string()))?;
        if record.version != VERSION {
            return Err(malformed(format!(
                "expected version {VERSION}, got {}",
                record.version
            )));
        }
        let tx = deserialize(&record.tx).map_err(|error| malformed(error.to_string()))?;
        Ok(Self {
            kind: record.kind,
            tx,
            fee: Amount::from_sat(record.fee),
        })
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::absolute::LockTime;
    use bitcoin::transaction::Version;
    use bitcoin::{ScriptBuf, TxOut};
    use proptest::prelude::*;

    use super::*;

    fn signed(outputs: usize) -> Signed {
        let output = TxOut {
            value: Amount::from_sat(1),
            script_pubkey: ScriptBuf::new(),
        };
        let input = bitcoin::TxIn::default();
        let tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![input],
            output: vec![output; outputs],
        };
        Signed {
            kind: ActKind::Refund,
            tx,
            fee: Amount::from_sat(7),
        }
    }

    #[test]
    fn a_prepared_transaction_survives_the_journal() {
        assert_eq!(Signed::decode(&signed(2).encode().unwrap()), Ok(signed(2)));
    }

    #[test]
    fn a_transaction_that_does_not_fit_the_journal_is_refused_before_it_is_used() {
        let refused = signed(3_000).encode().unwrap_err();
        assert!(
            matches!(refused, PreparedError::TooLarge { most: 16_384, .. }),
            "{refused}"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Signed::decode(&Prepared(Bytes::new(bytes).unwrap()));
        }

        #[test]
        fn a_cut_record_does_not_decode(cut in 1usize..50) {
            let whole = signed(2).encode().unwrap();
            let bytes = whole.0.as_slice();
            let cut = Bytes::new(&bytes[..bytes.len() - cut]).unwrap();
            prop_assert!(Signed::decode(&Prepared(cut)).is_err());
        }
    }
}
