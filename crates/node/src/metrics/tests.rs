use super::*;
use crate::status;
use kofo_journal::Journal;
use kofo_journal::memory::{Disk, Memory};
use kofo_primitives::{ChainId, Seconds, SwapId};
use kofo_settlement::{Outcome, Phase};
use std::collections::BTreeMap;
use std::time::Duration;

fn swap(n: u8) -> SwapId {
    SwapId::new([n; 32])
}

fn chain(name: &str, tip: Result<(u64, Seconds), String>) -> ChainSeen {
    ChainSeen {
        chain: ChainId::new(&format!("sim:{name}")).unwrap(),
        tip,
        faulty: false,
        stale_after: Some(Seconds(600)),
        spendable: vec![(name.to_ascii_uppercase(), 1.5)],
    }
}

/// A look at a node with which nothing is wrong.
fn well() -> Look {
    let side = |levels, size| Depth { levels, size };
    Look {
        swaps: Some(SwapsSeen {
            states: BTreeMap::from([("agreed", 2), ("refunding", 1)]),
            offers: 4,
            near: [0, 1, 2],
            nearest: Some(Seconds(700)),
            ..SwapsSeen::default()
        }),
        chains: vec![chain("a", Ok((7, Seconds(5)))), chain("b", Ok((9, Seconds(600))))],
        journal: Ok(JournalSeen {
            used: 1000,
            free: 1 << 40,
        }),
        neighbours: NeighboursSeen {
            by_role: BTreeMap::from([("relay".to_owned(), 3), ("wallet".to_owned(), 0)]),
            wanted: true,
        },
        books: vec![PairDepth {
            pair: "A/B".into(),
            asks: side(2, 0.75),
            bids: side(1, 3.0),
        }],
        troubles: 1,
    }
}

fn figures() -> Figures {
    Figures::new(&Stopwatch::default(), &SyncTimes::default())
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|one| one == line), "{line}:\n{text}");
}

#[test]
fn what_was_seen_is_told_with_states_roles_and_configured_names_as_labels() {
    let figures = figures();
    figures.take(&well(), Duration::from_secs(90));
    let text = figures.text();
    for line in [
        "kofo_swaps{state=\"agreed\"} 2",
        "kofo_swaps{state=\"refunding\"} 1",
        "kofo_offers_open 4",
        "kofo_deadlines_near{within=\"180\"} 0",
        "kofo_deadlines_near{within=\"3600\"} 2",
        "kofo_deadline_nearest_seconds{} 700.0",
        "kofo_neighbours{role=\"relay\"} 3",
        "kofo_book_levels{pair=\"A/B\",side=\"ask\"} 2",
        "kofo_book_size{pair=\"A/B\",side=\"bid\"} 3.0",
        "kofo_price_sources_troubled 1",
        "kofo_journal_bytes 1000",
        "kofo_chain_up{chain=\"sim:a\"} 1",
        "kofo_chain_height{chain=\"sim:b\"} 9",
        "kofo_chain_tip_age_seconds{chain=\"sim:a\"} 5.0",
        "kofo_wallet_spendable{chain=\"sim:a\",asset=\"A\"} 1.5",
        "kofo_healthy 1",
        "kofo_ready 1",
        "kofo_uptime_seconds 90.0",
    ] {
        has(&text, line);
    }
    // A pair that nobody quotes any more, and a deadline that is over, are told no more.
    let mut later = well();
    later.books.clear();
    later.swaps.as_mut().unwrap().nearest = None;
    later.chains[0].tip = Err("gone".into());
    figures.take(&later, Duration::from_secs(91));
    let text = figures.text();
    assert!(
        !text.contains("A/B") && !text.contains("nearest_seconds{}"),
        "{text}"
    );
    has(&text, "kofo_chain_up{chain=\"sim:a\"} 0");
    has(&text, "kofo_ready 0");
    has(&text, "kofo_healthy 1");
}

#[test]
fn the_time_in_a_state_is_counted_when_it_is_left_and_an_end_once() {
    let mut stopwatch = Stopwatch::default();
    let figures = Figures::new(&stopwatch, &SyncTimes::default());
    has(&figures.text(), "kofo_swaps_ended_total{outcome=\"lost\"} 0");
    stopwatch.see(swap(1), Phase::Agreed, 1_000);
    stopwatch.see(swap(1), Phase::Agreed, 2_000);
    stopwatch.see(swap(2), Phase::Agreed, 2_000);
    assert_eq!(stopwatch.states()["agreed"], 2);
    stopwatch.see(swap(1), Phase::LockBuilt, 5_000);
    assert_eq!(stopwatch.states()["lock_built"], 1);
    for _ in 0..2 {
        stopwatch.see(swap(1), Phase::Done(Outcome::Refunded), 6_500);
    }
    assert_eq!(stopwatch.live().collect::<Vec<_>>(), [&swap(2)]);
    let text = figures.text();
    for line in [
        "kofo_swap_state_seconds_sum{state=\"agreed\"} 4.0",
        "kofo_swap_state_seconds_count{state=\"agreed\"} 1",
        "kofo_swap_state_seconds_sum{state=\"lock_built\"} 1.5",
        "kofo_swaps_ended_total{outcome=\"refunded\"} 1",
        "kofo_swaps_ended_total{outcome=\"redeemed\"} 0",
    ] {
        has(&text, line);
    }
}

