//! The keys are in another process: a swap is made, and made to its end, by a node that has none of them.

use crate::cli;
use crate::shared::{STEP, Scene, act, is, kofo, outcomes};
use bitcoin::Network;
use bitcoin::bip32::Xpriv;
use kofo_cli::demo::{Follow, Who, waits};
use kofo_node::config::Config;
use kofo_node::keystore::{self, KdfCost, Passphrase, Words};
use kofo_node::rpc::NodeFile;
use kofo_node::rpc::types::OutcomeName;
use kofo_primitives::Seed;
use kofo_regtest::Chain;
use std::fs;
use std::io::{BufRead, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// A signer that is a process of its own; killed when dropped.
struct SignerProcess {
    folder: PathBuf,
    child: Child,
}

impl SignerProcess {
    /// Starts it, and waits until it says that it is ready.
    async fn start(folder: &Path) -> Self {
        let mut child = Command::new(kofo())
            .args(["signer", "run", "--keystore"])
            .arg(folder)
            .env("KOFO_PASSPHRASE_FILE", folder.join("passphrase"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            said.push_str(&line);
            if line.starts_with("ready: signer of ") {
                // What it says later must not fill the pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                let folder = folder.to_owned();
                return Self { folder, child };
            }
        }
        panic!("the signer is not ready: {said}");
    }

    /// Kills it with -9, and starts it again.
    async fn kill(mut self) -> PathBuf {
        self.child.kill().await.unwrap();
        self.folder
    }

    fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }
}

/// Moves the keys of a node out of its folder into a signer's, by its words, and starts both.
async fn part(scene: &mut Scene, who: Who) -> (SignerProcess, Words) {
    scene.stage.stop(who).await.unwrap();
    let data = scene.stage.data(who);
    let text = Zeroizing::new(fs::read_to_string(data.join("words")).unwrap());
    let words = Words::parse(&text).unwrap();
    let old = Config::load(&data).unwrap();
    let signer = data.with_file_name(format!("{}.signer", who.name()));
    kofo_node::files::create_folder(&signer).unwrap();
    fs::rename(data.join("passphrase"), signer.join("passphrase")).unwrap();
    let passphrase = Passphrase::from_file(&signer.join("passphrase")).unwrap();
    keystore::create(&signer, &old.network, &words.seed(), &passphrase, KdfCost::WEAK).unwrap();
    let password = fs::read(data.join("bitcoind.password")).unwrap();
    fs::remove_dir_all(&data).unwrap();
    kofo_node::files::create_folder(&data).unwrap();
    kofo_node::files::replace(&data.join("bitcoind.password"), &password).unwrap();
    let config = Config {
        signer: Some(
            format!("unix:{}", signer.join("signer.sock").display())
                .parse()
                .unwrap(),
        ),
        ..old
    };
    let household = words.seed().household(&config.network);
    kofo_node::init::init_signed(&data, &config, &household).unwrap();
    let signer = SignerProcess::start(&signer).await;
    scene.stage.start(who).await.unwrap();
    (signer, words)
}

/// What would be theft in whoever's hands it is: the seed, what wallets derive from it first, and the words.
fn secrets(words: &Words) -> Vec<(&'static str, Vec<u8>)> {
    let seed: Seed = words.seed();
    let master = Xpriv::new_master(Network::Regtest, seed.expose()).unwrap();
    vec![
        ("the seed", seed.expose().to_vec()),
        ("the master key", master.private_key.secret_bytes().to_vec()),
        ("the words", words.expose().as_bytes().to_vec()),
    ]
}

/// Whether the bytes are anywhere in there. By what the library does fast: this is not compiled for speed.
fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    let mut rest = Cursor::new(bytes);
    while rest.skip_until(wanted[0]).unwrap() > 0 {
        let at = usize::try_from(rest.position()).unwrap() - 1;
        if bytes[at..].starts_with(wanted) {
            return true;
        }
    }
    false
}

