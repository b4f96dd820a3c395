//! W1 to W3: what is taken, and that it stays.

use crate::stage::{ALPHA, BETA, Stage, chain, levels, network, owner, package, rules, tx};
use kofo_journal::faulty::{Fault, Faulty, When};
use kofo_journal::memory::{Disk, Memory};
use kofo_primitives::*;
use kofo_tower::*;

#[test]
fn a_package_that_is_not_right_by_itself_is_refused() {
    let right = || package(Role::Participant, 1, [2, 2]);
    let refused = |package: Package| Package::check(&package.sign(&owner()), &network()).unwrap_err();
    let with = |change: fn(&mut Package)| {
        let mut package = right();
        change(&mut package);
        refused(package)
    };
    assert_eq!(with(|p| p.version = 2), PackageError::Version(2));
    assert!(matches!(
        with(|p| p.network = NetworkId::new("other").unwrap()),
        PackageError::Network { .. }
    ));
    assert!(matches!(
        with(|p| drop(p.legs.remove(&BETA))),
        PackageError::Legs { alpha: 1, beta: 0 }
    ));
    assert!(matches!(
        with(|p| p.legs.get_mut(&ALPHA).unwrap().levels = levels(9)),
        PackageError::Levels { have: 9, .. }
    ));
    let leg = |change| matches!(with(change), PackageError::Leg { .. });
    assert!(leg(|p| p.role = Role::Initiator));
    assert!(leg(|p| p.legs.get_mut(&ALPHA).unwrap().spec.depth = 0));
    assert!(leg(
        |p| p.legs.get_mut(&BETA).unwrap().spec.hashlock = Hashlock::new([0; 32])
    ));
    assert_eq!(
        refused(package(Role::Participant, 1, [0, 0])),
        PackageError::Nothing
    );
    let mut long = right();
    for entry in long.legs.values_mut() {
        entry.levels = vec![kofo_adapter_api::Entrusted::new([0; 4_096]).unwrap(); 8];
    }
    assert!(matches!(refused(long), PackageError::TooLong(_)));
    assert_eq!(Package::check(&right().sign(&owner()), &network()), Ok(()));
}

#[test]
fn nobody_else_can_overwrite_a_package() {
    let mut stage = Stage::with(package(Role::Participant, 3, [1, 1]));
    let before: Vec<_> = stage.tower().watching().collect();
    let thief = NodeKey::new(&[9; 32]).unwrap();
    let forged = package(Role::Participant, 4, [1, 1]).sign(&thief);
    assert!(matches!(
        stage.tower().entrust(forged),
        Err(Refusal::Package(PackageError::Signature(_)))
    ));
    // Under the thief's own name it is another swap.
    let mut own = package(Role::Participant, 4, [1, 1]);
    own.owner = thief.id();
    assert_eq!(stage.tower().entrust(own.sign(&thief)), Ok(Accepted::New));
    assert!(
        stage
            .tower()
            .watching()
            .any(|watching| before.contains(&watching))
    );
    assert_eq!(stage.tower().watching().count(), 2);
}

#[test]
fn only_a_later_package_of_the_same_legs_replaces_one() {
    let mut stage = Stage::with(package(Role::Participant, 3, [1, 1]));
    let mut entrust = |package: Package| stage.tower().entrust(package.sign(&owner()));
    let (have, got) = (3, 2);
    assert_eq!(
        entrust(package(Role::Participant, 2, [2, 2])),
        Err(Refusal::Older { have, got })
    );
    assert_eq!(entrust(package(Role::Participant, 3, [1, 1])), Ok(Accepted::Same));
    assert!(matches!(
        entrust(package(Role::Participant, 3, [2, 2])),
        Err(Refusal::Older { .. })
    ));
    let mut other = package(Role::Participant, 4, [1, 1]);
    other.legs.get_mut(&ALPHA).unwrap().spec.amount = Amount::new(5);
    assert_eq!(entrust(other), Err(Refusal::OtherLegs));
    assert_eq!(
        entrust(package(Role::Participant, 4, [2, 2])),
        Ok(Accepted::Replaced)
    );
    let watching = stage.tower().watching().next().unwrap();
    assert_eq!((watching.sequence, watching.legs[0].levels), (4, 2));
}

