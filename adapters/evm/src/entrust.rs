//! What a third party (a tower) needs to redeem or refund a leg for its owner. The contract lets anyone do either, and
//! pays nobody but the leg's own party: so a package may be empty. It may hold the redeemer's word that one account may
//! keep a part of what it redeems, as a wage for the gas. It never holds a key or a preimage.

use crate::build::today;
use crate::contract::domain;
use crate::htlc::Htlc;
use crate::node::NodeError;
use crate::prepared::Form;
use crate::purse::Purse;
use crate::round::malformed;
use crate::word::{Word, redeem_for_digest};
use alloy::primitives::{Address, B256, U256};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::{AdapterError, Entrusted};
use kofo_primitives::{Act, ActKind, Amount, Bytes, End, HtlcSpec, Preimage, Prepared};

/// Of packages: their first byte.
const VERSION: u8 = 1;
/// The most that a tower may be left, in thousandths of the amount.
pub(crate) const MOST_PER_MILLE: u16 = 50;

/// What a tower may keep of what it redeems for us, so that its gas is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TowerWage {
    /// The tower's account, one of its gas accounts: no other may keep anything.
    pub account: Address,
    /// Thousandths of the amount. More than 50 counts as 50.
    pub per_mille: u16,
}

impl TowerWage {
    /// So many thousandths for this account.
    #[must_use]
    pub fn new(account: [u8; 20], per_mille: u16) -> Self {
        let account = Address::from(account);
        Self { account, per_mille }
    }

    /// In the asset's smallest unit, rounded down.
    fn of(self, amount: Amount) -> u128 {
        let share = u128::from(self.per_mille.min(MOST_PER_MILLE));
        let (thousands, rest) = (amount.units() / 1_000, amount.units() % 1_000);
        thousands
            .saturating_mul(share)
            .saturating_add(rest.saturating_mul(share) / 1_000)
    }
}

/// The redeemer's word that `account` may keep so much of the lock that it redeems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Wage {
    account: [u8; 20],
    /// In the asset's smallest unit.
    pub(crate) keeps: u128,
    pub(crate) word: Word,
}

impl Wage {
    pub(crate) fn account(&self) -> Address {
        Address::from(self.account)
    }

    /// That the redeemer gave it, for this lock, and that it leaves the redeemer something.
    fn check(&self, purse: &Purse, it: &Htlc) -> Result<(), AdapterError> {
        let most = it.amount.units();
        if self.keeps > most {
            return Err(malformed("a tower's wage", format!("at most {most}"), self.keeps));
        }
        let digest = it.redeem_for_digest(purse.config.chain_id, self.account(), self.keeps);
        self.word.check(digest, it.redeemer)
    }

    #[cfg(test)]
    pub(crate) fn raw(account: [u8; 20], keeps: u128, word: Word) -> Self {
        Self { account, keeps, word }
    }
}

impl Htlc {
    /// What the redeemer signs to let an account redeem this lock for it and keep so much of it.
    fn redeem_for_digest(&self, chain_id: u64, account: Address, keeps: u128) -> B256 {
        let domain = domain(self.contract, chain_id);
        let lock = (self.slot(), self.commitment());
        redeem_for_digest(&domain, lock, account, U256::from(keeps))
    }
}

/// The end whose owner may have this done by others.
fn end_of(act: ActKind) -> Result<End, AdapterError> {
    match act {
        ActKind::Redeem => Ok(End::Redeemer),
        ActKind::Refund => Ok(End::Refunder),
        ActKind::Lock | ActKind::Cancel | ActKind::RedeemTogether | ActKind::RefundTogether => Err(
            malformed("what is entrusted", "Redeem or Refund", format!("{act:?}")),
        ),
    }
}

/// The leg as its owner has it, if the act is its owner's.
fn read(purse: &Purse, spec: &HtlcSpec, act: ActKind) -> Result<Htlc, AdapterError> {
    let end = end_of(act)?;
    if spec.end != end {
        return Err(malformed(
            "the owner's end of the leg",
            format!("{end:?}"),
            format!("{:?}", spec.end),
        ));
    }
    Htlc::new(&purse.config, spec)
}

