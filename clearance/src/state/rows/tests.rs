use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Truth = BTreeMap<Vec<u8>, Vec<u8>>;

fn change(rows: &mut Rows, changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    let changes: Vec<Change<'_>> = changes
        .iter()
        .map(|(key, value)| (key.as_slice(), value.as_deref()))
        .collect();
    rows.change(&changes);
}

fn change_truth(truth: &mut Truth, changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    for (key, value) in changes {
        match value {
            Some(value) => truth.insert(key, value),
            None => truth.remove(&key),
        };
    }
}

fn all(rows: &Rows) -> Vec<(Vec<u8>, Vec<u8>)> {
    let all = rows.from(&[]);
    all.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn is(rows: &Rows, truth: &Truth) -> bool {
    all(rows) == truth.clone().into_iter().collect::<Vec<_>>()
}

/// How high the tree is; all leaves are equally far from the top, and no node is larger than it may be.
fn height(node: &Node) -> usize {
    let rows = node.rows();
    assert!((1..=MOST).contains(&rows.ends.len()));
    match node {
        Node::Leaf(_) => 1,
        Node::Inner(firsts, below) => {
            assert_eq!(firsts.ends.len(), below.len());
            for (at, node) in below.iter().enumerate() {
                assert_eq!(firsts.key(at), node.rows().key(0));
            }
            let heights: Vec<_> = below.iter().map(|node| height(node)).collect();
            assert!(heights.iter().all(|one| *one == heights[0]));
            heights[0] + 1
        }
    }
}

fn changes() -> impl Strategy<Value = BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
    let key = (0u16..700).prop_map(|n| n.to_be_bytes().to_vec());
    let value = proptest::option::weighted(0.6, proptest::collection::vec(any::<u8>(), 0..40));
    proptest::collection::btree_map(key, value, 0..300)
}

proptest! {
    #[test]
    fn it_is_an_ordered_map_whatever_changes_at_once(steps in proptest::collection::vec(changes(), 1..12)) {
        let (mut rows, mut truth) = (Rows::default(), Truth::new());
        for changes in steps {
            let (copy, before) = (rows.clone(), truth.clone());
            change(&mut rows, &changes);
            change_truth(&mut truth, changes);
            prop_assert!(is(&rows, &truth));
            prop_assert!(is(&copy, &before), "a copy changes with the original");
            rows.top.as_deref().map(height);
            for n in 0..700u16 {
                let key = n.to_be_bytes();
                prop_assert_eq!(rows.get(&key), truth.get(key.as_slice()).map(Vec::as_slice));
            }
            for n in (0..700u16).step_by(97) {
                let key = n.to_be_bytes();
                let from = rows.from(&key).map(|(key, _)| key.to_vec());
                prop_assert!(from.eq(truth.range(key.to_vec()..).map(|(key, _)| key.clone())));
            }
        }
    }
}

#[test]
fn what_grows_at_its_end_and_is_taken_from_its_beginning_stays_small() {
    let mut rows = Rows::default();
    for n in 0..5_000u32 {
        let key = n.to_be_bytes().to_vec();
        let mut changes = BTreeMap::from([(key, Some(vec![7; 30]))]);
        if let Some(old) = n.checked_sub(100) {
            changes.insert(old.to_be_bytes().to_vec(), None);
        }
        change(&mut rows, &changes);
    }
    assert_eq!(all(&rows).len(), 100);
    assert!(rows.top.as_deref().map(height) <= Some(2));
}

#[test]
fn nothing_is_left_of_what_was_removed() {
    let mut rows = Rows::default();
    let keys: Vec<_> = (0..5_000u32).map(|n| n.to_be_bytes().to_vec()).collect();
    change(
        &mut rows,
        &keys.iter().map(|key| (key.clone(), Some(vec![1]))).collect(),
    );
    assert!(rows.top.as_deref().map(height) > Some(2));
    change(
        &mut rows,
        &keys.iter().skip(1).map(|key| (key.clone(), None)).collect(),
    );
    assert_eq!(rows.top.as_deref().map(height), Some(1));
    change(&mut rows, &keys.iter().map(|key| (key.clone(), None)).collect());
    assert!(rows.top.is_none());
}

#[test]
fn large_values_have_leaves_of_their_own() {
    let mut rows = Rows::default();
    let large = |n: u8| (vec![n], Some(vec![n; 3 * MOST_BYTES]));
    change(&mut rows, &(0..20).map(large).collect());
    assert_eq!(all(&rows).len(), 20);
    let small = BTreeMap::from([(vec![3], Some(vec![1]))]);
    let copy = rows.clone();
    change(&mut rows, &small);
    assert_eq!(rows.get(&[3]), Some([1].as_slice()));
    assert_eq!(copy.get(&[3]).map(<[u8]>::len), Some(3 * MOST_BYTES));
}
