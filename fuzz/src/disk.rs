//! Files and records that a node finds when it starts: its own, or what somebody made of them.

use crate::choices::Choices;
use kofo_journal::memory::{Disk, Memory};
use kofo_journal::{Journal as _, Record};
use kofo_node::assets::Asset;
use kofo_node::config::{
    Backend, BitcoinConfig, BitcoindAuth, ChainConfig, Config, Endpoint, EvmConfig, EvmProfile,
};
use kofo_node::driver::Driver;
use kofo_node::keystore::{self, KEYSTORE_FILE, KeystoreError, Passphrase};
use kofo_node::rpc::{COOKIE_FILE, Cookie, NODE_FILE, NodeFile, connect};
use kofo_primitives::{AssetId, ChainId, NetworkId, tagged_hash};
use std::path::Path;
use zeroize::Zeroizing;

pub(crate) fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Config::parse(&text, Path::new("kofo.toml")) {
        Ok(config) => {
            let printed = config.to_toml();
            let again = Config::parse(&printed, Path::new("kofo.toml"));
            assert_eq!(again.expect("what was printed"), config, "{printed}");
            let assets = config.assets();
            assert!(assets.iter().all(|asset| assets.by_id(&asset.id).is_ok()));
        }
        Err(error) => assert!(
            error.to_string().starts_with("kofo.toml"),
            "the file is named: {error}"
        ),
    }
}

fn chain(name: &str, id: &str, asset: (&str, &str, u8), backend: Backend) -> ChainConfig {
    let (symbol, asset, decimals) = asset;
    let asset = Asset {
        symbol: symbol.into(),
        id: AssetId::new(&format!("{id}/{asset}")).expect("an asset"),
        decimals,
        freezable: false,
    };
    ChainConfig {
        name: name.into(),
        id: ChainId::new(id).expect("a chain"),
        depth: 1,
        assets: vec![asset],
        backend,
    }
}

fn bitcoin(auth: BitcoindAuth) -> Backend {
    Backend::Bitcoin(BitcoinConfig {
        endpoint: Endpoint::new("http://127.0.0.1:18443").expect("a URL"),
        auth,
        trusted: true,
        witnesses: vec![],
        fee_cap: 200,
        birthday: 7,
    })
}

fn evm(profile: EvmProfile) -> Backend {
    Backend::Evm(EvmConfig {
        endpoint: Endpoint::new("http://127.0.0.1:8545/v1/key").expect("a URL"),
        trusted: false,
        witnesses: vec![Endpoint::new("https://host/v2").expect("a URL")],
        light_most: Default::default(),
        tower_wage: None,
        profile,
        contract: format!("0x{}", "ab".repeat(20)),
        fee_floor: 2,
        fee_cap: 100,
    })
}

pub(crate) fn seeds_of_configs() -> Vec<Vec<u8>> {
    let genesis = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328";
    let btc = ("BTC", "slip44:0", 8);
    let cookie = BitcoindAuth::Cookie("/tmp/a \"b\"/.cookie".into());
    let password = BitcoindAuth::Password {
        user: "me".into(),
        file: "password".into(),
    };
    let one = vec![
        chain("bitcoin", genesis, btc, bitcoin(cookie)),
        chain(
            "eth",
            "eip155:31337",
            ("ETH", "slip44:60", 18),
            evm(EvmProfile::Ethereum),
        ),
        chain(
            "ec",
            "eip155:18",
            ("EC", "slip44:60", 18),
            evm(EvmProfile::Echoin),
        ),
    ];
    let other = vec![
        chain("bitcoin", genesis, btc, bitcoin(password)),
        chain("sim", "sim:a", ("A", "coin:a", 0), Backend::Sim),
    ];
    let network = NetworkId::new("kofo-regtest").expect("a word");
    let text = |chains| Config::new(network.clone(), chains).to_toml().into_bytes();
    vec![text(one), text(other)]
}

/// A keystore with next to no stretching, sealed under [`PASSPHRASE`] for the network `kofo-test`.
const KEYSTORE: &str = include_str!("disk/keystore.json");
const PASSPHRASE: &str = "correct horse battery staple";

/// Opened as it is by its owner; and with a checksum that somebody adapted on purpose, so that all of the form is
/// reached: for another network, where no passphrase is stretched, and for ours where that costs little.
pub(crate) fn keystore(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for a file");
    let path = folder.path().join(KEYSTORE_FILE);
    let open = |bytes: &[u8], network: &str| {
        std::fs::write(&path, bytes).expect("a file in a folder of ours");
        let passphrase = Passphrase::new(Zeroizing::new(PASSPHRASE.into())).expect("one line");
        let network = NetworkId::new(network).expect("a word");
        let seed = keystore::open(folder.path(), &network, &passphrase)?;
        assert_eq!(seed.expose(), &[7; 64], "a seed that nobody sealed");
        Ok(())
    };
    let _ = open(data, "kofo-test");
    let Some((adapted, cheap)) = adapt_checksum(data) else {
        return;
    };
    let refused = open(&adapted, "another-network").expect_err("a keystore of another network");
    assert!(
        !matches!(refused, KeystoreError::Altered { .. }),
        "the checksum was adapted"
    );
    assert!(
        !matches!(refused, KeystoreError::WrongPassphrase { .. }),
        "nothing is tried before the network"
    );
    if cheap {
        let _ = open(&adapted, "kofo-test");
    }
}

