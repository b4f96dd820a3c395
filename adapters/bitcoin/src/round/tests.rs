use bitcoin::Network;
use bitcoin::{ScriptBuf, TxOut};
use kofo_primitives::{
    HtlcSpec, LegId, LegRef, NetworkId, Party, Place, Preimage, Seed, Side, SwapId, SwapNonce, UnixTime,
};
use proptest::prelude::*;

use super::*;
use crate::spend::SpendError;
use crate::{BitcoinKeys, BitcoinParty};

const AMOUNT: u64 = 100_000;
const RATE: SatPerVb = SatPerVb(10);

/// Leg number n has the redeemer `2n + 1` and the refunder `2n + 2`; all redeemers are of one seed, and so are all
/// refunders.
fn of(byte: u8) -> (u8, End) {
    let end = if byte % 2 == 1 {
        End::Redeemer
    } else {
        End::Refunder
    };
    ((byte - 1) / 2, end)
}

fn leg(n: u8) -> LegId {
    LegId {
        side: Side::Alpha,
        index: n,
    }
}

fn seed(end: End) -> Seed {
    Seed::new([if end == End::Redeemer { 1 } else { 2 }; 64])
}

fn keys(end: End) -> OurKeys {
    OurKeys {
        signer: crate::local_signer(&seed(end)),
        network: NetworkId::new("kofo-test").unwrap(),
    }
}

/// What needs no other process is there at once.
fn now<T>(answer: impl Future<Output = T>) -> T {
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(answer).poll(&mut nobody) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => panic!("a signer in this process waits for nothing"),
    }
}

/// A script of that party's wallet.
fn payout(byte: u8) -> ScriptBuf {
    let (n, end) = of(byte);
    BitcoinKeys::new(seed(end)).at(false, (false, n.into())).unwrap()
}

fn party(byte: u8) -> Party {
    let (n, end) = of(byte);
    let key = now(keys(end).key(&SwapNonce::new([3; 32]), (leg(n), end), None)).unwrap();
    Bytes::new(BitcoinParty::new(key, payout(byte)).unwrap().to_bytes()).unwrap()
}

fn spec(n: u8, end: End) -> HtlcSpec {
    HtlcSpec {
        asset: crate::asset_id(Network::Regtest),
        amount: kofo_primitives::Amount::new(AMOUNT.into()),
        hashlock: Preimage::new([9; 32]).hashlock(),
        timelock: UnixTime(1_800_000_000),
        redeemer: party(2 * n + 1),
        refunder: party(2 * n + 2),
        place: Place::default(),
        depth: 2,
        end,
        nonce: SwapNonce::new([3; 32]),
        from_height: 100,
    }
}

fn terms(n: u8, end: End) -> Terms {
    Terms::read(&spec(n, end), &crate::asset_id(Network::Regtest)).unwrap()
}

/// The legs as the one who is at this end sees them.
fn legs(what: Together, end: End, count: u8) -> RoundLegs {
    let keys = keys(end);
    let our_leg = |n| {
        let swap = SwapId::new([1; 32]);
        let at = LegRef { swap, leg: leg(n) };
        keys.leg(at, &spec(n, end), None)
    };
    RoundLegs {
        what,
        terms: (0..count).map(|n| terms(n, end)).collect(),
        ours: (0..count).map(our_leg).collect(),
        keys: keys.clone(),
    }
}

fn coins(count: u8) -> Vec<Coin> {
    let coin = |n: u8| Coin {
        outpoint: OutPoint {
            txid: Txid::from_byte_array([n + 1; 32]),
            vout: n.into(),
        },
        value: Amount::from_sat(AMOUNT),
    };
    (0..count).map(coin).collect()
}

fn open(what: Together, count: u8) -> OpenRound {
    now(legs(what, asker(what), count).ask(&coins(count), RATE)).unwrap()
}

fn answer(what: Together, count: u8, request: &RoundRequest) -> Result<RoundReply, RoundError> {
    now(legs(what, helper(what), count).help(request))
}

