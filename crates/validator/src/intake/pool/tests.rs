use super::*;
use crate::intake::Forward;
use kofo_clearance::{AccountAct, Act};
use kofo_primitives::{NetworkId, NodeKey};

fn act(account: u8, sequence: u64) -> Arc<CheckedOp> {
    let key = NodeKey::new(&[account; 32]).unwrap();
    let network = NetworkId::new("kofo-test").unwrap();
    let body = AccountAct {
        version: 1,
        network: network.clone(),
        account: key.id(),
        sequence,
        act: Act::Collect,
    };
    let op = Op::Act(Box::new(body.sign(&key)));
    Arc::new(CheckedOp::new(op, &network).unwrap())
}

fn pool() -> Pool {
    Pool::new(PoolLimits {
        total: 6,
        each: 3,
        refused: 2,
        age_ms: 100,
        ..PoolLimits::default()
    })
}

fn early(have: u64) -> Refused {
    ActRefused::Sequence { have, want: 1 }.into()
}

#[test]
fn an_account_fills_its_own_share_and_nobody_elses_and_all_together_no_more_than_there_is() {
    let pool = pool();
    for sequence in 0..3 {
        assert_eq!(pool.put(act(1, sequence), 0), Ok(true));
    }
    assert_eq!(pool.put(act(1, 0), 0), Ok(false));
    assert_eq!(pool.put(act(1, 3), 0), Err(PoolFull::Each(3)));
    let of = |n| NodeKey::new(&[n; 32]).unwrap().id();
    assert_eq!(pool.room_of(of(1)), Err(PoolFull::Each(3)));
    assert_eq!(pool.room_of(of(2)), Ok(()));
    for sequence in 0..3 {
        assert_eq!(pool.put(act(2, sequence), 0), Ok(true));
    }
    assert_eq!(pool.put(act(3, 0), 0), Err(PoolFull::Total(6)));
    pool.committed(&[act(1, 0)], 0);
    assert_eq!(pool.put(act(1, 3), 0), Ok(true));
    assert_eq!(pool.len(), 6);
}

#[test]
fn an_accounts_acts_stand_in_their_sequence_at_the_places_they_came_in() {
    let pool = pool();
    let came = [act(1, 2), act(2, 0), act(1, 0), act(1, 1)];
    for op in &came {
        pool.put(Arc::clone(op), 0).unwrap();
    }
    assert_eq!(pool.ready(0), [act(1, 0), act(2, 0), act(1, 1), act(1, 2)]);
}

#[test]
fn what_is_refused_or_old_leaves_with_its_reason_and_what_came_early_stays() {
    let pool = pool();
    for (sequence, at) in [(0, 0), (5, 0), (1, 60)] {
        pool.put(act(1, sequence), at).unwrap();
    }
    pool.refuse(&act(1, 0), &early(0));
    pool.refuse(&act(1, 5), &early(5));
    assert!(!pool.has(&act(1, 0).leaf()) && pool.has(&act(1, 5).leaf()));
    let why = pool.refusal(&act(1, 0).leaf()).unwrap();
    assert!(why.contains("sequence 0"), "{why}");
    pool.committed(&[], 120);
    assert_eq!(pool.ready(0), [act(1, 1)]);
    assert!(pool.refusal(&act(1, 5).leaf()).unwrap().contains("too long"));
    // So many reasons are remembered.
    pool.refuse(&act(1, 1), &early(1));
    assert!(pool.refusal(&act(1, 0).leaf()).is_none());
    assert!(pool.is_empty());
}

#[test]
fn what_came_to_us_first_is_ready_when_the_others_are_told_or_do_not_answer() {
    let pool = pool();
    let told = Forward::to_nobody(3).told();
    assert_eq!(pool.put_ours(act(1, 0), &told, 0), Ok(true));
    pool.put(act(2, 0), 0).unwrap();
    assert_eq!(pool.ready(TELLING_MS - 1), [act(2, 0)]);
    assert_eq!(pool.ready(TELLING_MS).len(), 2);
    told.one_more();
    assert_eq!(pool.ready(0).len(), 1);
    told.one_more();
    assert_eq!(pool.ready(0), [act(1, 0), act(2, 0)]);
}
