//! The log over a journal in memory that crashes.

use super::*;
use kofo_journal::faulty::{Fault, Faulty, When};
use kofo_journal::memory::{Disk, Memory};

const NOW: u64 = 1_700_000_000_000;

fn id(n: u64) -> Id {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Id(bytes)
}

fn news(swap: u64, event: EventName) -> News {
    News {
        swap: Some(id(swap)),
        claim: None,
        event,
        at_risk: Vec::new(),
        until: None,
    }
}

fn on(disk: &Disk) -> EventLog {
    EventLog::open(SharedJournal::new(Memory::open(disk).unwrap()), NOW).unwrap()
}

fn cursors(page: &EventPage) -> Vec<u64> {
    page.events.iter().map(|event| event.cursor).collect()
}

#[test]
fn cursors_go_on_after_a_restart_without_a_gap_and_none_twice() {
    let disk = Disk::default();
    let mut seen = Vec::new();
    for start in 0..5u64 {
        let log = on(&disk);
        log.append(
            vec![news(start, EventName::Committed), news(start, EventName::Lost)],
            NOW + start,
        )
        .unwrap();
        log.append(vec![news(start + 100, EventName::Committed)], NOW)
            .unwrap();
        let page = log.after(None, usize::MAX).unwrap();
        assert_eq!(page.newest, *log.newest().borrow());
        seen = page.events;
    }
    let expected: Vec<u64> = (NOW + 1..=NOW + 15).collect();
    assert_eq!(seen.iter().map(|e| e.cursor).collect::<Vec<_>>(), expected);
    assert!(
        seen.is_sorted_by_key(|event| event.at_ms),
        "time runs on: {seen:?}"
    );
}

#[test]
fn nobody_hears_of_an_event_that_is_not_durable_and_its_cursor_is_used_by_the_next() {
    let disk = Disk::default();
    on(&disk)
        .append(vec![news(1, EventName::Committed)], NOW)
        .unwrap();
    let fault = Fault {
        at_sync: 1,
        when: When::Before,
    };
    let failing = Faulty::new(Memory::open(&disk).unwrap(), fault);
    let log = EventLog::open(SharedJournal::new(failing), NOW).unwrap();
    let hears = log.newest();
    assert!(log.append(vec![news(1, EventName::Lost)], NOW).is_err());
    assert!(!hears.has_changed().unwrap());
    assert_eq!(log.after(None, 9).unwrap().events.len(), 1);
    drop(log);

    let log = on(&disk);
    assert!(!log.told(&Subject::Swap(id(1))).is_over());
    log.append(vec![news(1, EventName::Aborted)], NOW).unwrap();
    assert_eq!(cursors(&log.after(None, 9).unwrap()), [NOW + 1, NOW + 2]);
}

#[test]
fn a_page_begins_after_its_cursor_and_a_cursor_of_another_log_is_told_what_there_is() {
    let log = on(&Disk::default());
    assert_eq!(log.after(None, 9).unwrap().events, vec![]);
    assert_eq!(log.after(Some(NOW), 9).unwrap().newest, NOW);
    for n in 0..10 {
        log.append(vec![news(n, EventName::Committed)], NOW).unwrap();
    }
    assert_eq!(cursors(&log.after(Some(NOW + 3), 2).unwrap()), [NOW + 4, NOW + 5]);
    assert_eq!(log.after(Some(NOW + 10), 2).unwrap().events, vec![]);
    let gap = Gap {
        oldest: NOW + 1,
        newest: NOW + 10,
    };
    for foreign in [0, NOW - 1, NOW + 11, u64::MAX] {
        assert_eq!(log.after(Some(foreign), 1), Err(gap), "{foreign}");
    }
}

#[test]
fn the_oldest_events_are_dropped_and_what_they_told_is_not_told_again() {
    let disk = Disk::default();
    let log = on(&disk);
    let (first, second) = (Subject::Swap(id(0)), Subject::Swap(id(1)));
    log.append(vec![news(0, EventName::Committed), news(0, EventName::Lost)], NOW)
        .unwrap();
    let many = u64::try_from(MAX_EVENTS).unwrap();
    let rest: Vec<_> = (1..=many).map(|n| news(n, EventName::Committed)).collect();
    for batch in rest.chunks(500) {
        log.append(batch.to_vec(), NOW).unwrap();
    }
    let mut log = Some(log);
    for _ in 0..2 {
        // The second time as the journal has it.
        let log = log.take().unwrap_or_else(|| on(&disk));
        let page = log.after(None, usize::MAX).unwrap();
        assert_eq!((page.events.len(), page.oldest), (MAX_EVENTS, NOW + 3));
        assert!(log.told(&first).is_over());
        assert!(log.told(&second).has(EventName::Committed));
        assert!(log.after(Some(NOW + 1), 1).is_err());
        assert_eq!(cursors(&log.after(Some(NOW + 2), 1).unwrap()), [NOW + 3]);
    }
}

#[test]
fn what_was_over_when_the_log_began_is_not_told() {
    let disk = Disk::default();
    let log = on(&disk);
    assert!(log.is_new());
    let mut told = Told::default();
    told.add(EventName::Complete);
    log.begin(&[(Subject::Swap(id(1)), told)]).unwrap();
    assert!(!log.is_new());
    drop(log);
    let journal = SharedJournal::new(Memory::open(&disk).unwrap());
    let again = EventLog::open(journal, NOW + 9).unwrap();
    assert!(!again.is_new() && again.told(&Subject::Swap(id(1))).is_over());
    assert_eq!(again.after(None, 1).unwrap().newest, NOW, "where it began");
}

#[test]
fn a_claim_that_is_forgotten_is_remembered_no_more() {
    let disk = Disk::default();
    let log = on(&disk);
    let mut told = Told::default();
    told.add(EventName::Aborted);
    let (claim, swap) = (Subject::Claim(id(1)), Subject::Swap(id(1)));
    log.begin(&[(claim, told), (swap, told)]).unwrap();
    assert_eq!(log.claims(), [claim]);
    log.forget(&[claim]).unwrap();
    log.append(vec![news(7, EventName::Committed)], NOW).unwrap();
    drop(log);
    let log = on(&disk);
    assert!(log.claims().is_empty());
    assert!(log.told(&swap).is_over());
}

#[test]
fn a_journal_with_what_no_node_writes_is_refused_by_name() {
    for (name, value) in [
        ("events/log/x", &b"{}"[..]),
        ("events/told/swap/zz", &[0, 0][..]),
        (
            "events/told/swap/0707070707070707070707070707070707070707070707070707070707070707",
            &[0][..],
        ),
        ("events/base", &[0][..]),
    ] {
        let mut journal = Memory::open(&Disk::default()).unwrap();
        journal.put(name, value).unwrap();
        let error = EventLog::open(SharedJournal::new(journal), NOW)
            .err()
            .expect(name);
        assert!(error.to_string().contains(name), "{error}");
    }
}