/// The request of one redeem, changed.
fn changed(change: impl FnOnce(&mut Request)) -> RoundRequest {
    let asked = open(Together::Redeem, 1).request;
    let mut request: Request = borsh::from_slice(asked.as_slice()).unwrap();
    change(&mut request);
    encode(&request)
}

fn refusal(request: &RoundRequest) -> RoundError {
    answer(Together::Redeem, 1, request).unwrap_err()
}

#[test]
fn a_round_ends_with_a_transaction_that_pays_the_asker_at_the_rate() {
    for (what, to) in [(Together::Redeem, 1), (Together::Refund, 2)] {
        let round = open(what, 1);
        let reply = answer(what, 1, &round.request).unwrap();
        let tx = now(round.finish(&reply)).unwrap();
        let value = Amount::from_sat(AMOUNT - 1_110);
        let script_pubkey = payout(to);
        assert_eq!(tx.output, [TxOut { value, script_pubkey }]);
        assert_eq!(tx.input[0].previous_output, coins(1)[0].outpoint);
    }
}

#[test]
fn thirty_two_legs_fit_in_a_request_and_an_answer() {
    for what in [Together::Redeem, Together::Refund] {
        let round = open(what, 32);
        let reply = answer(what, 32, &round.request).unwrap();
        assert_eq!(
            (round.request.as_slice().len(), reply.as_slice().len()),
            (3_533, 3_141)
        );
        assert_eq!(now(round.finish(&reply)).unwrap().input.len(), 32);
    }
}

#[test]
fn the_helper_refuses_other_legs_another_amount_and_a_fee_that_leaves_nothing() {
    let asked = open(Together::Redeem, 2).request;
    assert_eq!(refusal(&asked), RoundError::Legs { want: 1, got: 2 });
    for got in [AMOUNT - 1, AMOUNT + 1] {
        let (want, got) = (Amount::from_sat(AMOUNT), Amount::from_sat(got));
        let lied = changed(|request| request.coins[0].value = got.to_sat());
        assert_eq!(refusal(&lied), RoundError::Amount { want, got });
    }
    for fee in [AMOUNT - 329, AMOUNT, u64::MAX] {
        let greedy = changed(|request| request.fee = fee);
        let refused = refusal(&greedy);
        let uneconomic = matches!(
            refused,
            RoundError::Spend(KeySpendError::Spend(SpendError::Uneconomic { .. }))
        );
        assert!(uneconomic, "{refused:?}");
    }
}

#[test]
fn the_helper_refuses_one_coin_for_two_legs() {
    let round = open(Together::Redeem, 2);
    let mut request: Request = borsh::from_slice(round.request.as_slice()).unwrap();
    (request.coins[1].txid, request.coins[1].vout) = (request.coins[0].txid, request.coins[0].vout);
    let outpoint = coins(2)[0].outpoint;
    let refused = answer(Together::Redeem, 2, &encode(&request)).unwrap_err();
    assert_eq!(refused, RoundError::Spend(KeySpendError::Twice { outpoint }));
}

#[test]
fn help_with_another_act_fee_or_coin_finishes_no_round() {
    let help = |request: &RoundRequest| answer(Together::Redeem, 1, request).unwrap();
    let lies = [
        changed(|request| request.fee += 1),
        changed(|request| request.coins[0].vout += 1),
        changed(|request| request.coins[0].txid = [0xee; 32]),
    ];
    for lie in lies {
        let refused = now(open(Together::Redeem, 1).finish(&help(&lie))).unwrap_err();
        assert!(
            matches!(refused, RoundError::Signer(SignerError::Refused(_))),
            "{refused:?}"
        );
    }
    // Whoever takes the coin is not who helps: nobody signs a round with itself.
    let round = open(Together::Redeem, 1);
    let itself = now(legs(Together::Refund, End::Refunder, 1).help(&round.request));
    assert!(itself.is_err(), "{itself:?}");
}

