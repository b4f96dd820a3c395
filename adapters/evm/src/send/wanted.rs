//! One redeem, refund or release that is to be sent until it is in a block.

use super::Round;
use super::gas::Act;
use super::pace::{Moment, Pace};
use crate::facts::{Leg, txid};
use crate::fees::Fee;
use crate::node::Head;
use crate::prepared::Form;
use alloy::primitives::B256;
use kofo_primitives::{ActKind, Amount, At, FailClass, LegEvent, LegRef, Text};
use std::time::Instant;

/// A transaction that failed in a block is tried again after 2, 4, … and at most so many blocks.
const LONGEST_PAUSE: u64 = 64;

pub(super) struct Wanted {
    pub(super) form: Form,
    /// So much is paid: what the newest version that we were told to send says.
    pub(super) least: Fee,
    /// When we were told.
    pub(super) told: Instant,
    /// It goes alone: it was in a batch that failed, or that nobody took in time.
    pub(super) single: bool,
    /// The height at which a better-paying version was last offered, and what it pays.
    offered: Option<(u64, Fee)>,
    /// When it was first sent.
    first: Option<Moment>,
    failures: u32,
    pub(super) not_before: u64,
    pub(super) told_funds: bool,
    /// A node took the redeem, and that was told.
    told_shown: bool,
}

impl Wanted {
    pub(super) fn new(form: Form, least: Fee) -> Self {
        Self {
            form,
            least,
            told: Instant::now(),
            single: false,
            offered: None,
            first: None,
            failures: 0,
            not_before: 0,
            told_funds: false,
            told_shown: false,
        }
    }

    /// A better-paying version of what waits too long. The core journals it and says when it is to be sent; until then
    /// it is offered again at times, and whenever so much more is due that it could replace the offered one too.
    pub(super) fn offer(
        &mut self,
        (leg, kind): Act,
        (it, gas): (&Leg, u64),
        (fee, since): (Fee, Moment),
        round: Round<'_>,
    ) -> Option<(LegRef, LegEvent)> {
        let (tip, policy) = (round.tip, &round.purse.config.fees);
        let first = *self.first.get_or_insert(tip.into());
        let better = round.replacement((kind, it), Pace { first, since }, fee, gas)?;
        let known = self.offered.filter(|(at, fee)| {
            let lately = tip.height.saturating_sub(*at) < policy.bump_after;
            lately && !better.replaces(*fee)
        });
        if known.is_some() {
            return None;
        }
        self.offered = Some((tip.height, better));
        Some((leg, LegEvent::Built(kind, self.form.paying(better).encode())))
    }

    /// Our transaction failed in a block. The next try waits longer: each costs gas.
    pub(super) fn failed(&mut self, (leg, kind): Act, tip: Head) -> (LegRef, LegEvent) {
        self.failures = self.failures.saturating_add(1);
        self.form = self.form.without_wage();
        let pause = 2u64.saturating_pow(self.failures).min(LONGEST_PAUSE);
        self.not_before = tip.height.saturating_add(pause);
        let why = "the transaction failed in a block: the payee or the token refuses";
        (leg, LegEvent::Failed(kind, FailClass::Refused(Text::lossy(why))))
    }

    /// The account cannot pay for it: told once.
    pub(super) fn lacks_funds(
        &mut self,
        (leg, kind): Act,
        have: Amount,
        need: Amount,
    ) -> Option<(LegRef, LegEvent)> {
        let told = std::mem::replace(&mut self.told_funds, true);
        (!told).then_some((leg, LegEvent::Failed(kind, FailClass::Funds { have, need })))
    }

    /// A node took it. The preimage is shown then, even if the pool forgets it before the next look: told once.
    pub(super) fn taken(&mut self, leg: LegRef, hash: B256) -> Option<(LegRef, LegEvent)> {
        self.told_funds = false;
        let preimage = self.form.preimage()?;
        if std::mem::replace(&mut self.told_shown, true) {
            return None;
        }
        let act = kofo_primitives::Act::Redeem(preimage.clone());
        let (at, tx) = (At::Mempool, Some(txid(hash)));
        Some((leg, LegEvent::Seen { act, at, tx }))
    }
}

impl Round<'_> {
    /// Whether this act may be sent now. While the endpoints do not agree: only a redeem that needs no time.
    pub(super) fn may_send(&self, it: &Leg, kind: ActKind) -> bool {
        if self.alone.is_some() {
            return is_timeless(it, kind);
        }
        it.may_send(kind, self.latest)
    }
}

/// A redeem that was given no time: its preimage is public.
pub(super) fn is_timeless(it: &Leg, kind: ActKind) -> bool {
    kind == ActKind::Redeem && it.not_after.get(&kind).copied().flatten().is_none()
}
