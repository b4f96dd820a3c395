//! What the demo plays.

/// One of the two nodes. The initiator makes every offer; the participant accepts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Makes the offer and locks first.
    Initiator,
    /// Accepts it and locks second.
    Participant,
}

impl Who {
    /// Both, in the order in which they lock.
    pub const BOTH: [Self; 2] = [Self::Initiator, Self::Participant];

    /// The word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Participant => "participant",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Participant,
            Self::Participant => Self::Initiator,
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Initiator => 0,
            Self::Participant => 1,
        }
    }
}

/// How a story is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Both redeem.
    Redeemed,
    /// The participant is killed when its lock is on its way and comes back when both timelocks have passed: both take
    /// their locks back.
    Refunded,
}

/// One swap of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// What the initiator gives, such as `0.1btc`.
    pub give: &'static str,
    /// What it wants for it.
    pub want: &'static str,
    /// How it ends.
    pub ending: Ending,
}

/// The story `direct`: two nodes that agreed on a price swap without anybody between them. The refund is last, because
/// it takes the chains' time past both timelocks.
pub const DIRECT: [Act; 6] = [
    redeemed("0.1btc", "2eth"),
    redeemed("1eth", "0.05btc"),
    redeemed("0.02btc", "1500usdx"),
    redeemed("2500usdx", "0.03btc"),
    redeemed("400ec", "0.01btc"),
    // Bitcoin for beta: nothing but the lock itself waits for a block there.
    Act {
        give: "0.5eth",
        want: "0.02btc",
        ending: Ending::Refunded,
    },
];

const fn redeemed(give: &'static str, want: &'static str) -> Act {
    Act {
        give,
        want,
        ending: Ending::Redeemed,
    }
}
