//! One offer that is right, for tests to make wrong.

use kofo_primitives::*;

pub(crate) const BTC: &str = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0";
pub(crate) const ETH: &str = "eip155:31337/slip44:60";
pub(crate) const CONTRACT: [u8; 20] = [0xc0; 20];

pub(crate) fn asset(id: &str) -> AssetId {
    AssetId::new(id).unwrap()
}

pub(crate) fn maker() -> NodeKey {
    NodeKey::new(&[1; 32]).unwrap()
}

pub(crate) fn taker() -> NodeId {
    NodeKey::new(&[2; 32]).unwrap().id()
}

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-regtest").unwrap()
}

/// 0.1 BTC for 2 ETH, to be accepted until second 1,000.
pub(crate) fn offer() -> Offer {
    let leg = |id, units, place: &[u8]| OfferedLeg {
        asset: asset(id),
        amount: Amount::new(units),
        party: Party::new([7; 55]).unwrap(),
        place: Place::new(place).unwrap(),
        depth: 1,
    };
    Offer {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: maker().id(),
        contacts: vec![Contact::new("/ip4/127.0.0.1/tcp/1/p2p/x").unwrap()],
        nonce: SwapNonce::new([3; 32]),
        hashlock: Preimage::new([4; 32]).hashlock(),
        give: vec![leg(BTC, 10_000_000, &[])],
        want: vec![leg(ETH, 2_000_000_000_000_000_000, &CONTRACT)],
        expires: UnixTime(1_000),
    }
}
