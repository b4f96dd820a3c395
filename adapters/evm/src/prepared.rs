//! The adapter's own form of what it built: enough to make the same transaction again after a restart.
//!
//! A lock and its cancel carry the nonce, because all versions of a lock must conflict. A redeem or refund carries
//! none: a second one of the same lock reverts without harm, so its nonce is chosen when it is sent, and no nonce is
//! ever held by what may never be sent.

use crate::entrust::Wage;
use crate::fees::Fee;
use crate::word::Word;
use alloy::primitives::Address;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{ActKind, Bytes, Preimage, Prepared};

/// A transaction of the owner account under a fixed nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Numbered {
    pub(crate) nonce: u64,
    pub(crate) gas: u64,
    pub(crate) fee: Fee,
}

/// What is in a [`Prepared`]. The order of the variants is a storage format: append only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Form {
    Lock(Numbered),
    Cancel(Numbered),
    /// With the least fee: what earlier versions paid, and an eighth more.
    Redeem(Preimage, Fee),
    Refund(Fee),
    /// With the redeemer's word: before the timelock.
    Release(Word, Fee),
    /// For somebody else, who leaves one of our accounts a wage.
    RedeemFor(Preimage, Wage, Fee),
}

const VERSION: u8 = 1;

impl Form {
    pub(crate) fn encode(&self) -> Prepared {
        let bytes = borsh::to_vec(&(VERSION, self)).expect("writing to memory does not fail");
        Prepared(Bytes::new(bytes).expect("a form is smaller than 200 bytes"))
    }

    /// `None` for what this adapter never wrote.
    pub(crate) fn decode(prepared: &Prepared) -> Option<Self> {
        let (version, form) = borsh::from_slice::<(u8, Self)>(prepared.0.as_slice()).ok()?;
        (version == VERSION).then_some(form)
    }

    pub(crate) fn kind(&self) -> ActKind {
        match self {
            Self::Lock(_) => ActKind::Lock,
            Self::Cancel(_) => ActKind::Cancel,
            Self::Redeem(..) | Self::RedeemFor(..) => ActKind::Redeem,
            Self::Refund(_) => ActKind::Refund,
            Self::Release(..) => ActKind::RefundTogether,
        }
    }

    /// The owner's nonce that it holds.
    pub(crate) fn numbered(&self) -> Option<Numbered> {
        match self {
            Self::Lock(n) | Self::Cancel(n) => Some(*n),
            Self::Redeem(..) | Self::Refund(_) | Self::Release(..) | Self::RedeemFor(..) => None,
        }
    }

    /// The least fee of a form without a nonce.
    pub(crate) fn least(&self) -> Option<Fee> {
        match self {
            Self::Lock(_) | Self::Cancel(_) => None,
            Self::Redeem(_, least)
            | Self::Refund(least)
            | Self::Release(_, least)
            | Self::RedeemFor(.., least) => Some(*least),
        }
    }

    /// The same act, paying at least this.
    pub(crate) fn paying(&self, fee: Fee) -> Self {
        match self {
            Self::Lock(n) => Self::Lock(Numbered { fee, ..*n }),
            Self::Cancel(n) => Self::Cancel(Numbered { fee, ..*n }),
            Self::Redeem(preimage, _) => Self::Redeem(preimage.clone(), fee),
            Self::Refund(_) => Self::Refund(fee),
            Self::Release(word, _) => Self::Release(*word, fee),
            Self::RedeemFor(preimage, wage, _) => Self::RedeemFor(preimage.clone(), *wage, fee),
        }
    }

    /// What it shows.
    pub(crate) fn preimage(&self) -> Option<&Preimage> {
        match self {
            Self::Redeem(preimage, _) | Self::RedeemFor(preimage, ..) => Some(preimage),
            Self::Lock(_) | Self::Cancel(_) | Self::Refund(_) | Self::Release(..) => None,
        }
    }

