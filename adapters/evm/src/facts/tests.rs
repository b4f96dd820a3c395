use super::*;
use crate::config::EvmConfig;
use alloy::primitives::{Address, Bytes as Data};
use kofo_primitives::{Bytes, End as OurEnd, NetworkId, SwapNonce, UnixTime};

const AMOUNT: u128 = 1_000;
const OWNER: Address = Address::repeat_byte(0xb0);

fn preimage() -> Preimage {
    Preimage::new([7; 32])
}

fn leg() -> Leg {
    leg_of(AMOUNT, Address::repeat_byte(0xa1))
}

fn leg_of(amount: u128, redeemer: Address) -> Leg {
    let network = NetworkId::new("kofo-test").unwrap();
    let config = EvmConfig::ethereum("http://localhost", 31_337, network).unwrap();
    let contract = crate::contract_address(config.profile, config.chain_id);
    let spec = HtlcSpec {
        asset: config.coin.clone(),
        amount: Amount::new(amount),
        hashlock: preimage().hashlock(),
        timelock: UnixTime(1_800_000_000),
        redeemer: Bytes::new(redeemer.to_vec()).unwrap(),
        refunder: Bytes::new([OWNER.as_slice(), &[0, 7]].concat()).unwrap(),
        place: Bytes::new(contract.to_vec()).unwrap(),
        depth: 2,
        end: OurEnd::Refunder,
        nonce: SwapNonce::new([0; 32]),
        from_height: 0,
    };
    let htlc = Htlc::new(&config, &spec).unwrap();
    Leg::new(spec, htlc)
}

/// A transaction to the contract; its hash is `n`, 32 times.
fn tx(n: u8, call: &crate::account::Call) -> Tx {
    let (to, value, input) = (Some(call.to), call.value, call.input.clone());
    let hash = B256::repeat_byte(n);
    Tx {
        hash,
        from: OWNER,
        to,
        value,
        input,
    }
}

fn event(leg: &Leg, n: u8, preimage: Option<Preimage>) -> Settled {
    let preimage = preimage.map(|p| B256::from(*p.expose()));
    let (slot, tx) = (leg.htlc.slot(), B256::repeat_byte(n));
    Settled {
        slot,
        preimage,
        tx,
        height: 0,
        index: 0,
    }
}

const FREE_SLOT: B256 = B256::with_last_byte(1);

/// Takes in a block of this height; whether something may be concluded from it.
fn block(leg: &mut Leg, height: u64, [old, new]: [B256; 2], events: &[Settled], txs: &[Tx]) -> bool {
    let events = events.iter().collect();
    leg.apply(&SlotBlock {
        height,
        old,
        new,
        events,
        txs,
    })
}

fn locked() -> Leg {
    let mut leg = leg();
    let commitment = leg.htlc.commitment();
    let lock = tx(1, &calls::lock(&leg.htlc));
    assert!(block(&mut leg, 5, [FREE_SLOT, commitment], &[], &[lock]));
    assert_eq!(leg.facts.lock, Some((5, Some(TxId([1; 32])))));
    leg
}

#[test]
fn a_lock_through_another_contract_is_a_lock_without_a_transaction() {
    let mut leg = leg();
    let commitment = leg.htlc.commitment();
    block(&mut leg, 5, [FREE_SLOT, commitment], &[], &[]);
    assert_eq!(leg.facts.lock, Some((5, None)));
}

#[test]
fn another_amount_in_our_lane_is_told_and_is_no_lock() {
    for (amount, other_token) in [(AMOUNT - 1, false), (AMOUNT + 1, false), (AMOUNT, true)] {
        let mut leg = leg();
        let mut other = leg.htlc.clone();
        other.amount = Amount::new(amount);
        if other_token {
            other.token = Address::repeat_byte(0xcc);
        }
        leg.news();
        let lock = tx(1, &calls::lock(&other));
        block(&mut leg, 5, [FREE_SLOT, other.commitment()], &[], &[lock]);
        assert_eq!(leg.facts.lock, None);
        let have = Amount::new(amount);
        assert_eq!(leg.facts.wrong, Some(Wrong { height: 5, have }));
        let need = Amount::new(AMOUNT);
        let told = LegEvent::Failed(ActKind::Lock, FailClass::WrongAmount { have, need });
        assert_eq!(leg.news(), [told]);
        assert_eq!(leg.news(), [], "once");
    }
}

#[test]
fn a_redeem_and_a_refund_of_our_lock_are_told_apart_by_the_event() {
    for shown in [Some(preimage()), None] {
        let mut leg = locked();
        let held = leg.htlc.commitment();
        let events = [event(&leg, 2, shown.clone())];
        assert!(block(&mut leg, 6, [held, FREE_SLOT], &events, &[]));
        let end = End {
            preimage: shown,
            height: 6,
            tx: TxId([2; 32]),
        };
        assert_eq!(leg.facts.end, Some(end));
    }
}

