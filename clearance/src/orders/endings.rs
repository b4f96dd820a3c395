//! Who gets what when an order ends. Whatever was paid in is paid out, to the last unit: that is asserted.

use super::live::{Live, Money, Share};
use super::{contested, facts, reliability};
use crate::book::{Book, Purse};
use crate::earnings::add_earning;
use crate::fee_split::{FeeSplit, Hop, SplitError, SplitRule};
use crate::genesis::Params;
use crate::importance::flow;
use crate::ledger::Step;
use crate::points;
use crate::proportion::proportion;
use crate::receipt::{Ending, Payout, Reason, Settlement};
use crate::timers::{Timer, remind};
use kofo_primitives::{Amount, AssetId, NodeId, SwapId};

const ALL_BPS: u128 = 10_000;

/// So many basis points of an amount, rounded down; at most all of it.
pub(super) fn bps_of(amount: Amount, bps: u128) -> Amount {
    Amount::new(proportion(amount.units(), bps.min(ALL_BPS), ALL_BPS).0)
}

impl Money {
    /// All of the fee.
    pub(super) fn fee(&self) -> Amount {
        self.claimant_part
            .checked_add(self.provider_part)
            .expect("both are parts of one amount")
    }

    /// Divides a fee among those who said whom they are paid through, by what they weighed at the commit.
    pub(super) fn split(&self, rule: SplitRule, fee: Amount) -> Result<FeeSplit, SplitError> {
        let hop = |share: &Share| Hop {
            payee: share.payee,
            weight: share.weight(),
        };
        let path: Vec<_> = self.hops.iter().map(hop).collect();
        let parties: Vec<_> = self.payer.into_iter().chain([self.bond]).collect();
        rule.split(fee, &path, &parties)
    }
}

/// Pays out, and writes down what it paid.
struct Paying<'a, 'b> {
    step: &'a mut Step<'b>,
    id: SwapId,
    money: &'a Money,
    payouts: Vec<Payout>,
}

impl Paying<'_, '_> {
    fn pay(&mut self, from: Purse, to: Purse, (asset, amount): (&AssetId, Amount), why: Reason) {
        if amount == Amount::ZERO {
            return;
        }
        let paid = self.step.state.pay(from, to, asset, amount);
        paid.expect("an order pays out what it took in, and no other order touches its purses");
        let to = match to {
            Purse::Free(account) | Purse::Unbonding(account) | Purse::Bond(account, _) => Some(account),
            Purse::Outside
            | Purse::Stake(_)
            | Purse::Delegated(..)
            | Purse::Reward(_)
            | Purse::Escrow(_)
            | Purse::Reserved(_)
            | Purse::Pool
            | Purse::Burnt => None,
        };
        self.payouts.push(Payout {
            to,
            asset: asset.clone(),
            amount,
            why,
        });
    }

    fn fee(&mut self, to: Purse, amount: Amount, why: Reason) {
        let money = self.money;
        self.pay(Purse::Escrow(self.id), to, (&money.fee_asset, amount), why);
    }

    fn claimant(&self) -> Purse {
        // Without a payer nothing is the claimant's: the amounts are 0, but for what it gets as the harmed party.
        self.money.payer.map_or(Purse::Burnt, Purse::Free)
    }

    fn hops(&mut self, split: &FeeSplit) {
        let money = self.money;
        for (share, amount) in money.hops.iter().zip(&split.hops) {
            self.fee(Purse::Free(share.payee), *amount, Reason::Hop(share.entry));
        }
        self.fee(Purse::Burnt, split.burnt, Reason::Burnt);
    }

    /// The whole fee to foundation, validators and path.
    fn fee_paid(&mut self) -> Amount {
        let rule = rule(self.step.params());
        let split = self.money.split(rule, self.money.fee());
        let split = split.expect("the same was divided at the commit");
        let foundation = Purse::Free(self.step.params().foundation);
        self.fee(foundation, split.foundation, Reason::Foundation);
        self.fee(Purse::Pool, split.validators, Reason::Validators);
        self.hops(&split);
        self.earn(&split);
        split.foundation
    }

    /// What hops earned counts for their weight in later orders, and for the recommendation of paths.
    fn earn(&mut self, split: &FeeSplit) {
        let money = self.money;
        let mut before: Option<NodeId> = None;
        for (share, amount) in money.hops.iter().zip(&split.hops) {
            if *amount == Amount::ZERO {
                continue;
            }
            add_earning(self.step, share.payee, &money.fee_asset, *amount);
            if let Some(from) = before {
                flow(self.step, from, share.payee, &money.fee_asset, *amount);
            }
            before = Some(share.payee);
        }
    }

    /// What is left of the fee, to those who paid it: `kept` was taken from the claimant's part first.
    fn fee_back(&mut self, kept: Amount) {
        let money = self.money;
        let of_claimant = kept.min(money.claimant_part);
        let of_provider = less(kept, of_claimant);
        let (claimant, provider) = (
            less(money.claimant_part, of_claimant),
            less(money.provider_part, of_provider),
        );
        self.fee(self.claimant(), claimant, Reason::FeeBack);
        self.fee(Purse::Free(money.bond), provider, Reason::FeeBack);
    }

    /// What the path gets for an order that the initiator never locked for; the rest goes back.
    fn cancelled_late(&mut self) {
        let money = self.money;
        let kept = bps_of(money.fee(), self.step.params().cancel_bps.into());
        let to_path = SplitRule::new(0, 0).expect("nothing is not more than all");
        let split = money.split(to_path, kept);
        self.hops(&split.expect("a larger fee was divided at the commit"));
        self.fee_back(kept);
    }

