//! A wallet among validators of every kind.

mod epochs;

use super::*;
use crate::clearing::{Mood, SimulatedValidators};
use kofo_clearance::{Act, GenesisBalance};
use kofo_journal::memory::{Disk, Memory};
use kofo_network::Identity;
use kofo_primitives::{Amount, AssetId, Text, ValidatorSecret};
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// A minute before these tests.
pub(super) static BEGAN: LazyLock<u64> = LazyLock::new(|| now_ms() - 60_000);

/// Four validators; the account of `key(9)` has 50 KOFO.
pub(super) fn genesis() -> Genesis {
    let mut genesis = crate::clearing::genesis::tests::whole().genesis;
    genesis.time_ms = *BEGAN;
    genesis.seal_key = key(0x5e).id();
    genesis.params.foundation = key(0xf0).id();
    for (n, one) in (1..).zip(&mut genesis.validators) {
        let peer = Identity::from_secret(Zeroizing::new([n; 32])).peer_id();
        one.account = key(100 + n).id();
        one.key = vote(n).key();
        one.service = Text::new(&format!("/ip4/127.0.0.1/tcp/9/p2p/{peer}")).unwrap();
    }
    genesis.shares.clear();
    genesis.balances = vec![GenesisBalance {
        account: key(9).id(),
        asset: kofo(),
        free: Amount::new(50_000_000),
        provider: Amount::ZERO,
        relay: Amount::ZERO,
    }];
    genesis
}

pub(super) fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

pub(super) fn vote(n: u8) -> ValidatorSecret {
    ValidatorSecret::new(&[n; 32]).unwrap()
}

fn kofo() -> AssetId {
    AssetId::new(crate::clearing::genesis::tests::FEE).unwrap()
}

fn validators() -> SimulatedValidators {
    SimulatedValidators::new(genesis(), (1..=4).map(vote).collect(), key(0x5e)).unwrap()
}

pub(super) fn client_of(genesis: Genesis, transport: Arc<dyn Transport>, disk: &Disk) -> Clearing {
    let journal = SharedJournal::new(Memory::open(disk).unwrap());
    Clearing::open(ClearingParts {
        genesis,
        services: Vec::new(),
        key: key(9),
        transport,
        journal,
    })
    .unwrap()
}

fn client(validators: &SimulatedValidators) -> Clearing {
    client_of(genesis(), Arc::new(validators.clone()), &Disk::new())
}

fn transfer(amount: u128) -> Act {
    Act::Transfer {
        to: key(8).id(),
        asset: kofo(),
        amount: Amount::new(amount),
    }
}

#[tokio::test]
async fn an_act_returns_once_it_is_in_the_ledger_and_the_next_one_has_the_next_sequence() {
    let clearing = client(&validators());
    for n in 0..2 {
        let (sequence, view) = clearing.act(transfer(1_000_000)).await.unwrap();
        assert_eq!((sequence, view.sequence), (n, n + 1));
    }
    let theirs = clearing.account(key(8).id()).await.unwrap();
    assert_eq!(theirs.holdings[0].free, Amount::new(2_000_000));
    let shown = clearing.show_account(&theirs);
    assert_eq!(
        (shown.own, shown.holdings[0].free.to_string()),
        (false, "2 KOFO".into())
    );
}

#[tokio::test]
async fn an_act_that_the_ledger_does_not_allow_is_refused_and_uses_no_sequence_up() {
    let clearing = client(&validators());
    let error = clearing.act(transfer(60_000_000)).await.unwrap_err();
    let ledger = RefusedClass::Ledger;
    assert!(
        matches!(&error, ClearingError::Refused { class, .. } if *class == ledger),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "validators refuse it: your free balance has 50 KOFO, the transfer needs 60 KOFO"
    );
    assert_eq!(clearing.act(transfer(1)).await.unwrap().0, 0);
}

#[tokio::test]
async fn one_validator_that_lies_or_is_silent_changes_nothing_of_what_is_said_of_accounts() {
    let validators = validators();
    let clearing = client(&validators);
    for mood in [Mood::Lying, Mood::Silent] {
        validators.behave(1, mood);
        let view = clearing.account(key(9).id()).await.unwrap();
        assert_eq!((view.settled, view.power), (0, 0), "{mood:?}");
        clearing.act(transfer(1)).await.unwrap();
    }
    validators.behave(4, Mood::Silent);
    let error = clearing.account(key(9).id()).await.unwrap_err();
    assert!(matches!(error, ClearingError::Nobody { asked: 4, .. }), "{error}");
}

