//! One swap: the maker gives bitcoin on alpha and wants ether on beta.

use crate::file::Vectors;
use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Network, ScriptBuf};
use kofo_adapter_api::{RoundReply, RoundRequest};
use kofo_bitcoin::{BitcoinParty, chain_id};
use kofo_evm::{Profile, contract_address};
use kofo_exchange::to_uri;
use kofo_node::direct::{LegAsked, Request, Response, SignRequest};
use kofo_primitives::*;

pub(crate) const SATOSHI: u64 = 10_000_000;
pub(crate) const WEI: u128 = 2_000_000_000_000_000_000;
pub(crate) const T_ALPHA: UnixTime = UnixTime(1_800_028_800);
pub(crate) const T_BETA: UnixTime = UnixTime(1_800_014_400);
pub(crate) const CHAIN_ID: u64 = 31_337;
pub(crate) const LANE: u16 = 0x8007;
const EXPIRES: UnixTime = UnixTime(1_800_003_600);

/// Who offers, and initiates; who accepts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Maker,
    Taker,
}

impl Of {
    const fn n(self) -> u8 {
        match self {
            Self::Maker => 1,
            Self::Taker => 2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Maker => "maker",
            Self::Taker => "taker",
        }
    }

    pub(crate) fn key(self) -> NodeKey {
        NodeKey::new(&[self.n(); 32]).unwrap()
    }

    pub(crate) fn seed(self) -> Seed {
        Seed::new([self.n() * 0x11; 64])
    }

    pub(crate) const fn nonce(self) -> SwapNonce {
        SwapNonce::new([self.n() + 0xa0; 32])
    }

    /// The secret of its account on the EVM chain, where wallets look for it.
    pub(crate) fn account_secret(self) -> [u8; 32] {
        let path = "m/44'/60'/0'/0/0".parse().unwrap();
        let key = bip32::XPrv::derive_from_path(self.seed().expose(), &path).unwrap();
        key.private_key().to_bytes().into()
    }

    const fn role(self) -> Role {
        match self {
            Self::Maker => Role::Initiator,
            Self::Taker => Role::Participant,
        }
    }

    /// Its secret for a leg on Bitcoin.
    pub(crate) fn leg_secret(self, side: Side) -> SecretKey {
        let leg = LegId::first(side);
        let end = leg.end_of(self.role());
        let secret = self.seed().leg_secret(&network(), &self.nonce(), leg, end);
        SecretKey::from_slice(secret.expose()).unwrap()
    }

    /// Where its bitcoin go: P2TR for the maker, P2WPKH for the taker.
    pub(crate) fn payout(self) -> ScriptBuf {
        let key = public(&SecretKey::from_slice(&[self.n() + 0x20; 32]).unwrap());
        match self {
            Self::Maker => ScriptBuf::new_p2tr(&Secp256k1::new(), key.x_only_public_key().0, None),
            Self::Taker => ScriptBuf::new_p2wpkh(&bitcoin::PublicKey::new(key).wpubkey_hash().unwrap()),
        }
    }
}

/// Rule K2, for a payout that is not ours.
fn paying(of: Of, payout: &ScriptBuf) -> [u8; 32] {
    let mut engine = HmacEngine::<sha256::Hash>::new(&of.leg_secret(Side::Alpha).secret_bytes());
    engine.input(b"kofo/pay-to/v1\0");
    engine.input(payout.as_bytes());
    Hmac::from_engine(engine).to_byte_array()
}

pub(crate) fn public(secret: &SecretKey) -> PublicKey {
    secret.public_key(&Secp256k1::new())
}

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-vectors").unwrap()
}

pub(crate) fn preimage() -> Preimage {
    Of::Maker.seed().preimage(&network(), &Of::Maker.nonce())
}

fn party(of: Of, side: Side) -> Party {
    let bytes = match (side, of) {
        (Side::Alpha, of) => {
            let key = public(&of.leg_secret(side));
            BitcoinParty::new(key, of.payout()).unwrap().to_bytes()
        }
        (Side::Beta, Of::Maker) => crate::evm::address(of).to_vec(),
        (Side::Beta, Of::Taker) => [crate::evm::address(of).as_slice(), &LANE.to_be_bytes()].concat(),
    };
    Party::new(bytes).unwrap()
}

fn offered(side: Side) -> OfferedLeg {
    let party = party(Of::Maker, side);
    match side {
        Side::Alpha => OfferedLeg {
            asset: AssetId::new(&format!("{}/slip44:0", chain_id(Network::Regtest))).unwrap(),
            amount: Amount::new(SATOSHI.into()),
            party,
            place: Place::default(),
            depth: 3,
        },
        Side::Beta => OfferedLeg {
            asset: AssetId::new(&format!("eip155:{CHAIN_ID}/slip44:60")).unwrap(),
            amount: Amount::new(WEI),
            party,
            place: Place::new(contract_address(Profile::Ethereum, CHAIN_ID).to_vec()).unwrap(),
            depth: 12,
        },
    }
}

fn offer() -> Offer {
    Offer {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: Of::Maker.key().id(),
        contacts: vec![contact("/ip4/192.0.2.1/tcp/27600/p2p/12D3KooWKofoVectorsMaker")],
        nonce: Of::Maker.nonce(),
        hashlock: preimage().hashlock(),
        give: vec![offered(Side::Alpha)],
        want: vec![offered(Side::Beta)],
        expires: EXPIRES,
    }
}

