//! Why a relay does not take a message, and whether its sender is to blame for it.

use kofo_primitives::{ClaimError, FulfilError, PathError, ReturnError, SignatureError};

/// What a sender is blamed for. Only for what no honest node sends: each checks what it passes on, so that the blame
/// always falls on the neighbour, never on somebody behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blame {
    /// A message that is wrong by itself.
    Malformed,
    /// A signature that does not verify.
    Signature,
    /// A path or a way back that was tampered with.
    Path,
    /// The same again.
    Replay,
    /// An answer to what was not asked of it.
    Unsolicited,
    /// More than its share.
    Flood,
}

/// Why a claim is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// The link is not one of ours (any more).
    #[error("the link is closed: say hello on a new one first")]
    UnknownLink,
    /// Of another network.
    #[error("the claim is of another network than this node")]
    Network,
    /// Wrong by itself.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// Made in the future.
    #[error("the claim was made {ahead_ms} ms from now: one of the clocks is wrong")]
    NotYet {
        /// How far ahead of our clock.
        ahead_ms: u64,
    },
    /// Too late.
    #[error("the claim expired {late_ms} ms ago: claim again")]
    Expired {
        /// How long ago by our clock.
        late_ms: u64,
        /// Whether it is later than clocks may differ.
        gross: bool,
    },
    /// Taken back by its claimant.
    #[error("the claimant has cancelled this claim")]
    Cancelled,
    /// The neighbour sent it, or another copy of it, before.
    #[error("the claim came over this link before: a neighbour gets one copy of a claim once")]
    Replayed,
    /// Another copy from a neighbour that joined again.
    #[error("the claim came from this neighbour before, over another path: the first one stands")]
    AnotherPath,
    /// Known from before this node was started again.
    #[error("the claim was seen before this node was restarted: its way back is forgotten")]
    BeforeRestart,
    /// It came back to where it has been.
    #[error("the claim has been here: its path holds a pseudonym of this node")]
    Loop,
    /// Enough copies are known.
    #[error("{0} copies of this claim are known: no more are passed on")]
    Copies(usize),
    /// To be issued, but it came from a neighbour.
    #[error("this claim came from a neighbour: it is not one of our own")]
    NotOurs,
    /// Not the claim's key.
    #[error("the key is not the claim's: it is derived from the seed and the claim's nonce")]
    Key,
    /// Stripped, swapped, grafted, truncated.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The neighbour has more claims here than it may.
    #[error("{0} claims of this neighbour are held: wait until some of them expire")]
    LinkFull(usize),
    /// No room.
    #[error("{0} claims are held: wait until some of them expire")]
    Full(usize),
}

impl ClaimRefused {
    /// What the neighbour that sent it is blamed for, if for anything.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        match self {
            Self::Network | Self::Expired { gross: true, .. } => Some(Blame::Malformed),
            Self::Claim(source) => claim_blame(source),
            Self::Replayed => Some(Blame::Replay),
            Self::Path(source) => Some(path_blame(source)),
            Self::LinkFull(_) => Some(Blame::Flood),
            Self::UnknownLink
            | Self::NotYet { .. }
            | Self::Expired { gross: false, .. }
            | Self::Cancelled
            | Self::AnotherPath
            | Self::BeforeRestart
            | Self::Loop
            | Self::Copies(_)
            | Self::NotOurs
            | Self::Key
            | Self::Full(_) => None,
        }
    }
}

const fn claim_blame(source: &ClaimError) -> Option<Blame> {
    match source {
        // A newer neighbour may pass on what we do not know yet.
        ClaimError::Version(_) => None,
        ClaimError::Signature(_) => Some(Blame::Signature),
        ClaimError::Malformed(_)
        | ClaimError::Nothing(_)
        | ClaimError::SameAsset(_)
        | ClaimError::Depth(_)
        | ClaimError::Partial { .. }
        | ClaimError::Hops(_)
        | ClaimError::Life(_)
        | ClaimError::Fee(_) => Some(Blame::Malformed),
    }
}

const fn path_blame(source: &PathError) -> Blame {
    match source {
        PathError::Signature { .. } => Blame::Signature,
        PathError::Length { .. }
        | PathError::Stripped { .. }
        | PathError::Swapped { .. }
        | PathError::Beginning
        | PathError::Chain { .. }
        | PathError::Successor { .. }
        | PathError::Receiver => Blame::Path,
    }
}

