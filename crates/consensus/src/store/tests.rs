use super::*;

fn entry(height: u64, round: u32, n: u8) -> Entry {
    Entry {
        height,
        round,
        proposer: ValidatorKey::new([n; 33]),
        id: [n; 32],
        head: None,
        payload: vec![n; 10],
    }
}

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("undecided.redb")).unwrap()
}

#[tokio::test]
async fn what_is_durable_and_what_we_built_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    store.keep(Arc::new(entry(5, 0, 1)), true).await.unwrap();
    store.keep(Arc::new(entry(5, 1, 2)), false).await.unwrap();
    store.keep_built(entry(5, 2, 3), 2).await.unwrap();
    assert!(store.entry(5, &[2; 32]).is_some());
    drop(store);
    let store = open(&folder);
    assert_eq!(store.entry(5, &[1; 32]).as_deref(), Some(&entry(5, 0, 1)));
    assert_eq!(store.entry(5, &[2; 32]), None);
    assert_eq!(store.built(5, 2).as_deref(), Some(&entry(5, 2, 3)));
    assert_eq!(store.built(5, 1), None);
    assert_eq!(store.proposed_at(5, 2), [Arc::new(entry(5, 2, 3))]);
}

#[tokio::test]
async fn a_decided_height_is_forgotten_with_all_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    for height in 4..=6 {
        store.keep_built(entry(height, 0, 1), 0).await.unwrap();
    }
    store.forget(5).await.unwrap();
    assert_eq!(store.entry(4, &[1; 32]), None);
    assert_eq!(store.built(5, 0), None);
    assert!(store.entry(6, &[1; 32]).is_some());
    // The next that is kept makes it durable.
    store.keep(Arc::new(entry(7, 0, 2)), true).await.unwrap();
    drop(store);
    let store = open(&folder);
    assert_eq!(store.entry(5, &[1; 32]), None);
    assert!(store.built(6, 0).is_some());
}

#[tokio::test]
async fn one_engine_has_it_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    assert!(Store::open(&folder.path().join("undecided.redb")).is_err());
    drop(store);
    open(&folder);
}
