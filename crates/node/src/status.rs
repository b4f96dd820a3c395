//! Swaps and offers as people and programs see them.

use crate::assets::Assets;
use crate::book::{Page, Sight};
use crate::driver::{Live, OfferEntry};
use crate::rpc::types::{
    ActSeen, AssetAmount, DeadlineStatus, Id, LegStatus, OutcomeName, RoleName, SwapStatus,
};
use kofo_primitives::{LegId, OfferedLeg, Role};
use kofo_settlement::{Due, Leg, Outcome, Phase};

/// A swap's status.
#[must_use]
pub fn of_swap(live: &Live, page: &Page, assets: &Assets) -> SwapStatus {
    let (terms, swap) = (live.terms(), live.swap());
    let money = |legs: Vec<(LegId, &Leg)>| -> Vec<AssetAmount> {
        legs.iter()
            .map(|(_, leg)| assets.money(&leg.spec.asset, leg.spec.amount))
            .collect()
    };
    let failure = swap
        .failure()
        .map(|failure| format!("our lock could not be made: {failure}"));
    SwapStatus {
        id: terms.swap().into(),
        offer: Id(live.order().origin()),
        seq: page.seq,
        role: role(terms.role()),
        peer: Some(live.other_party().to_string()),
        state: if live.waits() {
            TO_APPROVE
        } else {
            state(swap.phase())
        }
        .to_owned(),
        outcome: outcome(swap.phase()),
        give: money(terms.outgoing().collect()),
        get: money(terms.incoming().collect()),
        hashlock: (*terms.hashlock()).into(),
        at_risk: money(at_risk(live)),
        deadline: deadline(live),
        legs: terms
            .legs()
            .iter()
            .map(|(id, leg)| leg_status(*id, leg, terms.role(), page, assets))
            .collect(),
        trouble: failure
            .or_else(|| to_approve(live))
            .or_else(|| live.goes_on().then(|| page.trouble.clone()).flatten()),
        created_ms: live.at_ms(),
        updated_ms: page.updated_ms.max(live.at_ms()),
    }
}

/// The status of an offer of ours of which no swap came yet.
#[must_use]
pub fn of_offer(entry: &OfferEntry, assets: &Assets, expired: bool) -> SwapStatus {
    let body = &entry.offer.body;
    let money = |legs: &[OfferedLeg]| {
        legs.iter()
            .map(|leg| assets.money(&leg.asset, leg.amount))
            .collect()
    };
    let over = entry.withdrawn || expired;
    let trouble = match (entry.withdrawn, expired) {
        (true, _) => Some("the offer was taken back".to_owned()),
        (false, true) => Some("the offer has expired: make a new one".to_owned()),
        (false, false) => None,
    };
    SwapStatus {
        id: Id(body.id()),
        offer: Id(body.id()),
        seq: u64::from(over),
        role: RoleName::Initiator,
        peer: None,
        state: if over { "done" } else { "offered" }.to_owned(),
        outcome: over.then_some(OutcomeName::Aborted),
        give: money(&body.give),
        get: money(&body.want),
        hashlock: body.hashlock.into(),
        at_risk: Vec::new(),
        deadline: None,
        legs: Vec::new(),
        trouble,
        created_ms: entry.made_ms,
        updated_ms: entry.made_ms,
    }
}

const fn role(role: Role) -> RoleName {
    match role {
        Role::Initiator => RoleName::Initiator,
        Role::Participant => RoleName::Participant,
    }
}

/// The state of a swap above a limit, which waits for its owner's word.
pub(crate) const TO_APPROVE: &str = "to_approve";

fn to_approve(live: &Live) -> Option<String> {
    let why = live.waits_because()?;
    Some(format!(
        "{why}: nothing is locked before you approve it; approve or decline it"
    ))
}

/// All states of a swap that goes on.
pub(crate) const STATES: [&str; 8] = [
    "agreed",
    "lock_built",
    "lock_sent",
    "both_locked",
    "redeem_built",
    "redeeming",
    "refunding",
    "restored",
];

/// All ends.
pub(crate) const OUTCOMES: [OutcomeName; 4] = [
    OutcomeName::Redeemed,
    OutcomeName::Refunded,
    OutcomeName::Aborted,
    OutcomeName::Lost,
];

/// A phase in one word.
pub(crate) const fn state(phase: Phase) -> &'static str {
    match phase {
        Phase::Agreed => "agreed",
        Phase::LockBuilt => "lock_built",
        Phase::LockSent => "lock_sent",
        Phase::BothLocked => "both_locked",
        Phase::RedeemBuilt => "redeem_built",
        Phase::Redeeming => "redeeming",
        Phase::Refunding => "refunding",
        Phase::Restored => "restored",
        Phase::Done(_) => "done",
    }
}

/// How a swap ended, if it has.
pub(crate) const fn outcome(phase: Phase) -> Option<OutcomeName> {
    match phase {
        Phase::Done(Outcome::Redeemed) => Some(OutcomeName::Redeemed),
        Phase::Done(Outcome::Refunded) => Some(OutcomeName::Refunded),
        Phase::Done(Outcome::Aborted) => Some(OutcomeName::Aborted),
        Phase::Done(Outcome::Lost) => Some(OutcomeName::Lost),
        _ => None,
    }
}

/// What of ours is or may be locked and is not settled for good.
fn at_risk(live: &Live) -> Vec<(LegId, &Leg)> {
    let swap = live.swap();
    if swap.phase() < Phase::LockSent || !live.goes_on() {
        return Vec::new();
    }
    let open = |id: &LegId| swap.legs().get(id).is_some_and(|leg| !leg.is_over());
    live.terms().outgoing().filter(|(id, _)| open(id)).collect()
}

/// What happens at a deadline, as a sentence.
#[must_use]
pub const fn then(due: Due) -> &'static str {
    match due {
        Due::Abort => "nothing of ours was sent: the swap is aborted",
        Due::GiveUp => "too late to show the preimage: our lock is taken back after its timelock",
        Due::Refund => "our timelock has passed: our lock is taken back",
        Due::RedeemFinal => "our redeem must be final by then, or the other party may take its lock back",
    }
}

fn deadline(live: &Live) -> Option<DeadlineStatus> {
    let next = live.swap().deadline(live.terms())?;
    Some(DeadlineStatus {
        chain: next.chain.to_string(),
        at: next.at.0,
        then: then(next.due).to_owned(),
    })
}

fn leg_status(id: LegId, leg: &Leg, role: Role, page: &Page, assets: &Assets) -> LegStatus {
    let acts = page
        .legs
        .get(&id)
        .map(|sights| sights.iter().map(|s| act(s, leg)).collect())
        .unwrap_or_default();
    LegStatus {
        leg: id.to_string(),
        chain: leg.spec.chain().to_string(),
        amount: assets.money(&leg.spec.asset, leg.spec.amount),
        ours: id.side == role.locks(),
        timelock: leg.spec.timelock.0,
        acts,
    }
}

fn act(sight: &Sight, leg: &Leg) -> ActSeen {
    // EVM chains write a transaction id with 0x in front, Bitcoin without.
    let prefix = if leg.spec.chain().as_str().starts_with("eip155:") {
        "0x"
    } else {
        ""
    };
    ActSeen {
        act: sight.act.to_owned(),
        txid: sight.tx.map(|tx| format!("{prefix}{tx}")),
        height: sight.height,
        seen_ms: sight.seen_ms,
        final_ms: sight.final_ms,
    }
}
