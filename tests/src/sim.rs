//! Nodes, their journals and three chains in one process, driven step by step: the same driver, the same machine and the
//! same port as in life. [`World`] has two nodes that speak to their chains only; a [`Town`] has up to five, a network
//! between them, and liars. Nothing here knows a clock or a thread, so that a failure repeats itself.

mod agreement;
mod books;
mod byzantine;
mod crashes;
mod dice;
mod faults;
mod guarded;
mod node;
mod restart;
mod town;
mod world;

pub use byzantine::{Vice, WrongLock};
pub use crashes::{CrashPoint, Story, crash_points};
pub use dice::Dice;
pub use faults::{Violation, run_seed};
pub use guarded::{Guarded, Habit, TowerNode};
pub use node::{Death, Node, Who};
pub use restart::{copy_journal, restart};
pub use town::{Bargain, Tale, Town, TownCrash, Weather};
pub use world::{ASSETS, START, World, asset};
