//! `kofo demo --sim --json`: what it prints is a contract.

use crate::cli::run;
use serde_json::Value;

#[tokio::test]
async fn the_demo_in_memory_prints_one_object_per_swap_and_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let answer = run(folder.path(), &["demo", "--sim", "--json"]).await;
    let lines: Vec<Value> = answer
        .done()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (verdict, rows) = lines.split_last().unwrap();
    assert_eq!(*verdict, serde_json::json!({"demo": "ok"}));
    for row in rows {
        assert_eq!(row["story"], "direct");
        assert!(
            row["pair"].as_str().is_some_and(|pair| pair.contains('/')),
            "{row}"
        );
        let end = match row["outcome"].as_str() {
            Some("redeemed") => "redeem",
            Some("refunded") => "refund",
            other => panic!("{other:?}: {row}"),
        };
        for leg in ["alpha", "beta"] {
            for txid in ["lock_txid", "end_txid"] {
                assert!(
                    row[leg][txid].as_str().is_some_and(|id| id.len() == 64),
                    "{leg}.{txid}: {row}"
                );
            }
            assert_eq!(row[leg]["end"], end, "{row}");
        }
        let (wall, overhead) = (
            row["wall_ms"].as_u64().unwrap(),
            row["overhead_ms"].as_u64().unwrap(),
        );
        assert!(overhead <= wall, "{row}");
    }
    let pairs = |outcome: &str| {
        let rows = rows.iter().filter(|row| row["outcome"] == outcome);
        rows.map(|row| row["pair"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        pairs("redeemed"),
        ["BTC/ETH", "ETH/BTC", "BTC/USDX", "USDX/BTC", "EC/BTC"]
    );
    assert_eq!(pairs("refunded").len(), 1);
    assert!(
        answer.err.contains("initiator") && answer.err.contains("before"),
        "progress and table: {}",
        answer.err
    );
}

#[tokio::test]
async fn the_demo_without_json_prints_nothing_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["demo", "direct", "--sim"]).await.done(), "");
    run(folder.path(), &["demo", "exchange", "--sim"])
        .await
        .refused_with(&["runs on daemons only", "leave out --sim"]);
}
