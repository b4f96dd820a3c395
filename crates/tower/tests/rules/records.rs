//! W10: recovery records.

use crate::stage::{Stage, network, owner, rules};
use kofo_journal::memory::{Disk, Memory};
use kofo_primitives::*;
use kofo_tower::*;

fn keep(n: u8) -> Keep {
    Keep {
        version: 1,
        network: network(),
        owner: owner().id(),
        swap: SwapId::new([n; 32]),
        until: UnixTime(5_000),
        record: Bytes::new([n; 10]).unwrap(),
    }
}

fn ask(key: &NodeKey) -> Signed<Ask> {
    let ask = Ask {
        version: 1,
        network: network(),
        owner: key.id(),
    };
    ask.sign(key)
}

fn kept(stage: &mut Stage) -> Vec<SwapId> {
    let page = stage.tower().records(&ask(&owner()), None).unwrap();
    page.records.iter().map(|(swap, _)| *swap).collect()
}

#[test]
fn a_record_is_given_back_to_its_owner_after_a_restart_and_to_nobody_else() {
    let mut stage = Stage::empty();
    for n in [2, 1] {
        stage.tower().keep(keep(n).sign(&owner())).unwrap();
    }
    stage.tower().flush().unwrap();
    stage.restart();
    assert_eq!(kept(&mut stage), [keep(1).swap, keep(2).swap]);
    let after = stage.tower().records(&ask(&owner()), Some(keep(1).swap)).unwrap();
    assert_eq!(after.records, [(keep(2).swap, keep(2).record)]);
    let other = NodeKey::new(&[9; 32]).unwrap();
    assert_eq!(
        stage.tower().records(&ask(&other), None).unwrap(),
        RecordPage::default()
    );
    let mut forged = ask(&other);
    forged.body.owner = owner().id();
    assert!(matches!(
        stage.tower().records(&forged, None),
        Err(Refusal::Package(PackageError::Signature(_)))
    ));
}

#[test]
fn a_record_that_its_owner_did_not_sign_is_not_kept() {
    let mut stage = Stage::empty();
    let thief = NodeKey::new(&[9; 32]).unwrap();
    assert!(matches!(
        stage.tower().keep(keep(1).sign(&thief)),
        Err(Refusal::Package(PackageError::Signature(_)))
    ));
    let mut other = keep(1);
    other.network = NetworkId::new("other").unwrap();
    assert!(matches!(
        stage.tower().keep(other.sign(&owner())),
        Err(Refusal::Package(PackageError::Network { .. }))
    ));
    assert_eq!(kept(&mut stage), []);
    let only = Rules {
        guests: Guests::Only([thief.id()].into()),
        ..rules()
    };
    let mut tower = Tower::open(Memory::open(&Disk::new()).unwrap(), only).unwrap();
    let refused = tower.keep(keep(1).sign(&owner()));
    assert_eq!(refused, Err(Refusal::NotAGuest(owner().id())));
    assert_eq!(
        tower.records(&ask(&owner()), None),
        Err(Refusal::NotAGuest(owner().id()))
    );
}

#[test]
fn a_record_is_dropped_when_its_time_is_over_on_every_chain() {
    let mut stage = Stage::empty();
    stage.tower().keep(keep(1).sign(&owner())).unwrap();
    let tip = |time| {
        ChainEvent::Tip(Tip {
            height: 9,
            time: UnixTime(time),
        })
    };
    let [first, second] = [crate::stage::ALPHA, crate::stage::BETA].map(crate::stage::chain);
    stage.tower().chain_event(&first, &tip(6_000));
    assert_eq!(kept(&mut stage).len(), 1, "the other chain may be slow");
    stage.tower().chain_event(&second, &tip(5_000));
    assert_eq!(kept(&mut stage).len(), 1);
    stage.tower().chain_event(&second, &tip(5_001));
    assert_eq!(kept(&mut stage), []);
}
