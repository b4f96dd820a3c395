//! What is written: one height in one commit.

use super::tables::{
    CERTIFICATES, CHANGES, GENESIS, HEADERS, IDS, LEAVES, META, MINE, ORDERS, PAYLOADS, RECEIPTS, SETS,
    SETTLEMENTS,
};
use super::{Found, Placed, Store, StoreError};
use kofo_clearance::Settlement;
use kofo_primitives::{Certificate, ClaimId, Digest, FulfilId, Header, NodeId, SwapId, ValidatorSet, encode};
use redb::{ReadableTable, WriteTransaction};

/// An order of a batch, and by what it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Where it is.
    pub placed: Placed,
    /// Its claim.
    pub claim: ClaimId,
    /// Its quote.
    pub fulfil: FulfilId,
    /// The account of its reservation.
    pub bond: NodeId,
}

/// A height that is decided.
#[derive(Debug)]
pub struct Committing<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Who signed it.
    pub certificate: &'a Certificate,
    /// The batch.
    pub payload: &'a [u8],
    /// The leaves under the header's batch root.
    pub leaves: &'a [Digest],
    /// So many of them are not operations: that of the last certificate.
    pub before: usize,
    /// Its orders.
    pub orders: &'a [OrderRow],
    /// The orders that ended with it.
    pub settlements: &'a [Settlement],
    /// Who certifies from the next height on, if others than until now.
    pub next: Option<&'a ValidatorSet>,
}

impl Store {
    /// The genesis of the file; that one if the file is new.
    pub(super) fn begin(&self, genesis: &Digest) -> Result<Digest, StoreError> {
        let mut have = *genesis;
        let done = self.in_one(|write| {
            // All tables are there from the beginning, so that reading never meets one that is not.
            write.open_table(HEADERS)?;
            write.open_table(CERTIFICATES)?;
            write.open_table(PAYLOADS)?;
            write.open_table(LEAVES)?;
            write.open_table(RECEIPTS)?;
            write.open_table(SETS)?;
            write.open_table(CHANGES)?;
            write.open_table(ORDERS)?;
            write.open_table(SETTLEMENTS)?;
            write.open_table(IDS)?;
            write.open_table(MINE)?;
            let mut meta = write.open_table(META)?;
            let known = meta.get(GENESIS)?.map(|bytes| bytes.value().to_vec());
            match known {
                Some(bytes) => have = bytes.try_into().unwrap_or_default(),
                None => drop(meta.insert(GENESIS, genesis.as_slice())?),
            }
            Ok(())
        });
        done.map_err(self.failed("opened"))?;
        Ok(have)
    }

    pub(super) fn in_one(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let write = self.disk.begin_write()?;
        change(&write)?;
        write.commit()?;
        Ok(())
    }

    /// Writes a height. It is durable when this returns, or nothing of it is there.
    pub fn append(&self, height: &Committing<'_>) -> Result<(), StoreError> {
        self.in_one(|write| {
            batch(write, height)?;
            orders(write, height)?;
            endings(write, height)
        })
        .map_err(self.failed("written"))
    }

    /// The validators of height 1, written once.
    pub fn first_set(&self, set: &ValidatorSet) -> Result<(), StoreError> {
        let bytes = encode(set);
        self.in_one(|write| {
            let mut sets = write.open_table(SETS)?;
            sets.insert(1, bytes.as_slice())?;
            Ok(())
        })
        .map_err(self.failed("written"))
    }

    /// Replaces a height's certificate by one with more signatures.
    pub fn replace_certificate(&self, certificate: &Certificate) -> Result<(), StoreError> {
        let bytes = encode(certificate);
        self.in_one(|write| {
            let mut all = write.open_table(CERTIFICATES)?;
            all.insert(certificate.height, bytes.as_slice())?;
            Ok(())
        })
        .map_err(self.failed("written"))
    }
}

fn batch(write: &WriteTransaction, of: &Committing<'_>) -> Result<(), redb::Error> {
    let height = of.header.height;
    let (header, certificate) = (encode(of.header), encode(of.certificate));
    write.open_table(HEADERS)?.insert(height, header.as_slice())?;
    write
        .open_table(CERTIFICATES)?
        .insert(height, certificate.as_slice())?;
    write.open_table(PAYLOADS)?.insert(height, of.payload)?;
    write
        .open_table(LEAVES)?
        .insert(height, of.leaves.as_flattened())?;
    if let Some(next) = of.next {
        let bytes = encode(next);
        let from = height.saturating_add(1);
        write.open_table(SETS)?.insert(from, bytes.as_slice())?;
        write.open_table(CHANGES)?.insert(next.epoch(), height)?;
    }
    Ok(())
}

fn orders(write: &WriteTransaction, of: &Committing<'_>) -> Result<(), redb::Error> {
    let height = of.header.height;
    let (mut ids, mut all) = (write.open_table(IDS)?, write.open_table(ORDERS)?);
    let mut mine = write.open_table(MINE)?;
    for (place, leaf) in (0u32..).zip(of.leaves.iter().skip(of.before)) {
        let found = encode(&Found::Op(height, place));
        ids.insert(*leaf, found.as_slice())?;
    }
    for row in of.orders {
        let order = row.placed.order;
        all.insert(*order.as_bytes(), encode(&row.placed).as_slice())?;
        let found = encode(&Found::Order(order));
        for id in [order.as_bytes(), row.claim.as_bytes(), row.fulfil.as_bytes()] {
            ids.insert(*id, found.as_slice())?;
        }
        let key = (*row.bond.as_bytes(), height, row.placed.place);
        mine.insert(key, *order.as_bytes())?;
    }
    Ok(())
}

fn endings(write: &WriteTransaction, of: &Committing<'_>) -> Result<(), redb::Error> {
    if of.settlements.is_empty() {
        return Ok(());
    }
    let height = of.header.height;
    let receipts = of.settlements.iter().map(|one| one.receipt().leaf());
    let leaves: Vec<Digest> = receipts.collect();
    write
        .open_table(RECEIPTS)?
        .insert(height, leaves.as_flattened())?;
    let mut all = write.open_table(SETTLEMENTS)?;
    for (place, settlement) in (0u32..).zip(of.settlements) {
        let bytes = encode(&(height, place, settlement));
        let order: SwapId = settlement.order;
        all.insert(*order.as_bytes(), bytes.as_slice())?;
    }
    Ok(())
}
