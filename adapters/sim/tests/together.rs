//! What one party may try with the other one's signature: the chain and the helper refuse it.

// Clippy takes only functions marked `#[test]` for tests, not what they share.
#![allow(clippy::unwrap_used)]

use futures::FutureExt;
use kofo_adapter_api::RoundRequest;
use kofo_primitives::{
    Act, Amount, AssetId, ChainAction, ChainEvent, ChainId, End, HtlcSpec, LegEvent, LegId, LegRef, Place,
    Preimage, Side, SwapId, SwapNonce, Together, UnixTime,
};
use kofo_sim::{AccountId, Both, Key, Owner, SimAdapter, SimChain, SimParty, SimTx};

const PAYER: AccountId = AccountId(1);
const PAYEE: AccountId = AccountId(2);

/// Two legs from payer to payee, both locked.
struct Ground {
    chain: SimChain,
    payer: SimAdapter,
    payee: SimAdapter,
    specs: [HtlcSpec; 2],
}

fn of(leg: u8) -> LegRef {
    LegRef {
        swap: SwapId::new([leg; 32]),
        leg: LegId::first(Side::Alpha),
    }
}

fn party(account: AccountId, lane: u16) -> kofo_primitives::Party {
    SimParty { account, lane }.to_party()
}

impl Ground {
    fn locked() -> Self {
        let coin = AssetId::new("sim:one/coin:a").unwrap();
        let chain = SimChain::new(ChainId::new("sim:one").unwrap(), [coin.clone()], UnixTime(1_000));
        chain.fund(PAYER, &coin, Amount::new(5_000));
        chain.fund(PAYER, &coin, Amount::new(5_000));
        let payer = SimAdapter::new(chain.clone(), PAYER);
        let payee = SimAdapter::new(chain.clone(), PAYEE);
        let specs = [0, 1].map(|leg: u8| HtlcSpec {
            asset: coin.clone(),
            amount: Amount::new(1_000),
            hashlock: Preimage::new([leg; 32]).hashlock(),
            timelock: UnixTime(9_000),
            redeemer: party(PAYEE, leg.into()),
            refunder: party(PAYER, leg.into()),
            place: Place::default(),
            depth: 1,
            end: End::Refunder,
            nonce: SwapNonce::new([leg; 32]),
            from_height: 0,
        });
        for (leg, spec) in (0..).zip(&specs) {
            let (spec, held) = (spec.clone(), Vec::new());
            payer.act_now(of(leg), ChainAction::Watch { spec, held });
            payer.act_now(of(leg), ChainAction::Build(Act::Lock));
        }
        for event in std::iter::from_fn(|| payer.poll()) {
            if let ChainEvent::Leg(_, LegEvent::Built(_, lock)) = event {
                chain.submit(SimTx::of_prepared(&lock).unwrap()).unwrap();
            }
        }
        chain.mine(1);
        Self {
            chain,
            payer,
            payee,
            specs,
        }
    }

    /// The leg as the payee has it.
    fn theirs(&self, leg: usize) -> HtlcSpec {
        let end = End::Redeemer;
        HtlcSpec {
            end,
            ..self.specs[leg].clone()
        }
    }

    /// What the payer asks for the first leg, changed; whether the payee signs it.
    fn is_signed(&self, change: impl FnOnce(&mut SimTx)) -> bool {
        let legs = [(of(0), self.specs[0].clone())];
        let round = self.payer.open_round_now(Together::Refund, &legs).unwrap();
        let mut txs: Vec<SimTx> = borsh::from_slice(round.request.as_slice()).unwrap();
        change(&mut txs[0]);
        let request = RoundRequest::new(borsh::to_vec(&txs).unwrap()).unwrap();
        let legs = [(of(0), self.theirs(0))];
        self.payee.cosign_now(Together::Refund, &legs, &request).is_ok()
    }

    /// A refund of the first leg with both signatures.
    fn signed(&self) -> SimTx {
        let legs = [(of(0), self.specs[0].clone())];
        let round = self.payer.open_round_now(Together::Refund, &legs).unwrap();
        let theirs = [(of(0), self.theirs(0))];
        let reply = self.payee.cosign_now(Together::Refund, &theirs, &round.request);
        let prepared = round.finish(&reply.unwrap()).now_or_never();
        let prepared = prepared.expect("what signs is in this process").unwrap();
        SimTx::of_prepared(&prepared[0]).unwrap()
    }
}

fn both(tx: &mut SimTx) -> &mut Both {
    match &mut tx.spends[0].key {
        Key::Both(both) => both,
        other => panic!("expected both signatures, got {other:?}"),
    }
}

#[test]
fn the_helper_signs_what_pays_the_other_party_from_the_leg() {
    assert!(Ground::locked().is_signed(|_| ()));
}

#[test]
fn the_helper_does_not_sign_what_takes_another_leg_too() {
    let ground = Ground::locked();
    let owner = Owner::Contract(kofo_sim::Contract::of(&ground.specs[1]).unwrap());
    let (other, _) = ground.chain.notes(&owner, &ground.specs[1].asset)[0];
    assert!(!ground.is_signed(|tx| {
        let mut spend = tx.spends[0].clone();
        spend.note = other;
        tx.spends.push(spend);
    }));
}

#[test]
fn the_helper_does_not_sign_what_pays_somebody_else() {
    assert!(!Ground::locked().is_signed(|tx| tx.pays[0].owner = Owner::Account(AccountId(3))));
}

#[test]
fn the_helper_does_not_sign_the_one_thing_for_the_other() {
    assert!(!Ground::locked().is_signed(|tx| both(tx).what = Together::Redeem));
}

#[test]
fn the_chain_takes_what_both_signed_before_the_timelock() {
    let ground = Ground::locked();
    assert!(ground.chain.submit(ground.signed()).is_ok());
}

#[test]
fn the_chain_refuses_one_signature_twice_and_a_changed_transaction() {
    let ground = Ground::locked();
    let mut alone = ground.signed();
    let words = both(&mut alone);
    words.redeemer = words.refunder;
    assert!(ground.chain.submit(alone).is_err(), "one signature");
    let mut other = ground.signed();
    other.pays[0].amount = Amount::new(other.pays[0].amount.units() - 5);
    other.fee = Amount::new(other.fee.units() + 5);
    assert!(ground.chain.submit(other).is_err(), "not what was signed");
    let mut again = ground.signed();
    both(&mut again).nonce += 1;
    assert!(ground.chain.submit(again).is_err(), "another round");
}
