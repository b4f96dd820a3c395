use super::*;
use crate::backup::tests::{backup, copy, network, seed};
use crate::backup::{Backup, seal};
use crate::driver::Live;
use crate::init::journal_key;
use crate::keystore::{self, Passphrase};
use kofo_journal::Store;
use kofo_settlement::{Phase, Swap};
use zeroize::Zeroizing;

fn passphrase() -> Passphrase {
    Passphrase::new(Zeroizing::new("correct horse".into())).unwrap()
}

fn config() -> Config {
    let text = "network = \"kofo-test\"\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n[chain.sim]\nkind = \"sim\"\nid = \"test:a\"\n\
                depth = 1\n[chain.sim.assets.AAA]\nid = \"test:a/slip44:0\"\ndecimals = 8\n";
    Config::parse(text, Path::new(CONFIG_FILE)).unwrap()
}

fn restored_from(backup: &Backup) -> (tempfile::TempDir, Driver<Store>) {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("node");
    let sealed = seal(backup, &seed(), &network()).unwrap();
    let cost = (&passphrase(), KdfCost::WEAK);
    let restored = restore(&data, &sealed, &seed(), cost, None).unwrap();
    assert_eq!(restored.swaps, backup.swaps.len());
    assert_eq!(
        keystore::open(&data, &network(), &passphrase()).unwrap().expose(),
        seed().expose()
    );
    let store = Store::open(&data.join(&config().journal), &journal_key(&seed(), &network())).unwrap();
    (home, Driver::open(store).unwrap())
}

fn with(role: Role) -> Backup {
    Backup {
        config: config().to_toml(),
        swaps: vec![copy(role)],
        ..backup()
    }
}

fn only(driver: &Driver<Store>) -> &Live {
    driver.swaps().values().next().unwrap()
}

#[test]
fn an_initiator_is_restored_with_its_preimage_which_nobody_has_seen() {
    let (_home, driver) = restored_from(&with(Role::Initiator));
    let swap: &Swap = only(&driver).swap();
    assert_eq!(swap.phase(), Phase::Restored);
    assert!(!swap.preimage_is_public());
    assert_eq!(
        swap.preimage().unwrap().hashlock(),
        *only(&driver).terms().hashlock()
    );
}

#[test]
fn a_participant_that_was_shown_the_preimage_still_has_it() {
    let (_home, driver) = restored_from(&with(Role::Participant));
    assert_eq!(only(&driver).swap().phase(), Phase::Restored);
    assert!(only(&driver).swap().preimage_is_public());
    assert_eq!(
        only(&driver).contacts()[0].as_str(),
        "/memory/1",
        "the maker's, by its offer"
    );
}

#[test]
fn the_towers_are_known_again_and_what_is_no_address_is_left_out() {
    let tower = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
    let mut from = with(Role::Initiator);
    from.towers = vec![tower.into(), "nowhere".into()];
    let (_home, mut driver) = restored_from(&from);
    let known = driver.journal().scan("towers/").unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].1.as_slice(), tower.as_bytes());
}

#[test]
fn a_folder_that_is_in_use_is_left_alone_and_other_words_make_none() {
    let home = tempfile::tempdir().unwrap();
    let sealed = seal(&with(Role::Initiator), &seed(), &network()).unwrap();
    let at = |name: &str| home.path().join(name);
    let secret = passphrase();
    let cost = (&secret, KdfCost::WEAK);
    restore(&at("one"), &sealed, &seed(), cost, None).unwrap();
    let again = restore(&at("one"), &sealed, &seed(), cost, None);
    assert!(matches!(again, Err(RestoreError::Init(InitError::Exists { .. }))));
    let other = restore(&at("two"), &sealed, &Seed::new([8; 64]), cost, None);
    assert!(matches!(other, Err(RestoreError::Backup(BackupError::Closed))));
    assert!(!at("two").exists());
}

#[test]
fn a_configuration_of_another_network_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let sealed = seal(&with(Role::Initiator), &seed(), &network()).unwrap();
    let mut other = config();
    other.network = NetworkId::new("kofo-other").unwrap();
    let cost = (&passphrase(), KdfCost::WEAK);
    let refused = restore(&home.path().join("node"), &sealed, &seed(), cost, Some(other));
    assert!(matches!(refused, Err(RestoreError::OtherNetwork { .. })));
}
