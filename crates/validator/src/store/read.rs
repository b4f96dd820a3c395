//! What is asked.

use super::tables::{
    Bytes, CERTIFICATES, CHANGES, HEADERS, IDS, Id, LEAVES, MINE, ORDERS, PAYLOADS, RECEIPTS, SETS,
    SETTLEMENTS,
};
use super::{Found, Placed, Store, StoreError};
use borsh::BorshDeserialize;
use kofo_clearance::{Batch, MerkleProof, OrderProof, ReceiptProof, SetChange, Settlement};
use kofo_primitives::{Certificate, Digest, Header, NodeId, SwapId, ValidatorSet};
use redb::{Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition};

/// A height at which one set handed over to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The last height of the set before.
    pub height: u64,
    /// The epoch of the next.
    pub epoch: u64,
}

type Read<T> = Result<T, StoreError>;

impl Store {
    fn reading<T>(&self, ask: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Read<T> {
        let all = || ask(&self.disk.begin_read()?);
        all().map_err(self.failed("read"))
    }

    fn bytes<K: Key + 'static>(
        &self,
        table: TableDefinition<'static, K, Bytes>,
        key: K::SelfType<'_>,
    ) -> Read<Option<Vec<u8>>> {
        self.reading(|read| {
            let found = read.open_table(table)?.get(key)?;
            Ok(found.map(|bytes| bytes.value().to_vec()))
        })
    }

    fn value<T: BorshDeserialize>(&self, what: &str, bytes: Option<Vec<u8>>) -> Read<Option<T>> {
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let read = T::try_from_slice(&bytes);
        read.map(Some).map_err(|_| self.damaged(what))
    }

    /// The last height; 0 if there is none.
    pub fn height(&self) -> Read<u64> {
        self.reading(|read| {
            let headers = read.open_table(HEADERS)?;
            let last = headers.last()?;
            Ok(last.map_or(0, |(height, _)| height.value()))
        })
    }

    /// The header of a height.
    pub fn header(&self, height: u64) -> Read<Option<Header>> {
        let bytes = self.bytes(HEADERS, height)?;
        self.value("a header", bytes)
    }

    /// The certificate of a height, with the most signatures that were seen.
    pub fn certificate(&self, height: u64) -> Read<Option<Certificate>> {
        let bytes = self.bytes(CERTIFICATES, height)?;
        self.value("a certificate", bytes)
    }

    /// The batch of a height.
    pub fn payload(&self, height: u64) -> Read<Option<Vec<u8>>> {
        self.bytes(PAYLOADS, height)
    }

    /// The validators of a height, if they are others than the genesis'.
    pub fn set(&self, height: u64) -> Read<Option<ValidatorSet>> {
        let bytes = self.reading(|read| {
            let sets = read.open_table(SETS)?;
            let found = sets.range(..=height)?.next_back().transpose()?;
            Ok(found.map(|(_, bytes)| bytes.value().to_vec()))
        })?;
        self.value("a set of validators", bytes)
    }

    /// Handovers to epochs after that one, oldest first, at most so many.
    pub fn handovers(&self, after_epoch: u64, most: usize) -> Read<Vec<Handover>> {
        self.reading(|read| {
            let changes = read.open_table(CHANGES)?;
            let after = changes.range(after_epoch.saturating_add(1)..)?;
            let mut found = Vec::new();
            for row in after.take(most) {
                let (epoch, height) = row?;
                found.push(Handover {
                    height: height.value(),
                    epoch: epoch.value(),
                });
            }
            Ok(found)
        })
    }

    /// What a light node needs to follow a handover.
    pub fn change(&self, at: Handover) -> Read<SetChange> {
        let next = self.set(at.height.saturating_add(1))?;
        let missing = || self.damaged(format_args!("the change to epoch {}", at.epoch));
        Ok(SetChange {
            header: self.header(at.height)?.ok_or_else(missing)?,
            certificate: self.certificate(at.height)?.ok_or_else(missing)?,
            next: next.ok_or_else(missing)?,
        })
    }

