use super::*;
use crate::args::{Cli, Command};
use clap::Parser;
use kofo_clearance::SHARE_CONTEXT;
use kofo_node::wiring::{RegtestChains, regtest};
use kofo_primitives::{NodeKey, ValidatorSecret};

const ENGINE: &str = "/ip4/127.0.0.1/tcp/26650";

fn key(n: u8) -> NodeKey {
    NodeKey::new(&[n; 32]).unwrap()
}

fn entry(n: u8) -> Entry {
    Entry {
        account: key(n).id().to_string(),
        key: ValidatorSecret::new(&[n; 32]).unwrap().key().to_string(),
        stake: "1000.5".into(),
        commission_bps: 500,
        observes: vec!["eip155:31337".into()],
        engine: ENGINE.into(),
        service: "/ip4/127.0.0.1/tcp/26651".into(),
    }
}

/// A folder with entries of validators and a configuration of two chains, and how `kofo genesis new` is called there.
struct Place(tempfile::TempDir);

impl Place {
    fn new(entries: &[Entry]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (n, entry) in entries.iter().enumerate() {
            std::fs::write(
                folder.path().join(format!("{n}.toml")),
                toml::to_string(entry).unwrap(),
            )
            .unwrap();
        }
        let endpoint = |port: u16| kofo_node::config::Endpoint::new(&format!("http://127.0.0.1:{port}")).ok();
        let (ethereum, echoin) = (endpoint(1), endpoint(2));
        let chains = RegtestChains {
            ethereum,
            echoin,
            ..RegtestChains::default()
        };
        let config = regtest(NetworkId::new("kofo-test").unwrap(), chains).unwrap();
        std::fs::write(folder.path().join(CONFIG_FILE), config.to_toml()).unwrap();
        Self(folder)
    }

    fn try_make(&self, more: &[&str]) -> anyhow::Result<GenesisFile> {
        let path = |name: &str| self.0.path().join(name).display().to_string();
        let mut args: Vec<String> = [
            "kofo",
            "genesis",
            "new",
            "--data",
            &path(""),
            "--out",
            &path("genesis.toml"),
        ]
        .map(str::to_owned)
        .to_vec();
        for n in 0..10 {
            let file = format!("{n}.toml");
            if self.0.path().join(&file).exists() {
                args.extend(["--validator".to_owned(), path(&file)]);
            }
        }
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        let cli = Cli::try_parse_from(args)?;
        let Command::Genesis(command) = cli.command else {
            panic!("genesis was asked for");
        };
        run(&cli.scope, &Out::new(true), command)?;
        Ok(GenesisFile::load(&self.0.path().join("genesis.toml"))?)
    }

    fn make(&self, more: &[&str]) -> Genesis {
        self.try_make(more).unwrap().genesis
    }

    fn refusal(&self, more: &[&str]) -> String {
        format!("{:#}", self.try_make(more).unwrap_err())
    }
}

#[test]
fn a_genesis_has_the_entries_the_balances_and_a_key_that_each_validator_opens() {
    let place = Place::new(&[entry(1), entry(2)]);
    let account = key(9).id();
    let free = format!("{account}=1000.25kofo");
    let bond = format!("{account}=500kofo:provider");
    let made = place.make(&["--profile", "dev", "--balance", &free, "--balance", &bond]);
    assert_eq!(made.network.as_str(), "kofo-test", "of the configuration");
    assert_eq!(made.validators.len(), 2);
    assert_eq!(made.validators[0].stake, Amount::new(1_000_500_000));
    assert_eq!(made.balances.len(), 1, "one row for an account and an asset");
    assert_eq!(made.balances[0].free, Amount::new(1_000_250_000));
    assert_eq!(made.balances[0].provider, Amount::new(500_000_000));
    assert_eq!(made.params.foundation, key(1).id());
    for n in [1, 2] {
        let (_, share) = made
            .shares
            .iter()
            .find(|(account, _)| *account == key(n).id())
            .unwrap();
        let secret = kofo_primitives::open(&key(n), SHARE_CONTEXT, share).unwrap();
        let secret: [u8; 32] = secret.as_slice().try_into().unwrap();
        assert_eq!(NodeKey::new(&secret).unwrap().id(), made.seal_key);
    }
    let again = Place::new(&[entry(1), entry(2)]).make(&["--profile", "dev"]);
    assert_ne!(again.seal_key, made.seal_key, "each network has its own");
}

