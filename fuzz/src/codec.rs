//! Everything that is signed, sent or journaled in borsh: what decodes has exactly this one encoding, and no secret
//! is printed.

use crate::fixture::*;
use borsh::{BorshDeserialize, BorshSerialize};
use kofo_exchange::Seen;
use kofo_node::driver::Begin;
use kofo_primitives::*;
use kofo_settlement::{Input, Swap, Terms, Tips};
use kofo_sim::{AccountId, Both, Key, NoteId, Owner, Pay, Signature, SimTx, Spend};
use std::fmt::Debug;

/// Reads a value as the journal does and as the wire does; both take the same bytes and no others.
pub(crate) fn canonical<T: BorshSerialize + BorshDeserialize + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    let from_wire = decode::<T>(data);
    let Ok(value) = borsh::from_slice::<T>(data) else {
        assert!(from_wire.is_err(), "the wire is no laxer than the journal");
        return None;
    };
    assert_eq!(encode(&value), data, "one value has one encoding");
    assert_eq!(from_wire.as_ref(), Ok(&value));
    assert!(!format!("{value:?}").is_empty());
    Some(value)
}

/// What a stranger wrote cannot forge a line of a log.
fn printable(text: &str) {
    assert!(
        text.bytes().all(|b| b.is_ascii_graphic() || b == b' '),
        "{text:?} is printed"
    );
}

pub(crate) fn signed_offer(data: &[u8]) {
    if let Some(offer) = canonical::<Signed<Offer>>(data) {
        let right = offer.check().is_ok();
        assert!(
            !right || offer.body.maker == key(1).id(),
            "nobody else's key was used"
        );
    }
}

pub(crate) fn signed_acceptance(data: &[u8]) {
    canonical::<Signed<Acceptance>>(data);
}

pub(crate) fn order_of_two(data: &[u8]) {
    if let Some(order) = canonical::<SettlementOrder>(data) {
        let known = seeds_of_orders();
        assert!(known.contains(&encode(&order)), "an order that nobody signed");
    }
}

pub(crate) fn htlc_spec(data: &[u8]) {
    if let Some(spec) = canonical::<HtlcSpec>(data) {
        assert!(spec.asset.as_str().starts_with(spec.chain().as_str()));
        let _ = spec.ours();
    }
}

pub(crate) fn leg_event(data: &[u8]) {
    let Some(event) = canonical::<LegEvent>(data) else {
        return;
    };
    if let LegEvent::Failed(_, class) = &event {
        printable(&class.to_string());
    }
    if let LegEvent::Seen {
        act: Act::Redeem(preimage),
        ..
    } = &event
    {
        // A preimage of zeros could also be a txid or a height; any other is 32 bytes that nothing else prints.
        let secret = hex::encode(preimage.expose());
        let tx = matches!(&event, LegEvent::Seen { tx: Some(tx), .. } if tx.0 == *preimage.expose());
        assert!(
            tx || !format!("{event:?}").contains(&secret),
            "a secret is printed"
        );
    }
}

pub(crate) fn input(data: &[u8]) {
    canonical::<Input>(data);
}

pub(crate) fn swap_state(data: &[u8]) {
    canonical::<Swap>(data);
}

pub(crate) fn seen_offers(data: &[u8]) {
    canonical::<Seen>(data);
}

pub(crate) fn begin(data: &[u8]) {
    if let Some(begin) = canonical::<Begin>(data) {
        let _ = Swap::begin(&begin.terms, begin.preimage.clone());
    }
}

/// Terms that no order made: the machine takes them or refuses, whatever their legs.
pub(crate) fn swap_terms(data: &[u8]) {
    let Some(terms) = canonical::<Terms>(data) else {
        return;
    };
    let secret = (terms.role() == Role::Initiator).then(|| preimage(7));
    if let Ok(swap) = Swap::begin(&terms, secret) {
        let _ = swap.pending(&terms, &Tips::default());
        let _ = swap.deadline(&terms);
        let _ = swap.apply(&terms, &Input::Tips(Tips::default()));
        let _ = swap.apply(&terms, &Input::GiveUp);
    }
}

pub(crate) fn seeds_of_offers() -> Vec<Vec<u8>> {
    [1, 2]
        .map(|alpha| encode(&offer(alpha, 1, 7).sign(&key(1))))
        .into()
}

pub(crate) fn seeds_of_acceptances() -> Vec<Vec<u8>> {
    [1, 2]
        .map(|alpha| encode(order(alpha, 1, 7).as_direct().expect("direct").acceptance()))
        .into()
}

pub(crate) fn seeds_of_orders() -> Vec<Vec<u8>> {
    [1, 2].map(|alpha| encode(&order(alpha, 1, 7))).into()
}

