//! Orders payloads among validators: Tendermint consensus by Malachite, behind a facade that shows nothing of it and of
//! its network.
//!
//! * Depends on: the nouns, a database for what is not decided yet, and the engine with its own libp2p.
//! * Promises: more than two thirds of the power signed what is committed; a payload is durable before it is voted on,
//!   and what was voted before a crash is not contradicted after it; whatever peers send is bounded and never panics;
//!   a failure stops the engine and says so.
//!
//! * Decided payloads are given to validators and admitted followers only; proposals are readable by whoever has the key
//!   of the [`Veil`].
//!
//! [`Engine::start`] takes [`Settings`] and an [`Application`], which builds, judges and commits payloads.

mod address;
mod application;
#[cfg(feature = "byzantine")]
mod byzantine;
mod codec;
mod config;
mod context;
mod engine;
mod gate;
mod parts;
mod peer_key;
mod record;
mod settings;
mod sign;
mod store;
mod streams;
mod veil;
mod worker;

pub use application::{AppError, Application, Committed, Judged, Origin, Proposal, Slot, Tip};
#[cfg(feature = "byzantine")]
pub use byzantine::Lies;
pub use engine::{Engine, EngineStatus, Failure, peer_id};
pub use settings::{Limits, Pace, Settings, StartError, Unrecorded};
pub use veil::Veil;
