//! The benchmark of a node as CI runs it: fewer swaps and starts, and the figures have the names that were promised.

use std::collections::BTreeSet;
use std::process::Command;

use kofo_regtest::fetch;
use serde_json::Value;

#[test]
fn the_figures_have_the_promised_names_and_a_light_node_is_below_its_limit() {
    if !fetch::all_or_skip("the_figures_of_a_node_have_the_promised_names") {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_kofo-bench"))
        .args(["node", "--few", "--json"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let figures: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    let promised = [
        "light_idle_rss",
        "light_loaded_rss",
        "provider_rss",
        "rpc_per_s",
        "events_per_s",
        "cold_start_ms",
    ];
    let names: BTreeSet<_> = figures.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(promised));
    for name in promised {
        assert!(figures[name].as_u64().unwrap() > 0, "{name}: {figures}");
    }
    // Without optimisation too.
    assert!(
        figures["light_loaded_rss"].as_u64().unwrap() < 100 << 20,
        "{figures}"
    );
    assert!(output.status.success(), "{errors}");
}
