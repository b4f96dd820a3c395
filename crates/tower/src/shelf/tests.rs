use super::*;
use kofo_journal::memory::{Disk, Memory};

const PREFIX: &str = "kept/";

const BOUNDS: ShelfBounds = ShelfBounds {
    owners: 2,
    per_owner: 3,
    bytes: 100_000,
};

fn swap(n: u8) -> SwapId {
    SwapId::new([n; 32])
}

fn record(n: u8) -> SealedRecord {
    Bytes::new([n; 10]).unwrap()
}

fn empty(bounds: ShelfBounds) -> Shelf {
    Shelf::open(&Memory::open(&Disk::new()).unwrap(), PREFIX, bounds).unwrap()
}

#[test]
fn the_first_record_of_a_swap_stays_and_each_owner_has_its_own() {
    let mut shelf = empty(BOUNDS);
    let mut keep = |owner, n| shelf.keep(owner, swap(1), record(n), UnixTime(9));
    assert_eq!(
        (keep("a", 1), keep("a", 2), keep("b", 3)),
        (Ok(()), Ok(()), Ok(()))
    );
    let of = |owner| shelf.page(owner, None).records;
    assert_eq!(of("a"), [(swap(1), record(1))]);
    assert_eq!(of("b"), [(swap(1), record(3))]);
    assert_eq!(of("c"), []);
}

#[test]
fn what_is_kept_outlives_a_restart_and_what_is_late_does_not() {
    let disk = Disk::new();
    let mut journal = Memory::open(&disk).unwrap();
    let mut shelf = Shelf::open(&journal, PREFIX, BOUNDS).unwrap();
    for n in [1, 2] {
        shelf
            .keep("a", swap(n), record(n), UnixTime(u64::from(n) * 10))
            .unwrap();
    }
    assert!(shelf.write(&mut journal).unwrap());
    assert!(!shelf.write(&mut journal).unwrap(), "nothing changed since");
    journal.sync().unwrap();
    let again = |journal: &Memory| Shelf::open(journal, PREFIX, BOUNDS).unwrap().page("a", None);
    assert_eq!(again(&journal), shelf.page("a", None));
    shelf.forget_before(UnixTime(11));
    assert!(shelf.write(&mut journal).unwrap());
    journal.sync().unwrap();
    assert_eq!(again(&journal).records, [(swap(2), record(2))]);
}

#[test]
fn owners_records_and_bytes_are_bounded() {
    let mut shelf = empty(BOUNDS);
    let mut keep = |owner, n| shelf.keep(owner, swap(n), record(n), UnixTime(9));
    for n in [1, 2, 3] {
        keep("a", n).unwrap();
    }
    assert_eq!(keep("a", 4), Err(ShelfFull::Records(3)));
    keep("b", 1).unwrap();
    assert_eq!(keep("c", 1), Err(ShelfFull::Owners(2)));
    let bounds = ShelfBounds { bytes: 300, ..BOUNDS };
    let mut small = empty(bounds);
    small.keep("a", swap(1), record(1), UnixTime(9)).unwrap();
    assert_eq!(
        small.keep("a", swap(2), record(2), UnixTime(9)),
        Err(ShelfFull::Bytes(210))
    );
    // What is dropped makes room.
    small.forget_before(UnixTime(10));
    assert_eq!(small.keep("a", swap(2), record(2), UnixTime(9)), Ok(()));
}

#[test]
fn many_records_come_in_pages_without_gaps() {
    let bounds = ShelfBounds {
        per_owner: 20,
        bytes: 1 << 30,
        ..BOUNDS
    };
    let mut shelf = empty(bounds);
    let large = Bytes::new(vec![7; MOST_RECORD_BYTES]).unwrap();
    for n in 1..=7 {
        shelf.keep("a", swap(n), large.clone(), UnixTime(9)).unwrap();
    }
    let (mut after, mut all, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = shelf.page("a", after);
        pages += 1;
        all.extend(page.records.iter().map(|(swap, _)| *swap));
        after = all.last().copied();
        if !page.more {
            break;
        }
    }
    assert_eq!(all, (1..=7).map(swap).collect::<Vec<_>>());
    assert_eq!(pages, 4);
}

#[test]
fn what_is_no_record_in_the_journal_is_named() {
    let mut journal = Memory::open(&Disk::new()).unwrap();
    journal.put("kept/a/b", b"1").unwrap();
    let error = Shelf::open(&journal, PREFIX, BOUNDS).unwrap_err();
    assert!(error.to_string().contains("kept/a/b"), "{error}");
}
