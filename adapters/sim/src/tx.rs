//! What a transaction of the simulated chain is: notes in, notes out, a fee.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_primitives::{Amount, AssetId, Hashlock, HtlcSpec, Party, Preimage, Together, TxId, UnixTime};
use sha2::{Digest, Sha256};

/// A holder of money. Whoever names it is believed to own it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct AccountId(pub u32);

/// One party of a leg: its account, and a lane that keeps two legs between the same accounts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SimParty {
    /// Whose money it is.
    pub account: AccountId,
    /// Unlike that of any other live leg of the account.
    pub lane: u16,
}

impl SimParty {
    /// Account and lane, big endian: 6 bytes.
    #[must_use]
    pub fn to_party(self) -> Party {
        let mut bytes = self.account.0.to_be_bytes().to_vec();
        bytes.extend(self.lane.to_be_bytes());
        Party::new(bytes).expect("6 bytes are fewer than a party may have")
    }

    /// The inverse of [`SimParty::to_party`]; `None` for everything that it does not produce.
    #[must_use]
    pub fn from_party(party: &Party) -> Option<Self> {
        let bytes: [u8; 6] = party.as_slice().try_into().ok()?;
        let [a, b, c, d, lane @ ..] = bytes;
        Some(Self {
            account: AccountId(u32::from_be_bytes([a, b, c, d])),
            lane: u16::from_be_bytes(lane),
        })
    }
}

/// The redeemer of a leg: its party, and whom its redeem pays. Nearly always both are one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SimRedeemer {
    /// Who redeems, and signs with the other party.
    pub party: SimParty,
    /// Who is paid.
    pub payee: AccountId,
}

impl SimRedeemer {
    /// The party, then the payee if that is another account: 6 or 10 bytes.
    #[must_use]
    pub fn to_party(self) -> Party {
        let mut bytes = self.party.to_party().as_slice().to_vec();
        if self.payee != self.party.account {
            bytes.extend(self.payee.0.to_be_bytes());
        }
        Party::new(bytes).expect("10 bytes are fewer than a party may have")
    }

    /// The inverse of [`SimRedeemer::to_party`]; `None` for everything that it does not produce.
    #[must_use]
    pub fn from_party(party: &Party) -> Option<Self> {
        if let Some(party) = SimParty::from_party(party) {
            let payee = party.account;
            return Some(Self { party, payee });
        }
        let (own, payee) = party.as_slice().split_last_chunk::<4>()?;
        let party = SimParty::from_party(&Party::new(own.to_vec()).ok()?)?;
        let payee = AccountId(u32::from_be_bytes(*payee));
        (payee != party.account).then_some(Self { party, payee })
    }
}

/// The terms under which locked money moves. Like an address, it follows from a leg's terms and from nothing else, and
/// says nothing of the amount.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Contract {
    /// Has the preimage's side of it, and signs for it.
    pub redeemer: AccountId,
    /// Gets the money for the preimage: the redeemer, or whom it named.
    pub payee: AccountId,
    /// Gets the money back.
    pub refunder: AccountId,
    /// The lanes of redeemer and refunder.
    pub lanes: (u16, u16),
    /// SHA-256 of the preimage.
    pub hashlock: Hashlock,
    /// A block of this time or later may hold the refund.
    pub timelock: UnixTime,
}

impl Contract {
    /// The contract of a leg; `None` if a party is malformed.
    #[must_use]
    pub fn of(spec: &HtlcSpec) -> Option<Self> {
        let SimRedeemer {
            party: redeemer,
            payee,
        } = SimRedeemer::from_party(&spec.redeemer)?;
        let refunder = SimParty::from_party(&spec.refunder)?;
        Some(Self {
            redeemer: redeemer.account,
            payee,
            refunder: refunder.account,
            lanes: (redeemer.lane, refunder.lane),
            hashlock: spec.hashlock,
            timelock: spec.timelock,
        })
    }

    /// Whose act this is.
    pub(crate) fn gets(&self, what: Together) -> AccountId {
        match what {
            Together::Redeem => self.redeemer,
            Together::Refund => self.refunder,
        }
    }

    /// Whom it pays.
    pub(crate) fn pays(&self, what: Together) -> AccountId {
        match what {
            Together::Redeem => self.payee,
            Together::Refund => self.refunder,
        }
    }

