//! A node loses its disk in the middle of a swap. Its 24 words and a copy of the swap, in a backup or with somebody else,
//! are all that is left: it never shows the preimage first, redeems with one that is public, and takes its own back
//! otherwise.

use crate::cli;
use crate::shared::{STEP, Scene, is, kofo, outcomes, over, reaches};
use crate::towers::TowerProcess;
use kofo_cli::demo::{Follow, NETWORK, Who, last_timelock, waits};
use kofo_node::config::CONFIG_FILE;
use kofo_node::rpc::NodeRpcClient;
use kofo_node::rpc::types::{OutcomeName, SwapStatus};
use kofo_primitives::Seconds;
use kofo_regtest::Chain;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// So much after the last timelock all refunds are possible.
const PAST: Seconds = Seconds(60);
/// What the machine has beside the node's own folder.
const OF_THE_MACHINE: [&str; 3] = ["passphrase", "words", "bitcoind.password"];

/// What is left of a swap.
enum Left {
    /// A backup, which has the configuration too.
    Backup(PathBuf),
    /// A recovery record, which whoever is at this address keeps; the configuration is written anew.
    Record { at: String, config: String },
}

/// A backup by command, beside the node's folder.
async fn backup(scene: &Scene, who: Who) -> Left {
    let data = scene.stage.data(who);
    let file = data.with_file_name(format!("{}.backup", who.name()));
    let text = file.to_string_lossy().into_owned();
    cli::run(&data, &["wallet", "backup", &text]).await.done();
    Left::Backup(file)
}

/// The record that is kept for a node by whoever is at this address.
fn record(scene: &Scene, who: Who, at: String) -> Left {
    let config = fs::read_to_string(scene.stage.data(who).join(CONFIG_FILE)).unwrap();
    Left::Record { at, config }
}

async fn address(scene: &Scene, who: Who) -> String {
    let client = scene.stage.client(who).unwrap();
    client.node_status().await.unwrap().listen.remove(0)
}

/// Kills a node and wipes its folder.
async fn lose(scene: &mut Scene, who: Who) {
    scene.stage.kill(who).await.unwrap();
    wipe(&scene.stage.data(who));
}

fn wipe(data: &Path) {
    let kept = OF_THE_MACHINE.map(|name| (name, fs::read(data.join(name)).unwrap()));
    fs::remove_dir_all(data).unwrap();
    kofo_node::files::create_folder(data).unwrap();
    for (name, bytes) in kept {
        kofo_node::files::replace(&data.join(name), &bytes).unwrap();
    }
}