/// The same file with the checksum that belongs to what is in it now, and whether it asks for little stretching.
fn adapt_checksum(data: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut file: serde_json::Value = serde_json::from_slice(data).ok()?;
    let number = |name: &str| file.get(name)?.as_u64();
    let text = |name: &str| Some(file.get(name)?.as_str()?.as_bytes().to_vec());
    let cost = [number("memory_kib")?, number("passes")?, number("lanes")?];
    let cheap = cost[0] <= 1_024 && cost[1] <= 2;
    let cost = cost.map(|n| u32::try_from(n).unwrap_or(0).to_le_bytes()).concat();
    let version = number("kofo_keystore")?.to_le_bytes();
    let (network, kdf, salt) = (text("network")?, text("kdf")?, text("salt")?);
    let (cipher, nonce) = (text("cipher")?, text("nonce")?);
    let fields: [&[u8]; 7] = [&version, &cost, &network, &kdf, &salt, &cipher, &nonce];
    let header = tagged_hash("kofo/keystore/v1", &fields);
    let sum = tagged_hash("kofo/keystore/v1/checksum", &[&header, &text("sealed")?]);
    // A file of another network by its name, or it would be this one's.
    if network == b"another-network" {
        return None;
    }
    *file.get_mut("checksum")? = hex::encode(sum).into();
    Some((serde_json::to_vec(&file).ok()?, cheap))
}

/// What a running node leaves for its own command line: where its RPC is, and the cookie.
pub(crate) fn node_files(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder for files");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("a file in a folder of ours");
    };
    write(COOKIE_FILE, data);
    if let Ok(cookie) = Cookie::load(folder.path()) {
        let header = cookie.authorization();
        assert!(
            header.bytes().all(|b| b.is_ascii_graphic() || b == b' '),
            "a header of one line"
        );
    }
    write(COOKIE_FILE, "0a".repeat(32).as_bytes());
    write(NODE_FILE, data);
    if connect(folder.path()).is_ok() {
        let node = NodeFile::load(folder.path()).expect("what was connected to");
        assert!(
            node.rpc.starts_with("http://127.0.0.1:"),
            "the cookie goes to this machine: {node:?}"
        );
    }
}

pub(crate) fn seeds_of_node_files() -> Vec<Vec<u8>> {
    let node = NodeFile {
        rpc: "http://127.0.0.1:9000".into(),
        pid: 7,
        network: "kofo-test".into(),
        peer_id: "12D3KooW".into(),
        listen: vec!["/ip4/127.0.0.1/tcp/1".into()],
    };
    vec![
        serde_json::to_vec(&node).expect("plain data"),
        "0a".repeat(32).into_bytes(),
    ]
}

pub(crate) fn seeds_of_keystores() -> Vec<Vec<u8>> {
    vec![KEYSTORE.as_bytes().to_vec()]
}

/// The records of a journal, each as kind, machine and body behind its length: whatever they are, the driver opens on
/// them or says why not, and what it opened once it opens again as the same.
pub(crate) fn driver_records(data: &[u8]) {
    let disk = Disk::new();
    let mut journal = Memory::open(&disk).expect("a fresh disk");
    for record in read_records(data) {
        journal.append(record).expect("small enough");
    }
    journal.sync().expect("memory");
    drop(journal);
    let open = || Driver::open(Memory::open(&disk).expect("nobody else has it"));
    let Ok(mut driver) = open() else {
        assert!(open().is_err(), "what does not replay, does not replay again");
        return;
    };
    for live in driver.swaps().values() {
        crate::rules::check_owed(live.terms(), live.swap(), live.tips());
    }
    let flushed = driver.flush().expect("nothing to write");
    drop(driver);
    let mut again = open().expect("what replayed once");
    assert_eq!(again.flush().expect("nothing to write"), flushed);
}

fn read_records(data: &[u8]) -> Vec<Record> {
    let mut choices = Choices::new(data);
    let mut records = Vec::new();
    while let Some(kind) = choices.next() {
        let machine = choices.array();
        let length = usize::try_from(choices.number()).expect("16 bits");
        records.push(Record::new(machine, kind, choices.take(length).to_vec()));
    }
    records
}

fn write_records(records: &[Record]) -> Vec<u8> {
    let write = |record: &Record| {
        let length = u16::try_from(record.body.len()).expect("a small record");
        let body = record.body.as_slice();
        [&[record.kind], &record.machine[..], &length.to_le_bytes(), body].concat()
    };
    records.iter().flat_map(write).collect()
}

pub(crate) fn seeds_of_records() -> Vec<Vec<u8>> {
    let records = crate::driver::records();
    vec![write_records(&records[..2]), write_records(&records)]
}
