//! Why an order, or what concerns one, is refused. Every check has its own error, and names what it looked at.

use crate::book::TooLittle;
use crate::fee_split::SplitError;
use crate::op::Fact;
use crate::proofs::ProofError;
use kofo_primitives::{
    Amount, AssetId, ChainId, LegId, NodeId, Seconds, SignatureError, SwapId, UnixTime, ValidatorKey,
};

/// Why an order, or what concerns one, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// Not one that goes on.
    #[error("no order {0} goes on here: it was never committed, or it is over")]
    Unknown(SwapId),
    /// The same order again.
    #[error("order {0} is committed already")]
    AlreadyCommitted(SwapId),
    /// V3: the claim is over.
    #[error("the claim expired at {expires_ms} ms, and the batch is of {now_ms} ms: make a new claim")]
    ClaimExpired {
        /// When it expired (unix ms).
        expires_ms: u64,
        /// The batch's time.
        now_ms: u64,
    },
    /// V3: the claim is not made yet.
    #[error("the claim is of {created_ms} ms, and the batch of {now_ms} ms: set the clock right")]
    ClaimTooEarly {
        /// When it says it was made (unix ms).
        created_ms: u64,
        /// The batch's time.
        now_ms: u64,
    },
    /// V4: other orders filled the claim.
    #[error("{left} of the claim are left, and the order fills {fill}")]
    ClaimFilled {
        /// What is left.
        left: Amount,
        /// What the order fills.
        fill: Amount,
    },
    /// V8: the quote is over.
    #[error("the quote expired at {expires_ms} ms, and the batch is of {now_ms} ms: take another quote")]
    QuoteExpired {
        /// When it expired (unix ms).
        expires_ms: u64,
        /// The batch's time.
        now_ms: u64,
    },
    /// V8: the quote binds far longer than its claim lives.
    #[error("the quote expires at {expires_ms} ms, expected at most {most_ms} ms for its claim")]
    QuoteTooLong {
        /// When it expires (unix ms).
        expires_ms: u64,
        /// The latest.
        most_ms: u64,
    },
    /// V9: nothing is reserved.
    #[error("the reservation holds nothing back: a cleared order needs a reserve")]
    NoReserve,
    /// V9: something else is reserved than bonds are made of.
    #[error("{0} is reserved, which is no asset of the ledger")]
    ReserveAsset(AssetId),
    /// V9: too little, where that can be told: the reserve is in the asset that the provider gives.
    #[error("the reserve is {have}, expected at least {need}")]
    ReserveTooSmall {
        /// What is reserved.
        have: Amount,
        /// The least.
        need: Amount,
    },
    /// V9: the bond does not cover it.
    #[error("{bond} has {have} of bond that nothing else reserves, expected at least {need}")]
    BondTooSmall {
        /// Whose bond.
        bond: NodeId,
        /// What is free of it.
        have: Amount,
        /// The least.
        need: Amount,
    },
    /// V9: the number was used.
    #[error("reservation {seq} of {bond} was used by another order: take another quote")]
    ReservationUsed {
        /// Whose.
        bond: NodeId,
        /// Which.
        seq: u64,
    },
    /// V10: the hashlock was used.
    #[error("the claim's key used that hashlock before: draw a fresh preimage for each order")]
    HashReuse,
    /// V11: beta's timelock is too near.
    #[error("beta's timelock is {have} after the batch, expected at least {need}")]
    BetaTooSoon {
        /// From the batch to it.
        have: Seconds,
        /// The least.
        need: Seconds,
    },
    /// V11: the timelocks are too near to each other.
    #[error("alpha's timelock is {have} after beta's, expected at least {need}")]
    GapTooShort {
        /// The distance.
        have: Seconds,
        /// The least.
        need: Seconds,
    },
    /// V11: the timelocks are too far away.
    #[error("alpha's timelock is {have} after the batch, expected at most {most}")]
    TooLong {
        /// From the batch to it.
        have: Seconds,
        /// The most.
        most: Seconds,
    },
    /// V11: the deadlines do not follow each other.
    #[error(
        "expected now < alpha_lock_by < beta_lock_by < redeem_by <= beta's timelock, got \
         {alpha_lock_by}, {beta_lock_by}, {redeem_by} before {beta_timelock}, in a batch of {now_ms} ms"
    )]
    Deadlines {
        /// The first.
        alpha_lock_by: UnixTime,
        /// The second.
        beta_lock_by: UnixTime,
        /// The third.
        redeem_by: UnixTime,
        /// Beta's timelock.
        beta_timelock: UnixTime,
        /// The batch's time.
        now_ms: u64,
    },
    /// V12: a party of a leg is not named.
    #[error("a party of leg {0} is empty")]
    NoParty(LegId),
    /// V12: both parties of a leg are one.
    #[error("both parties of leg {0} are the same")]
    SameParty(LegId),
    /// V13: no fee.
    #[error("the claim names no fee: settle directly, which is free")]
    NoFee,
    /// V13: each hop asks for its own.
    #[error("posted fees are not settled here: name a fee for all hops together")]
    PostedFee,
    /// V13: a fee in something else.
    #[error("the fee is in {0}, which is no asset of the ledger")]
    FeeAsset(AssetId),
    /// V13: too small.
    #[error("the fee is {have}, expected at least {need}")]
    FeeTooSmall {
        /// The fee.
        have: Amount,
        /// The least.
        need: Amount,
    },
    /// V13: it cannot be divided.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// V13: the premium is more than can be counted.
    #[error("the premium or the order's worth is more than can be represented")]
    Overflow,
    /// V14: nobody said who pays for the claimant.
    #[error("the claimant has to pay, and no account of it said that it does")]
    NoPayment,
    /// V14: an account has too little.
    #[error(transparent)]
    TooLittle(#[from] TooLittle),
    /// V16: nobody trades these here.
    #[error("orders of {alpha} for {beta} are not cleared in this network")]
    UnknownPair {
        /// Of what is given.
        alpha: ChainId,
        /// Of what is wanted.
        beta: ChainId,
    },
    /// V16: too few observe a chain.
    #[error("validators with power {declared} of {total} observe {chain}, expected more than half")]
    PairSuspended {
        /// The chain.
        chain: ChainId,
        /// Who observes it.
        declared: u64,
        /// All.
        total: u64,
    },
    /// The order has no such leg.
    #[error("the order has no leg {0}")]
    NoLeg(LegId),
    /// Not one whose word counts for that chain.
    #[error("{key} does not observe {chain}")]
    NotObserver {
        /// Who spoke.
        key: ValidatorKey,
        /// Of which chain.
        chain: ChainId,
    },
    /// Said before, or overtaken by something said later.
    #[error("the observation has number {have}, expected one above {last}")]
    OldObservation {
        /// Its number.
        have: u32,
        /// The last one's.
        last: u32,
    },
    /// It contradicted itself about this leg, and is heard no more.
    #[error("{0} contradicted itself about this leg")]
    Contradicted(ValidatorKey),
    /// Proofs of that chain do not count here.
    #[error("the network has no rule for proofs of {0}")]
    NoProofRule(ChainId),
    /// The proof proves nothing.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// It shows what no proof can show.
    #[error("a proof showed {0:?}, expected final, redeemed or refunded")]
    ProofFact(Fact),
    /// As much or more was proven before.
    #[error("{0:?} of that leg is proven already")]
    Proven(Fact),
    /// Amendments come one after another.
    #[error("the amendment has number {have}, expected {want}")]
    AmendmentCount {
        /// Its number.
        have: u32,
        /// The next.
        want: u32,
    },
    /// Both parties must sign.
    #[error("both parties must sign an amendment: {0}")]
    Unsigned(#[from] SignatureError),
    /// Too late.
    #[error("leg {0} was locked: nothing can be amended any more")]
    Locked(LegId),
    /// Punished for that already.
    #[error("reservation {seq} of {bond} was punished already")]
    Punished {
        /// Whose.
        bond: NodeId,
        /// Which.
        seq: u64,
    },
    /// The evidence is so old that the bond may be another's money by now.
    #[error("the quotes expired before {oldest_ms} ms: the evidence is too old")]
    OldEvidence {
        /// The oldest that counts (unix ms).
        oldest_ms: u64,
    },
    /// There is no bond.
    #[error("{0} has no bond to forfeit")]
    NoBond(NodeId),
}