#[test]
fn distances_of_timelocks_are_those_that_the_policy_of_nodes_demands() {
    let made = Place::new(&[entry(1)]).make(&["--profile", "dev"]);
    assert_eq!(made.params.pairs.len(), 4, "each chain with each");
    let chain = |id: &str| kofo_primitives::ChainId::new(id).unwrap();
    let pair = made
        .params
        .pair(&chain("eip155:31337"), &chain("eip155:18"))
        .unwrap();
    // Of the margins and paces of tests: 3 · (60 + 30) s until beta must be redeemed, of which the last 90 are the reveal.
    assert_eq!((pair.min_beta.0, pair.reveal.0, pair.min_gap.0), (270, 90, 270));
}

#[test]
fn a_council_has_25_seats_a_cap_and_bonds_that_stay() {
    let foundation = key(7).id().to_string();
    let made = Place::new(&[entry(1)]).make(&["--foundation", &foundation]);
    let params = made.params;
    assert_eq!((params.seats, params.power_cap_bps), (25, 1_200));
    assert_eq!(
        (params.unbond_ms, params.unstake_ms),
        (7 * 86_400_000, 21 * 86_400_000)
    );
    assert_eq!(params.foundation, key(7).id());
}

#[test]
fn a_chain_proves_by_the_rule_that_founders_name_and_only_a_chain_that_is_there() {
    let place = Place::new(&[entry(1)]);
    let rule = place
        .make(&["--profile", "dev", "--proof", "eip155:18=0x1703ffff:6"])
        .params
        .proofs;
    assert_eq!((rule.len(), rule[0].easiest, rule[0].depth), (1, 0x1703_ffff, 6));
    let elsewhere =
        Place::new(&[entry(1)]).refusal(&["--profile", "dev", "--proof", "eip155:1=0x1703ffff:6"]);
    assert!(elsewhere.contains("not among the chains"), "{elsewhere}");
    for wrong in [
        "eip155:18",
        "eip155:18=1703ffff:6",
        "eip155:18=0x1703ffff:0",
        "eip155:18=0xzz:1",
    ] {
        let refusal = Place::new(&[entry(1)]).refusal(&["--profile", "dev", "--proof", wrong]);
        assert!(
            refusal.contains("expected CHAIN=TARGET:DEPTH"),
            "{wrong}: {refusal}"
        );
    }
}

#[test]
fn what_cannot_be_a_genesis_is_refused_with_what_was_expected() {
    let place = Place::new(&[entry(1), entry(1)]);
    assert!(
        place
            .refusal(&["--profile", "dev"])
            .contains("each validator is named once")
    );
    let place = Place::new(&[1, 2, 3, 4, 5].map(entry));
    assert!(
        place
            .refusal(&["--profile", "dev"])
            .contains("expected 1 to 4 validators")
    );
    let place = Place::new(&[entry(1)]);
    assert!(place.refusal(&[]).contains("expected --foundation KEY"));
    assert!(
        place
            .refusal(&["--profile", "dev", "--asset", "kofo:99"])
            .contains("such as kofo or gold:8")
    );
    let account = key(9).id();
    let unknown = format!("{account}=5gold");
    assert!(
        place
            .refusal(&["--profile", "dev", "--balance", &unknown])
            .contains("unknown asset")
    );
    let nowhere = format!("{account}=5kofo:stake");
    assert!(
        place
            .refusal(&["--profile", "dev", "--balance", &nowhere])
            .contains("KEY=AMOUNT:relay")
    );
    let missing = place.refusal(&["--validator", "nowhere.toml", "--profile", "dev"]);
    assert!(missing.contains("kofo validator init"), "{missing}");
    place.make(&["--profile", "dev"]);
    assert!(
        place.refusal(&["--profile", "dev"]).contains("cannot write"),
        "it is never overwritten"
    );
    let wrong = Place::new(&[Entry {
        engine: "localhost:1".into(),
        ..entry(1)
    }]);
    assert!(
        wrong
            .refusal(&["--profile", "dev"])
            .contains("expected an address")
    );
}
