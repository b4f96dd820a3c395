//! What we pay per virtual byte, in integers.

use bitcoin::Amount;

pub(crate) mod schedule;

use crate::nodes::Nodes;
use crate::rpc::RpcError;
use crate::source::Source;

/// A new transaction shall be in a block within so many.
const TARGET: u32 = 2;

/// Below this the default relay policy of many nodes drops a transaction.
const FLOOR: SatPerVb = SatPerVb(1);
/// Where bitcoind has seen too little to estimate, as on a fresh test chain.
const UNKNOWN: SatPerVb = SatPerVb(2);

/// A fee rate in whole satoshi per virtual byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SatPerVb(pub(crate) u64);

impl SatPerVb {
    /// The fee of a transaction of this size; saturates, so that an absurd rate is unaffordable, not small.
    pub(crate) fn fee(self, vsize: u64) -> Amount {
        Amount::from_sat(self.0.saturating_mul(vsize))
    }

    /// What a version pays whose former one no node took: the double, so that a few replacements reach any price.
    pub(crate) fn doubled(self) -> Self {
        Self(self.0.max(1).saturating_mul(2))
    }
}

/// The rate to pay now: the lowest that a node which answers asks for, so that none of them can make us pay more. One
/// that is too low costs time, until the schedule has made up for it.
pub(crate) async fn ask(nodes: &Nodes) -> Result<SatPerVb, RpcError> {
    let mut lowest = ask_one(nodes.ours.as_ref()).await?;
    for witness in &nodes.witnesses {
        if let Ok(rate) = ask_one(witness.as_ref()).await {
            lowest = lowest.min(rate);
        }
    }
    Ok(lowest)
}

/// A node that does not estimate (it relays blocks only, say) is one that has seen too little.
async fn ask_one(rpc: &dyn Source) -> Result<SatPerVb, RpcError> {
    let estimate = match rpc.estimate_fee(TARGET).await {
        Err(RpcError::Refused { .. }) => None,
        answer => answer?,
    };
    Ok(rate(estimate, rpc.least_fee().await?))
}

/// The rate that bitcoind's two answers, both per 1,000 vbytes, ask for.
pub(crate) fn rate(estimate: Option<Amount>, least: Option<Amount>) -> SatPerVb {
    let per_vb = |amount: Amount| SatPerVb(amount.to_sat().div_ceil(1_000));
    let estimate = estimate.map_or(UNKNOWN, per_vb);
    estimate.max(least.map_or(FLOOR, per_vb)).max(FLOOR)
}

/// The absolute fee of a version that replaces one that paid `old`: the new rate, and at any rate more than the
/// old fee by one satoshi per vbyte, which is what relaying costs (BIP-125 rules 3 and 4).
pub(crate) fn replacement(old: Amount, rate: SatPerVb, vsize: u64) -> Amount {
    let least = old.to_sat().saturating_add(FLOOR.fee(vsize).to_sat());
    Amount::from_sat(least).max(rate.fee(vsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_estimate_two_and_never_below_one() {
        assert_eq!(rate(None, None), SatPerVb(2));
        assert_eq!(rate(Some(Amount::from_sat(100)), None), SatPerVb(1));
        assert_eq!(rate(Some(Amount::from_sat(1_001)), None), SatPerVb(2));
    }

    #[test]
    fn a_full_mempool_sets_the_floor() {
        assert_eq!(
            rate(Some(Amount::from_sat(5_000)), Some(Amount::from_sat(9_000))),
            SatPerVb(9)
        );
    }

    #[test]
    fn a_replacement_pays_for_its_own_relay() {
        assert_eq!(
            replacement(Amount::from_sat(1_000), SatPerVb(2), 150),
            Amount::from_sat(1_150)
        );
        assert_eq!(
            replacement(Amount::from_sat(100), SatPerVb(10), 150),
            Amount::from_sat(1_500)
        );
        assert_eq!(SatPerVb(0).doubled(), SatPerVb(2));
        assert_eq!(SatPerVb(8).doubled(), SatPerVb(16));
    }
}