/// All that the process could write to and that is in memory.
fn memory_of(pid: u32) -> Vec<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut parts = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [from, to] = [from, to].map(|place| u64::from_str_radix(place, 16).unwrap());
        let mut part = vec![0; usize::try_from(to - from).unwrap()];
        memory.seek(SeekFrom::Start(from)).unwrap();
        // A part may go while it is read.
        if memory.read_exact(&mut part).is_ok() {
            parts.push(part);
        }
    }
    parts
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = entries.flat_map(|path| match path.is_dir() {
        true => files_below(&path),
        false => vec![path],
    });
    all.collect()
}

/// Nothing of the keys is in the node's folder or memory. That the memory was looked at rightly, the signer's own shows.
fn the_node_has_no_keys(data: &Path, signer: &SignerProcess, words: &Words) {
    let files = files_below(data);
    assert!(files.iter().any(|file| file.ends_with("kofo.toml")), "{files:?}");
    assert!(!data.join("keystore.json").exists() && !data.join("keystore").exists());
    let node = memory_of(NodeFile::load(data).unwrap().pid);
    for (name, secret) in secrets(words) {
        for file in &files {
            // A socket, or what is just being replaced, is no file to read.
            let bytes = fs::read(file).unwrap_or_default();
            assert!(!holds(&bytes, &secret), "{name} is in {}", file.display());
        }
        assert!(
            !node.iter().any(|part| holds(part, &secret)),
            "{name} is in the node's memory"
        );
    }
    let signers = memory_of(signer.pid());
    let seed = words.seed();
    assert!(
        signers.iter().any(|part| holds(part, seed.expose())),
        "the signer has its seed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_keys_swaps_and_its_signer_may_be_killed_in_the_middle() {
    let Some(mut scene) = Scene::alone("external signer").await else {
        return;
    };
    let (signer, words) = part(&mut scene, Who::Initiator).await;
    // Blocks of Bitcoin are held back, so that the participant's lock stands still while the signer dies.
    scene.ground().pause(Chain::Bitcoin).await.unwrap();
    let swap = scene.stage.agree("1eth", "0.05btc").await.unwrap();
    let mut follow = scene.follow(swap.id, "ETH→BTC by a signer");
    waits(scene.ground(), Chain::Bitcoin).await.unwrap();
    let folder = signer.kill().await;
    scene.ground().resume(Chain::Bitcoin).await.unwrap();
    let locked = |now: &Follow| is(now.of(Who::Participant), "both_locked");
    follow.until("both locks", STEP, locked).await.unwrap();
    // The initiator should redeem and cannot: it goes on, and says why.
    let data = scene.stage.data(Who::Initiator);
    let doctor = cli::run(&data, &["doctor"]).await;
    assert_eq!(doctor.code, Some(1), "{}", doctor.out);
    let said = doctor.out.lines().find(|line| line.contains("  signer  "));
    assert!(
        said.is_some_and(|line| line.starts_with("fail")),
        "{}",
        doctor.out
    );
    assert!(act(follow.of(Who::Initiator), "beta", "redeem").is_none());
    let signer = SignerProcess::start(&folder).await;
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    the_node_has_no_keys(&data, &signer, &words);
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_keys_locks_bitcoin_and_redeems_ether_as_a_participant_too() {
    let Some(mut scene) = Scene::alone("external signer of a participant").await else {
        return;
    };
    let (signer, words) = part(&mut scene, Who::Participant).await;
    let swap = scene.stage.agree("1eth", "0.05btc").await.unwrap();
    let both = scene.follow(swap.id, "ETH→BTC").done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let data = scene.stage.data(Who::Participant);
    the_node_has_no_keys(&data, &signer, &words);
    assert!(
        cli::run(&data, &["doctor"]).await.out.contains("signer"),
        "it is looked at"
    );
    let played = scene.played(both).await;
    scene.balances_conserve(&[played]).await;
}
