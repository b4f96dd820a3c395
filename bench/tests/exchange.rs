//! The benchmark of the exchange as CI runs it: less of everything, and the figures have the names that were promised.

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
        .args(["exchange", "--few", "--json"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let figures: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    let promised = [
        "claims_per_s_core",
        "sigcheck_limit_per_s_core",
        "ratio",
        "nodes100",
        "book100k",
    ];
    assert_eq!(names(&figures), BTreeSet::from(promised));
    let nodes = [
        "p95_known_ms",
        "quotes_median_ms",
        "quotes_p95_ms",
        "bytes_per_claim_node",
    ];
    assert_eq!(names(&figures["nodes100"]), BTreeSet::from(nodes));
    let book = ["bytes_per_order", "best_match_us", "sweep100_us", "restart_ms"];
    assert_eq!(names(&figures["book100k"]), BTreeSet::from(book));

    let of = |path: &str| figures.pointer(path).and_then(Value::as_f64).unwrap();
    for figure in book {
        assert!(of(&format!("/book100k/{figure}")) > 0.0, "{figure}: {figures}");
    }
    for figure in nodes {
        assert!(of(&format!("/nodes100/{figure}")) > 0.0, "{figure}: {figures}");
    }
    // A quote has at least two ways of 20 ms behind it.
    assert!(of("/nodes100/quotes_median_ms") >= 40.0, "{figures}");
    assert!(
        of("/nodes100/quotes_p95_ms") >= of("/nodes100/quotes_median_ms"),
        "{figures}"
    );
    let (claims, limit) = (of("/claims_per_s_core"), of("/sigcheck_limit_per_s_core"));
    assert!((of("/ratio") - claims / limit).abs() < 0.001, "{figures}");
    // The limit is for a release build: without optimisation everything but the curve is slower.
    assert!(of("/ratio") > 0.2 && of("/ratio") < 1.1, "{figures}");
    let only_the_ratio = errors
        .lines()
        .all(|line| line.contains("claims checked and booked"));
    assert!(only_the_ratio, "{errors}");
    assert_eq!(output.status.success(), of("/ratio") >= 0.8, "{errors}");
}
