use super::*;
use crate::fixtures::{BTC, ETH, asset};
use proptest::prelude::*;

fn of(units: u128) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.allow(asset(BTC), Amount::new(units));
    inventory
}

fn hold(inventory: &mut Inventory, units: u128) -> HoldId {
    inventory.hold(&asset(BTC), Amount::new(units), 100).unwrap()
}

#[test]
fn no_more_is_promised_than_is_allowed_and_nothing_of_what_never_was() {
    let mut inventory = of(10);
    hold(&mut inventory, 7);
    let short = Short {
        asset: asset(BTC),
        wanted: Amount::new(4),
        free: Amount::new(3),
    };
    assert_eq!(inventory.hold(&asset(BTC), Amount::new(4), 100), Err(short));
    hold(&mut inventory, 3);
    assert!(inventory.hold(&asset(ETH), Amount::new(1), 100).is_err());
}

#[test]
fn what_is_released_is_free_again_and_what_is_spent_is_not() {
    let mut inventory = of(10);
    let (kept, broken) = (hold(&mut inventory, 4), hold(&mut inventory, 6));
    assert!(inventory.release(broken) && inventory.spent(kept));
    assert!(!inventory.release(broken) && !inventory.spent(kept), "once");
    assert_eq!(inventory.free(&asset(BTC)), Amount::new(6));
    inventory.allow(asset(BTC), Amount::new(10));
    assert_eq!(inventory.free(&asset(BTC)), Amount::new(10));
}

#[test]
fn a_hold_ends_by_itself_unless_it_is_made_longer() {
    let mut inventory = of(10);
    let (short, long) = (hold(&mut inventory, 4), hold(&mut inventory, 6));
    assert!(inventory.hold_until(long, 200));
    inventory.expire(99);
    assert_eq!(inventory.held(&asset(BTC)), Amount::new(10));
    inventory.expire(100);
    assert_eq!(inventory.held(&asset(BTC)), Amount::new(6));
    assert!(!inventory.hold_until(short, 200));
}

#[test]
fn when_less_is_allowed_than_is_held_nothing_is_free_and_nothing_wraps() {
    let mut inventory = of(10);
    let held = hold(&mut inventory, 10);
    inventory.allow(asset(BTC), Amount::new(3));
    assert_eq!(inventory.free(&asset(BTC)), Amount::ZERO);
    inventory.hold_again(&asset(BTC), Amount::new(u128::MAX), 100);
    assert_eq!(inventory.free(&asset(BTC)), Amount::ZERO);
    assert!(inventory.release(held));
}

proptest! {
    #[test]
    fn after_any_sequence_what_is_held_and_spent_is_never_more_than_was_allowed(
        ops in prop::collection::vec((0u8..5, 0usize..6, 0u128..8), 0..60)
    ) {
        let (mut inventory, mut holds, mut spent) = (of(20), Vec::<(HoldId, u128)>::new(), 0);
        for (op, at, units) in ops {
            match op {
                0 | 1 => {
                    if let Ok(id) = inventory.hold(&asset(BTC), Amount::new(units), 100) {
                        holds.push((id, units));
                    }
                }
                2 if at < holds.len() => prop_assert!(inventory.release(holds.remove(at).0)),
                3 if at < holds.len() => {
                    let (id, units) = holds.remove(at);
                    prop_assert!(inventory.spent(id));
                    spent += units;
                }
                _ => inventory.expire(99),
            }
            let held: u128 = holds.iter().map(|(_, units)| units).sum();
            prop_assert_eq!(inventory.held(&asset(BTC)).units(), held);
            prop_assert_eq!(inventory.free(&asset(BTC)).units() + held + spent, 20);
        }
    }
}
