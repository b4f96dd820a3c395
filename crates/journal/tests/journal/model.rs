//! Random operations, syncs and crashes against a model that is two vectors and two maps.

use std::collections::BTreeMap;

use kofo_journal::faulty::{Fault, Faulty, When};
use kofo_journal::{Error, Journal, Record};
use proptest::prelude::*;

use crate::world::World;

#[derive(Clone, Debug)]
enum Op {
    Append(u8, Vec<u8>),
    Put(u8, Vec<u8>),
    Remove(u8),
    Sync,
    Crash,
    CrashInSync(bool),
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        6 => (any::<u8>(), bytes()).prop_map(|(kind, body)| Op::Append(kind, body)),
        4 => (0..6u8, bytes()).prop_map(|(name, value)| Op::Put(name, value)),
        2 => (0..6u8).prop_map(Op::Remove),
        4 => Just(Op::Sync),
        1 => Just(Op::Crash),
        1 => any::<bool>().prop_map(Op::CrashInSync),
    ]
}

fn name(number: u8) -> String {
    format!("{}/{number}", if number < 3 { "btc" } else { "evm" })
}

#[derive(Clone, Default)]
struct State {
    records: Vec<(u8, Vec<u8>)>,
    values: BTreeMap<String, Vec<u8>>,
}

#[derive(Default)]
struct Model {
    durable: State,
    live: State,
}

fn check(journal: &dyn Journal, model: &Model) {
    let entries: Vec<_> = journal.replay().unwrap().map(Result::unwrap).collect();
    let records: Vec<_> = entries
        .iter()
        .map(|entry| (entry.record.kind, entry.record.body.clone()))
        .collect();
    assert_eq!(records, model.durable.records);
    for prefix in ["", "btc/", "evm/", "evm/4", "zzz"] {
        let scanned = journal
            .scan(prefix)
            .unwrap()
            .into_iter()
            .map(|(name, value)| (name, value.to_vec()));
        let expected = model
            .live
            .values
            .clone()
            .into_iter()
            .filter(|(name, _)| name.starts_with(prefix));
        assert_eq!(scanned.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
    for number in 0..6 {
        let value = journal.get(&name(number)).unwrap().map(|value| value.to_vec());
        assert_eq!(value.as_ref(), model.live.values.get(&name(number)));
    }
}

/// A journal that crashes at its first sync.
fn doomed(world: &World, when: When, model: &Model) -> Box<dyn Journal> {
    let mut journal = Faulty::new(world.open(), Fault { at_sync: 1, when });
    for (kind, body) in &model.live.records[model.durable.records.len()..] {
        journal
            .append(Record::new([*kind; 32], *kind, body.clone()))
            .unwrap();
    }
    for number in 0..6 {
        match model.live.values.get(&name(number)) {
            Some(value) => journal.put(&name(number), value).unwrap(),
            None => journal.remove(&name(number)).unwrap(),
        }
    }
    Box::new(journal)
}

fn run(world: &World, ops: &[Op]) {
    let mut model = Model::default();
    let mut journal = world.open();
    for op in ops {
        match op {
            Op::Append(kind, body) => {
                let seq = journal
                    .append(Record::new([*kind; 32], *kind, body.clone()))
                    .unwrap();
                model.live.records.push((*kind, body.clone()));
                assert_eq!(seq.0, u64::try_from(model.live.records.len()).unwrap());
            }
            Op::Put(number, value) => {
                journal.put(&name(*number), value).unwrap();
                model.live.values.insert(name(*number), value.clone());
            }
            Op::Remove(number) => {
                journal.remove(&name(*number)).unwrap();
                model.live.values.remove(&name(*number));
            }
            Op::Sync => {
                journal.sync().unwrap();
                model.durable = model.live.clone();
            }
            Op::Crash => {
                drop(journal);
                journal = world.open();
                model.live = model.durable.clone();
            }
            Op::CrashInSync(durable) => {
                drop(journal);
                let when = if *durable { When::After } else { When::Before };
                let mut faulty = doomed(world, when, &model);
                assert!(matches!(faulty.sync(), Err(Error::Injected { sync: 1 })));
                drop(faulty);
                journal = world.open();
                if *durable {
                    model.durable = model.live.clone();
                }
                model.live = model.durable.clone();
            }
        }
        check(&*journal, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn a_journal_in_memory_does_what_the_model_does(ops in proptest::collection::vec(op(), 0..40)) {
        run(&World::memory(), &ops);
    }

    #[test]
    fn a_journal_on_disk_does_what_the_model_does(ops in proptest::collection::vec(op(), 0..40)) {
        run(&World::store(), &ops);
    }
}