fn contact(text: &str) -> Contact {
    Contact::new(text).unwrap()
}

fn acceptance() -> Acceptance {
    let leg = |side, timelock| AcceptedLeg {
        party: party(Of::Taker, side),
        timelock,
    };
    Acceptance {
        version: 1,
        offer: offer().id(),
        taker: Of::Taker.key().id(),
        nonce: Of::Taker.nonce(),
        alpha: vec![leg(Side::Alpha, T_ALPHA)],
        beta: vec![leg(Side::Beta, T_BETA)],
    }
}

pub(crate) fn agreed() -> DirectOrder {
    let offer = offer().sign(&Of::Maker.key());
    let acceptance = acceptance().sign(&offer.body, &Of::Taker.key());
    DirectOrder::new(offer, acceptance).unwrap()
}

/// A leg as one of the two has it, from block 7 on.
pub(crate) fn spec(of: Of, side: Side) -> HtlcSpec {
    let agreed = agreed();
    let leg = agreed.legs().find(|leg| leg.id.side == side).unwrap();
    HtlcSpec {
        asset: leg.asset.clone(),
        amount: leg.amount,
        hashlock: preimage().hashlock(),
        timelock: leg.timelock,
        redeemer: leg.redeemer.clone(),
        refunder: leg.refunder.clone(),
        place: leg.place.clone(),
        depth: leg.depth,
        end: leg.id.end_of(of.role()),
        nonce: of.nonce(),
        from_height: 7,
    }
}

pub(crate) fn keys(out: &mut Vectors) {
    out.section("keys");
    out.text("network", network().as_str());
    for of in [Of::Maker, Of::Taker] {
        let named = |what: &str| format!("{}_{what}", of.name());
        out.bytes(&named("node_secret"), [of.n(); 32]);
        out.bytes(&named("node"), of.key().id().as_bytes());
        out.bytes(&named("seed"), [of.n() * 0x11; 64]);
        out.bytes(&named("nonce"), of.nonce().as_bytes());
        out.bytes(&named("alpha_secret"), of.leg_secret(Side::Alpha).secret_bytes());
        out.bytes(
            &named("alpha_key"),
            public(&of.leg_secret(Side::Alpha)).serialize(),
        );
        out.bytes(&named("alpha_payout"), of.payout().as_bytes());
        out.bytes(&named("beta_secret"), of.account_secret());
        out.bytes(&named("beta_address"), crate::evm::address(of));
    }
    // A redeem to somebody else's address has another key.
    out.bytes("pay_to_payout", Of::Maker.payout().as_bytes());
    out.bytes(
        "taker_alpha_pay_to_secret",
        paying(Of::Taker, &Of::Maker.payout()),
    );
    out.bytes("preimage", preimage().expose());
    out.bytes("hashlock", preimage().hashlock().as_bytes());
}

pub(crate) fn order(out: &mut Vectors) {
    out.section("order");
    let signed = offer().sign(&Of::Maker.key());
    out.bytes("offer", encode(&offer()));
    out.bytes("offer_id", offer().id());
    out.bytes("offer_signature", &encode(&signed)[encode(&offer()).len()..]);
    out.text("offer_uri", &to_uri(&signed).unwrap());
    out.bytes("acceptance", encode(&acceptance()));
    out.bytes("order_id", agreed().id().as_bytes());
    let accepted = acceptance().sign(&offer(), &Of::Taker.key());
    out.bytes(
        "acceptance_signature",
        &encode(&accepted)[encode(&acceptance()).len()..],
    );
    out.bytes("order", encode(&agreed()));
}

/// What goes between the two nodes.
pub(crate) fn messages(out: &mut Vectors) {
    out.section("messages");
    let contacts = vec![contact("/ip4/192.0.2.2/tcp/27600/p2p/12D3KooWKofoVectorsTaker")];
    let accept = Request::accept(agreed(), contacts, &Of::Taker.key());
    out.bytes("accept", accept.write());
    let alone = Request::accept(agreed(), Vec::new(), &Of::Taker.key());
    out.bytes("accept_without_contacts", alone.write());
    let accepted = Response::accepted(agreed().id(), &Of::Maker.key()).write();
    Response::read(&accepted, agreed().id(), &Of::Maker.key().id()).unwrap();
    out.bytes("accepted", accepted);
    out.bytes("refused", Response::refused(&"the offer has expired").write());
    for (name, what, side, by) in [
        ("sign_redeem", Together::Redeem, Side::Beta, Of::Maker),
        ("sign_return", Together::Refund, Side::Alpha, Of::Maker),
    ] {
        let asked = LegAsked {
            swap: agreed().id(),
            leg: LegId::first(side),
            preimage: (what == Together::Redeem).then(preimage),
        };
        let round = RoundRequest::new([1, 2, 3]).unwrap();
        let request = SignRequest::new(what, vec![asked], round, &by.key());
        request.check().unwrap();
        out.bytes(name, Request::Sign(Box::new(request)).write());
    }
    out.bytes(
        "signed",
        Response::Signed(RoundReply::new([4, 5, 6]).unwrap()).write(),
    );
}
