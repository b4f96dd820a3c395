//! The benchmark of the clearance layer as CI runs it: less of everything, and the figures have the names that were
//! promised.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

fn names(figures: &Value) -> BTreeSet<&str> {
    let fields = figures.as_object().expect("an object");
    fields.keys().map(String::as_str).collect()
}

#[test]
fn the_figures_have_the_promised_names_and_each_was_measured() {
    let output = Command::new(env!("CARGO_BIN_EXE_kofo-bench"))
        .args(["clearance", "--few", "--json"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let figures: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    let promised = [
        "orders_per_s",
        "limit_orders_per_s",
        "ratio",
        "latency_ms",
        "cert_bytes",
        "light_17_of_25_ms",
        "follower_orders_per_s",
        "ledger1m",
    ];
    assert_eq!(names(&figures), BTreeSet::from(promised));
    assert_eq!(names(&figures["latency_ms"]), BTreeSet::from(["p50", "p95"]));
    assert_eq!(names(&figures["cert_bytes"]), BTreeSet::from(["4", "25"]));
    let ledger = ["rss_bytes", "snapshot_bytes", "restart_ms"];
    assert_eq!(names(&figures["ledger1m"]), BTreeSet::from(ledger));

    let of = |path: &str| figures.pointer(path).and_then(Value::as_f64).unwrap();
    for figure in [
        "orders_per_s",
        "limit_orders_per_s",
        "latency_ms/p50",
        "light_17_of_25_ms",
        "ledger1m/snapshot_bytes",
        "ledger1m/restart_ms",
    ] {
        assert!(of(&format!("/{figure}")) > 0.0, "{figure}: {figures}");
    }
    // What is before the signatures, and 64 bytes for each of as few as certify.
    assert_eq!(of("/cert_bytes/4"), 52.0 + 3.0 * 64.0);
    assert_eq!(of("/cert_bytes/25"), 52.0 + 17.0 * 64.0);
    assert!(of("/latency_ms/p50") <= of("/latency_ms/p95"), "{figures}");
    // The limits are for a release build on a machine that does nothing else.
    let only_limits = errors.lines().all(|line| line.starts_with("LIMIT MISSED: "));
    assert!(only_limits, "{errors}");
    assert_eq!(output.status.success(), errors.is_empty(), "{errors}");
}
