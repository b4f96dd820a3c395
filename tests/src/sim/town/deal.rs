//! What two of the town have signed. Orders are the same for the same deal, so that each is signed once in a process:
//! signatures would be most of what a seed costs.

use crate::sim::world::{START, asset};
use kofo_node::direct::{Accept, Request};
use kofo_primitives::*;
use kofo_settlement::{Margins, Pace, Policy, Terms, Timelocks};
use kofo_sim::{AccountId, SimParty};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::OnceLock;

/// At most so many nodes live in a town.
pub(crate) const MOST_PLAYERS: usize = 5;

/// What each leg moves.
pub(crate) const AMOUNT: Amount = Amount::new(1_000_000);

/// Who swaps what with whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bargain {
    /// Locks alpha and knows the preimage.
    pub initiator: usize,
    /// Locks beta.
    pub participant: usize,
    /// The legs of alpha, by the names of their assets.
    pub give: Vec<&'static str>,
    /// The legs of beta.
    pub want: Vec<&'static str>,
    /// Unlike that of any other bargain of the town; at most 15.
    pub nth: u8,
    /// A fact is final at this depth: 2 or 4.
    pub depth: u32,
}

/// A bargain with both signatures.
#[derive(Clone, Debug)]
pub(crate) struct Deal {
    pub(crate) bargain: Bargain,
    pub(crate) order: Rc<SettlementOrder>,
    pub(crate) swap: SwapId,
    /// What the taker says to the maker.
    pub(crate) acceptance: Rc<[u8]>,
    /// The same, read and checked once.
    pub(crate) accept: Rc<Accept>,
}

/// An order, and the message of its taker.
type Written = (Rc<SettlementOrder>, Rc<[u8]>, Rc<Accept>);

/// The key by which a node signs.
pub(crate) fn key(player: usize) -> &'static NodeKey {
    static KEYS: OnceLock<Vec<NodeKey>> = OnceLock::new();
    let key = |n| NodeKey::new(&[n; 32]).unwrap();
    &KEYS.get_or_init(|| (1..=u8::try_from(MOST_PLAYERS).unwrap()).map(key).collect())[player]
}

/// The account of a node, on every chain.
pub(crate) fn account(player: usize) -> AccountId {
    AccountId(u32::try_from(player).unwrap() + 1)
}

pub(crate) fn chain_ids() -> [ChainId; 3] {
    ["sim:bitcoin", "sim:ethereum", "sim:echoin"].map(|id| ChainId::new(id).unwrap())
}

/// How long things take where a fact is final at this depth.
pub(crate) fn policy(depth: u32) -> Policy {
    let twice = |span: Seconds| if depth > 2 { span.times(2) } else { span };
    let Pace {
        first,
        last,
        refund,
        reveal_floor,
    } = Pace::REGTEST;
    let pace = Pace {
        first: twice(first),
        last: twice(last),
        refund: twice(refund),
        reveal_floor: twice(reveal_floor),
    };
    Policy {
        paces: chain_ids().into_iter().map(|id| (id, pace)).collect(),
        margins: Margins::REGTEST,
    }
}

impl Bargain {
    pub(crate) fn chains(&self) -> (Vec<ChainId>, Vec<ChainId>) {
        let chains = |names: &[&str]| names.iter().map(|name| asset(name).chain()).collect();
        (chains(&self.give), chains(&self.want))
    }

    /// Signs it, or takes what this process signed before.
    pub(crate) fn signed(&self) -> Deal {
        thread_local! {
            static SIGNED: RefCell<BTreeMap<Bargain, Written>> = RefCell::default();
        }
        let (order, acceptance, accept) = SIGNED.with_borrow_mut(|signed| {
            let sign = || {
                let order = self.sign();
                let direct = order.as_direct().expect("made of an offer").clone();
                let contacts = vec![Contact::new("/memory/1").unwrap()];
                let accept = Accept::new(direct, contacts, key(self.participant));
                accept.check().unwrap();
                let body = Request::Accept(Box::new(accept.clone())).write();
                (Rc::new(order), body.into(), Rc::new(accept))
            };
            signed.entry(self.clone()).or_insert_with(sign).clone()
        });
        Deal {
            bargain: self.clone(),
            swap: order.id(),
            order,
            acceptance,
            accept,
        }
    }

