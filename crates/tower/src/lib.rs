//! The watchtower: a third party that watches the legs of a swap for an owner who is away, and redeems or refunds them
//! to the owner's own payout. It holds no key of the owner, and no package holds a preimage.
//!
//! * [`Package`] is what an owner entrusts, signed; [`Request`] and [`Response`] carry it.
//! * [`Tower`] decides: packages and chain events in, [`Effect`]s out, with a journal between. No task, no clock.
//! * [`Shelf`] has the recovery records that are kept for others: owners' on a tower, counterparties' on a node.
//! * [`serve`] is the shell around it: adapters and peers.
//!
//! Depends on the chain port, the journal and the network, never on a concrete chain or on the swap machine. The rules
//! are numbered in `docs/protocol/tower.md`.

mod facts;
mod message;
mod package;
mod serve;
mod shelf;
mod status;
mod tower;
mod watched;

pub use message::{Ask, Keep, Request, Response, Standing, Told};
pub use package::{Entry, MOST_PACKAGE_BYTES, Package, PackageError};
pub use serve::{Adapters, ServeError, serve};
pub use shelf::{MOST_RECORD_BYTES, RecordPage, SealedRecord, Shelf, ShelfBounds, ShelfError, ShelfFull};
pub use status::{LegWatch, Watching};
pub use tower::{Accepted, Bounds, Effect, Guests, Refusal, Rules, Tower, TowerError, watch_id};
pub use watched::{GRACE_REDEEM, GRACE_REFUND, LINGER};
