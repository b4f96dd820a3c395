//! Swaps under faults that a seed chooses. Whatever happens, the assets change hands or they do not; nobody loses both.
//!
//! `KOFO_SEEDS=100000 cargo test -p kofo-tests --test sim seeds` runs more; `KOFO_SEED=17 …` runs one.

use kofo_tests::sim::run_seed;

/// So many by default.
const SEEDS: u64 = 400;

fn run(seed: u64) {
    if let Err(violation) = run_seed(seed) {
        panic!("{violation}");
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A `Watch` that was answered, forgotten and owed again between two syncs was never sent again.
#[test]
fn seed_1513_what_is_owed_again_between_two_syncs_is_asked_for_again() {
    run(1513);
}

/// A round gave one transaction for two legs; one of them ended otherwise. That the other leg's newest signature is dead
/// was told again and again.
#[test]
fn two_legs_of_which_one_ends_alone_do_not_keep_two_nodes_signing_for_ever() {
    run(211_323);
}

#[test]
fn whatever_the_seed_does_nobody_loses_both_assets() {
    match number("KOFO_SEED") {
        Some(seed) => run(seed),
        None => (0..number("KOFO_SEEDS").unwrap_or(SEEDS)).for_each(run),
    }
}