    /// So much of the premium to the provider, the rest back.
    fn premium(&mut self, due: Amount) {
        let money = self.money;
        let escrow = Purse::Escrow(self.id);
        let asset = &money.reserve_asset;
        let rest = less(money.premium, due);
        self.pay(escrow, Purse::Free(money.bond), (asset, due), Reason::Premium);
        self.pay(escrow, self.claimant(), (asset, rest), Reason::Back);
    }

    fn reserve_back(&mut self, amount: Amount) {
        let money = self.money;
        let bond = Purse::Bond(money.bond, crate::book::BondKind::Provider);
        let reserve = (&money.reserve_asset, amount);
        self.pay(Purse::Reserved(self.id), bond, reserve, Reason::Back);
    }

    /// Out of the reserve to the initiator, at its disposal after the time that a bond needs to be free: whoever slashes
    /// itself has its bond back no sooner. What nobody can be given is burnt.
    fn harmed(&mut self, amount: Amount) {
        let money = self.money;
        let (reserved, sum) = (Purse::Reserved(self.id), (&money.reserve_asset, amount));
        let Some(account) = money.payer else {
            self.pay(reserved, Purse::Burnt, sum, Reason::Burnt);
            return;
        };
        self.pay(reserved, Purse::Unbonding(account), sum, Reason::Harmed);
        if amount != Amount::ZERO {
            let at = self.step.time_ms.saturating_add(self.step.params().unbond_ms);
            let timer = Timer::Unbonded {
                account,
                asset: money.reserve_asset.clone(),
                amount,
            };
            remind(self.step.state, at, &timer);
        }
    }

    /// The most that the harmed party gets.
    fn most_harmed(&self) -> Amount {
        let most = bps_of(self.money.worth, self.step.params().harmed_bps.into());
        most.min(self.money.reserve)
    }
}

/// What is left of a sum after a part of it.
fn less(whole: Amount, part: Amount) -> Amount {
    whole.checked_sub(part).expect("a part is at most its whole")
}

pub(super) fn rule(params: &Params) -> SplitRule {
    // A genesis with more than all is refused.
    params.split().unwrap_or_default()
}

/// What the initiator owes for its option if it never locked: the square root of the part of the time that it had the
/// option for, as an option's worth grows. The time ends when it was to lock: what comes later is not its doing.
pub(super) fn premium_due(live: &Live) -> Amount {
    let [lock_by, redeem_by] = [live.by.alpha_lock_by, live.by.redeem_by].map(super::live::ms);
    let total = u128::from(redeem_by.saturating_sub(live.committed_ms)).max(1);
    let elapsed = u128::from(lock_by.saturating_sub(live.committed_ms)).min(total);
    let (part, _) = proportion(ALL_BPS.saturating_mul(ALL_BPS), elapsed, total);
    bps_of(live.money.premium, part.isqrt())
}

impl Paying<'_, '_> {
    /// Whose fault it was decides who gets what.
    fn pay_all(&mut self, live: &Live, ending: Ending) {
        let money = self.money;
        match ending {
            Ending::Settled => {
                let foundation = self.fee_paid();
                self.premium(Amount::ZERO);
                self.reserve_back(money.reserve);
                self.reward(foundation);
            }
            Ending::Unclear => {
                self.fee_paid();
                self.premium(Amount::ZERO);
                self.reserve_back(money.reserve);
            }
            Ending::InitiatorWalked => {
                self.fee_paid();
                self.premium(money.premium);
                self.reserve_back(money.reserve);
            }
            Ending::NeverLocked => {
                self.cancelled_late();
                self.premium(premium_due(live));
                self.reserve_back(money.reserve);
            }
            Ending::ProviderWalked => {
                self.all_back();
                let harmed = self.most_harmed();
                self.harmed(harmed);
                let rest = (&money.reserve_asset, less(money.reserve, harmed));
                self.pay(Purse::Reserved(self.id), Purse::Burnt, rest, Reason::Burnt);
                reliability::failed(self.step.state, money.bond);
            }
            Ending::ProviderLate => {
                self.all_back();
                let harmed = self.most_harmed().min(money.premium);
                self.harmed(harmed);
                self.reserve_back(less(money.reserve, harmed));
                reliability::failed(self.step.state, money.bond);
            }
            Ending::Refunded | Ending::Cancelled | Ending::Unobserved => {
                self.all_back();
                self.reserve_back(money.reserve);
            }
        }
    }

    /// Fee and premium to whoever paid them in.
    fn all_back(&mut self) {
        self.fee_back(Amount::ZERO);
        self.premium(Amount::ZERO);
    }

    /// A trade was done: points for both, as much as the foundation really got, and the provider kept its word.
    fn reward(&mut self, foundation: Amount) {
        let parties = self.money.payer.into_iter().chain([self.money.bond]);
        let points: Vec<_> = parties.map(|account| (account, foundation)).collect();
        points::settled(self.step, &points);
        reliability::settled(self.step.state, self.money.bond);
    }
}

/// Ends an order: pays everybody, writes the receipt and forgets it.
pub(super) fn end(step: &mut Step<'_>, id: SwapId, live: &Live, ending: Ending) {
    let money = &live.money;
    let payouts = Vec::new();
    let mut paying = Paying {
        step,
        id,
        money,
        payouts,
    };
    paying.pay_all(live, ending);
    let payouts = paying.payouts;
    for purse in [Purse::Escrow(id), Purse::Reserved(id)] {
        for asset in [&money.fee_asset, &money.reserve_asset] {
            let left = step.state.balance(purse, asset);
            assert_eq!(left, Amount::ZERO, "an order that is over keeps nothing");
        }
    }
    step.settlements.push(Settlement {
        order: id,
        ending,
        time_ms: step.time_ms,
        payouts,
    });
    contested::keep(step, id, live);
    facts::forget(step.state, id);
    Live::forget(step.state, &id);
}
