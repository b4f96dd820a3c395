//! The direct offer, its acceptance, and the order that the two make.
//!
//! Every on-chain identifier of every leg is a function of the order: assets, amounts, both parties' keys and
//! addresses, hashlock and timelocks are all in it, and its id commits to all of them.

use crate::Amount;
use crate::asset::{AssetId, NetworkId};
use crate::bytes::Text;
use crate::codec::encode;
use crate::hash::{Digest, tagged_hash};
use crate::hashlock::{Hashlock, SwapId, SwapNonce};
use crate::leg::{LegId, MAX_LEGS, Party, Place, Side};
use crate::node_id::{NodeId, NodeKey, Signature, SignatureError};
use crate::settlement_order::OrderLeg;
use crate::time::UnixTime;
use borsh::{BorshDeserialize, BorshSerialize};

/// A way to reach a node: a multiaddress that ends in its peer id.
pub type Contact = Text<160>;

/// An offer names at most so many contacts.
pub const MAX_CONTACTS: usize = 4;

/// Who vouches for a swap. Append only: the order of the variants is the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Mode {
    /// The two parties alone, for no fee.
    P2P,
    /// The clearance layer, by a certificate.
    Cleared,
}

/// One leg as the maker of an offer states it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OfferedLeg {
    /// The asset.
    pub asset: AssetId,
    /// How much, exactly.
    pub amount: Amount,
    /// The maker's own party: refunder of what it gives, redeemer of what it wants.
    pub party: Party,
    /// Where it is locked.
    pub place: Place,
    /// How deep a fact must be to be final, for both.
    pub depth: u32,
}

/// What the initiator offers to whoever accepts first.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Offer {
    /// Version of this message: 1.
    pub version: u8,
    /// The network that the offer belongs to.
    pub network: NetworkId,
    /// Who vouches for the swap.
    pub mode: Mode,
    /// The fee, which is 0 in [`Mode::P2P`].
    pub fee: Amount,
    /// Who offers, and will be the initiator.
    pub maker: NodeId,
    /// Where the maker can be reached.
    pub contacts: Vec<Contact>,
    /// The maker's nonce.
    pub nonce: SwapNonce,
    /// The hashlock of all legs.
    pub hashlock: Hashlock,
    /// What the maker gives: the alpha legs.
    pub give: Vec<OfferedLeg>,
    /// What the maker wants: the beta legs.
    pub want: Vec<OfferedLeg>,
    /// Not to be accepted later than this.
    pub expires: UnixTime,
}

/// What the participant adds to one leg.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AcceptedLeg {
    /// The taker's own party: redeemer of an alpha leg, refunder of a beta leg.
    pub party: Party,
    /// The leg's timelock.
    pub timelock: UnixTime,
}

/// The participant's acceptance of one offer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Acceptance {
    /// Version of this message: 1.
    pub version: u8,
    /// The offer, by its id.
    pub offer: Digest,
    /// Who accepts, and will be the participant.
    pub taker: NodeId,
    /// The taker's nonce.
    pub nonce: SwapNonce,
    /// The alpha legs, in the order of the offer.
    pub alpha: Vec<AcceptedLeg>,
    /// The beta legs, in the order of the offer.
    pub beta: Vec<AcceptedLeg>,
}

/// A message with the signature of whoever it names as its author.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signed<T> {
    /// The message.
    pub body: T,
    /// The author's signature over the message's id.
    pub signature: Signature,
}

impl<T> Signed<T> {
    /// The message, signed by `key` over its id.
    #[must_use]
    pub fn by(key: &NodeKey, id: &Digest, body: T) -> Self {
        Self {
            body,
            signature: key.sign(id),
        }
    }
}

/// The id of a message, which its author signs: `H(tag, network, message)`.
#[must_use]
pub fn message_id<T: BorshSerialize>(tag: &str, network: &NetworkId, message: &T) -> Digest {
    tagged_hash(tag, &[network.as_str().as_bytes(), &encode(message)])
}

/// Why a message is no offer, acceptance or order by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A version that this program does not know.
    #[error("expected version 1, got {0}: one of the two nodes needs an update")]
    Version(u8),
    /// Not signed by its author.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A side without legs or with too many.
    #[error("expected 1 to {MAX_LEGS} legs on each side, got {alpha} and {beta}")]
    Legs {
        /// Legs of the alpha side.
        alpha: usize,
        /// Legs of the beta side.
        beta: usize,
    },
    /// The acceptance names another offer.
    #[error("the acceptance is of another offer")]
    AnotherOffer,
    /// Too many or no contacts.
    #[error("expected 1 to {MAX_CONTACTS} contacts, got {0}")]
    Contacts(usize),
    /// Two parties swap; one is not enough.
    #[error("maker and taker are the same node {0}: accept it with another node")]
    SameNode(NodeId),
    /// A direct swap is vouched for by nobody else.
    #[error("expected a swap between the two alone, got {0:?}: offers are not cleared")]
    Mode(Mode),
    /// A direct swap is free.
    #[error("expected no fee in a swap between two parties, got {0}")]
    Fee(Amount),
    /// An amount of nothing.
    #[error("{0} is of amount 0")]
    Nothing(LegId),
    /// Finality of depth 0 is none.
    #[error("{0} asks for depth 0: expected at least 1")]
    Depth(LegId),
}

