//! A swap between two processes on real daemons leaves no secret behind, and shows no preimage before the chain does.

use crate::leaks::{Found, Secret, files, in_bytes, in_files, in_process};
use crate::shared::{STEP, Scene, outcomes};
use kofo_cli::demo::Who;
use kofo_node::keystore::Words;
use kofo_node::rpc::types::{Id, OutcomeName};
use kofo_node::rpc::{NodeFile, NodeRpcClient};
use kofo_primitives::{NetworkId, Preimage, Seed};
use kofo_regtest::Chain;
use serde_json::json;
use std::fs;

/// What a trial keeps beside a node's files, and what holds secrets by its nature.
const ALLOWED: [&str; 4] = ["keystore.json", "words", "passphrase", "bitcoind.password"];
/// States in which the initiator has shown its preimage to nobody.
const BEFORE: [&str; 5] = ["agreed", "lock_built", "lock_sent", "both_locked", "redeem_built"];

fn key(seed: &Seed, path: &str) -> [u8; 32] {
    let path = path.parse().unwrap();
    let key = bip32::XPrv::derive_from_path(seed.expose(), &path).unwrap();
    key.private_key().to_bytes().into()
}

fn secrets(scene: &Scene, who: Who) -> Vec<Secret> {
    let data = scene.stage.data(who);
    let words = fs::read_to_string(data.join("words")).unwrap();
    let passphrase = fs::read_to_string(data.join("passphrase")).unwrap();
    let seed = Words::parse(&words).unwrap().seed();
    let network = NetworkId::new(kofo_cli::demo::NETWORK).unwrap();
    let secret = |tag| *seed.node_secret(tag, &network).expose();
    let mut secrets = vec![
        Secret::words("the words", &words),
        Secret::bytes("the seed", seed.expose()),
        Secret::bytes("half of the seed", &seed.expose()[..32]),
        Secret::text("the passphrase", passphrase.trim()),
        Secret::bytes("the node's key", &secret("kofo/node/v1")),
        Secret::bytes("the peer's key", &secret("kofo/peer/v1")),
        Secret::bytes("the journal's key", &secret("kofo/journal/v1")),
        Secret::bytes("bitcoin's account key", &key(&seed, "m/86'/1'/0'")),
        Secret::bytes("bitcoin's first key", &key(&seed, "m/86'/1'/0'/0/0")),
    ];
    for path in ["m/44'/60'/0'/0/0", "m/44'/60'/0'/0/1", "m/44'/60'/0'/0/2"] {
        secrets.push(Secret::bytes("an ethereum account's key", &key(&seed, path)));
    }
    secrets
}

/// What both nodes wrote and show now.
fn written(scene: &Scene) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for who in Who::BOTH {
        let data = scene.stage.data(who);
        let files = files(&data, &ALLOWED).into_iter();
        all.extend(files.map(|(path, bytes)| (path.display().to_string(), bytes)));
        if let Ok(file) = NodeFile::load(&data) {
            all.extend(crate::leaks::of_process(file.pid));
        }
    }
    all
}

/// The preimage, as the contract's event shows it to everybody.
async fn shown_on_chain(scene: &Scene, hashlock: Id) -> Preimage {
    let kofo_cli::demo::Ground::Daemons(daemons) = scene.ground() else {
        panic!("the daemons are real");
    };
    let filter = json!([{"fromBlock": "0x0", "toBlock": "latest"}]);
    let logs = daemons
        .regtest()
        .rpc(Chain::Ethereum, "eth_getLogs", filter)
        .await
        .unwrap();
    let data = logs
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|log| log["data"].as_str());
    let words = data.filter_map(|data| <[u8; 64]>::try_from(data.trim_start_matches("0x").as_bytes()).ok());
    let mut preimages = words.map(|digits| {
        let digit = |d: u8| (d as char).to_digit(16).unwrap() as u8;
        Preimage::new(std::array::from_fn(|at| {
            digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1])
        }))
    });
    let shown = preimages.find(|preimage| Id::from(preimage.hashlock()) == hashlock);
    shown.expect("the redeem on Ethereum shows the preimage")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_leaves_no_secret_behind_and_shows_no_preimage_before_the_chain_does() {
    let Some(scene) = Scene::shared("secrets").await else {
        return;
    };
    let swap = scene.stage.agree("0.01btc", "0.2eth").await.unwrap();
    let follow = scene.follow(swap.id, "0.01btc 0.2eth");
    let initiator = scene.stage.client(Who::Initiator).unwrap();
    let mut before = Vec::new();
    loop {
        let seen = written(&scene);
        let status = initiator.swap_show(swap.id).await.unwrap();
        if !BEFORE.contains(&status.state.as_str()) {
            break;
        }
        before = seen;
    }
    assert!(
        !before.is_empty(),
        "the swap was seen before its preimage was shown"
    );
    let both = follow.done(STEP).await.unwrap();
    assert_eq!(outcomes(&both), [Some(OutcomeName::Redeemed); 2]);
    let preimage = shown_on_chain(&scene, both[0].hashlock).await;
    let preimage = [Secret::bytes("the preimage", preimage.expose())];
    let mut found: Found = before
        .iter()
        .flat_map(|(place, bytes)| in_bytes(place, bytes, &preimage))
        .collect();
    for who in Who::BOTH {
        let secrets = secrets(&scene, who);
        for other in Who::BOTH {
            let data = scene.stage.data(other);
            found.extend(in_files(&data, &ALLOWED, &secrets));
            found.extend(in_process(NodeFile::load(&data).unwrap().pid, &secrets));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