    /// Who only helps.
    pub(crate) fn helps(&self, what: Together) -> AccountId {
        match what {
            Together::Redeem => self.refunder,
            Together::Refund => self.redeemer,
        }
    }
}

/// Who may spend a note.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Owner {
    /// This account.
    Account(AccountId),
    /// Whoever fulfils the contract, for its redeemer or refunder only.
    Contract(Contract),
}

/// The output of this index of this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct NoteId {
    /// The transaction.
    pub tx: TxId,
    /// Which of its outputs.
    pub index: u32,
}

/// Money on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Who may spend it.
    pub owner: Owner,
    /// Of what.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
    /// The height of its block.
    pub born: u64,
}

/// Money that a transaction makes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pay {
    /// To whom.
    pub owner: Owner,
    /// How much.
    pub amount: Amount,
}

/// Why somebody may spend a note.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Key {
    /// It is his.
    Owner(AccountId),
    /// He knows the preimage. As many bytes as he likes: the chain takes 32 only.
    Preimage(Vec<u8>),
    /// The timelock is over.
    Timeout,
    /// Both parties agree.
    Both(Both),
}

/// What both parties agreed to do, with what each of them signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Both {
    /// Whom it pays.
    pub what: Together,
    /// Of the round: unlike that of any other.
    pub nonce: u64,
    /// The redeemer's word.
    pub redeemer: Signature,
    /// The refunder's word.
    pub refunder: Signature,
}

/// An account's word over exactly one transaction, what it spends and whom it pays included. Only the account's own
/// adapter makes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signature([u8; 32]);

impl Signature {
    /// The account's word over the transaction, whatever signatures that has already.
    pub(crate) fn by(account: AccountId, tx: &SimTx) -> Self {
        let mut bare = tx.clone();
        for spend in &mut bare.spends {
            if let Key::Both(both) = &mut spend.key {
                (both.redeemer, both.refunder) = (Self::default(), Self::default());
            }
        }
        let mut hash = Sha256::new_with_prefix(b"kofo-sim/signature");
        hash.update(account.0.to_be_bytes());
        hash.update(bare.id().0);
        Self(hash.finalize().into())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owner(account) => write!(f, "Owner({})", account.0),
            Self::Preimage(bytes) => write!(f, "Preimage({} bytes)", bytes.len()),
            Self::Timeout => f.write_str("Timeout"),
            Self::Both(both) => write!(f, "Both({:?})", both.what),
        }
    }
}

/// A note that a transaction consumes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Spend {
    /// Which.
    pub note: NoteId,
    /// By what right.
    pub key: Key,
}

/// A transaction: of one asset, and what comes in is what goes out plus the fee.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SimTx {
    /// The asset that it moves.
    pub asset: AssetId,
    /// What it consumes.
    pub spends: Vec<Spend>,
    /// What it makes.
    pub pays: Vec<Pay>,
    /// What is left to the chain.
    pub fee: Amount,
}

impl SimTx {
    /// Its id: the SHA-256 of its encoding.
    #[must_use]
    pub fn id(&self) -> TxId {
        let bytes = borsh::to_vec(self).expect("writing to memory cannot fail");
        TxId(Sha256::digest(bytes).into())
    }

    /// The preimage that it shows, if any.
    pub(crate) fn preimage(&self) -> Option<Preimage> {
        self.spends.iter().find_map(|spend| match &spend.key {
            Key::Preimage(bytes) => Some(Preimage::new(bytes.as_slice().try_into().ok()?)),
            Key::Owner(_) | Key::Timeout | Key::Both(_) => None,
        })
    }

    /// Whether it consumes the note.
    #[must_use]
    pub fn takes(&self, note: NoteId) -> bool {
        self.spends.iter().any(|spend| spend.note == note)
    }

    /// Whether it pays this account and nobody else.
    pub(crate) fn pays_only(&self, account: AccountId) -> bool {
        self.pays.iter().all(|pay| pay.owner == Owner::Account(account))
    }

    /// Whether both cannot be in one chain.
    #[must_use]
    pub fn conflicts_with(&self, other: &Self) -> bool {
        self.spends.iter().any(|spend| other.takes(spend.note))
    }
}
