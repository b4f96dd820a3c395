//! What the owner account sends besides locks, one at a time: approvals, top-ups of the gas accounts, and payments of
//! nothing that fill a gap below a held nonce. Nothing of it is journaled: an errand that was lost is wanted again.

use super::Verdict;
use crate::account::Call;
use crate::fees::{Fee, PAYMENT_GAS};
use crate::node::{Head, NodeError};
use crate::nonces::NonceBook;
use crate::purse::{Purse, TopUp};
use alloy::eips::BlockId;
use alloy::primitives::{Bytes, U256};
use std::collections::VecDeque;

/// More than approvals for eight tokens and top-ups of eight accounts need never wait.
const MOST: usize = 16;

struct Running {
    call: Call,
    nonce: u64,
    fee: Fee,
    since: u64,
}

#[derive(Default)]
pub(super) struct Errands {
    wanted: VecDeque<Call>,
    running: Option<Running>,
    /// The gas accounts are to be looked at.
    pub(super) check_gas: bool,
}

pub(super) fn payment(top_up: &TopUp) -> Call {
    Call {
        to: top_up.to,
        value: U256::from(top_up.wei),
        input: Bytes::new(),
        gas: PAYMENT_GAS,
    }
}

impl Errands {
    /// The nonce of the one that is running.
    pub(super) fn nonce(&self) -> Option<u64> {
        self.running.as_ref().map(|running| running.nonce)
    }

    pub(super) fn want(&mut self, call: Call) {
        let same = |other: &Call| other.to == call.to && other.input == call.input;
        let known = self
            .wanted
            .iter()
            .chain(self.running.iter().map(|r| &r.call))
            .any(same);
        if !known && self.wanted.len() < MOST {
            self.wanted.push_back(call);
        }
    }

    /// Something waits that no block will start.
    pub(super) fn is_busy_without_nonce(&self) -> bool {
        self.running.is_none() && !self.wanted.is_empty()
    }

    /// Starts, sends again, or ends. Whether an answer was lost.
    pub(super) async fn run(
        &mut self,
        purse: &Purse,
        book: &NonceBook,
        sending: bool,
        tip: Head,
    ) -> Result<bool, NodeError> {
        self.look_at_gas(purse, tip).await?;
        if self.running.is_none() && self.wanted.is_empty() && !sending {
            return Ok(false);
        }
        let mined = purse
            .node
            .nonce(purse.owner.address(), BlockId::hash(tip.hash))
            .await?;
        if self.running.take_if(|running| running.nonce < mined).is_some() {
            self.check_gas = true;
        }
        if self.wanted.is_empty() && sending && book.gap(mined, self.nonce()).is_some() {
            self.want(Call::nothing(purse.owner.address()));
        }
        let price = purse.price(tip.base_fee).await?;
        if self.running.is_none()
            && let Some(call) = self.wanted.pop_front()
        {
            let (nonce, fee) = (book.next(mined, None), purse.config.fees.today(price));
            self.running = Some(Running {
                call,
                nonce,
                fee,
                since: tip.height,
            });
        }
        let Some(running) = &mut self.running else {
            return Ok(false);
        };
        let waited = tip.height.saturating_sub(running.since) >= purse.config.fees.bump_after;
        if waited && let Some(fee) = purse.config.fees.bump(running.fee, price) {
            (running.fee, running.since) = (fee, tip.height);
        }
        let verdict = super::send_bumping(
            purse,
            &purse.owner,
            &running.call,
            (running.nonce, &mut running.fee),
            price,
        )
        .await;
        tracing::debug!(nonce = running.nonce, to = %running.call.to, ?verdict, "errand");
        if matches!(verdict, Verdict::Funds | Verdict::Refused) {
            self.running = None;
        }
        Ok(verdict == Verdict::Lost)
    }

    async fn look_at_gas(&mut self, purse: &Purse, tip: Head) -> Result<(), NodeError> {
        if !std::mem::take(&mut self.check_gas) {
            return Ok(());
        }
        let lacking = purse.top_ups(None).await?;
        let fee = purse.config.fees.today(purse.price(tip.base_fee).await?);
        let coin = &purse.config.coin;
        let have = purse
            .has(alloy::primitives::Address::ZERO)
            .await?
            .saturating_sub(purse.earmarked(coin, None));
        if !lacking.is_empty() && have < purse.cost(&lacking, fee) {
            tracing::warn!(owner = %purse.owner.address(), have, need = purse.cost(&lacking, fee), "no coins for the gas of redeems and refunds: fund the owner account");
            return Ok(());
        }
        lacking.iter().for_each(|top_up| self.want(payment(top_up)));
        Ok(())
    }
}
