//! A wallet without a node of its own: Bitcoin by compact filters from a peer, the EVM chains by two endpoints that must
//! agree.

use crate::shared::{STEP, Scene, outcomes};
use kofo_cli::demo::{Daemons, Who};
use kofo_node::config::{Backend, Config, Endpoint, LightConfig};
use kofo_node::rpc::types::OutcomeName;
use kofo_primitives::Amount;
use std::fs;

/// In whole units of each asset: the most that the wallet risks.
const MOST: [(&str, &str); 4] = [("BTC", "0.05"), ("ETH", "1"), ("USDX", "1000"), ("EC", "100")];
/// What issue 6 allows such a wallet.
const MOST_BYTES: u64 = 100 * 1024 * 1024;

/// No chain of it is followed by a node of its owner.
fn without_nodes(daemons: &Daemons, config: &mut Config) {
    for chain in &mut config.chains {
        let most = |symbol: &str| {
            MOST.iter()
                .find(|(of, _)| of.eq_ignore_ascii_case(symbol))
                .unwrap()
                .1
        };
        let limits = chain.assets.iter().map(|asset| {
            let most = Amount::parse_units(most(&asset.symbol), asset.decimals).unwrap();
            (asset.id.clone(), most)
        });
        let light_most = limits.collect();
        match &mut chain.backend {
            Backend::Bitcoin(bitcoin) => {
                chain.backend = Backend::Light(LightConfig {
                    peers: vec![daemons.regtest().bitcoin().peer.clone()],
                    checkpoint: None,
                    fee_cap: bitcoin.fee_cap,
                    birthday: bitcoin.birthday,
                    light_most,
                });
            }
            Backend::Evm(evm) => {
                let other = evm.endpoint.as_str().replace("127.0.0.1", "localhost");
                evm.trusted = false;
                evm.witnesses = vec![Endpoint::new(&other).unwrap()];
                evm.light_most = light_most;
            }
            Backend::Light(_) | Backend::Sim => panic!("the daemons are bitcoind and anvils"),
        }
    }
}

/// What the wallet's process holds in memory, in bytes.
fn resident(scene: &Scene) -> u64 {
    let folder = scene.stage.data(Who::Initiator);
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let mut ours = processes.filter(|process| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line)
            .split('\0')
            .any(|word| word == folder)
    });
    let status = fs::read_to_string(ours.next().unwrap().join("status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_without_nodes_swaps_both_ways_in_less_than_a_hundred_megabytes() {
    let Some(mut scene) = Scene::with_first("light", without_nodes).await else {
        return;
    };
    let idle = resident(&scene);
    let mut played = Vec::new();
    for (give, want) in [("0.01btc", "0.2eth"), ("0.2eth", "0.01btc"), ("300usdx", "40ec")] {
        let swap = scene.stage.agree(give, want).await.unwrap();
        let both = scene
            .follow(swap.id, &format!("{give} {want}"))
            .done(STEP)
            .await
            .unwrap();
        assert_eq!(
            outcomes(&both),
            [Some(OutcomeName::Redeemed); 2],
            "{give} for {want}"
        );
        played.push(scene.played(both).await);
    }
    let loaded = resident(&scene);
    eprintln!("resident bytes of a light node: {idle} idle, {loaded} after three swaps");
    assert!(loaded < MOST_BYTES, "{loaded}");
    scene.balances_conserve(&played).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_without_nodes_initiates_nothing_above_its_limit() {
    let Some(scene) = Scene::with_first("light limit", without_nodes).await else {
        return;
    };
    for (give, want) in [("0.051btc", "0.2eth"), ("0.01btc", "1.1eth")] {
        let refused = scene.stage.agree(give, want).await.unwrap_err();
        assert!(
            format!("{refused:#}").contains("light_most"),
            "{give} for {want}: {refused:#}"
        );
    }
    assert!(scene.stage.agree("0.05btc", "1eth").await.is_ok());
}
