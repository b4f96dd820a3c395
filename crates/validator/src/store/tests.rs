use super::*;
use kofo_primitives::{Header, NetworkId};

fn header(height: u64) -> Header {
    Header {
        version: 1,
        network: NetworkId::new("kofo-test").unwrap(),
        height,
        time_ms: height * 1_000,
        previous: [0; 32],
        batch: [1; 32],
        state: [2; 32],
        receipts: [3; 32],
        validators: [4; 32],
        next_validators: [4; 32],
    }
}

fn certificate(height: u64) -> kofo_primitives::Certificate {
    kofo_primitives::Certificate {
        height,
        round: 0,
        header: header(height).id(),
        signers: 0,
        signatures: Vec::new(),
    }
}

fn append(store: &Store, height: u64) {
    let (header, certificate) = (header(height), certificate(height));
    let place = |order: u8, place| OrderRow {
        placed: Placed {
            order: SwapId::new([order; 32]),
            height,
            place,
            hidden: [order; 32],
        },
        claim: kofo_primitives::ClaimId::new([order + 1; 32]),
        fulfil: kofo_primitives::FulfilId::new([order + 2; 32]),
        bond: kofo_primitives::NodeId::new([9; 32]),
    };
    let first = u8::try_from(height * 10).unwrap();
    let committing = Committing {
        header: &header,
        certificate: &certificate,
        payload: b"batch",
        leaves: &[[100 + first; 32], [101 + first; 32]],
        before: 1,
        orders: &[place(first, 0)],
        settlements: &[],
        next: None,
    };
    store.append(&committing).unwrap();
}

#[test]
fn what_is_appended_is_found_by_every_id_also_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &[7; 32]).unwrap();
    assert_eq!(store.height().unwrap(), 0);
    append(&store, 1);
    append(&store, 2);
    drop(store);
    let store = Store::open(folder.path(), &[7; 32]).unwrap();
    assert_eq!(store.height().unwrap(), 2);
    let order = SwapId::new([20; 32]);
    for id in [20, 21, 22] {
        assert_eq!(store.find(&[id; 32]).unwrap(), Some(Found::Order(order)));
    }
    assert_eq!(store.find(&[121; 32]).unwrap(), Some(Found::Op(2, 0)));
    assert_eq!(
        store.find(&[120; 32]).unwrap(),
        None,
        "a certificate's leaf is no operation"
    );
    assert_eq!(store.order(order).unwrap().unwrap().height, 2);
    let account = kofo_primitives::NodeId::new([9; 32]);
    let mine = |from, most| store.mine(account, (from, 0), most).unwrap();
    assert_eq!(mine(0, 9), [(SwapId::new([10; 32]), 1), (order, 2)]);
    assert_eq!(mine(2, 9), [(order, 2)]);
    assert_eq!(mine(0, 1).len(), 1);
    assert_eq!(
        store.mine(account, (1, 1), 9).unwrap(),
        [(order, 2)],
        "behind its place"
    );
    assert_eq!(store.header(2).unwrap(), Some(header(2)));
    assert_eq!(store.certificate(1).unwrap(), Some(certificate(1)));
}

#[test]
fn a_snapshot_takes_the_place_of_the_one_before_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &[7; 32]).unwrap();
    assert_eq!(store.snapshot().unwrap(), None);
    let long = vec![1; 3 << 20];
    store.put_snapshot(5, &long).unwrap();
    assert_eq!(store.snapshot().unwrap(), Some((5, long)));
    store.put_snapshot(6, b"short").unwrap();
    assert_eq!(store.snapshot().unwrap(), Some((6, b"short".to_vec())));
}
