//! The shape of the file. No key but these.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGenesis {
    pub(super) version: u8,
    pub(super) network: String,
    pub(super) time_ms: u64,
    pub(super) seal_key: String,
    pub(super) rules: RawRules,
    #[serde(default)]
    pub(super) asset: Vec<RawAsset>,
    #[serde(default)]
    pub(super) pair: Vec<RawPair>,
    #[serde(default)]
    pub(super) proof: Vec<RawProof>,
    #[serde(default)]
    pub(super) validator: Vec<RawValidator>,
    #[serde(default)]
    pub(super) share: Vec<RawShare>,
    #[serde(default)]
    pub(super) balance: Vec<RawBalance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRules {
    pub(super) seats: u8,
    pub(super) power_cap_bps: u16,
    pub(super) epoch: String,
    pub(super) unbond: String,
    pub(super) unstake: String,
    pub(super) foundation_bps: u16,
    pub(super) validators_bps: u16,
    pub(super) foundation: String,
    pub(super) stake: String,
    pub(super) min_stake: String,
    pub(super) listing: String,
    pub(super) margin_bps: u16,
    pub(super) harmed_bps: u16,
    pub(super) cancel_bps: u16,
    pub(super) double_vote_bps: u16,
    pub(super) missed_heights: u32,
    pub(super) missed_bps: u16,
    pub(super) jail: String,
    pub(super) unobserved: String,
    pub(super) unclear: String,
    pub(super) points_trades: u64,
    pub(super) clock: String,
    pub(super) max_batch_bytes: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAsset {
    pub(super) id: String,
    pub(super) symbol: String,
    pub(super) decimals: u8,
    pub(super) min_fee: String,
    pub(super) min_bond: String,
    pub(super) weight_cap: String,
    pub(super) double_quote: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPair {
    pub(super) alpha: String,
    pub(super) beta: String,
    pub(super) min_gap: String,
    pub(super) min_beta: String,
    pub(super) reveal: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProof {
    pub(super) chain: String,
    pub(super) easiest: String,
    pub(super) depth: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawValidator {
    pub(super) account: String,
    pub(super) key: String,
    pub(super) stake: String,
    pub(super) commission_bps: u16,
    #[serde(default)]
    pub(super) observes: Vec<String>,
    pub(super) engine: String,
    pub(super) service: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShare {
    pub(super) account: String,
    pub(super) sealed: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBalance {
    pub(super) account: String,
    pub(super) asset: String,
    #[serde(default = "nothing")]
    pub(super) free: String,
    #[serde(default = "nothing")]
    pub(super) provider: String,
    #[serde(default = "nothing")]
    pub(super) relay: String,
}

fn nothing() -> String {
    "0".to_owned()
}