#[test]
fn a_lock_that_goes_away_without_an_event_concludes_nothing() {
    let mut leg = locked();
    let held = leg.htlc.commitment();
    assert!(!block(&mut leg, 6, [held, FREE_SLOT], &[], &[]));
    assert_eq!(leg.facts.end, None);
    assert_eq!(leg.facts.lock.map(|(height, _)| height), Some(5));
}

/// The owner locks something else in the lane, and returns that.
#[test]
fn a_return_of_another_lock_in_the_lane_is_no_refund_of_ours() {
    let mut leg = leg();
    let other = leg_of(1, OWNER.create(0)).htlc.commitment();
    let events = [event(&leg, 2, None)];
    block(&mut leg, 6, [other, FREE_SLOT], &events, &[]);
    assert_eq!(leg.facts.end, None);
}

/// After the refund, the owner locks one unit for itself in the same lane under the same hashlock, and redeems that: the
/// preimage is public, but nobody was paid.
#[test]
fn a_redeem_of_a_look_alike_shows_the_preimage_and_is_no_redeem_of_ours() {
    let mut leg = locked();
    let ours = leg.htlc.commitment();
    let returned = [event(&leg, 2, None)];
    block(&mut leg, 6, [ours, FREE_SLOT], &returned, &[]);
    let look_alike = leg_of(1, Address::repeat_byte(0xee));
    let redeem = tx(3, &calls::redeem(&look_alike.htlc, &preimage()));
    let events = [event(&leg, 3, Some(preimage()))];
    block(
        &mut leg,
        8,
        [look_alike.htlc.commitment(), FREE_SLOT],
        &events,
        &[redeem],
    );
    assert_eq!(leg.facts.end.as_ref().and_then(|end| end.preimage.clone()), None);
    let acts: Vec<_> = leg.now().into_iter().map(|(act, at, _)| (act, at)).collect();
    assert!(acts.contains(&(Act::Refund, At::Block(6))));
    assert!(acts.contains(&(Act::Redeem(preimage()), At::Mempool)), "{acts:?}");
}

#[test]
fn lock_and_redeem_in_one_block_are_joined_by_what_the_redeem_says() {
    let mut leg = leg();
    let txs = [
        tx(1, &calls::lock(&leg.htlc)),
        tx(2, &calls::redeem(&leg.htlc, &preimage())),
    ];
    let events = [event(&leg, 2, Some(preimage()))];
    assert!(block(&mut leg, 5, [FREE_SLOT, FREE_SLOT], &events, &txs));
    assert_eq!(leg.facts.lock, Some((5, Some(TxId([1; 32])))));
    assert_eq!(leg.facts.end.as_ref().map(|end| end.height), Some(5));
}

#[test]
fn a_reorg_takes_back_the_redeem_but_not_the_preimage() {
    let mut leg = locked();
    let held = leg.htlc.commitment();
    let events = [event(&leg, 2, Some(preimage()))];
    block(&mut leg, 6, [held, FREE_SLOT], &events, &[]);
    leg.news();
    leg.forget_above(5);
    assert_eq!(leg.facts.end, None);
    let mempool = LegEvent::Seen {
        act: Act::Redeem(preimage()),
        at: At::Mempool,
        tx: Some(TxId([2; 32])),
    };
    assert_eq!(leg.news(), [mempool]);
    leg.forget_above(4);
    assert_eq!(leg.news(), [LegEvent::Unseen(ActKind::Lock)]);
}

#[test]
fn a_preimage_that_left_the_pool_is_taken_back_after_some_looks() {
    let mut leg = locked();
    leg.glimpse(preimage(), B256::repeat_byte(2));
    leg.news();
    for _ in 1..GLIMPSES {
        leg.no_glimpse();
        assert_eq!(leg.news(), []);
    }
    leg.no_glimpse();
    assert_eq!(leg.news(), [LegEvent::Unseen(ActKind::Redeem)]);
}

#[test]
fn a_preimage_is_found_in_any_word_of_calldata() {
    let leg = leg();
    let batch = crate::bindings::HashLanes::redeemBatchCall {
        token: Address::ZERO,
        redeemer: OWNER,
        items: vec![crate::bindings::HashLanes::Redemption {
            preimage: B256::from(*preimage().expose()),
            slot: U256::ZERO,
            timelock: alloy::primitives::aliases::U48::ZERO,
            amount: U256::ZERO,
        }],
    };
    let input: Data = alloy::sol_types::SolCall::abi_encode(&batch).into();
    assert_eq!(calls::shown_preimage(leg.htlc.hashlock, &input), Some(preimage()));
    assert_eq!(calls::shown_preimage(B256::ZERO, &input), None);
    assert_eq!(calls::shown_preimage(leg.htlc.hashlock, &[]), None);
}

#[test]
fn the_tip_itself_has_depth_one() {
    let leg = leg();
    assert!(!leg.is_final(5, 5));
    assert!(leg.is_final(5, 6));
}