#[test]
fn an_answer_is_worth_nothing_in_another_round() {
    let (first, second) = (open(Together::Redeem, 1), open(Together::Redeem, 1));
    let reply = answer(Together::Redeem, 1, &first.request).unwrap();
    assert!(now(second.finish(&reply)).is_err());
    assert!(now(first.finish(&reply)).is_ok());
}

#[test]
fn an_answer_with_too_few_signatures_or_of_another_version_finishes_no_round() {
    let round = open(Together::Redeem, 2);
    let full = answer(Together::Redeem, 2, &round.request).unwrap();
    let mut short: Answer = borsh::from_slice(full.as_slice()).unwrap();
    short.signatures.pop();
    let parts = KeySpendError::Parts {
        what: "signatures",
        want: 2,
        got: 1,
    };
    assert_eq!(now(round.finish(&encode(&short))), Err(RoundError::Spend(parts)));

    let round = open(Together::Redeem, 1);
    let full = answer(Together::Redeem, 1, &round.request).unwrap();
    let mut newer: Answer = borsh::from_slice(full.as_slice()).unwrap();
    newer.version = 2;
    let refused = now(round.finish(&encode(&newer))).unwrap_err();
    assert!(matches!(refused, RoundError::Malformed { what: "answer", .. }));
}

#[test]
fn a_fee_never_eats_a_leg_and_never_falls_below_the_least_that_is_relayed() {
    let fee = |rate| {
        let legs = legs(Together::Refund, End::Refunder, 2);
        now(legs.ask(&coins(2), rate)).unwrap().fee
    };
    assert_eq!(fee(SatPerVb(u64::MAX)), Amount::from_sat(2 * (AMOUNT - 330)));
    assert_eq!(fee(SatPerVb(0)).to_sat(), fee(SatPerVb(1)).to_sat());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(answer(Together::Redeem, 1, &Bytes::new(bytes.clone()).unwrap()).is_err());
        prop_assert!(now(open(Together::Redeem, 1).finish(&Bytes::new(bytes).unwrap())).is_err());
    }

    #[test]
    fn a_changed_bit_never_finishes_a_round(at in 0usize..103, bit in 0u8..8) {
        let round = open(Together::Redeem, 1);
        let reply = answer(Together::Redeem, 1, &round.request).unwrap();
        let mut bytes = reply.as_slice().to_vec();
        bytes[at] ^= 1 << bit;
        prop_assert!(now(round.finish(&Bytes::new(bytes).unwrap())).is_err());
    }

    #[test]
    fn a_request_with_a_changed_bit_is_refused_or_helps_with_nothing(at in 0usize..123, bit in 0u8..8) {
        let round = open(Together::Redeem, 1);
        let mut bytes = round.request.as_slice().to_vec();
        bytes[at] ^= 1 << bit;
        if let Ok(reply) = answer(Together::Redeem, 1, &Bytes::new(bytes).unwrap()) {
            prop_assert!(now(round.finish(&reply)).is_err());
        }
    }
}

#[test]
fn question_and_answer_of_the_vectors_are_these() {
    use crate::vectors::{coin, kept};
    let request = kept("/bitcoin_together/request");
    let nonce: [u8; NONCE_BYTES] = request[request.len() - NONCE_BYTES..].try_into().unwrap();
    let asked = Request {
        version: VERSION,
        fee: 143,
        coins: vec![AskedCoin {
            txid: coin().outpoint.txid.to_byte_array(),
            vout: coin().outpoint.vout,
            value: coin().value.to_sat(),
            nonce,
        }],
    };
    assert_eq!(borsh::to_vec(&asked).unwrap(), request);
    let answer = Answer {
        version: VERSION,
        signatures: vec![AnsweredCoin {
            nonce,
            partial: [0x55; PARTIAL_BYTES],
        }],
    };
    assert_eq!(borsh::to_vec(&answer).unwrap(), kept("/bitcoin_together/reply"));
}