/// One package: there are no levels of fee, because whoever sends it chooses its own.
pub(crate) async fn entrust(
    purse: &Purse,
    spec: &HtlcSpec,
    act: ActKind,
) -> Result<Vec<Entrusted>, AdapterError> {
    let it = read(purse, spec, act)?;
    let ours = it.ours(spec.end, purse.owner.address());
    if act == ActKind::Refund {
        ours.clone()?;
    }
    // Whom we only pay gives no word on a wage: then the tower redeems at its own cost.
    let wage = purse
        .config
        .tower_wage
        .filter(|_| act == ActKind::Redeem && ours.is_ok());
    // Nothing kept needs no word; some tokens refuse to move nothing.
    let wage = wage
        .map(|wage| (wage.account, wage.of(it.amount)))
        .filter(|(_, keeps)| *keeps > 0);
    let wage = match wage {
        Some((account, keeps)) => {
            let account = account.into();
            let word = Word::by(&purse.owner, it.word_on(&purse.config, Some((account, keeps)))).await;
            Some(Wage {
                account,
                keeps,
                word: word.map_err(|error| purse.signer_error(error))?,
            })
        }
        None => None,
    };
    let bytes = borsh::to_vec(&(VERSION, wage)).expect("writing to memory does not fail");
    Ok(vec![Bytes::new(bytes).expect("a package has at most 103 bytes")])
}

/// What the tower may broadcast. A right word for an account that is not ours is of no use and does no harm: then the
/// redeem is a plain one, at our cost.
pub(crate) async fn take_over(
    purse: &Purse,
    spec: &HtlcSpec,
    act: &Act,
    entrusted: &Entrusted,
) -> Result<Prepared, AdapterError> {
    let it = read(purse, spec, act.kind())?;
    let wage = wage(purse, &it, act.kind(), entrusted)?;
    if let Act::Redeem(preimage) = act {
        opens(preimage, spec)?;
    }
    let fee = async {
        let head = purse.node.best().await?;
        today(purse, head.base_fee).await
    };
    let fee = fee.await.map_err(|error: NodeError| purse.node_error(&error))?;
    let form = match (act, wage) {
        (Act::Redeem(preimage), Some(wage)) => Form::RedeemFor(preimage.clone(), wage, fee),
        (Act::Redeem(preimage), None) => Form::Redeem(preimage.clone(), fee),
        (Act::Lock | Act::Refund | Act::Cancel, _) => Form::Refund(fee),
    };
    Ok(form.encode())
}

fn opens(preimage: &Preimage, spec: &HtlcSpec) -> Result<(), AdapterError> {
    let hashlock = preimage.hashlock();
    if hashlock == spec.hashlock {
        return Ok(());
    }
    Err(malformed("hashlock of the preimage", spec.hashlock, hashlock))
}

/// The wage that the package leaves us, if any.
fn wage(purse: &Purse, it: &Htlc, act: ActKind, entrusted: &Entrusted) -> Result<Option<Wage>, AdapterError> {
    let bytes = entrusted.as_slice();
    let Ok((VERSION, wage)) = borsh::from_slice::<(u8, Option<Wage>)>(bytes) else {
        let expected = format!("version {VERSION} and perhaps a wage");
        return Err(malformed(
            "what is entrusted",
            expected,
            format!("{} other bytes", bytes.len()),
        ));
    };
    let Some(wage) = wage else { return Ok(None) };
    if act != ActKind::Redeem {
        return Err(malformed("what is entrusted", "no wage for a refund", "one"));
    }
    wage.check(purse, it)?;
    let ours = purse
        .gas
        .iter()
        .any(|account| account.address() == wage.account());
    Ok(Some(wage).filter(|_| ours))
}

#[cfg(test)]
mod tests;
