//! Two nodes, their journals and three chains in one process, driven step by step: the same driver, the same machine
//! and the same port as in life. Nothing here knows a clock or a thread, so that a failure repeats itself.

mod agreement;
mod books;
mod crashes;
mod faults;
mod guarded;
mod node;
mod restart;
mod world;

pub use crashes::{CrashPoint, Story, crash_points};
pub use faults::{Violation, run_seed};
pub use guarded::{Guarded, Habit, TowerNode};
pub use node::{Death, Node, Who};
pub use restart::{copy_journal, restart};
pub use world::{ASSETS, START, World, asset};
