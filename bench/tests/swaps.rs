//! The benchmark of swaps as CI runs it: fewer swaps of each kind, all of which end well, and the figures have the names
//! that were promised.

use std::collections::BTreeSet;
use std::process::Command;

use kofo_regtest::fetch;
use serde_json::Value;

fn names(figures: &Value) -> BTreeSet<&str> {
    let fields = figures.as_object().expect("an object");
    fields.keys().map(String::as_str).collect()
}

#[test]
fn the_figures_have_the_promised_names_and_all_swaps_on_real_daemons_and_simulated_chains_end_well() {
    if !fetch::all_or_skip("the_figures_have_the_promised_names") {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_kofo-bench"))
        .args(["swaps", "--few", "--json"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let figures: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    let promised = [
        "overhead_ms",
        "overhead_share",
        "sim_1000",
        "real_100",
        "rpc_calls_per_block",
        "restart_1000_ms",
    ];
    assert_eq!(names(&figures), BTreeSet::from(promised));
    let sim = BTreeSet::from(["ok", "bytes_per_swap", "cpu_ms_per_block"]);
    assert_eq!(names(&figures["sim_1000"]), sim);
    assert_eq!(names(&figures["real_100"]), BTreeSet::from(["ok"]));
    assert_eq!(
        names(&figures["rpc_calls_per_block"]),
        BTreeSet::from(["1", "100"])
    );
    assert_eq!(figures["real_100"]["ok"], true, "{errors}");
    assert_eq!(figures["sim_1000"]["ok"], true, "{errors}");

    let of = |path: &str| figures.pointer(path).and_then(Value::as_f64).unwrap();
    let (one, many) = (of("/rpc_calls_per_block/1"), of("/rpc_calls_per_block/100"));
    assert!(one > 0.0 && many <= one * 1.2, "{one} calls a block, and {many}");
    assert!(of("/restart_1000_ms") <= 2_000.0, "{figures}");
    let share = of("/overhead_share");
    assert!(share > 0.0 && share < 1.0, "{figures}");
    // The limit is for a release build on a machine that does nothing else: here it is held against twice as much.
    let overhead = of("/overhead_ms");
    assert!(overhead <= 2_000.0, "the nodes added {overhead} ms to a swap");
    let only_overhead = errors
        .lines()
        .all(|line| line.contains("what the nodes add to a swap"));
    assert!(only_overhead, "{errors}");
    assert_eq!(output.status.success(), overhead <= 1_000.0, "{errors}");
}