/// Runs a command that reads the 24 words.
async fn with_words(data: &Path, args: &[&str]) -> String {
    let output = Command::new(kofo())
        .args(args)
        .arg("--data")
        .arg(data)
        .env("KOFO_PASSPHRASE_FILE", data.join("passphrase"))
        .stdin(Stdio::from(fs::File::open(data.join("words")).unwrap()))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Makes the folder anew, by command, and starts the node, which finds its only swap.
async fn restore(scene: &mut Scene, who: Who, left: &Left) {
    let data = scene.stage.data(who);
    match left {
        Left::Backup(file) => {
            let from = file.to_str().unwrap();
            let found = with_words(&data, &["wallet", "restore", "--from", from]).await;
            assert_eq!(found, "1 swaps");
            scene.stage.start(who).await.unwrap();
        }
        Left::Record { at, config } => {
            with_words(&data, &["init", "--restore", "--network", NETWORK]).await;
            fs::write(data.join(CONFIG_FILE), config).unwrap();
            scene.stage.start(who).await.unwrap();
            let found = cli::run(&data, &["wallet", "restore", "--from", at]).await;
            assert_eq!(found.done(), "1 swaps", "{}", found.err);
        }
    }
}

/// A swap whose first Bitcoin lock waits for a block.
async fn begun(scene: &Scene, give: &str, want: &str) -> (SwapStatus, Follow) {
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree(give, want).await.unwrap();
    let follow = scene.follow(swap.id, give);
    waits(scene.ground(), Chain::Bitcoin).await.unwrap();
    (swap, follow)
}

async fn time_passes(scene: &Scene, swap: &SwapStatus) {
    let past = last_timelock(swap).plus(PAST);
    scene.ground().advance_to(past).await.unwrap();
}

/// The initiator's disk is lost before it redeems. Both locks come, and it could redeem: it does not know whether it signed
/// anything, and takes its own back.
async fn the_initiator_loses_its_disk(give: &str, want: &str, its_partner_keeps_a_record: bool) {
    let Some(mut scene) = Scene::alone("initiator restored").await else {
        return;
    };
    let (swap, mut follow) = begun(&scene, give, want).await;
    let left = if its_partner_keeps_a_record {
        record(&scene, Who::Initiator, address(&scene, Who::Participant).await)
    } else {
        backup(&scene, Who::Initiator).await
    };
    lose(&mut scene, Who::Initiator).await;
    scene.ground().resume(Chain::Bitcoin).await.unwrap();
    let locked = |now: &Follow| is(now.of(Who::Participant), "both_locked");
    follow.until("both locks", STEP, locked).await.unwrap();
    restore(&mut scene, Who::Initiator, &left).await;
    reaches(&mut follow, Who::Initiator, &["restored"]).await.unwrap();
    time_passes(&scene, &swap).await;
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Refunded); 2]);
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_that_lost_its_disk_after_both_locks_takes_eth_back() {
    the_initiator_loses_its_disk("1eth", "0.05btc", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_that_lost_its_disk_after_both_locks_takes_btc_back() {
    the_initiator_loses_its_disk("0.03btc", "100ec", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_without_a_backup_takes_its_eth_back_by_the_record_that_the_participant_keeps() {
    the_initiator_loses_its_disk("1eth", "0.05btc", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiator_that_lost_its_disk_after_the_reveal_ends_with_what_it_wanted() {
    let Some(mut scene) = Scene::alone("initiator restored after its reveal").await else {
        return;
    };
    let (_, mut follow) = begun(&scene, "1eth", "0.05btc").await;
    let left = backup(&scene, Who::Initiator).await;
    scene.ground().resume(Chain::Bitcoin).await.unwrap();
    reaches(&mut follow, Who::Participant, &["redeeming", "done"])
        .await
        .unwrap();
    lose(&mut scene, Who::Initiator).await;
    restore(&mut scene, Who::Initiator, &left).await;
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}

/// The participant's disk is lost while its lock waits for a block. Its partner redeems.
async fn the_participant_loses_its_disk(a_tower_keeps_a_record: bool) {
    let Some(mut scene) = Scene::alone("participant restored").await else {
        return;
    };
    let mut tower = None;
    if a_tower_keeps_a_record {
        tower = Some(TowerProcess::serving(&scene, Who::Participant).await);
    }
    let (_, mut follow) = begun(&scene, "1eth", "0.05btc").await;
    let left = match &tower {
        Some(tower) => record(&scene, Who::Participant, tower.address()),
        None => backup(&scene, Who::Participant).await,
    };
    lose(&mut scene, Who::Participant).await;
    scene.ground().resume(Chain::Bitcoin).await.unwrap();
    // The initiator waits for a signature that does not come, and redeems alone.
    let redeemed = |now: &Follow| over(now.of(Who::Initiator));
    follow
        .until("the initiator's redeem", STEP, redeemed)
        .await
        .unwrap();
    restore(&mut scene, Who::Participant, &left).await;
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_that_lost_its_disk_after_its_lock_redeems_with_the_public_preimage() {
    the_participant_loses_its_disk(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_without_a_backup_redeems_by_the_record_that_its_tower_keeps() {
    the_participant_loses_its_disk(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_that_lost_its_disk_and_its_partner_takes_its_own_back_from_the_backup_that_kept_itself()
 {
    let Some(mut scene) = Scene::alone("participant restored alone").await else {
        return;
    };
    let data = scene.stage.data(Who::Participant);
    let from = data.with_file_name("kept.backup");
    scene.stage.stop(Who::Participant).await.unwrap();
    let config = data.join(CONFIG_FILE);
    let text = fs::read_to_string(&config).unwrap();
    let kept = format!("{text}\n[backup]\nfile = {:?}\n", from.display().to_string());
    fs::write(&config, kept).unwrap();
    scene.stage.start(Who::Participant).await.unwrap();
    let (swap, mut follow) = begun(&scene, "1eth", "0.05btc").await;
    lose(&mut scene, Who::Participant).await;
    scene.stage.kill(Who::Initiator).await.unwrap();
    scene.ground().resume(Chain::Bitcoin).await.unwrap();
    restore(&mut scene, Who::Participant, &Left::Backup(from)).await;
    time_passes(&scene, &swap).await;
    let refunded = |now: &Follow| over(now.of(Who::Participant));
    follow
        .until("the participant's refund", STEP, refunded)
        .await
        .unwrap();
    scene.stage.start(Who::Initiator).await.unwrap();
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Refunded); 2]);
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}