impl Offer {
    /// The offer's id, which its maker signs.
    #[must_use]
    pub fn id(&self) -> Digest {
        message_id("kofo/offer/v1", &self.network, self)
    }

    /// Signs the offer.
    #[must_use]
    pub fn sign(self, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, &self.id(), self)
    }

    fn legs(&self) -> impl Iterator<Item = (LegId, &OfferedLeg)> {
        let numbered =
            |side, legs: &[OfferedLeg]| (0..legs.len()).map(move |i| leg_id(side, i)).collect::<Vec<_>>();
        let ids = [
            numbered(Side::Alpha, &self.give),
            numbered(Side::Beta, &self.want),
        ]
        .concat();
        ids.into_iter().zip(self.give.iter().chain(&self.want))
    }
}

fn leg_id(side: Side, index: usize) -> LegId {
    LegId {
        side,
        index: u8::try_from(index).unwrap_or(u8::MAX),
    }
}

impl Signed<Offer> {
    /// Whether the offer is right by itself: version, signature, number of legs, fee. Whether it is right *now* is
    /// the exchange layer's to say.
    pub fn check(&self) -> Result<(), OrderError> {
        let offer = &self.body;
        if offer.version != 1 {
            return Err(OrderError::Version(offer.version));
        }
        offer.maker.verify(&offer.id(), &self.signature)?;
        let (alpha, beta) = (offer.give.len(), offer.want.len());
        if !(1..=MAX_LEGS).contains(&alpha) || !(1..=MAX_LEGS).contains(&beta) {
            return Err(OrderError::Legs { alpha, beta });
        }
        if !(1..=MAX_CONTACTS).contains(&offer.contacts.len()) {
            return Err(OrderError::Contacts(offer.contacts.len()));
        }
        if offer.mode != Mode::P2P {
            return Err(OrderError::Mode(offer.mode));
        }
        if offer.fee != Amount::ZERO {
            return Err(OrderError::Fee(offer.fee));
        }
        for (id, leg) in offer.legs() {
            if leg.amount == Amount::ZERO {
                return Err(OrderError::Nothing(id));
            }
            if leg.depth == 0 {
                return Err(OrderError::Depth(id));
            }
        }
        Ok(())
    }
}

impl Acceptance {
    /// Signs the acceptance of that offer.
    #[must_use]
    pub fn sign(self, offer: &Offer, key: &NodeKey) -> Signed<Self> {
        Signed::by(key, order_id(offer, &self).as_bytes(), self)
    }
}

fn order_id(offer: &Offer, acceptance: &Acceptance) -> SwapId {
    let parts = [
        offer.network.as_str().as_bytes(),
        &encode(offer),
        &encode(acceptance),
    ];
    SwapId::new(tagged_hash("kofo/order/v1", &parts))
}

/// An offer and its acceptance. Constructs only if it is right by itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct DirectOrder {
    offer: Signed<Offer>,
    acceptance: Signed<Acceptance>,
}

impl BorshDeserialize for DirectOrder {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let (offer, acceptance) = BorshDeserialize::deserialize_reader(reader)?;
        Self::new(offer, acceptance).map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e))
    }
}

impl DirectOrder {
    /// Joins an offer and its acceptance.
    pub fn new(offer: Signed<Offer>, acceptance: Signed<Acceptance>) -> Result<Self, OrderError> {
        offer.check()?;
        let (body, accepted) = (&offer.body, &acceptance.body);
        if accepted.version != 1 {
            return Err(OrderError::Version(accepted.version));
        }
        if accepted.offer != body.id() {
            return Err(OrderError::AnotherOffer);
        }
        if accepted.taker == body.maker {
            return Err(OrderError::SameNode(body.maker));
        }
        let (alpha, beta) = (accepted.alpha.len(), accepted.beta.len());
        if alpha != body.give.len() || beta != body.want.len() {
            return Err(OrderError::Legs { alpha, beta });
        }
        accepted
            .taker
            .verify(order_id(body, accepted).as_bytes(), &acceptance.signature)?;
        Ok(Self { offer, acceptance })
    }

    /// The order's id, which is the swap's: it commits to every field of offer and acceptance.
    #[must_use]
    pub fn id(&self) -> SwapId {
        order_id(&self.offer.body, &self.acceptance.body)
    }

    /// The offer.
    #[must_use]
    pub const fn offer(&self) -> &Signed<Offer> {
        &self.offer
    }

    /// The acceptance.
    #[must_use]
    pub const fn acceptance(&self) -> &Signed<Acceptance> {
        &self.acceptance
    }

    /// The legs of both sides.
    pub fn legs(&self) -> impl Iterator<Item = OrderLeg<'_>> {
        let added = self
            .acceptance
            .body
            .alpha
            .iter()
            .chain(&self.acceptance.body.beta);
        self.offer
            .body
            .legs()
            .zip(added)
            .map(|((id, offered), accepted)| {
                let (refunder, redeemer) = match id.side {
                    Side::Alpha => (&offered.party, &accepted.party),
                    Side::Beta => (&accepted.party, &offered.party),
                };
                OrderLeg {
                    id,
                    asset: &offered.asset,
                    amount: offered.amount,
                    place: &offered.place,
                    depth: offered.depth,
                    refunder,
                    redeemer,
                    timelock: accepted.timelock,
                }
            })
    }
}

#[cfg(test)]
mod tests;
