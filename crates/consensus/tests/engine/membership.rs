//! Who decides changes.

use crate::book::network;
use crate::cluster::{Cluster, secret, set};
use std::collections::BTreeMap;
use std::sync::Arc;

const CHANGE: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn at_a_height_a_fifth_validator_joins_and_one_leaves() {
    let (before, after) = (set(0, 0..4), set(1, 1..5));
    let schedule = Arc::new(BTreeMap::from([(0, before.clone()), (CHANGE, after.clone())]));
    let mut cluster = Cluster::new(&schedule, (0..5).map(Some)).await;
    cluster.start_all().await;
    cluster.reach(&[0, 1, 2, 3, 4], CHANGE + 12).await;
    cluster.agree();
    for certificate in cluster.nodes[0].book.certificates() {
        let (right, wrong) = if certificate.height < CHANGE {
            (&before, &after)
        } else {
            (&after, &before)
        };
        assert_eq!(certificate.verify(&network(), right), Ok(()), "{certificate:?}");
        assert!(certificate.verify(&network(), wrong).is_err(), "{certificate:?}");
    }
    // The new one votes and proposes; the one that left proposes no more.
    let place = after
        .members()
        .iter()
        .position(|m| m.key == secret(4).key())
        .unwrap();
    let signed = |n: usize| {
        let certificates = cluster.nodes[n].book.certificates();
        certificates.iter().any(|c| c.height >= CHANGE && c.signed(place))
    };
    assert!((0..5).any(signed));
    let proposed = |n: usize| {
        let built = cluster.nodes[n].book.built();
        built.iter().filter(|slot| slot.height >= CHANGE).count()
    };
    assert!(proposed(4) > 0);
    assert_eq!(proposed(0), 0);
    cluster.stop_all().await;
}
