//! What an order pays in when it is committed: the fee, the premium of the initiator's option, the provider's reserve.

use super::commit::shares;
use super::endings::{bps_of, rule};
use super::live::Money;
use super::refused::OrderRefused;
use crate::book::{BondKind, Book, Purse};
use crate::earnings::earned;
use crate::genesis::LedgerAsset;
use crate::ledger::Step;
use crate::op::ClearedOrder;
use crate::staking::jailed_until;
use crate::weight::Weight;
use kofo_primitives::{Amount, AssetId, Claim, FeePayer, FeeTerms, FulfilTerms, NodeId, Ratio, SwapId};

const ALL_BPS: u128 = 10_000;

/// Takes it all, or refuses. What was taken before a refusal, the ledger undoes.
pub(super) fn take(step: &mut Step<'_>, id: SwapId, cleared: &ClearedOrder) -> Result<Money, OrderRefused> {
    let parts = cleared.order.parts();
    let (asset, fee, payer_of_fee) = fee(step, &parts.claim.body)?;
    let (claimant_part, provider_part) = parted(fee, payer_of_fee);
    let (reserve_asset, reserve) = reserve(step, &parts.claim.body, &parts.terms)?;
    let (worth, premium) = premium(step, reserve, parts.terms.premium_bps)?;
    let payer = cleared.payment.as_ref().map(|payment| payment.body.account);
    let owes = claimant_part != Amount::ZERO || premium != Amount::ZERO;
    if payer.is_none() && owes {
        return Err(OrderRefused::NoPayment);
    }
    let money = Money {
        payer,
        bond: parts.terms.reservation.bond,
        hops: shares(step, cleared, &asset),
        fee_asset: asset.asset,
        claimant_part,
        provider_part,
        reserve_asset,
        reserve,
        worth,
        premium,
    };
    // V13: whatever the weights are, the fee can be divided when it is paid.
    money.split(rule(step.params()), fee)?;
    pay_in(step, &money, id)?;
    Ok(money)
}

/// V13: the fee's asset and amount, and who pays.
fn fee(step: &Step<'_>, claim: &Claim) -> Result<(LedgerAsset, Amount, FeePayer), OrderRefused> {
    let (asset, have, payer) = match &claim.fee {
        FeeTerms::Free => return Err(OrderRefused::NoFee),
        FeeTerms::Posted { .. } => return Err(OrderRefused::PostedFee),
        FeeTerms::Pool { asset, amount, payer } => (asset, *amount, *payer),
    };
    let Some(listed) = step.params().asset(asset) else {
        return Err(OrderRefused::FeeAsset(asset.clone()));
    };
    let need = listed.min_fee;
    if have < need {
        return Err(OrderRefused::FeeTooSmall { have, need });
    }
    Ok((listed.clone(), have, payer))
}

/// What the claimant pays of a fee, and what the provider does; the unit of rounding is the provider's.
fn parted(fee: Amount, payer: FeePayer) -> (Amount, Amount) {
    let claimant = match payer {
        FeePayer::Claimant => fee,
        FeePayer::Provider => Amount::ZERO,
        FeePayer::Split { claimant_bps } => bps_of(fee, claimant_bps.into()),
    };
    let rest = fee.checked_sub(claimant);
    (claimant, rest.expect("a part is at most its whole"))
}

/// V9: what the provider reserves. It states how much; nobody knows what one asset is worth in another, so that a least
/// is asked only where the reserve is in the asset that the provider gives.
fn reserve(step: &Step<'_>, claim: &Claim, terms: &FulfilTerms) -> Result<(AssetId, Amount), OrderRefused> {
    let Some((asset, have)) = &terms.reservation.reserve else {
        return Err(OrderRefused::NoReserve);
    };
    if *have == Amount::ZERO {
        return Err(OrderRefused::NoReserve);
    }
    let Some(listed) = step.params().asset(asset) else {
        return Err(OrderRefused::ReserveAsset(asset.clone()));
    };
    if *asset == claim.want.asset {
        let (have, need) = (*have, bps_of(terms.want, step.params().margin_bps.into()));
        if have < need {
            return Err(OrderRefused::ReserveTooSmall { have, need });
        }
    }
    let bond = terms.reservation.bond;
    let free = step.state.balance(Purse::Bond(bond, BondKind::Provider), asset);
    let need = listed.min_bond.max(*have);
    if free < need {
        return Err(OrderRefused::BondTooSmall {
            bond,
            have: free,
            need,
        });
    }
    Ok((asset.clone(), *have))
}

/// What the order is worth in the reserve's asset, and the premium of it.
fn premium(step: &Step<'_>, reserve: Amount, premium_bps: u16) -> Result<(Amount, Amount), OrderRefused> {
    let times = |of: Amount, by: u128, per: u128| Ratio::new(by, per).and_then(|ratio| ratio.of(of));
    let worth = times(reserve, ALL_BPS, step.params().margin_bps.into());
    let worth = worth.ok_or(OrderRefused::Overflow)?;
    if premium_bps == 0 {
        return Ok((worth, Amount::ZERO));
    }
    let premium = times(worth, premium_bps.into(), ALL_BPS);
    Ok((worth, premium.ok_or(OrderRefused::Overflow)?))
}

/// V14 and V9: the accounts have what they owe, and it moves.
fn pay_in(step: &mut Step<'_>, money: &Money, id: SwapId) -> Result<(), OrderRefused> {
    let (escrow, reserved) = (Purse::Escrow(id), Purse::Reserved(id));
    let (free, bond) = (
        Purse::Free(money.bond),
        Purse::Bond(money.bond, BondKind::Provider),
    );
    let state = &mut *step.state;
    if let Some(payer) = money.payer {
        let payer = Purse::Free(payer);
        state.pay(payer, escrow, &money.fee_asset, money.claimant_part)?;
        state.pay(payer, escrow, &money.reserve_asset, money.premium)?;
    }
    state.pay(free, escrow, &money.fee_asset, money.provider_part)?;
    state.pay(bond, reserved, &money.reserve_asset, money.reserve)?;
    Ok(())
}

/// What a hop weighs: its relay's bond, if it is large enough to be one, and what it earned. Whoever is jailed as a
/// validator weighs nothing.
pub(super) fn weight(step: &Step<'_>, payee: NodeId, asset: &LedgerAsset) -> Weight {
    let purse = Purse::Bond(payee, BondKind::Relay);
    let bond = step.state.balance(purse, &asset.asset);
    if bond < asset.min_bond || jailed_until(step.state, payee).is_some() {
        return Weight::ZERO;
    }
    Weight::of(bond, earned(step, payee, &asset.asset), asset.weight_cap)
}
