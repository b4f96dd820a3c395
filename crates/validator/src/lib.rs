//! A validator's process, and a follower's: keeps the ledger, takes operations in, proposes and judges batches, and
//! answers nodes.
//!
//! * Depends on: consensus (which orders batches), clearance (which says what they lead to), the network's direct plane,
//!   the node's keystore, files and RPC building blocks, and a database.
//! * Promises: what is decided is on disk before anybody is told; a batch is done once per node and a signature checked
//!   once per node; whatever nodes send is bounded; only parties of an order get its parts, and only validators the
//!   secret that they share.
//!
//! [`Validator`] is the whole process. [`Replica`] is the ledger as the engine's application, [`Intake`] where
//! operations come in, [`Service`] what nodes are answered.

mod checks;
mod committee;
mod config;
mod daemon;
mod head;
mod intake;
mod keys;
mod observer;
mod replica;
mod rpc;
mod service;
mod status;
mod store;

pub use checks::Checks;
pub use committee::{COMMITTEE_FILE, Committee, CommitteeError, share_of};
pub use config::{CONFIG_FILE, ConfigError, Role, Speed, ValidatorConfig};
pub use daemon::{FOLDER, Run, RunError, Sight, Start, Validator, engine_peer};
pub use head::{Clock, Head};
pub use intake::{
    Forward, Intake, IntakeError, IntakeParts, Peers, Pool, PoolFull, PoolLimits, SubmittedError, Told,
};
pub use keys::Keys;
pub use observer::{Eyes, EyesError, ObserverError, ObserverParts, Submit, observe};
pub use replica::{Replica, ReplicaError, ReplicaParts, most_payload};
pub use rpc::{ValidatorRpcClient, connect};
pub use service::{Service, ServiceParts};
pub use status::{AccountShown, HoldingShown, OrderShown, PayoutShown, SettlementShown, Status};
pub use store::{Committing, Found, Handover, OpenError, OrderRow, Placed, STORE_FILE, Store, StoreError};