/// Why a quote is not passed back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FulfilRefused {
    /// The link is not one of ours (any more).
    #[error("the link is closed: say hello on a new one first")]
    UnknownLink,
    /// Of another network.
    #[error("the quote is of another network than this node")]
    Network,
    /// Wrong by itself.
    #[error(transparent)]
    Fulfil(#[from] FulfilError),
    /// Expired.
    #[error("the quote expired {late_ms} ms ago")]
    Expired {
        /// How long ago by our clock.
        late_ms: u64,
        /// Whether it is later than clocks may differ.
        gross: bool,
    },
    /// Binds longer than a quote may.
    #[error("the quote binds {ahead_ms} ms longer than a quote may")]
    TooLong {
        /// How much longer.
        ahead_ms: u64,
        /// Whether it is more than clocks may differ.
        gross: bool,
    },
    /// The claim is over: expired, cancelled, or forgotten by a restart.
    #[error("the claim of this quote is over, or was forgotten by a restart")]
    ClaimOver,
    /// No such claim was passed on.
    #[error("the quote answers a claim that this node never passed on")]
    Unsolicited,
    /// The path does not lead through us.
    #[error("the path of the quote does not lead through this node")]
    NotOnPath,
    /// It came from another neighbour than the one that got the claim on this path.
    #[error("the quote came from another neighbour than this path led to")]
    WrongNeighbour {
        /// Whether the right one has left: then it may be the same, which we cannot know again.
        gone: bool,
    },
    /// The quote was made for another path.
    #[error("the quote was made for another path than it came by")]
    OtherPath,
    /// The path is none.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A hop after us did not sign, or not this.
    #[error(transparent)]
    Returns(#[from] ReturnError),
    /// The same again.
    #[error("this quote came by before")]
    Replayed,
    /// So many quotes of one claim were passed.
    #[error("{0} quotes for this claim came by: no more are passed on")]
    Enough(usize),
    /// No room.
    #[error("{0} quotes are remembered: wait until some of them expire")]
    Full(usize),
    /// The way back is cut.
    #[error("the neighbour that this claim came from is gone")]
    Gone,
}

impl FulfilRefused {
    /// What the neighbour that sent it is blamed for, if for anything.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        match self {
            Self::Network | Self::Expired { gross: true, .. } | Self::TooLong { gross: true, .. } => {
                Some(Blame::Malformed)
            }
            Self::Fulfil(FulfilError::Version(_)) => None,
            Self::Fulfil(FulfilError::Signature(_)) => Some(Blame::Signature),
            Self::Fulfil(_) => Some(Blame::Malformed),
            Self::Unsolicited | Self::NotOnPath | Self::WrongNeighbour { gone: false } => {
                Some(Blame::Unsolicited)
            }
            Self::OtherPath => Some(Blame::Path),
            Self::Path(source) => Some(path_blame(source)),
            Self::Returns(ReturnError::Signature { .. }) => Some(Blame::Signature),
            Self::Returns(_) => Some(Blame::Path),
            Self::Replayed => Some(Blame::Replay),
            Self::UnknownLink
            | Self::Expired { gross: false, .. }
            | Self::TooLong { gross: false, .. }
            | Self::ClaimOver
            | Self::WrongNeighbour { gone: true }
            | Self::Enough(_)
            | Self::Full(_)
            | Self::Gone => None,
        }
    }
}

/// Why a selection is not passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectStopped {
    /// The link is not one of ours (any more).
    #[error("the link is closed: say hello on a new one first")]
    UnknownLink,
    /// Of another version.
    #[error("expected version 1 of a selection, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Of another network.
    #[error("the selection is of another network than this node")]
    Network,
    /// The quote is over, or was forgotten by a restart.
    #[error("the quote is over, or was forgotten by a restart: take the next one")]
    QuoteOver,
    /// No such quote came by.
    #[error("the selection takes a quote that never came by here")]
    Unsolicited,
    /// Not from where the quote was passed to.
    #[error("the selection came from another neighbour than the quote went to")]
    WrongNeighbour {
        /// Whether the right one has left: then it may be the same, which we cannot know again.
        gone: bool,
    },
    /// It names another claim than the quote.
    #[error("the selection names another claim than its quote answers")]
    OtherClaim,
    /// Not signed by the claim's key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Another one was passed before.
    #[error("another selection of this quote came by before: a quote is selected once")]
    Another,
    /// The same too often.
    #[error("this selection came by {0} times: wait for its answer")]
    Repeated(u8),
    /// The way on is cut.
    #[error("the neighbour that this quote came from is gone")]
    Gone,
}

