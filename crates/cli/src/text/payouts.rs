//! Who was paid when an order ended.

use super::table;
use kofo_clearance::{Payout, Reason, Settlement};
use kofo_node::assets::Assets;
use kofo_primitives::{Amount, AssetId, NodeId};
use std::collections::BTreeMap;

/// What a payment was for.
#[must_use]
pub fn reason(why: Reason) -> String {
    match why {
        Reason::Foundation => "foundation".to_owned(),
        Reason::Validators => "validators".to_owned(),
        Reason::Hop(entry) => format!("hop {entry}"),
        Reason::FeeBack => "fee, back".to_owned(),
        Reason::Back => "put up, back".to_owned(),
        Reason::Premium => "premium".to_owned(),
        Reason::Harmed => "harmed, after the unbonding time".to_owned(),
        Reason::Burnt => "burnt".to_owned(),
    }
}

/// What was paid of each asset in all; `None` if it is more than can be counted.
#[must_use]
pub fn sums(payouts: &[Payout]) -> Option<BTreeMap<AssetId, Amount>> {
    let mut sums: BTreeMap<AssetId, Amount> = BTreeMap::new();
    for payout in payouts {
        let sum = sums.entry(payout.asset.clone()).or_insert(Amount::ZERO);
        *sum = sum.checked_add(payout.amount)?;
    }
    Some(sums)
}

/// To whom it went. `name` is what people call an account.
#[must_use]
pub fn payee(payout: &Payout, name: &dyn Fn(&NodeId) -> String) -> String {
    match (&payout.to, payout.why) {
        (Some(account), _) => name(account),
        (None, Reason::Validators) => "the epoch's pool".to_owned(),
        (None, Reason::Back) => "the provider's bond".to_owned(),
        (None, _) => "nobody".to_owned(),
    }
}

/// All payments and their sums, a line each. `name` is what people call an account.
#[must_use]
pub fn payouts(settlement: &Settlement, assets: &Assets, name: &dyn Fn(&NodeId) -> String) -> String {
    let row = |payout: &Payout| {
        let amount = assets.show(&payout.asset, payout.amount);
        vec![reason(payout.why), payee(payout, name), amount]
    };
    let mut rows: Vec<_> = settlement.payouts.iter().map(row).collect();
    for (asset, sum) in sums(&settlement.payouts).unwrap_or_default() {
        rows.push(vec!["in all".to_owned(), String::new(), assets.show(&asset, sum)]);
    }
    table(&["for", "to", "amount"], &[2], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kofo_clearance::Ending;
    use kofo_node::assets::Asset;
    use kofo_primitives::SwapId;

    #[test]
    fn every_payment_has_its_line_and_the_last_line_is_their_sum() {
        let asset = AssetId::new("kofo:kofo-test/ledger:kofo").unwrap();
        let known = Asset {
            symbol: "KOFO".into(),
            id: asset.clone(),
            decimals: 6,
            freezable: false,
        };
        let assets = Assets::new(vec![known]).unwrap();
        let paid = |to: Option<u8>, units, why| Payout {
            to: to.map(|n| NodeId::new([n; 32])),
            asset: asset.clone(),
            amount: Amount::new(units),
            why,
        };
        let payouts = vec![
            paid(Some(1), 30_000, Reason::Foundation),
            paid(None, 60_000, Reason::Validators),
            paid(Some(2), 210_000, Reason::Hop(1)),
        ];
        let settlement = Settlement {
            order: SwapId::new([0; 32]),
            ending: Ending::Settled,
            time_ms: 1,
            payouts,
        };
        let name = |account: &NodeId| {
            if account.as_bytes() == &[2; 32] {
                "relay-1".into()
            } else {
                account.to_string()
            }
        };
        let text = super::payouts(&settlement, &assets, &name);
        let lines: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines[2],
            ["validators", "the", "epoch's", "pool", "0.06", "KOFO"],
            "{text}"
        );
        assert_eq!(lines[3], ["hop", "1", "relay-1", "0.21", "KOFO"], "{text}");
        assert_eq!(lines[4], ["in", "all", "0.3", "KOFO"], "{text}");
    }
}
