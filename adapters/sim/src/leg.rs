//! What an adapter knows of one leg.

use crate::facts::Facts;
use crate::tx::{AccountId, Contract, Key, NoteId, Owner, SimTx};
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{
    Act, ActKind, Amount, At, End, FailClass, HtlcSpec, Preimage, Prepared, Together, TxId, UnixTime,
};
use std::collections::{BTreeMap, BTreeSet};

/// The content of a [`Prepared`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Version {
    pub(crate) kind: ActKind,
    pub(crate) tx: SimTx,
}

impl Version {
    pub(crate) fn prepared(&self) -> Prepared {
        let bytes = borsh::to_vec(self).expect("writing to memory cannot fail");
        let bytes = kofo_primitives::Bytes::new(bytes).expect("the wallet spends few notes at once");
        Prepared(bytes)
    }

    pub(crate) fn read(prepared: &Prepared) -> Option<Self> {
        borsh::from_slice(prepared.0.as_slice()).ok()
    }
}

impl SimTx {
    /// The transaction that a [`kofo_adapter_api::ChainAdapter`] of this crate prepared; `None` for other bytes.
    #[must_use]
    pub fn of_prepared(prepared: &Prepared) -> Option<Self> {
        Version::read(prepared).map(|version| version.tx)
    }
}

/// Something in a block or the mempool that concerns a leg.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    pub(crate) what: What,
    pub(crate) note: NoteId,
    pub(crate) at: At,
    pub(crate) tx: TxId,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A note of the contract was made.
    Locked(Amount),
    /// It was redeemed or refunded by one party.
    Ended(Act),
    /// It was redeemed with both signatures.
    RedeemedTogether,
    /// A note that one of our own transactions would spend was spent.
    Taken,
}

#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) spec: HtlcSpec,
    pub(crate) contract: Contract,
    /// What blocks hold, oldest first.
    pub(crate) mined: Vec<Sighting>,
    /// What the mempool holds.
    pub(crate) waiting: Vec<Sighting>,
    /// All versions of our transactions that may be in anybody's hands, oldest first.
    pub(crate) versions: Vec<Version>,
    /// What is to be in a block.
    pub(crate) sending: BTreeMap<ActKind, SimTx>,
    /// When each of them is to be sent no more, by the chain's time.
    pub(crate) not_after: BTreeMap<ActKind, Option<UnixTime>>,
    /// What was asked for and cannot be built before there is a lock.
    pub(crate) wanted: BTreeMap<ActKind, Act>,
    /// What was told, so that only news is told.
    pub(crate) told: Facts,
    pub(crate) told_dead: BTreeSet<ActKind>,
    /// A node took our redeem, and that was told.
    pub(crate) shown: bool,
    /// Somebody asked for the whole picture, what is not there included.
    pub(crate) tell_whole: bool,
    pub(crate) told_failed: BTreeMap<ActKind, FailClass>,
}

impl Leg {
    pub(crate) fn new(spec: HtlcSpec, contract: Contract) -> Self {
        Self {
            spec,
            contract,
            mined: Vec::new(),
            waiting: Vec::new(),
            versions: Vec::new(),
            sending: BTreeMap::new(),
            not_after: BTreeMap::new(),
            wanted: BTreeMap::new(),
            told: Facts::default(),
            told_dead: BTreeSet::new(),
            shown: false,
            tell_whole: true,
            told_failed: BTreeMap::new(),
        }
    }

    /// Whether our account is the party that the leg names as ours.
    pub(crate) fn is_of(&self, account: AccountId) -> bool {
        let ours = match self.spec.end {
            End::Redeemer => self.contract.redeemer,
            End::Refunder => self.contract.refunder,
        };
        ours == account
    }

    /// Whether the act may still be sent at this time of the chain.
    pub(crate) fn may_send(&self, kind: ActKind, tip: UnixTime) -> bool {
        self.not_after
            .get(&kind)
            .copied()
            .flatten()
            .is_none_or(|last| tip <= last)
    }

    /// Forgets what was told, so that all of it is told again.
    pub(crate) fn tell_again(&mut self) {
        self.told = Facts::default();
        self.told_dead.clear();
        self.tell_whole = true;
        self.told_failed.clear();
    }

    /// The newest version of an act.
    pub(crate) fn newest(&self, kind: ActKind) -> Option<&SimTx> {
        self.of(kind).last()
    }

    /// All versions of an act, oldest first.
    pub(crate) fn of(&self, kind: ActKind) -> impl DoubleEndedIterator<Item = &SimTx> {
        let same = move |version: &&Version| version.kind == kind;
        self.versions.iter().filter(same).map(|version| &version.tx)
    }

    /// Remembers a version; whether it is new.
    pub(crate) fn keep(&mut self, version: Version) -> bool {
        let new = !self.versions.contains(&version);
        if new {
            self.versions.push(version);
        }
        new
    }

    /// Whether one of our transactions would spend the note.
    pub(crate) fn reserves(&self, note: NoteId) -> bool {
        self.versions.iter().any(|version| version.tx.takes(note))
    }

    /// What of a transaction concerns this leg. Blocks before it must have been scanned.
    pub(crate) fn scan(&self, tx: &SimTx, at: At) -> Vec<Sighting> {
        let mut found = Vec::new();
        let mut id = None;
        for spend in &tx.spends {
            let note = spend.note;
            if let Some(what) = self.end(spend.note, &spend.key) {
                let tx = *id.get_or_insert_with(|| tx.id());
                found.push(Sighting { what, note, at, tx });
            }
            if self.reserves(note) {
                let tx = *id.get_or_insert_with(|| tx.id());
                let what = What::Taken;
                found.push(Sighting { what, note, at, tx });
            }
        }
        for (index, pay) in (0u32..).zip(&tx.pays) {
            if matches!(&pay.owner, Owner::Contract(contract) if *contract == self.contract)
                && tx.asset == self.spec.asset
            {
                let tx = *id.get_or_insert_with(|| tx.id());
                let note = NoteId { tx, index };
                let what = What::Locked(pay.amount);
                found.push(Sighting { what, note, at, tx });
            }
        }
        found
    }

    /// Whether the contract of this leg made the note.
    pub(crate) fn locked(&self, note: NoteId) -> bool {
        let locked = |seen: &Sighting| seen.note == note && matches!(seen.what, What::Locked(_));
        self.mined.iter().chain(&self.waiting).any(locked)
    }

    /// How a note of this leg was spent.
    fn end(&self, note: NoteId, key: &Key) -> Option<What> {
        if !self.locked(note) {
            return None;
        }
        match key {
            Key::Preimage(bytes) => {
                let bytes: [u8; 32] = bytes.as_slice().try_into().ok()?;
                Some(What::Ended(Act::Redeem(Preimage::new(bytes))))
            }
            Key::Timeout => Some(What::Ended(Act::Refund)),
            Key::Both(both) => Some(match both.what {
                Together::Redeem => What::RedeemedTogether,
                Together::Refund => What::Ended(Act::Refund),
            }),
            Key::Owner(_) => None,
        }
    }
}