#[test]
fn what_a_tower_takes_on_is_bounded() {
    let limited = |bounds, guests| {
        let rules = Rules {
            bounds,
            guests,
            ..rules()
        };
        Tower::open(Memory::open(&Disk::new()).unwrap(), rules).unwrap()
    };
    let one = |n: u8, swap: u8| {
        let key = NodeKey::new(&[n; 32]).unwrap();
        let mut package = package(Role::Participant, 1, [1, 1]);
        (package.owner, package.swap) = (key.id(), SwapId::new([swap; 32]));
        package.sign(&key)
    };
    let bounds = Bounds {
        owners: 2,
        swaps_per_owner: 2,
        bytes: 100_000,
    };
    let mut tower = limited(bounds, Guests::Anyone);
    for (who, swap) in [(1, 1), (1, 2), (2, 1)] {
        assert_eq!(tower.entrust(one(who, swap)), Ok(Accepted::New));
    }
    assert_eq!(tower.entrust(one(3, 1)), Err(Refusal::TooManyOwners(2)));
    assert_eq!(tower.entrust(one(1, 3)), Err(Refusal::TooManySwaps(2)));
    let mut small = limited(
        Bounds {
            bytes: encode(&one(1, 1)).len() * 3 / 2,
            ..Bounds::default()
        },
        Guests::Anyone,
    );
    assert_eq!(small.entrust(one(1, 1)), Ok(Accepted::New));
    assert_eq!(small.entrust(one(1, 2)), Err(Refusal::Full));
    let mut private = limited(Bounds::default(), Guests::Only([owner().id()].into()));
    assert_eq!(private.entrust(one(1, 1)), Ok(Accepted::New));
    assert!(matches!(private.entrust(one(2, 1)), Err(Refusal::NotAGuest(_))));
}

#[test]
fn a_chain_that_the_tower_does_not_follow_is_refused() {
    let rules = Rules {
        chains: [chain(ALPHA)].into(),
        ..rules()
    };
    let mut tower = Tower::open(Memory::open(&Disk::new()).unwrap(), rules).unwrap();
    let package = package(Role::Participant, 1, [1, 1]).sign(&owner());
    assert_eq!(tower.entrust(package), Err(Refusal::Chain(chain(BETA))));
}

#[test]
fn only_the_owner_is_told_what_is_watched_for_it() {
    let mut stage = Stage::with(package(Role::Participant, 3, [1, 1]));
    let ask = |key: &NodeKey, owner: &NodeKey| {
        let (version, network, owner) = (1, network(), owner.id());
        Ask {
            version,
            network,
            owner,
        }
        .sign(key)
    };
    let thief = NodeKey::new(&[9; 32]).unwrap();
    let standing = stage.tower().standing(&ask(&owner(), &owner())).unwrap();
    assert_eq!(standing.swaps, [(SwapId::new([5; 32]), 3)]);
    assert!(stage.tower().standing(&ask(&thief, &owner())).is_err());
    assert_eq!(
        stage.tower().standing(&ask(&thief, &thief)),
        Ok(Standing::default())
    );
}

#[test]
fn a_package_is_durable_before_it_is_acknowledged() {
    let disk = Disk::new();
    let fault = Fault {
        at_sync: 1,
        when: When::Before,
    };
    let mut tower = Tower::open(Faulty::new(Memory::open(&disk).unwrap(), fault), rules()).unwrap();
    tower
        .entrust(package(Role::Participant, 1, [1, 1]).sign(&owner()))
        .unwrap();
    assert!(tower.flush().is_err(), "no effect and no answer without the sync");
    drop(tower);
    assert_eq!(
        Tower::open(Memory::open(&disk).unwrap(), rules())
            .unwrap()
            .watching()
            .count(),
        0
    );
}

#[test]
fn after_a_restart_everything_is_watched_again_with_what_was_prepared() {
    let mut stage = Stage::with(package(Role::Participant, 1, [1, 1]));
    stage.both_locked();
    stage.see(BETA, Act::Redeem(crate::stage::preimage()), At::Mempool);
    let effects = stage.block(4);
    assert_eq!(stage.prepare(effects).len(), 1);
    stage.tower().flush().unwrap();
    stage.restart();
    let asked = stage.watch_is_answered(6);
    let watches: Vec<_> = asked
        .iter()
        .filter_map(|effect| match effect {
            Effect::Act {
                leg,
                action: ChainAction::Watch { held, .. },
                ..
            } => Some((leg.leg, held.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(watches, [(ALPHA, vec![tx(0)]), (BETA, vec![])]);
}
