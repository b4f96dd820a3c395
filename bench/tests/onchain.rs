//! The benchmark as CI runs it: the figures have the names that were promised, and none is above its limit.

use std::process::Command;

use kofo_regtest::fetch;
use serde_json::{Value, json};

/// The value with every number replaced, so that only names and shape are left.
fn shape(figures: &Value) -> Value {
    match figures {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Number(number) if number.as_u64().is_some_and(|number| number > 0) => json!("a number"),
        other => other.clone(),
    }
}

#[test]
fn the_figures_have_the_promised_names_and_none_is_above_its_limit() {
    if !fetch::all_or_skip("the_figures_have_the_promised_names_and_none_is_above_its_limit") {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_kofo-bench"))
        .args(["onchain", "--json"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let figures: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));

    let n = "a number";
    let gas = json!({"lock": n, "redeem": n, "refund": n});
    let lanes = json!({"recycled": gas, "first": gas});
    let evm = json!({"eth": lanes, "erc20": lanes, "batch32_per_swap": n,
        "coop_refund": n, "gasless_redeem": n, "tower_redeem": n});
    let btc = json!({"leaf_redeem": n, "leaf_refund": n, "coop_redeem": n, "coop_refund": n,
        "batch32_coop_total": n});
    let promised = json!({"evm": evm, "btc": btc});
    assert_eq!(shape(&figures), promised);

    let of = |path: &str| figures.pointer(path).unwrap().as_u64().unwrap();
    let swap = |lane: &str| of(&format!("/evm/{lane}/lock")) + of(&format!("/evm/{lane}/redeem"));
    let limits = [
        ("ETH lock and redeem, recycled", swap("eth/recycled"), 64_300),
        ("ETH lock and redeem, first use", swap("eth/first"), 76_900),
        ("ERC-20 lock and redeem, recycled", swap("erc20/recycled"), 94_000),
        ("ERC-20 lock and redeem, first use", swap("erc20/first"), 106_200),
        ("ETH refund, recycled", of("/evm/eth/recycled/refund"), 37_000),
        ("ETH refund, first use", of("/evm/eth/first/refund"), 37_000),
        ("a swap of 32", of("/evm/batch32_per_swap"), 16_700),
        ("cooperative refund", of("/evm/coop_refund"), 41_000),
        ("gasless redeem", of("/evm/gasless_redeem"), 49_000),
        ("redeem by a tower", of("/evm/tower_redeem"), 39_900),
        ("redeem leaf", of("/btc/leaf_redeem"), 155),
        ("refund leaf", of("/btc/leaf_refund"), 138),
        ("cooperative redeem", of("/btc/coop_redeem"), 111),
        ("cooperative refund of bitcoin", of("/btc/coop_refund"), 111),
        ("32 cooperative redeems", of("/btc/batch32_coop_total"), 1_900),
    ];
    for (what, measured, most) in limits {
        assert!(
            measured <= most,
            "{what}: expected at most {most}, measured {measured}"
        );
    }
    assert!(
        output.status.success(),
        "all limits hold, but the program says otherwise: {errors}"
    );
}
