//! What an adapter answers when it cannot do what it is asked.

use kofo_primitives::{Amount, AssetId, ChainId};

/// Why an adapter refuses or fails. Each says what was expected, what came and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    /// The asset is not configured on this chain.
    #[error("unknown asset {asset} on {chain}: add it to the configuration, or check the id")]
    UnknownAsset {
        /// The asset.
        asset: AssetId,
        /// The chain.
        chain: ChainId,
    },
    /// The other party's part of a leg is malformed or differs from what this network uses.
    #[error("{field}: expected {expected}, got {got}")]
    Malformed {
        /// Which field.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What came.
        got: String,
    },
    /// Below what the chain lets be spent.
    #[error("{have} units of {asset} are dust: expected at least {least}")]
    Dust {
        /// The asset.
        asset: AssetId,
        /// The amount.
        have: Amount,
        /// The least.
        least: Amount,
    },
    /// Redeem and refund would eat up the amount at today's fees.
    #[error(
        "{have} units of {asset} are not worth today's fees: expected at least {least}; wait for lower fees or swap more"
    )]
    Uneconomic {
        /// The asset.
        asset: AssetId,
        /// The amount.
        have: Amount,
        /// The least today.
        least: Amount,
    },
    /// The wallet cannot pay.
    #[error("the wallet has {have} units of {asset}, expected {need}: fund it or swap less")]
    Funds {
        /// The asset.
        asset: AssetId,
        /// Spendable now.
        have: Amount,
        /// Needed, fees included.
        need: Amount,
    },
    /// The account that pays for redeem and refund cannot: nothing is locked before it can.
    #[error("{account} has {have} wei for redeem and refund on {chain}, expected {need}: fund it")]
    NoGas {
        /// The chain.
        chain: ChainId,
        /// The account that pays.
        account: String,
        /// What it has.
        have: Amount,
        /// What redeem and refund may cost at the fee cap.
        need: Amount,
    },
    /// The asset or the chain would refuse the payment.
    #[error("{asset} refuses to pay the redeemer: {why}")]
    PayeeRefused {
        /// The asset.
        asset: AssetId,
        /// What the chain said.
        why: String,
    },
    /// The chain's node cannot be reached or answers nonsense; may pass.
    #[error("the node of {chain} does not answer as expected: {why}; check that it runs and is synchronised")]
    Node {
        /// The chain.
        chain: ChainId,
        /// What happened.
        why: String,
    },
    /// Nothing is gained by another party's help here.
    #[error("on {0} this act is done alone")]
    Alone(ChainId),
    /// The adapter's task has ended.
    #[error("the adapter of {0} has stopped: restart the node")]
    Stopped(ChainId),
    /// Who holds the keys does not answer, or refuses.
    #[error("{chain}: {source}")]
    Signer {
        /// The chain.
        chain: ChainId,
        /// What happened.
        source: crate::SignerError,
    },
    /// What the wallet must keep could not be stored.
    #[error("the wallet of {chain} could not store its state: {why}")]
    Storage {
        /// The chain.
        chain: ChainId,
        /// What happened.
        why: String,
    },
}