impl SelectStopped {
    /// What the neighbour that sent it is blamed for, if for anything.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        match self {
            Self::Network | Self::OtherClaim => Some(Blame::Malformed),
            Self::Unsolicited | Self::WrongNeighbour { gone: false } => Some(Blame::Unsolicited),
            Self::Signature(_) => Some(Blame::Signature),
            Self::Another => Some(Blame::Replay),
            Self::UnknownLink
            | Self::Version(_)
            | Self::QuoteOver
            | Self::WrongNeighbour { gone: true }
            | Self::Repeated(_)
            | Self::Gone => None,
        }
    }
}

/// Why an answer is not passed back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerStopped {
    /// The link is not one of ours (any more).
    #[error("the link is closed: say hello on a new one first")]
    UnknownLink,
    /// Of another version.
    #[error("expected version 1 of an answer, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Of another network.
    #[error("the answer is of another network than this node")]
    Network,
    /// The quote is over, or was forgotten by a restart.
    #[error("the quote is over, or was forgotten by a restart")]
    QuoteOver,
    /// No such quote, or nobody has selected it.
    #[error("the answer is to a selection that never came by here")]
    Unsolicited,
    /// Not from where the quote came from.
    #[error("the answer came from another neighbour than the quote came from")]
    WrongNeighbour {
        /// Whether the right one has left: then it may be the same, which we cannot know again.
        gone: bool,
    },
    /// It names another claim than the quote.
    #[error("the answer names another claim than its quote answers")]
    OtherClaim,
    /// Not signed by the quote's key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Too often.
    #[error("{0} answers to this selection came by: the first was enough")]
    Repeated(u8),
    /// The way back is cut.
    #[error("the neighbour that this selection came from is gone")]
    Gone,
}

impl AnswerStopped {
    /// What the neighbour that sent it is blamed for, if for anything.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        match self {
            Self::Network | Self::OtherClaim => Some(Blame::Malformed),
            Self::Unsolicited | Self::WrongNeighbour { gone: false } => Some(Blame::Unsolicited),
            Self::Signature(_) => Some(Blame::Signature),
            Self::UnknownLink
            | Self::Version(_)
            | Self::QuoteOver
            | Self::WrongNeighbour { gone: true }
            | Self::Repeated(_)
            | Self::Gone => None,
        }
    }
}

/// Why a cancel is not heeded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefused {
    /// Of another network.
    #[error("the cancel is of another network than this node")]
    Network,
    /// Wrong by itself.
    #[error(transparent)]
    Cancel(#[from] ClaimError),
    /// Signed by another key than the claim's.
    #[error("the cancel is signed by another key than the claim's")]
    Key,
    /// Its claim has expired anyway.
    #[error("the claim expired {late_ms} ms ago: there is nothing to cancel")]
    Expired {
        /// How long ago by our clock.
        late_ms: u64,
    },
    /// No claim lives that long.
    #[error("the cancel is to be remembered {ahead_ms} ms longer than a claim can live")]
    TooLong {
        /// How much longer.
        ahead_ms: u64,
        /// Whether it is more than clocks may differ.
        gross: bool,
    },
    /// No room.
    #[error("{0} cancels are remembered: wait until some of them expire")]
    Full(usize),
}

impl CancelRefused {
    /// What the neighbour that sent it is blamed for, if for anything.
    #[must_use]
    pub const fn blame(&self) -> Option<Blame> {
        match self {
            Self::Network | Self::TooLong { gross: true, .. } => Some(Blame::Malformed),
            Self::Cancel(source) => claim_blame(source),
            // Who does not hold the claim cannot know its key, and passes a false cancel on in good faith.
            Self::Key | Self::Expired { .. } | Self::TooLong { gross: false, .. } | Self::Full(_) => None,
        }
    }
}
