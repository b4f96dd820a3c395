//! What a network begins with: its rules, its first validators and balances. All validators have the same, or they are
//! of different networks.

use crate::fee_split::SplitRule;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Amount, AssetId, Bytes, ChainId, Digest, NetworkId, NodeId, Seconds, Text, ValidatorKey, message_id,
};

/// A genesis names at most so many assets, pairs, validators or balances.
pub const MAX_GENESIS_ROWS: usize = 10_000;

/// An asset of the ledger: fees, bonds and premiums are in these, and in no other.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LedgerAsset {
    /// Which.
    pub asset: AssetId,
    /// As people write it, such as `kofo`.
    pub symbol: Text<16>,
    /// Of the unit that people count in.
    pub decimals: u8,
    /// The least fee of an order: less would buy points and weight for nothing.
    pub min_fee: Amount,
    /// The least bond of each kind.
    pub min_bond: Amount,
    /// A relay's bond counts for no more than this in one order.
    pub weight_cap: Amount,
    /// What a provider forfeits that signed two claims onto one reservation.
    pub double_quote: Amount,
}

/// How far apart the timelocks of two chains must be. Whoever gives on `alpha` locks first.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PairRule {
    /// Of what the claimant gives.
    pub alpha: ChainId,
    /// Of what it wants.
    pub beta: ChainId,
    /// From beta's timelock to alpha's, at least.
    pub min_gap: Seconds,
    /// From the commit to beta's timelock, at least.
    pub min_beta: Seconds,
    /// Beta must be final so long before `redeem_by`, or its lateness is the provider's fault.
    pub reveal: Seconds,
}

/// What a proof from a chain itself must show. See `LegProofs`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProofRule {
    /// The chain.
    pub chain: ChainId,
    /// The easiest target that a header may have, in the chain's compact form.
    pub easiest: u32,
    /// So many headers from the one that has the transaction on, itself included.
    pub depth: u32,
}

/// The rules. Parameters of the network, never of a node: who has others disagrees on every root, and is outvoted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// So many validators at most.
    pub seats: u8,
    /// No validator has more of the power than this (basis points), as long as there are enough of them.
    pub power_cap_bps: u16,
    /// How long an epoch is.
    pub epoch_ms: u64,
    /// How long bonds and delegations stay after they were asked back.
    pub unbond_ms: u64,
    /// The same for a validator's own stake.
    pub unstake_ms: u64,
    /// The foundation's part of each fee (basis points).
    pub foundation_bps: u16,
    /// The validators' part (basis points).
    pub validators_bps: u16,
    /// The foundation's account.
    pub foundation: NodeId,
    /// What validators stake.
    pub stake: AssetId,
    /// The least that a validator stakes itself.
    pub min_stake: Amount,
    /// A validator is elected only if it listed a pair in this time; 0: whether it did does not matter.
    pub listing_ms: u64,
    /// A reserve is so much of what the order is worth (basis points).
    pub margin_bps: u16,
    /// The harmed party gets at most so much of what the order is worth out of a slashed reserve (basis points).
    pub harmed_bps: u16,
    /// What the path gets of the fee of an order that the initiator never locked for (basis points).
    pub cancel_bps: u16,
    /// What a validator forfeits that voted twice, or proposed what more than two thirds found invalid (basis points).
    pub double_vote_bps: u16,
    /// A validator that missed so many heights in a row is jailed.
    pub missed_heights: u32,
    /// And forfeits so much (basis points).
    pub missed_bps: u16,
    /// How long a jailed validator stays so at least.
    pub jail_ms: u64,
    /// Without facts, an order's escrows go back so long after alpha's timelock.
    pub unobserved_ms: u64,
    /// An order whose legs ended by both signatures, unclear how, counts as settled so long after alpha's timelock.
    pub unclear_ms: u64,
    /// Points are given for so many settled trades.
    pub points_trades: u64,
    /// A header's time is at most so far from a validator's clock.
    pub clock_ms: u64,
    /// A batch has at most so many bytes of operations.
    pub max_batch_bytes: u32,
    /// The assets of the ledger.
    pub assets: Vec<LedgerAsset>,
    /// The pairs of chains that orders may be of.
    pub pairs: Vec<PairRule>,
    /// The chains whose own proofs count.
    pub proofs: Vec<ProofRule>,
}

/// A validator from the first height on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisValidator {
    /// Its account.
    pub account: NodeId,
    /// By which it votes.
    pub key: ValidatorKey,
    /// What it staked.
    pub stake: Amount,
    /// What it keeps of its delegators' rewards (basis points).
    pub commission_bps: u16,
    /// The chains that it observes.
    pub observes: Vec<ChainId>,
    /// Where its engine listens for other validators: a multiaddress.
    pub engine: Text<160>,
    /// Where its service listens for everybody: a multiaddress with its peer id.
    pub service: Text<160>,
}

/// What an account has from the first height on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisBalance {
    /// Whose.
    pub account: NodeId,
    /// Of which asset.
    pub asset: AssetId,
    /// At its disposal.
    pub free: Amount,
    /// As a provider's bond.
    pub provider: Amount,
    /// As a relay's bond.
    pub relay: Amount,
}

/// The beginning of a network.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Version of this form: 1.
    pub version: u8,
    /// The network.
    pub network: NetworkId,
    /// When it begins (unix ms); the first header is later.
    pub time_ms: u64,
    /// The rules.
    pub params: Params,
    /// The first validators.
    pub validators: Vec<GenesisValidator>,
    /// The first balances.
    pub balances: Vec<GenesisBalance>,
    /// What is for validators only is sealed to this key.
    pub seal_key: NodeId,
    /// Its secret, sealed to each first validator's account.
    pub shares: Vec<(NodeId, Bytes<128>)>,
}

impl Genesis {
    /// What the first header names as the one before it; also what a light node must know to begin.
    #[must_use]
    pub fn digest(&self) -> Digest {
        message_id("kofo/genesis/v1", &self.network, self)
    }
}

impl Params {
    /// The asset, if it is one of the ledger.
    #[must_use]
    pub fn asset(&self, asset: &AssetId) -> Option<&LedgerAsset> {
        self.assets.iter().find(|one| one.asset == *asset)
    }

    /// The rule of two chains, if orders may be of them.
    #[must_use]
    pub fn pair(&self, alpha: &ChainId, beta: &ChainId) -> Option<&PairRule> {
        self.pairs
            .iter()
            .find(|pair| pair.alpha == *alpha && pair.beta == *beta)
    }

    /// How fees are divided.
    pub fn split(&self) -> Result<SplitRule, crate::RuleError> {
        SplitRule::new(self.foundation_bps, self.validators_bps)
    }
}
