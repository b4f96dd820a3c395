//! What a validator sees on chains, and says: it watches the legs of all orders that go on, as somebody who is no party
//! to them, and signs what it saw.
//!
//! * What may be said of one leg. Absence only by a tip that is past the time and two blocks more; a fault
//!   of the chain's nodes, or a tip that stands still, makes it silent.
//! * What was said last is the ledger's to remember: after a restart the count goes on from there.
//! * Only a place of each chain's height now and then is kept on disk, so that legs are looked for from before their
//!   order on. Of an order that is older than that, nothing is said.

mod eyes;
mod leg;
mod shell;
mod trail;
mod watch;

pub use eyes::{Eyes, EyesError};
pub use shell::{ObserverError, ObserverParts, Submit, observe};
