//! Data folders as earlier versions wrote them, kept for ever: every later version opens each of them, with all that is in it.
//!
//! When the format changes, a folder of the new one is added by `write_a_folder_to_be_kept`; none is ever changed.

use super::*;
use crate::config::format::{FORMAT, FORMAT_FILE};
use std::path::PathBuf;

fn kept(format: u32) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(format!("format-{format}"))
}

/// Beside the folder's own files: the ids of its offers, the youngest first, a line each.
const OFFERS: &str = "offers";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

async fn offers(data: &Path) -> String {
    let list = connect(data).unwrap().swap_list(None, None, None).await.unwrap();
    list.swaps
        .iter()
        .map(|swap| format!("{} {}\n", swap.id, swap.hashlock))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_folder_that_was_kept_is_opened_with_all_that_is_in_it() {
    for format in 1..=FORMAT {
        let data = tempfile::tempdir().unwrap();
        copy(&kept(format), data.path());
        let expected = std::fs::read_to_string(data.path().join(OFFERS)).unwrap();
        assert_eq!(expected.lines().count(), 2);
        let (_, ended) = start(data.path()).await;
        assert_eq!(offers(data.path()).await, expected);
        connect(data.path()).unwrap().node_stop().await.unwrap();
        ended.await.unwrap().unwrap();
        let now = std::fs::read_to_string(data.path().join(FORMAT_FILE)).unwrap();
        assert_eq!(now, format!("{FORMAT}\n"));
        let report = crate::audit::audit(data.path(), &passphrase("correct horse")).unwrap();
        assert!(report.finding.is_none() && report.records >= 3, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes into the source tree; for whoever adds a format"]
async fn write_a_folder_to_be_kept() {
    let data = tempfile::tempdir().unwrap();
    new_node(data.path()).unwrap();
    let (_, ended) = start(data.path()).await;
    let client = connect(data.path()).unwrap();
    let made = client
        .swap_offer(vec!["1a".into()], vec!["2b".into()], None)
        .await
        .unwrap();
    client.swap_abort(made.id).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    client
        .swap_offer(vec!["3b".into()], vec!["4a".into()], None)
        .await
        .unwrap();
    let offers = offers(data.path()).await;
    client.node_stop().await.unwrap();
    ended.await.unwrap().unwrap();
    let kept = kept(FORMAT);
    assert!(!kept.exists(), "what is kept is never changed");
    copy(data.path(), &kept);
    std::fs::write(kept.join(OFFERS), offers).unwrap();
    std::fs::remove_file(kept.join("lock")).unwrap();
}