    /// Whether this gas account may send it: a wage is one account's alone.
    pub(crate) fn is_for(&self, account: Address) -> bool {
        match self {
            Self::RedeemFor(_, wage, _) => wage.account() == account,
            _ => true,
        }
    }

    /// As one of these gas accounts can send it. An account that is no more among them earns nothing.
    pub(crate) fn for_one_of(self, mut accounts: impl Iterator<Item = Address>) -> Self {
        if accounts.any(|account| self.is_for(account)) {
            self
        } else {
            self.without_wage()
        }
    }

    /// The same act for nothing: what failed with a wage may succeed without.
    pub(crate) fn without_wage(&self) -> Self {
        match self {
            Self::RedeemFor(preimage, _, fee) => Self::Redeem(preimage.clone(), *fee),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wage() -> Wage {
        Wage::raw([5; 20], 6, Word::raw([7; 65]))
    }

    #[test]
    fn a_form_survives_the_journal_and_junk_does_not_decode() {
        let numbered = Numbered {
            nonce: 7,
            gas: 80_000,
            fee: Fee { max: 3, tip: 2 },
        };
        for form in [
            Form::Lock(numbered),
            Form::Cancel(numbered),
            Form::Redeem(Preimage::new([9; 32]), Fee::NONE),
            Form::Refund(numbered.fee),
            Form::Release(Word::raw([7; 65]), numbered.fee),
            Form::RedeemFor(Preimage::new([9; 32]), wage(), numbered.fee),
        ] {
            assert_eq!(Form::decode(&form.encode()), Some(form));
        }
        for junk in [vec![], vec![1], vec![2, 3], vec![1, 3, 0]] {
            assert_eq!(Form::decode(&Prepared(Bytes::new(junk).unwrap())), None);
        }
    }

    #[test]
    fn a_wage_is_earned_by_its_account_or_by_none() {
        let [ours, other] = [[5; 20], [6; 20]].map(Address::from);
        let preimage = Preimage::new([9; 32]);
        let with_wage = Form::RedeemFor(preimage.clone(), wage(), Fee::NONE);
        assert!(with_wage.is_for(ours) && !with_wage.is_for(other));
        let sent = with_wage.clone().for_one_of([other, ours].into_iter());
        assert_eq!(sent, with_wage);
        let plain = Form::Redeem(preimage, Fee::NONE);
        assert_eq!(with_wage.for_one_of([other].into_iter()), plain);
        assert_eq!(plain.clone().for_one_of([other].into_iter()), plain);
    }

    #[test]
    fn the_encoding_is_pinned_so_that_old_journals_are_read() {
        let lock = Form::Lock(Numbered {
            nonce: 1,
            gas: 2,
            fee: Fee { max: 3, tip: 4 },
        });
        let mut pinned = vec![1, 0];
        pinned.extend([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        pinned.extend(3u128.to_le_bytes());
        pinned.extend(4u128.to_le_bytes());
        assert_eq!(lock.encode().0.as_slice(), pinned);
        let mut refund = vec![1, 3];
        refund.extend([0; 32]);
        assert_eq!(Form::Refund(Fee::NONE).encode().0.as_slice(), refund);
        let mut release = vec![1, 4];
        release.extend([7; 65]);
        release.extend([0; 32]);
        let form = Form::Release(Word::raw([7; 65]), Fee::NONE);
        assert_eq!(form.encode().0.as_slice(), release);
        let mut redeem_for = vec![1, 5];
        redeem_for.extend([9; 32]);
        redeem_for.extend([5; 20]);
        redeem_for.extend(6u128.to_le_bytes());
        redeem_for.extend([7; 65]);
        redeem_for.extend([0; 32]);
        let form = Form::RedeemFor(Preimage::new([9; 32]), wage(), Fee::NONE);
        assert_eq!(form.encode().0.as_slice(), redeem_for);
    }
}
