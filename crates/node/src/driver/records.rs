//! What the driver keeps in the journal. Kinds and encodings are for ever: append, never change.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_journal::Record;
use kofo_primitives::{Contact, Digest, Offer, Preimage, SettlementOrder, Signed, SwapId, Text};
use kofo_settlement::{Input, Terms};

const OFFER: u8 = 1;
const BEGIN: u8 = 2;
const INPUT: u8 = 3;
const WITHDRAWN: u8 = 4;
const CONTACTS: u8 = 5;
const RESTORED: u8 = 6;
const WAITING: u8 = 7;
const APPROVED: u8 = 8;

/// The beginning of a swap.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Begin {
    /// What both parties signed.
    pub order: SettlementOrder,
    /// Our view of it.
    pub terms: Terms,
    /// The initiator's preimage.
    pub preimage: Option<Preimage>,
    /// When, by our clock, in milliseconds.
    pub at_ms: u64,
}

/// One record of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// An offer of ours and when it was made (ms): durable before it leaves.
    Offer(Signed<Offer>, u64),
    /// A swap begins.
    Begin(Box<Begin>),
    /// A swap begins that was under way when its node was lost.
    Restored(Box<Begin>),
    /// A swap begins, and waits until its owner approves it, for a reason.
    Waiting(Box<Begin>, Text<200>),
    /// The owner approves a swap that waited; when, by our clock (ms).
    Approved(SwapId, u64),
    /// An input that changed a swap.
    Input(SwapId, Input),
    /// An offer of ours that is not to be accepted any more.
    Withdrawn(Digest),
    /// Where the other party of a swap can be reached.
    Contacts(SwapId, Vec<Contact>),
}

impl Stored {
    pub(super) fn write(&self) -> Record {
        let bytes = |body: std::io::Result<Vec<u8>>| body.expect("writing to memory does not fail");
        match self {
            Self::Offer(offer, ms) => Record::new(offer.body.id(), OFFER, bytes(borsh::to_vec(&(offer, ms)))),
            Self::Begin(begin) => {
                Record::new(*begin.terms.swap().as_bytes(), BEGIN, bytes(borsh::to_vec(begin)))
            }
            Self::Restored(begin) => Record::new(
                *begin.terms.swap().as_bytes(),
                RESTORED,
                bytes(borsh::to_vec(begin)),
            ),
            Self::Waiting(begin, why) => Record::new(
                *begin.terms.swap().as_bytes(),
                WAITING,
                bytes(borsh::to_vec(&(begin, why))),
            ),
            Self::Approved(id, at_ms) => Record::new(*id.as_bytes(), APPROVED, bytes(borsh::to_vec(at_ms))),
            Self::Input(id, input) => Record::new(*id.as_bytes(), INPUT, bytes(borsh::to_vec(input))),
            Self::Withdrawn(id) => Record::new(*id, WITHDRAWN, Vec::new()),
            Self::Contacts(id, contacts) => {
                Record::new(*id.as_bytes(), CONTACTS, bytes(borsh::to_vec(contacts)))
            }
        }
    }

    pub(super) fn read(record: &Record) -> std::io::Result<Self> {
        let body = record.body.as_slice();
        match record.kind {
            OFFER => borsh::from_slice(body).map(|(offer, ms)| Self::Offer(offer, ms)),
            BEGIN => borsh::from_slice(body).map(|begin| Self::Begin(Box::new(begin))),
            RESTORED => borsh::from_slice(body).map(|begin| Self::Restored(Box::new(begin))),
            WAITING => borsh::from_slice(body).map(|(begin, why)| Self::Waiting(Box::new(begin), why)),
            APPROVED => {
                borsh::from_slice(body).map(|at_ms| Self::Approved(SwapId::new(record.machine), at_ms))
            }
            INPUT => borsh::from_slice(body).map(|input| Self::Input(SwapId::new(record.machine), input)),
            WITHDRAWN => Ok(Self::Withdrawn(record.machine)),
            CONTACTS => {
                borsh::from_slice(body).map(|contacts| Self::Contacts(SwapId::new(record.machine), contacts))
            }
            kind => Err(std::io::Error::other(format!("unknown kind of record {kind}"))),
        }
    }
}
