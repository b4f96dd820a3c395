//! Orders payloads among validators: Tendermint consensus, by Malachite, behind a facade that shows none of it.

mod application;
mod settings;

pub use application::{AppError, Application, Committed, Judged, Origin, Proposal, Slot, Tip};
pub use settings::{Limits, Pace, Settings, StartError};
