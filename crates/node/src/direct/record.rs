//! A recovery record on its way to the other party of a swap.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Digest, NodeId, NodeKey, Signature, SignatureError, SwapId, encode, tagged_hash};
use kofo_tower::SealedRecord;

/// Asks the other party of a swap to keep a record of ours. Nobody but we can open it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Keep {
    /// The swap.
    pub swap: SwapId,
    /// The record.
    pub record: SealedRecord,
    /// Whose it is: a party to the swap.
    pub by: NodeId,
    signature: Signature,
}

/// Why a record is none that the other party gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record is not signed by the party that it names: {0}")]
pub struct KeepError(#[from] SignatureError);

impl Keep {
    /// A record, signed.
    #[must_use]
    pub fn new(swap: SwapId, record: SealedRecord, key: &NodeKey) -> Self {
        let by = key.id();
        let signature = key.sign(&digest(swap, &record, &by));
        Self {
            swap,
            record,
            by,
            signature,
        }
    }

    /// Whether it is right by itself.
    pub fn check(&self) -> Result<(), KeepError> {
        let digest = digest(self.swap, &self.record, &self.by);
        Ok(self.by.verify(&digest, &self.signature)?)
    }
}

fn digest(swap: SwapId, record: &SealedRecord, by: &NodeId) -> Digest {
    tagged_hash("kofo/keep/v1", &[swap.as_bytes(), &encode(record), &encode(by)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::direct::{Request, Response};
    use kofo_primitives::{Bytes, decode};
    use kofo_tower::RecordPage;

    fn keep(key: &NodeKey) -> Keep {
        Keep::new(SwapId::new([7; 32]), Bytes::new([1, 2]).unwrap(), key)
    }

    #[test]
    fn a_record_is_right_only_as_its_owner_signed_it() {
        let (key, other) = (NodeKey::new(&[1; 32]).unwrap(), NodeKey::new(&[2; 32]).unwrap());
        let sent: Keep = decode(&encode(&keep(&key))).unwrap();
        assert_eq!(sent.check(), Ok(()));
        let mut changes = [sent.clone(), sent.clone(), sent];
        changes[0].swap = SwapId::new([9; 32]);
        changes[1].record = Bytes::new([1, 3]).unwrap();
        changes[2].by = other.id();
        for changed in changes {
            assert!(changed.check().is_err());
        }
    }

    #[test]
    fn the_bytes_of_messages_about_records_are_pinned() {
        let key = NodeKey::new(&[1; 32]).unwrap();
        let given = Request::Keep(Box::new(keep(&key))).write();
        let by = hex::encode(encode(&key.id()));
        let head = ["02", &"07".repeat(32), "02000000", "0102", &by].concat();
        assert_eq!(hex::encode(&given), head + SIGNATURE);
        assert_eq!(Request::Return(None).write(), [3, 0]);
        let after = Request::Return(Some(SwapId::new([7; 32]))).write();
        assert_eq!(hex::encode(after), format!("0301{}", "07".repeat(32)));
        assert_eq!(Response::Kept(None).write(), [3, 0]);
        let theirs = Response::Kept(Some(Bytes::new([1, 2]).unwrap())).write();
        assert_eq!(hex::encode(theirs), "0301020000000102");
        let page = RecordPage {
            records: vec![(SwapId::new([7; 32]), Bytes::new([1, 2]).unwrap())],
            more: true,
        };
        let records = Response::Records(page).write();
        let expected = format!("0401000000{}02000000010201", "07".repeat(32));
        assert_eq!(hex::encode(records), expected);
    }

    const SIGNATURE: &str = "dc9e05eb814170621a980a34164bc532ed44cb7b60f537db89ae18633b98f335\
                             52e9ffa44239062193303acfbfc81088f555c0deac2c35308387b81a5f2af35f";
}
