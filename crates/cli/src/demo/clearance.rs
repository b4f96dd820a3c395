//! The story `clearance`: validators make a trade final and divide its fee; a provider that does not lock is slashed; and
//! a validator is killed meanwhile.

mod city;
mod council;
mod payments;
mod rows;
mod slash;
mod trade;

pub use city::{City, SYMBOL, Twist};
pub use council::{Council, SEATS};
pub use rows::{Paid, check_sum};
pub use slash::{Abandoned, Slashed, abandon, slashed};
pub use trade::{Cleared, trade};

use super::daemons::Daemons;
use super::exchange::balance;
use super::follow::Tell;
use super::row::Sheet;
use anyhow::Result;
use rows::{Back, Killed};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The fee of every trade: 300,000 units.
pub const FEE: &str = "0.3kofo";
/// Who is killed meanwhile, from 0.
const VICTIM: usize = SEATS - 1;

/// Plays the story on fresh daemons.
pub(super) async fn play_clearance(
    daemons: Arc<Daemons>,
    kofo: &Path,
    sheet: Sheet,
    tell: &Tell,
) -> Result<()> {
    let started = Instant::now();
    let mut city = City::up(daemons, kofo).await?;
    (tell)(&format!(
        "{SEATS} validators, a wallet, three relays and two providers are ready after {:.1} s",
        started.elapsed().as_secs_f32()
    ));
    let before = city.town.purses().await?;
    // A provider has a minute and a half to lock: the other trade is made meanwhile.
    let abandoned = abandon(&mut city, sheet, tell).await?;
    let cleared = trade(&mut city, Some(VICTIM), sheet, tell).await?;
    let slashed = slashed(&mut city, &abandoned, sheet, tell).await?;
    back(&mut city, sheet, tell).await?;
    let settled = [cleared.settled, slashed.refunded];
    balance(&mut city.town, before, &settled, tell).await?;
    city.stop().await
}

/// The validator that was killed fetches what it missed, and has the same state as the others.
async fn back(city: &mut City, sheet: Sheet, tell: &Tell) -> Result<()> {
    (tell)(&format!("--- validator {} is started again", VICTIM + 1));
    let missed = city.council.height(0).await?;
    city.council.start(VICTIM).await?;
    city.council.reaches(VICTIM, missed).await?;
    let (height, header) = city.council.agree().await?;
    (tell)(&format!(
        "        it has fetched what it missed: all agree on height {height}, header {header}"
    ));
    sheet.row(&Back::new(VICTIM, height, header))
}

/// Kills a validator; the others go on.
async fn kill(city: &mut City, number: usize, sheet: Sheet, tell: &Tell) -> Result<()> {
    let at = city.council.height(0).await?;
    city.council.kill(number).await?;
    (tell)(&format!(
        "        validator {} is killed (-9) at height {at}",
        number + 1
    ));
    let then = at + 3;
    city.council.reaches(0, then).await?;
    (tell)(&format!("        the others go on: height {then} is final"));
    sheet.row(&Killed::new(number, at, then))
}
