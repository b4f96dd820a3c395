//! What the story prints as JSON, beside swaps and claims.

use crate::text;
use anyhow::{Context, Result, ensure};
use kofo_clearance::{Payout, Reason, Settlement};
use kofo_node::assets::Assets;
use kofo_node::rpc::types::{AssetAmount, Id};
use kofo_primitives::{Amount, NodeId};
use serde::Serialize;

const STORY: &str = "clearance";

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// To whom, as people call it.
    pub to: String,
    /// What for.
    pub why: String,
    /// How much.
    pub amount: AssetAmount,
}

impl Paid {
    /// All payments of an order's end.
    #[must_use]
    pub fn all(settlement: &Settlement, assets: &Assets, name: &dyn Fn(&NodeId) -> String) -> Vec<Self> {
        let one = |payout: &Payout| Self {
            to: text::payee(payout, name),
            why: text::reason(payout.why),
            amount: assets.money(&payout.asset, payout.amount),
        };
        settlement.payouts.iter().map(one).collect()
    }
}

/// Whether what was paid out of a fee is all of it, to the last unit.
pub fn check_sum(settlement: &Settlement, fee: Amount) -> Result<()> {
    let of_fee = |payout: &&Payout| match payout.why {
        Reason::Foundation | Reason::Validators | Reason::Hop(_) | Reason::FeeBack | Reason::Burnt => true,
        Reason::Back | Reason::Premium | Reason::Harmed => false,
    };
    let paid = settlement
        .payouts
        .iter()
        .filter(of_fee)
        .map(|payout| payout.amount);
    let sum = paid.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
    let sum = sum.context("more was paid than can be counted")?;
    ensure!(
        sum == fee,
        "the payments are {sum} units in all, and the fee was {fee}"
    );
    Ok(())
}

/// An order is final.
#[derive(Debug, Serialize)]
pub(super) struct Final {
    story: &'static str,
    event: &'static str,
    order: Id,
    height: u64,
    epoch: u64,
    signers: u32,
}

impl Final {
    pub(super) const fn new(order: Id, (height, epoch, signers): (u64, u64, u32)) -> Self {
        let (story, event) = (STORY, "final");
        Self {
            story,
            event,
            order,
            height,
            epoch,
            signers,
        }
    }
}

/// An order ended.
#[derive(Debug, Serialize)]
pub(super) struct Ended<'a> {
    story: &'static str,
    event: &'static str,
    order: Id,
    ending: &'a str,
    payouts: &'a [Paid],
}

impl<'a> Ended<'a> {
    /// `event` is `paid` or `slashed`.
    pub(super) const fn new(event: &'static str, order: Id, ending: &'a str, payouts: &'a [Paid]) -> Self {
        let story = STORY;
        Self {
            story,
            event,
            order,
            ending,
            payouts,
        }
    }
}

/// A validator was killed, and the others went on.
#[derive(Debug, Serialize)]
pub(super) struct Killed {
    story: &'static str,
    event: &'static str,
    validator: usize,
    height: u64,
    then: u64,
}

impl Killed {
    pub(super) const fn new(number: usize, height: u64, then: u64) -> Self {
        let (story, event, validator) = (STORY, "killed", number + 1);
        Self {
            story,
            event,
            validator,
            height,
            then,
        }
    }
}

/// It came back, and agrees.
#[derive(Debug, Serialize)]
pub(super) struct Back {
    story: &'static str,
    event: &'static str,
    validator: usize,
    height: u64,
    header: Id,
}

impl Back {
    pub(super) const fn new(number: usize, height: u64, header: Id) -> Self {
        let (story, event, validator) = (STORY, "back", number + 1);
        Self {
            story,
            event,
            validator,
            height,
            header,
        }
    }
}