    /// What an id is of: an order's, a claim's, a quote's or an operation's leaf.
    pub fn find(&self, id: &Digest) -> Read<Option<Found>> {
        let bytes = self.bytes(IDS, *id)?;
        self.value("an index", bytes)
    }

    /// Where an order is.
    pub fn order(&self, order: SwapId) -> Read<Option<Placed>> {
        let bytes = self.bytes(ORDERS, *order.as_bytes())?;
        self.value("an order's place", bytes)
    }

    /// An operation as it was committed.
    pub fn op(&self, height: u64, place: u32) -> Read<Vec<u8>> {
        let lost = || self.damaged(format_args!("operation {place} of height {height}"));
        let payload = self.payload(height)?.ok_or_else(lost)?;
        let batch = Batch::read(&payload, payload.len()).map_err(|_| lost())?;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        batch.ops.into_iter().nth(place).ok_or_else(lost)
    }

    /// How an order ended: at which height, at which place of its receipts.
    pub fn settlement(&self, order: SwapId) -> Read<Option<(u64, u32, Settlement)>> {
        let bytes = self.bytes(SETTLEMENTS, *order.as_bytes())?;
        self.value("a settlement", bytes)
    }

    /// Orders on an account's reservations from a place at a height on, oldest first, with their heights.
    pub fn mine(&self, account: NodeId, (from, place): (u64, u32), most: usize) -> Read<Vec<(SwapId, u64)>> {
        self.reading(|read| {
            let account: Id = *account.as_bytes();
            let mine = read.open_table(MINE)?;
            let of = mine.range((account, from, place)..=(account, u64::MAX, u32::MAX))?;
            let mut found = Vec::new();
            for row in of.take(most) {
                let (key, order) = row?;
                found.push((SwapId::new(order.value()), key.value().1));
            }
            Ok(found)
        })
    }

    fn leaves(&self, table: TableDefinition<'static, u64, Bytes>, height: u64) -> Read<Vec<Digest>> {
        let bytes = self.bytes(table, height)?.unwrap_or_default();
        let (leaves, rest) = bytes.as_chunks::<32>();
        match rest {
            [] => Ok(leaves.to_vec()),
            _ => Err(self.damaged(format_args!("the leaves of height {height}"))),
        }
    }

    /// The proof that an order is final.
    pub fn order_proof(&self, placed: &Placed) -> Read<OrderProof> {
        let height = placed.height;
        let missing = || self.damaged(format_args!("height {height}"));
        let leaves = self.leaves(LEAVES, height)?;
        let leaf = kofo_clearance::order_leaf(placed.order, &placed.hidden);
        let index = leaves.iter().position(|one| *one == leaf);
        let path = index.and_then(|index| MerkleProof::of(&leaves, index));
        Ok(OrderProof {
            header: self.header(height)?.ok_or_else(missing)?,
            certificate: self.certificate(height)?.ok_or_else(missing)?,
            hidden: placed.hidden,
            path: path.ok_or_else(missing)?,
        })
    }

    /// The proof of how an order ended, if it did.
    pub fn receipt_proof(&self, order: SwapId) -> Read<Option<ReceiptProof>> {
        let Some((height, place, settlement)) = self.settlement(order)? else {
            return Ok(None);
        };
        let missing = || self.damaged(format_args!("height {height}"));
        let leaves = self.leaves(RECEIPTS, height)?;
        let path = MerkleProof::of(&leaves, usize::try_from(place).unwrap_or(usize::MAX));
        Ok(Some(ReceiptProof {
            header: self.header(height)?.ok_or_else(missing)?,
            certificate: self.certificate(height)?.ok_or_else(missing)?,
            receipt: settlement.receipt(),
            path: path.ok_or_else(missing)?,
        }))
    }
}
