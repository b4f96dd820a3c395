//! What both parties sign before a swap, as the exchange would have it.

use super::node::Who;
use super::world::{World, asset};
use kofo_adapter_api::{ChainAdapter, PartyWanted};
use kofo_primitives::*;
use kofo_settlement::Timelocks;

const DEPTH: u32 = 2;

/// The nonce of one party's part of the n-th swap.
fn nonce(who: Who, nth: u64) -> SwapNonce {
    let mut bytes = match who {
        Who::Initiator => [1; 32],
        Who::Participant => [2; 32],
    };
    bytes[..8]
        .iter_mut()
        .zip(nth.to_be_bytes())
        .for_each(|(byte, n)| *byte ^= n);
    SwapNonce::new(bytes)
}

fn side(side: Side, names: &[&str]) -> Vec<(LegId, AssetId)> {
    let leg = |(index, name): (u8, &&str)| (LegId { side, index }, asset(name));
    (0..).zip(names).map(leg).collect()
}

fn chains(legs: &[(LegId, AssetId)]) -> Vec<ChainId> {
    legs.iter().map(|(_, asset)| asset.chain()).collect()
}

impl World {
    fn party(&self, who: Who, asset: &AssetId, (leg, nth): (LegId, u64), taken: &mut Vec<Party>) -> Party {
        let role = match who {
            Who::Initiator => Role::Initiator,
            Who::Participant => Role::Participant,
        };
        let wanted = PartyWanted {
            asset,
            leg,
            end: leg.end_of(role),
            nonce: &nonce(who, nth),
            taken,
            pay_to: None,
        };
        let party = block_on(self.nodes[&who].adapters[&asset.chain()].party(wanted)).unwrap();
        taken.push(party.clone());
        party
    }

    /// The n-th order between the two, signed by both.
    pub(crate) fn order(&self, give: &[&str], want: &[&str], nth: u64) -> SettlementOrder {
        let keys = [1u8, 2].map(|n| NodeKey::new(&[n; 32]).unwrap());
        let mut taken = [Vec::new(), Vec::new()];
        let (alpha, beta) = (side(Side::Alpha, give), side(Side::Beta, want));
        let mut offered = |legs: &[(LegId, AssetId)]| -> Vec<OfferedLeg> {
            let leg = |(id, asset): &(LegId, AssetId)| OfferedLeg {
                asset: asset.clone(),
                amount: Amount::new(1_000_000),
                party: self.party(Who::Initiator, asset, (*id, nth), &mut taken[0]),
                place: Place::default(),
                depth: DEPTH,
            };
            legs.iter().map(leg).collect()
        };
        let offer = Offer {
            version: 1,
            network: self.network.clone(),
            mode: Mode::P2P,
            fee: Amount::ZERO,
            maker: keys[0].id(),
            contacts: vec![Contact::new("/memory/1").unwrap()],
            nonce: nonce(Who::Initiator, nth),
            hashlock: self.preimage(nth).hashlock(),
            give: offered(&alpha),
            want: offered(&beta),
            expires: self.now().plus(Seconds(60)),
        };
        let spans = self.policy.timelocks(&chains(&alpha), &chains(&beta));
        let Timelocks { alpha: t1, beta: t2 } = spans.unwrap();
        let mut accepted = |legs: &[(LegId, AssetId)], span| -> Vec<AcceptedLeg> {
            let leg = |(id, asset): &(LegId, AssetId)| AcceptedLeg {
                party: self.party(Who::Participant, asset, (*id, nth), &mut taken[1]),
                timelock: self.now().plus(span),
            };
            legs.iter().map(leg).collect()
        };
        let acceptance = Acceptance {
            version: 1,
            offer: offer.id(),
            taker: keys[1].id(),
            nonce: nonce(Who::Participant, nth),
            alpha: accepted(&alpha, t1),
            beta: accepted(&beta, t2),
        };
        let acceptance = acceptance.sign(&offer, &keys[1]);
        SettlementOrder::new(offer.sign(&keys[0]), acceptance).unwrap()
    }

    /// The initiator's preimage of the n-th swap.
    pub(crate) fn preimage(&self, nth: u64) -> Preimage {
        self.seed.preimage(&self.network, &nonce(Who::Initiator, nth))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