#[test]
fn what_ended_before_the_process_began_is_not_counted_again() {
    let mut stopwatch = Stopwatch::default();
    let figures = Figures::new(&stopwatch, &SyncTimes::default());
    stopwatch.see(swap(1), Phase::Done(Outcome::Lost), 1);
    has(&figures.text(), "kofo_swaps_ended_total{outcome=\"lost\"} 0");
}

#[test]
fn every_sync_of_the_journal_is_timed_whoever_asked_for_it() {
    let mut journal = crate::journal::SharedJournal::new(Memory::open(&Disk::new()).unwrap());
    let figures = Figures::new(&Stopwatch::default(), journal.syncs());
    has(&figures.text(), "kofo_journal_sync_seconds_count 0");
    journal.put("a", b"b").unwrap();
    journal.sync().unwrap();
    kofo_bitcoin::WalletStore::save(&journal.wallet("w"), b"state").unwrap();
    has(&figures.text(), "kofo_journal_sync_seconds_count 2");
}

#[test]
fn each_thing_that_is_wrong_is_told_with_what_to_do_and_only_some_are_worth_a_restart() {
    assert!(Judgement::ready(&well()).is_well());
    let wrong = |change: fn(&mut Look), healthy: bool, said: &str| {
        let mut look = well();
        change(&mut look);
        assert_eq!(Judgement::health(&look).is_well(), healthy, "{said}");
        let Judgement(ready) = Judgement::ready(&look);
        assert!(ready.len() == 1 && ready[0].contains(said), "{said}: {ready:?}");
    };
    wrong(|look| look.swaps = None, false, "restart the node");
    wrong(
        |look| look.journal = Err("full".into()),
        false,
        "cannot be written: full",
    );
    wrong(
        |look| look.journal = Ok(JournalSeen { used: 1, free: 1 }),
        false,
        "make room",
    );
    wrong(
        |look| look.chains[1].tip = Err("refused".into()),
        true,
        "sim:b: refused",
    );
    wrong(|look| look.chains[1].faulty = true, true, "contradict each other");
    wrong(
        |look| look.chains[1].tip = Ok((9, Seconds(601))),
        true,
        "its node is behind",
    );
    wrong(
        |look| look.neighbours.by_role.clear(),
        true,
        "none of the peers in the configuration",
    );
    let mut alone = well();
    alone.neighbours = NeighboursSeen::default();
    assert!(Judgement::ready(&alone).is_well(), "it was told of no peer");
}

#[test]
fn every_state_and_outcome_has_a_name_that_is_told_from_the_beginning() {
    let states = Stopwatch::default().states();
    assert!(states.values().all(|count| *count == 0), "{states:?}");
    assert_eq!(states.len(), status::STATES.len());
    let text = figures().text();
    for outcome in status::OUTCOMES {
        assert!(text.contains(&format!("outcome=\"{outcome}\"")), "{text}");
    }
}

/// What `docs/operate` has: the name of each file, and its text.
fn operate() -> BTreeMap<String, String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The words of a text that begin so.
fn words<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with(prefix) && word.len() > prefix.len())
        .collect()
}

#[test]
fn dashboards_and_alerts_name_figures_that_the_node_has() {
    let mut stopwatch = Stopwatch::default();
    let figures = Figures::new(&stopwatch, &SyncTimes::default());
    stopwatch.see(swap(1), Phase::Agreed, 1);
    stopwatch.see(swap(1), Phase::LockBuilt, 2);
    figures.take(&well(), Duration::from_secs(1));
    let text = figures.text();
    let told = |name: &&str| {
        text.lines().any(|line| {
            line.strip_prefix(*name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
    };
    let operate = operate();
    let named: Vec<_> = ["grafana.json", "alerts.yaml"]
        .iter()
        .flat_map(|file| words(&operate[*file], "kofo_"))
        .collect();
    let unknown: Vec<_> = named.iter().filter(|name| !told(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}\n{text}");
    for family in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let family = family.split(' ').next().unwrap();
        let shown = named.iter().any(|name| name.starts_with(family));
        assert!(shown || family == "kofo_healthy", "{family} is on no dashboard");
    }
    serde_json::from_str::<serde_json::Value>(&operate["grafana.json"]).unwrap();
}

#[test]
fn what_our_ci_cannot_run_says_so_and_names_variables_that_the_configuration_has() {
    let minimal = "network = \"kofo-test\"\n[chain.bitcoin]\nkind = \"sim\"\nid = \"sim:a\"\ndepth = 1\n";
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join(crate::config::CONFIG_FILE), minimal).unwrap();
    for (file, text) in operate() {
        let text = text.replace('\n', " ");
        assert!(
            text.contains("Not run by our CI") || file == "README.md",
            "{file}"
        );
        for name in words(&text, "KOFO_")
            .into_iter()
            .filter(|name| name.contains("__"))
        {
            let value = match name.rsplit("__").next().unwrap() {
                "LISTEN" => "[\"/ip4/0.0.0.0/tcp/9000\"]",
                "ENDPOINT" => continue, // of a bitcoind, which the chain in memory is not
                _ => "20",
            };
            let overrides = crate::config::Override::pick([(name.into(), value.into())]).unwrap();
            let read = crate::config::Config::load_with(data.path(), &overrides);
            assert!(overrides.len() == 1 && read.is_ok(), "{file}: {name}: {read:?}");
        }
    }
}
