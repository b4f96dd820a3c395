//! What this project promises to stay below.

use super::figures::Figures;
use crate::table::grouped;

/// A figure and the most it may be.
pub(crate) struct Limit {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) measured: u64,
    pub(crate) most: u64,
}

/// All limits, each with its figure. An ERC-20 refund has none: the token's own transfer is most of it.
pub(crate) fn all(figures: &Figures) -> [Limit; 15] {
    let gas = |what, measured, most| Limit {
        what,
        unit: "gas",
        measured,
        most,
    };
    let size = |what, measured, most| Limit {
        what,
        unit: "vB",
        measured,
        most,
    };
    let (evm, btc) = (&figures.evm, &figures.btc);
    [
        gas("ETH lock + redeem, recycled", evm.eth.recycled.swap(), 64_300),
        gas("ETH lock + redeem, first use", evm.eth.first.swap(), 76_900),
        gas("ETH refund, recycled", evm.eth.recycled.refund, 37_000),
        gas("ETH refund, first use", evm.eth.first.refund, 37_000),
        gas(
            "ERC-20 lock + redeem, recycled",
            evm.erc20.recycled.swap(),
            94_000,
        ),
        gas("ERC-20 lock + redeem, first use", evm.erc20.first.swap(), 106_200),
        gas("ETH lock + redeem, each of 32", evm.batch32_per_swap, 16_700),
        gas("ETH cooperative refund, one-off lane", evm.coop_refund, 41_000),
        gas("ETH gasless redeem, one-off lane", evm.gasless_redeem, 49_000),
        gas("ETH redeem by a tower, recycled", evm.tower_redeem, 39_900),
        size("redeem leaf", btc.leaf_redeem, 155),
        size("refund leaf", btc.leaf_refund, 138),
        size("cooperative redeem", btc.coop_redeem, 111),
        size("cooperative refund", btc.coop_refund, 111),
        size("32 cooperative redeems, all", btc.batch32_coop_total, 1_900),
    ]
}

impl Limit {
    /// The sentence that says so, if the figure is above its limit.
    pub(crate) fn missed(&self) -> Option<String> {
        let Self { what, unit, .. } = self;
        let (measured, most) = (grouped(self.measured), grouped(self.most));
        (self.measured > self.most)
            .then(|| format!("LIMIT MISSED: {what}: expected at most {most} {unit}, measured {measured}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(measured: u64) -> Limit {
        Limit {
            what: "refund leaf",
            unit: "vB",
            measured,
            most: 138,
        }
    }

    #[test]
    fn a_figure_at_its_limit_holds_and_one_above_is_named() {
        assert_eq!(limit(138).missed(), None);
        let words = limit(139).missed().unwrap();
        assert!(
            words.contains("refund leaf") && words.contains("138") && words.contains("139"),
            "{words}"
        );
    }
}
