//! The crash points: a death at every journal sync, before and after the write, and at every effect, of either node,
//! on the way to the redeem and on the way to the refund.

use super::node::{Death, Who};
use super::world::World;
use kofo_journal::faulty::{Fault, When};
use kofo_settlement::{Outcome, Phase};

/// A way through a swap, and how it must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Both stay and both redeem.
    BothRedeem,
    /// The participant never comes: the initiator refunds.
    TheParticipantNeverComes,
    /// The initiator goes after its lock and comes back when the participant has refunded: it refunds too.
    TheInitiatorGoesAfterItsLock,
}

/// One death of one node in one story.
#[derive(Clone, Copy, Debug)]
pub struct CrashPoint {
    /// Who dies.
    pub who: Who,
    /// Where.
    pub death: Death,
    /// In which story.
    pub story: Story,
}

/// A condition of a story, for its report.
fn must(holds: bool, what: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("expected that {what}"))
    }
}

impl Story {
    /// Plays it to its end.
    ///
    /// # Errors
    /// What did not end as it must, in words.
    pub fn play(self, world: &mut World, give: &[&str], want: &[&str]) -> Result<(), String> {
        let ends = |world: &World, who, outcome: Outcome| {
            let ended = world.outcome(who);
            must(
                ended == Some(outcome),
                &format!("{who:?} ends {outcome:?}, got {ended:?}"),
            )
        };
        match self {
            Self::BothRedeem => {
                must(world.until(World::over), "the swap ends")?;
                ends(world, Who::Initiator, Outcome::Redeemed)?;
                ends(world, Who::Participant, Outcome::Redeemed)?;
            }
            Self::TheParticipantNeverComes => {
                world.away(Who::Participant);
                must(world.until(World::over), "the swap ends")?;
                ends(world, Who::Initiator, Outcome::Refunded)?;
            }
            Self::TheInitiatorGoesAfterItsLock => {
                let built = |w: &World| w.phase(Who::Participant) >= Some(Phase::LockBuilt);
                must(world.until(built), "the participant builds its lock")?;
                world.away(Who::Initiator);
                must(world.until(World::over), "the participant's swap ends")?;
                ends(world, Who::Participant, Outcome::Refunded)?;
                world.back(Who::Initiator);
                must(world.until(World::over), "the initiator's swap ends")?;
                ends(world, Who::Initiator, Outcome::Refunded)?;
            }
        }
        world.books(give, want, self == Self::BothRedeem)
    }
}

impl CrashPoint {
    /// Plays its story with its death. Whether the node did die there.
    ///
    /// # Errors
    /// What did not end as it must, in words.
    pub fn survive(&self, give: &[&str], want: &[&str]) -> Result<bool, String> {
        let deaths = match self.who {
            Who::Initiator => [self.death, Death::Never],
            Who::Participant => [Death::Never, self.death],
        };
        let mut world = World::agreed(give, want, deaths);
        let played = self.story.play(&mut world, give, want);
        played.map_err(|wrong| format!("{self:?}, {give:?} for {want:?}: {wrong}"))?;
        Ok(world.nodes[&self.who].deaths > 0)
    }
}

/// Every crash point of a node in a story: it is played once without a crash, and its syncs and effects are counted.
///
/// # Errors
/// The story does not end as it must even without a crash.
pub fn crash_points(who: Who, story: Story, give: &[&str], want: &[&str]) -> Result<Vec<CrashPoint>, String> {
    let mut undisturbed = World::agreed(give, want, [Death::Never; 2]);
    story.play(&mut undisturbed, give, want)?;
    let node = &undisturbed.nodes[&who];
    let (syncs, effects) = (node.syncs(), node.effects);
    must(syncs > 3 && effects > 5, "a story has steps")?;
    let at_sync =
        (1..=syncs).flat_map(|at_sync| [When::Before, When::After].map(|when| Fault { at_sync, when }));
    let at_effect = (1..=effects).map(Death::AtEffect);
    let deaths = at_sync.map(Death::AtSync).chain(at_effect);
    Ok(deaths.map(|death| CrashPoint { who, death, story }).collect())
}
