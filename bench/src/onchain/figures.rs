//! What is measured: gas of whole transactions, and virtual bytes.

use serde::Serialize;

/// Gas of the three acts of one leg.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Gas {
    pub(crate) lock: u64,
    pub(crate) redeem: u64,
    pub(crate) refund: u64,
}

impl Gas {
    /// What a leg that goes well costs.
    pub(crate) fn swap(&self) -> u64 {
        self.lock.saturating_add(self.redeem)
    }
}

/// One asset in both uses of a lane.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Lanes {
    /// A lane that has been used and settled before, and is kept: whoever swaps again and again.
    pub(crate) recycled: Gas,
    /// A lane that was never used and is given back: whoever swaps once.
    pub(crate) first: Gas,
}

/// The EVM figures that have limits.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Evm {
    pub(crate) eth: Lanes,
    pub(crate) erc20: Lanes,
    /// Lock and redeem of one of 32 ETH swaps that are locked together and redeemed together, rounded up.
    pub(crate) batch32_per_swap: u64,
    /// The owner takes the money back early by the redeemer's signature, on a one-off lane.
    pub(crate) coop_refund: u64,
    /// A relayer redeems for a fee, by the redeemer's signature, on a one-off lane.
    pub(crate) gasless_redeem: u64,
    /// A tower redeems for the redeemer and for nothing, on a recycled lane.
    pub(crate) tower_redeem: u64,
}

/// The Bitcoin figures that have limits: one HTLC output in, one taproot output out.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Btc {
    pub(crate) leaf_redeem: u64,
    pub(crate) leaf_refund: u64,
    /// Signed by both: no leaf, no preimage.
    pub(crate) coop_redeem: u64,
    pub(crate) coop_refund: u64,
    /// 32 redeems signed by both, in one transaction, together.
    pub(crate) batch32_coop_total: u64,
}

/// All figures that have limits. Their names are a promise to whoever reads the JSON.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) evm: Evm,
    pub(crate) btc: Btc,
}

/// Gas per swap of a batch, each act rounded up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchGas {
    pub(crate) lock: u64,
    pub(crate) redeem: u64,
    /// Rounded once.
    pub(crate) swap: u64,
}

/// EVM figures without a limit here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acts {
    /// First use of a lane that will be recycled: pays for the storage of all later swaps.
    pub(crate) eth_opening: Gas,
    pub(crate) erc20_opening: Gas,
    pub(crate) eth_batch: BatchGas,
    pub(crate) erc20_batch: BatchGas,
    /// As the figure of its name, on a recycled lane.
    pub(crate) recycled_redeem_for: u64,
    /// As a cooperative refund, on a recycled lane.
    pub(crate) recycled_release: u64,
    /// A plain transfer of the test token between holders: tells how dear the token itself is.
    pub(crate) token_transfer: u64,
}

/// Virtual bytes of both leaves, and of the key path, for one kind of payout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) redeem: u64,
    pub(crate) refund: u64,
    pub(crate) coop_redeem: u64,
    pub(crate) coop_refund: u64,
}

/// Both kinds of payout that peers were measured with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payouts {
    pub(crate) p2wpkh: Sizes,
    pub(crate) p2tr: Sizes,
}

/// What is measured without a limit of its own.
pub(crate) struct Beyond {
    pub(crate) acts: Acts,
    pub(crate) payouts: Payouts,
}
