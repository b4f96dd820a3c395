//! The tables of the file. Numbers sort as they count; ids are 32 bytes.

use redb::TableDefinition;

pub(super) type Bytes = &'static [u8];
pub(super) type Id = [u8; 32];

/// By name.
pub(super) const META: TableDefinition<'_, &str, Bytes> = TableDefinition::new("meta/v1");
/// By height.
pub(super) const HEADERS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("headers/v1");
/// By height.
pub(super) const CERTIFICATES: TableDefinition<'_, u64, Bytes> = TableDefinition::new("certificates/v1");
/// By height: the batch as it was decided.
pub(super) const PAYLOADS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("payloads/v1");
/// By height: the leaves under the header's batch root, one after the other.
pub(super) const LEAVES: TableDefinition<'_, u64, Bytes> = TableDefinition::new("leaves/v1");
/// By height: the leaves under the header's receipts, one after the other; none for a height without.
pub(super) const RECEIPTS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("receipts/v1");
/// By the first height that it certifies: a set.
pub(super) const SETS: TableDefinition<'_, u64, Bytes> = TableDefinition::new("sets/v1");
/// By the epoch of the next set: the height that hands over to it.
pub(super) const CHANGES: TableDefinition<'_, u64, u64> = TableDefinition::new("changes/v1");
/// By order: where it is.
pub(super) const ORDERS: TableDefinition<'_, Id, Bytes> = TableDefinition::new("orders/v1");
/// By order: its settlement, with height and place among that height's receipts.
pub(super) const SETTLEMENTS: TableDefinition<'_, Id, Bytes> = TableDefinition::new("settlements/v1");
/// By any id: what it is of.
pub(super) const IDS: TableDefinition<'_, Id, Bytes> = TableDefinition::new("ids/v1");
/// By account of the reservation, height and place: the order.
pub(super) const MINE: TableDefinition<'_, (Id, u64, u32), Id> = TableDefinition::new("mine/v1");
/// In [`META`].
pub(super) const GENESIS: &str = "genesis";