    fn nonce(&self, player: usize) -> SwapNonce {
        let mut bytes = [u8::try_from(player).unwrap() + 1; 32];
        bytes[0] = self.nth;
        SwapNonce::new(bytes)
    }

    /// The initiator's secret.
    pub(crate) fn preimage(&self) -> Preimage {
        let nonce = self.nonce(self.initiator);
        Seed::new([9; 64]).preimage(&network(), &nonce)
    }

    fn party(&self, player: usize, leg: LegId) -> Party {
        let side = match leg.side {
            Side::Alpha => 0,
            Side::Beta => 8,
        };
        SimParty {
            account: account(player),
            lane: u16::from(self.nth) * 16 + side + u16::from(leg.index),
        }
        .to_party()
    }

    fn sign(&self) -> SettlementOrder {
        let ids = |side, names: &[&str]| -> Vec<(LegId, AssetId)> {
            let leg = |(index, name): (u8, &&str)| (LegId { side, index }, asset(name));
            (0..).zip(names).map(leg).collect()
        };
        let (alpha, beta) = (ids(Side::Alpha, &self.give), ids(Side::Beta, &self.want));
        let offered = |legs: &[(LegId, AssetId)]| -> Vec<OfferedLeg> {
            let leg = |(id, asset): &(LegId, AssetId)| OfferedLeg {
                asset: asset.clone(),
                amount: AMOUNT,
                party: self.party(self.initiator, *id),
                place: Place::default(),
                depth: self.depth,
            };
            legs.iter().map(leg).collect()
        };
        let offer = Offer {
            version: 1,
            network: network(),
            mode: Mode::P2P,
            fee: Amount::ZERO,
            maker: key(self.initiator).id(),
            contacts: vec![Contact::new("/memory/1").unwrap()],
            nonce: self.nonce(self.initiator),
            hashlock: self.preimage().hashlock(),
            give: offered(&alpha),
            want: offered(&beta),
            expires: START.plus(Seconds(60)),
        };
        let (give, want) = self.chains();
        let Timelocks { alpha: t1, beta: t2 } = policy(self.depth).timelocks(&give, &want).unwrap();
        let accepted = |legs: &[(LegId, AssetId)], span| -> Vec<AcceptedLeg> {
            let leg = |(id, _): &(LegId, AssetId)| AcceptedLeg {
                party: self.party(self.participant, *id),
                timelock: START.plus(span),
            };
            legs.iter().map(leg).collect()
        };
        let acceptance = Acceptance {
            version: 1,
            offer: offer.id(),
            taker: key(self.participant).id(),
            nonce: self.nonce(self.participant),
            alpha: accepted(&alpha, t1),
            beta: accepted(&beta, t2),
        };
        let acceptance = acceptance.sign(&offer, key(self.participant));
        SettlementOrder::new(offer.sign(key(self.initiator)), acceptance).unwrap()
    }
}

impl Deal {
    /// What both have signed: in a town all agree directly.
    pub(crate) fn direct(&self) -> &DirectOrder {
        self.order.as_direct().expect("made of an offer")
    }

    /// Its terms for one of the two, if its clock and the chains say `now`.
    pub(crate) fn terms(&self, role: Role, now: UnixTime) -> Option<Terms> {
        let heights = chain_ids().into_iter().map(|id| (id, 0)).collect();
        Terms::new(&self.order, role, &policy(self.bargain.depth), now, &heights).ok()
    }

    /// What a node is in it.
    pub(crate) fn role(&self, player: usize) -> Option<Role> {
        if self.bargain.initiator == player {
            Some(Role::Initiator)
        } else if self.bargain.participant == player {
            Some(Role::Participant)
        } else {
            None
        }
    }

    /// The other one.
    pub(crate) fn partner(&self, player: usize) -> usize {
        if self.bargain.initiator == player {
            self.bargain.participant
        } else {
            self.bargain.initiator
        }
    }
}

fn network() -> NetworkId {
    NetworkId::new("kofo-sim").unwrap()
}