pub(crate) fn seeds_of_specs() -> Vec<Vec<u8>> {
    let terms = terms(&order(1, 1, 7), Role::Initiator);
    terms.legs().values().map(|leg| encode(&leg.spec)).collect()
}

fn events() -> Vec<LegEvent> {
    let seen = |act, at, tx| LegEvent::Seen { act, at, tx };
    vec![
        LegEvent::Built(ActKind::Lock, Prepared(Bytes::new([0xee; 9]).expect("short"))),
        seen(Act::Lock, At::Block(101), Some(TxId([3; 32]))),
        seen(Act::Redeem(preimage(7)), At::Mempool, None),
        seen(Act::Refund, At::Block(120), None),
        LegEvent::Unseen(ActKind::Redeem),
        LegEvent::Watched(Tip {
            height: 101,
            time: START,
        }),
        LegEvent::Failed(
            ActKind::Lock,
            FailClass::WrongAmount {
                have: Amount::new(1),
                need: Amount::new(2),
            },
        ),
        LegEvent::Failed(
            ActKind::Refund,
            FailClass::Refused(Text::new("no").expect("printable")),
        ),
    ]
}

pub(crate) fn seeds_of_events() -> Vec<Vec<u8>> {
    events().iter().map(encode).collect()
}

pub(crate) fn seeds_of_inputs() -> Vec<Vec<u8>> {
    let tip = Tip {
        height: 101,
        time: START,
    };
    let tips = CHAINS.map(|name| (chain(name), tip)).into_iter().collect();
    let legs = [LegId::first(Side::Alpha), LegId::first(Side::Beta)]
        .into_iter()
        .cycle();
    let told = legs.zip(events()).map(|(leg, event)| Input::Leg(leg, event));
    let mut inputs = vec![Input::Tips(tips), Input::Abort, Input::GiveUp];
    inputs.extend([Input::Tell, Input::PeerGaveUp, Input::PeerKnows(preimage(7))]);
    inputs.extend(told);
    inputs.iter().map(encode).collect()
}

pub(crate) fn seeds_of_terms() -> Vec<Vec<u8>> {
    let of = |alpha, role| encode(&terms(&order(alpha, 1, 7), role));
    vec![of(1, Role::Initiator), of(2, Role::Participant)]
}

pub(crate) fn seeds_of_begins() -> Vec<Vec<u8>> {
    let of = |role: Role| {
        let order = order(1, 1, 7);
        let terms = terms(&order, role);
        let secret = (role == Role::Initiator).then(|| preimage(7));
        encode(&Begin::new(order, terms, secret, 5))
    };
    vec![of(Role::Initiator), of(Role::Participant)]
}

pub(crate) fn seeds_of_states() -> Vec<Vec<u8>> {
    let terms = terms(&order(2, 1, 7), Role::Initiator);
    let swap = Swap::begin(&terms, Some(preimage(7))).expect("the right preimage");
    let lock = Input::Leg(LegId::first(Side::Alpha), events()[0].clone());
    let built = swap.apply(&terms, &lock).expect("a lock that was asked for");
    vec![encode(&swap), encode(&built)]
}

pub(crate) fn seeds_of_seen() -> Vec<Vec<u8>> {
    let mut seen = Seen::default();
    let mut seeds = vec![encode(&seen)];
    for secret in [7, 8] {
        seen.admit(&offer(1, secret, secret)).expect("a fresh hashlock");
        seeds.push(encode(&seen));
    }
    seeds
}

/// What the simulated chain's adapter finds in a journal.
pub(crate) fn sim_prepared(data: &[u8]) {
    canonical::<SimTx>(data);
    if let Some(tx) = Bytes::new(data)
        .ok()
        .and_then(|bytes| SimTx::of_prepared(&Prepared(bytes)))
    {
        assert_eq!(tx.id(), tx.clone().id());
    }
}

pub(crate) fn seeds_of_sim_prepared() -> Vec<Vec<u8>> {
    let tx = sim_tx();
    vec![encode(&tx), encode(&(ActKind::Redeem, tx))]
}

fn sim_tx() -> SimTx {
    let coin = AssetId::new("sim:one/coin:a").expect("an asset");
    let note = |n| NoteId {
        tx: TxId([n; 32]),
        index: 1,
    };
    let key = |key| Spend { note: note(4), key };
    SimTx {
        asset: coin,
        spends: vec![
            key(Key::Owner(AccountId(1))),
            key(Key::Preimage(vec![7; 32])),
            key(Key::Timeout),
            key(Key::Both(Both {
                what: Together::Redeem,
                nonce: 3,
                redeemer: Signature::default(),
                refunder: Signature::default(),
            })),
        ],
        pays: vec![Pay {
            owner: Owner::Account(AccountId(2)),
            amount: Amount::new(5),
        }],
        fee: Amount::new(1),
    }
}