#[tokio::test]
async fn the_state_of_each_validator_is_shown_and_who_is_silent_named() {
    let validators = validators();
    validators.behave(1, Mood::Silent);
    let shown = client(&validators).show().await;
    assert_eq!((shown.epoch, shown.validators.len()), (0, 4));
    let silent: Vec<_> = shown
        .validators
        .iter()
        .filter(|one| one.trouble.is_some())
        .collect();
    assert_eq!(silent.len(), 1);
    let power: u64 = shown.validators.iter().map(|one| one.power).sum();
    assert_eq!((power, shown.assets), (shown.power, vec!["KOFO".to_owned()]));
    assert!(shown.validators.iter().all(|one| one.account.is_some()));
}

#[tokio::test]
async fn nobody_who_knows_of_an_order_is_told_from_validators_that_know_of_none() {
    let validators = validators();
    let clearing = client(&validators);
    let order = SwapId::new([1; 32]);
    assert_eq!(
        clearing.order(order).await.unwrap(),
        OrderFate::Open { sure: true }
    );
    validators.behave(3, Mood::Silent);
    assert_eq!(
        clearing.order(order).await.unwrap(),
        OrderFate::Open { sure: false }
    );
}

#[test]
fn a_genesis_without_a_service_that_can_be_asked_is_refused_by_its_address() {
    let mut genesis = genesis();
    genesis.validators[2].service = Text::new("/ip4/127.0.0.1/tcp/9").unwrap();
    let parts = ClearingParts {
        genesis,
        services: Vec::new(),
        key: key(9),
        transport: Arc::new(validators()),
        journal: SharedJournal::new(Memory::open(&Disk::new()).unwrap()),
    };
    let error = Clearing::open(parts).unwrap_err().to_string();
    assert!(error.starts_with("/ip4/127.0.0.1/tcp/9 is no address"), "{error}");
}

#[tokio::test]
async fn a_validator_that_joined_later_counts_if_the_configuration_names_its_account() {
    let mut short = genesis();
    let joined = short.validators.split_off(1);
    // Of four, the genesis names one; the set has them all.
    let all = Ledger::new(genesis(), Arc::new(NoProofs)).unwrap().validators();
    let services = |named: bool| {
        let one = |validator: &kofo_clearance::GenesisValidator| match named {
            true => format!("{}@{}", validator.account, validator.service.as_str()),
            false => validator.service.as_str().to_owned(),
        };
        joined.iter().map(one).collect::<Vec<_>>()
    };
    for (named, known) in [(true, true), (false, false)] {
        let clearing = Clearing::open(ClearingParts {
            genesis: short.clone(),
            services: services(named),
            key: key(9),
            transport: Arc::new(validators()),
            journal: SharedJournal::new(Memory::open(&Disk::new()).unwrap()),
        })
        .unwrap();
        let time_ms = genesis().time_ms;
        *clearing.light() = Light::new(genesis().network, all.clone(), time_ms);
        let told = clearing.account(key(9).id()).await;
        assert_eq!(told.is_ok(), known, "named: {named}");
    }
}

#[test]
fn orders_of_one_height_that_do_not_fit_an_answer_are_asked_for_behind_the_last_one_that_was_named() {
    let order = |n: usize| SwapId::new([u8::try_from(n).unwrap(); 32]);
    let begin = Place {
        height: 5,
        last: None,
    };
    assert_eq!(next_place(begin, &[]), begin);
    let few = [(order(1), 6), (order(2), 7)];
    let (height, last) = (7, None);
    assert_eq!(next_place(begin, &few), Place { height, last });
    let many: Vec<_> = (1..=MAX_ANSWERED).map(|n| (order(n), 7)).collect();
    let last = Some(order(MAX_ANSWERED));
    let full = Place { height, last };
    assert_eq!(next_place(begin, &many), full);
    assert_eq!(next_place(full, &[]), full, "nothing has come since");
    let (height, last) = (8, None);
    assert_eq!(
        next_place(full, &[(order(70), 7), (order(71), 8)]),
        Place { height, last }
    );
}
