//! What the owner account sends besides locks, one at a time: approvals, top-ups of the gas accounts, and payments of
//! nothing that fill a gap below a held nonce. Nothing of it is journaled: an errand that was lost is wanted again.

use super::{Round, Verdict};
use crate::account::Call;
use crate::fees::{Fee, PAYMENT_GAS};
use crate::node::{NodeError, Reach};
use crate::nonces::NonceBook;
use crate::purse::TopUp;
use alloy::primitives::{Address, Bytes, U256};
use std::collections::{BTreeMap, VecDeque};

/// More than approvals for eight tokens and top-ups of eight accounts need never wait.
const MOST: usize = 16;
/// So many rounds without a new leg pass before the gas accounts are filled for those that are known.
const CALM: u8 = 3;

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
    /// The gas accounts are to be looked at, after so many rounds.
    look_in: Option<u8>,
    /// How often each was in a block.
    done: BTreeMap<(Address, Bytes), u32>,
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

    pub(super) fn look_later(&mut self) {
        self.look_in = Some(CALM);
    }

    pub(super) fn done(&self, call: &Call) -> u32 {
        let key = (call.to, call.input.clone());
        self.done.get(&key).copied().unwrap_or(0)
    }

    /// Something waits that no block will start.
    pub(super) fn waits_to_start(&self) -> bool {
        self.look_in.is_some() || (self.running.is_none() && !self.wanted.is_empty())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_none() && self.wanted.is_empty() && self.look_in.is_none()
    }

    /// Starts, sends again, or ends. Whether an answer was lost.
    pub(super) async fn run(
        &mut self,
        round: Round<'_>,
        book: &NonceBook,
        sending: bool,
    ) -> Result<bool, NodeError> {
        let Round {
            purse, tip, price, ..
        } = round;
        self.look_at_gas(round).await?;
        if self.running.is_none() && self.wanted.is_empty() && !sending {
            return Ok(false);
        }
        let mined = round.nonce(&purse.owner).await?;
        if let Some(Running { call, .. }) = self.running.take_if(|running| running.nonce < mined) {
            let times = self.done.entry((call.to, call.input)).or_insert(0);
            *times = times.saturating_add(1);
            self.look_in = Some(0);
        }
        if self.wanted.is_empty() && sending && book.gap(mined, self.nonce()).is_some() {
            self.want(Call::nothing(purse.owner.address()));
        }
        if self.running.is_none()
            && let Some(call) = self.wanted.pop_front()
        {
            let (nonce, fee) = (book.next(mined, None), purse.config.fees.today(price));
            let since = tip.height;
            self.running = Some(Running {
                call,
                nonce,
                fee,
                since,
            });
        }
        let Some(running) = &mut self.running else {
            return Ok(false);
        };
        if round.waited(running.since, running.fee)
            && let Some(fee) = purse.config.fees.bump(running.fee, price)
        {
            (running.fee, running.since) = (fee, tip.height);
        }
        let Running { call, nonce, fee, .. } = running;
        let signed = purse.owner.sign(&purse.config, call, *nonce, *fee).await?;
        // Never outbids at once what is in the pool under its nonce: that may be a lock of ours.
        let verdict = Verdict::of(purse.node.send(&signed.raw, Reach::All).await);
        tracing::debug!(hash = %signed.hash, to = %running.call.to, ?verdict, "errand");
        if matches!(verdict, Verdict::Funds | Verdict::Refused) {
            self.running = None;
        }
        Ok(verdict == Verdict::Lost)
    }

    async fn look_at_gas(&mut self, Round { purse, price, .. }: Round<'_>) -> Result<(), NodeError> {
        match self.look_in {
            None => return Ok(()),
            Some(0) => {}
            Some(rounds) => {
                self.look_in = Some(rounds.saturating_sub(1));
                return Ok(());
            }
        }
        let lacking = purse.top_ups(None).await?;
        let need = purse.cost(&lacking, purse.config.fees.today(price));
        let coins = purse.has(Address::ZERO).await?;
        let have = coins.saturating_sub(purse.earmarked(&purse.config.coin, None));
        self.look_in = None;
        if have < need {
            let owner = purse.owner.address();
            tracing::warn!(%owner, have, need, "no coins for the gas of redeems and refunds: fund the owner");
            return Ok(());
        }
        lacking.iter().for_each(|top_up| self.want(payment(top_up)));
        Ok(())
    }
}
