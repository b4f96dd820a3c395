//! The benchmark of faults as CI runs it: a slice of the seeds, every crash point, and nothing lost.

use std::process::Command;

use serde_json::Value;

#[test]
fn fifty_seeds_and_every_crash_point_are_survived_and_the_figures_have_the_promised_names() {
    let output = Command::new(env!("CARGO_BIN_EXE_kofo-bench"))
        .args(["faults", "--seeds", "50", "--json"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let figures: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
    let names: Vec<_> = figures.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        ["crash_points", "crash_points_survived", "seeds", "violations"]
    );
    let of = |name: &str| figures[name].as_u64().unwrap();
    assert_eq!((of("seeds"), of("violations")), (50, 0), "{errors}");
    assert_eq!(of("crash_points_survived"), of("crash_points"), "{errors}");
    assert!(of("crash_points") > 200, "{figures}");
    assert!(output.status.success(), "{errors}");
}
