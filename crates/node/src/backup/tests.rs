use super::file::seal_with;
use super::*;
use kofo_primitives::{
    Acceptance, AcceptedLeg, Amount, AssetId, ChainId, Mode, NetworkId, NodeKey, Offer, OfferedLeg, Party,
    Place, Seconds, Seed, SwapNonce, UnixTime,
};
use kofo_settlement::{Margins, Pace, Policy};

/// Written by version 1, and read for ever.
const FIXTURE: &str = include_str!("../../testdata/backup-v1.hex");

pub(crate) fn network() -> NetworkId {
    NetworkId::new("kofo-test").unwrap()
}

pub(crate) fn seed() -> Seed {
    Seed::new([7; 64])
}

const START: UnixTime = UnixTime(1_000_000);

/// A swap in which the seed is this party.
pub(crate) fn copy(role: Role) -> SwapCopy {
    let (maker, taker) = (NodeKey::new(&[1; 32]).unwrap(), NodeKey::new(&[2; 32]).unwrap());
    let nonce = SwapNonce::new([1; 32]);
    let chain = |name: &str| ChainId::new(&format!("test:{name}")).unwrap();
    let offered = |name: &str, n: u8| OfferedLeg {
        asset: AssetId::new(&format!("test:{name}/slip44:0")).unwrap(),
        amount: Amount::new(1000),
        party: Party::new([n; 20]).unwrap(),
        place: Place::default(),
        depth: 1,
    };
    let offer = Offer {
        version: 1,
        network: network(),
        mode: Mode::P2P,
        fee: Amount::ZERO,
        maker: maker.id(),
        contacts: vec![Contact::new("/memory/1").unwrap()],
        nonce,
        hashlock: seed().preimage(&network(), &nonce).hashlock(),
        give: vec![offered("a", 10)],
        want: vec![offered("b", 30)],
        expires: START.plus(Seconds(600)),
    };
    let policy = Policy {
        paces: ["a", "b"].map(|name| (chain(name), Pace::REGTEST)).into(),
        margins: Margins::REGTEST,
    };
    let locks = policy.timelocks(&[chain("a")], &[chain("b")]).unwrap();
    let leg = |n: u8, span| AcceptedLeg {
        party: Party::new([n; 20]).unwrap(),
        timelock: START.plus(span),
    };
    let acceptance = Acceptance {
        version: 1,
        offer: offer.id(),
        taker: taker.id(),
        nonce: SwapNonce::new([2; 32]),
        alpha: vec![leg(50, locks.alpha)],
        beta: vec![leg(70, locks.beta)],
    };
    let acceptance = acceptance.sign(&offer, &taker);
    let order = SettlementOrder::new(offer.sign(&maker), acceptance).unwrap();
    let heights = ["a", "b"].map(|name| (chain(name), 100)).into();
    SwapCopy {
        terms: Terms::new(&order, role, &policy, START, &heights).unwrap(),
        order,
        at_ms: 5,
        contacts: vec![Contact::new("/memory/2").unwrap()],
        preimage: (role == Role::Participant).then(|| seed().preimage(&network(), &nonce)),
    }
}

pub(crate) fn backup() -> Backup {
    Backup {
        made_ms: 1_700_000_000_000,
        config: "network = \"kofo-test\"\n".into(),
        swaps: vec![copy(Role::Initiator)],
        towers: vec!["/ip4/127.0.0.1/tcp/9".into()],
    }
}

#[test]
fn a_backup_of_version_1_has_these_bytes_and_is_read_for_ever() {
    let sealed = seal_with(&backup(), &seed(), &network(), [9; 24]).unwrap();
    assert_eq!(hex::encode(&sealed), FIXTURE.trim());
    let kept = hex::decode(FIXTURE.trim()).unwrap();
    assert_eq!(open(&kept, &seed()), Ok((network(), backup())));
}

#[test]
fn no_two_backups_are_sealed_alike() {
    let one = seal(&backup(), &seed(), &network()).unwrap();
    let two = seal(&backup(), &seed(), &network()).unwrap();
    assert_ne!(one, two);
    assert_eq!(open(&one, &seed()), open(&two, &seed()));
}

#[test]
fn other_words_and_an_altered_byte_do_not_open_it() {
    let sealed = seal(&backup(), &seed(), &network()).unwrap();
    assert_eq!(open(&sealed, &Seed::new([8; 64])), Err(BackupError::Closed));
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert!(open(&altered, &seed()).is_err(), "byte {at}");
    }
    for end in 0..sealed.len() {
        assert!(open(&sealed[..end], &seed()).is_err(), "only {end} bytes");
    }
}

#[test]
fn a_later_version_is_named() {
    let mut sealed = seal(&backup(), &seed(), &network()).unwrap();
    sealed[11] = 2;
    assert_eq!(open(&sealed, &seed()), Err(BackupError::Version { got: 2 }));
}

#[test]
fn an_initiators_preimage_is_in_no_copy() {
    let preimage = seed().preimage(&network(), &SwapNonce::new([1; 32]));
    let plain = borsh::to_vec(&backup()).unwrap();
    assert!(!plain.windows(32).any(|bytes| bytes == preimage.expose()));
}
