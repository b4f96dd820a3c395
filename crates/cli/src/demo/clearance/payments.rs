//! A settlement as a validator shows it to its owner, read back: so that it can be held against the receipt, which commits
//! to it.

use anyhow::{Context, Result, bail};
use kofo_clearance::{Ending, Payout, Reason, Settlement};
use kofo_node::rpc::types::Id;
use kofo_primitives::{Amount, AssetId, NodeId, SwapId};
use kofo_validator::{PayoutShown, SettlementShown};

pub(super) fn settlement(order: Id, shown: &SettlementShown) -> Result<Settlement> {
    let payouts: Result<Vec<_>> = shown.payouts.iter().map(payout).collect();
    Ok(Settlement {
        order: SwapId::from(order),
        ending: ending(&shown.ending)?,
        time_ms: shown.time_ms,
        payouts: payouts?,
    })
}

fn payout(shown: &PayoutShown) -> Result<Payout> {
    let to = shown
        .to
        .as_ref()
        .map(|to| to.parse::<Id>().map(|id| NodeId::new(id.0)));
    Ok(Payout {
        to: to.transpose()?,
        asset: AssetId::new(&shown.asset)?,
        amount: Amount::new(shown.units.parse().context("units")?),
        why: reason(&shown.why)?,
    })
}

fn ending(word: &str) -> Result<Ending> {
    Ok(match word {
        "settled" => Ending::Settled,
        "never_locked" => Ending::NeverLocked,
        "provider_walked" => Ending::ProviderWalked,
        "initiator_walked" => Ending::InitiatorWalked,
        "provider_late" => Ending::ProviderLate,
        "refunded" => Ending::Refunded,
        "cancelled" => Ending::Cancelled,
        "unclear" => Ending::Unclear,
        "unobserved" => Ending::Unobserved,
        other => bail!("no order ends as {other:?}"),
    })
}

fn reason(word: &str) -> Result<Reason> {
    Ok(match word {
        "foundation" => Reason::Foundation,
        "validators" => Reason::Validators,
        "fee_back" => Reason::FeeBack,
        "back" => Reason::Back,
        "premium" => Reason::Premium,
        "harmed" => Reason::Harmed,
        "burnt" => Reason::Burnt,
        other => match other.strip_prefix("hop ") {
            Some(entry) => Reason::Hop(entry.parse().context("hop")?),
            None => bail!("nothing is paid for {other:?}"),
        },
    })
}
