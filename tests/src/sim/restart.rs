//! A node that starts again from a journal on disk, with many swaps that go on.

use super::node::{Who, adapters, turn};
use super::world::World;
use kofo_journal::{Journal, Store};
use kofo_node::driver::{Driver, DriverError};

/// Writes the journal of a node that runs into an empty one on disk. How many records there are.
///
/// # Errors
/// Those of either journal.
pub fn copy_journal(world: &mut World, who: Who, store: &mut Store) -> Result<u64, kofo_journal::Error> {
    let driver = world.nodes.get_mut(&who).expect("both nodes exist").driver();
    let mut records = 0;
    for entry in driver.journal().replay()? {
        store.append(entry?.record)?;
        records += 1;
        if records % 200 == 0 {
            store.sync()?;
        }
    }
    store.sync()?;
    Ok(records)
}

/// Starts a node from its journal: replays it, has every swap that goes on watched, hears what became of them, and
/// asks the chains for what is owed. How many swaps go on and how many effects were handed out.
///
/// # Errors
/// A journal that does not replay.
pub fn restart(world: &World, who: Who, store: Store) -> Result<(usize, u64), DriverError> {
    let mut driver = Driver::open(store)?;
    let adapters = adapters(&world.chains, world.nodes[&who].account);
    let mut effects = 0;
    let mut dies = || {
        effects += 1;
        false
    };
    // The first turn asks to watch, the second hears the answers and hands out what is owed.
    for _ in 0..2 {
        turn(&mut driver, &adapters, &mut dies)?;
    }
    Ok((driver.live_count(), effects))
}
