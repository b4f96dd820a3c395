use super::*;
use kofo_primitives::{
    Act, Amount, AssetId, At, Hashlock, LegId, NodeId, Party, Place, Side, SwapId, ValidatorSecret,
};

const OURS: u8 = 7;

fn key(byte: u8) -> ValidatorKey {
    ValidatorSecret::new(&[byte; 32]).unwrap().key()
}

fn chain(name: &str) -> ChainId {
    ChainId::new(&format!("sim:{name}")).unwrap()
}

fn leg(side: Side, chain: &str) -> LiveLeg {
    LiveLeg {
        id: LegId::first(side),
        asset: AssetId::new(&format!("sim:{chain}/coin:a")).unwrap(),
        amount: Amount::new(100),
        place: Place::default(),
        redeemer: Party::default(),
        refunder: Party::default(),
        hashlock: Hashlock::new([1; 32]),
        timelock: UnixTime(10_000),
        depth: 2,
        certain: None,
        watch_ms: vec![100_000],
        said: Vec::new(),
    }
}

fn order(committed_ms: u64) -> LiveOrder {
    let asset = AssetId::new("kofo:test/fee:x").unwrap();
    let account = |byte| NodeId::new([byte; 32]);
    LiveOrder {
        order: SwapId::new([3; 32]),
        height: 1,
        committed_ms,
        claimant: account(1),
        provider: account(2),
        payer: None,
        bond: account(3),
        amended: 0,
        alpha_lock_by: UnixTime(100),
        beta_lock_by: UnixTime(200),
        redeem_by: UnixTime(300),
        fee: (asset.clone(), Amount::new(1)),
        reserve_asset: asset,
        reserve: Amount::new(1),
        premium: Amount::new(1),
        legs: [leg(Side::Alpha, "one"), leg(Side::Beta, "two")],
    }
}

const fn tip(height: u64) -> Tip {
    Tip {
        height,
        time: UnixTime(height * 10),
    }
}

/// A validator with an adapter for one chain of two, which stands at 50.
fn watch() -> Watch {
    let network = NetworkId::new("kofo-test").unwrap();
    let mut watch = Watch::new(network, key(OURS), [(chain("one"), Trail::default())]);
    assert!(watch.hear(&chain("one"), ChainEvent::Tip(tip(50)), 1_000));
    watch
}

fn alpha() -> LegRef {
    LegRef {
        swap: SwapId::new([3; 32]),
        leg: LegId::first(Side::Alpha),
    }
}

fn hear(watch: &mut Watch, event: LegEvent) {
    watch.hear(&chain("one"), ChainEvent::Leg(alpha(), event), 2_000);
}

fn locked(height: u64) -> LegEvent {
    LegEvent::Seen {
        act: Act::Lock,
        at: At::Block(height),
        tx: None,
    }
}

/// A lock that was seen, and said.
fn said() -> (Watch, Observation) {
    let mut watch = watch();
    watch.orders([order(2_000)].into_iter());
    watch.errands(2_000);
    hear(&mut watch, locked(51));
    hear(&mut watch, LegEvent::Watched(tip(51)));
    let words = watch.words(3_000);
    assert_eq!(words.len(), 1);
    (watch, words[0].clone())
}

#[test]
fn legs_on_chains_of_ours_are_watched_from_before_their_order_and_forgotten_after_it() {
    let mut watch = watch();
    assert_eq!(watch.orders([order(2_000)].into_iter()), []);
    let errands = watch.errands(2_000);
    assert_eq!(errands.len(), 1, "beta is on a chain that we do not see");
    let (on, leg, ChainAction::Watch { spec, held }) = &errands[0] else {
        panic!("{errands:?}");
    };
    assert_eq!((on, *leg, spec.from_height), (&chain("one"), alpha(), 38));
    assert!(held.is_empty());
    assert_eq!(
        watch.orders(std::iter::empty()),
        [(chain("one"), alpha(), ChainAction::Unwatch)]
    );
    assert_eq!(watch.errands(60_000), []);
}

#[test]
fn of_an_order_that_is_older_than_we_are_nothing_is_said() {
    let mut watch = watch();
    watch.orders([order(999)].into_iter());
    assert_eq!(watch.errands(2_000), []);
}

#[test]
fn an_adapter_that_does_not_answer_is_asked_again_and_then_no_more() {
    let mut watch = watch();
    watch.orders([order(2_000)].into_iter());
    assert_eq!(watch.errands(2_000).len(), 1);
    assert_eq!(watch.errands(2_000 + AGAIN_MS - 1).len(), 0);
    assert_eq!(watch.errands(2_000 + AGAIN_MS).len(), 1);
    hear(&mut watch, LegEvent::Watched(tip(51)));
    assert_eq!(watch.errands(60_000).len(), 0);
}

#[test]
fn what_was_said_is_submitted_again_until_it_is_committed() {
    let (mut watch, word) = said();
    assert_eq!((word.fact, word.count, word.depth), (Fact::Seen, 0, 1));
    assert_eq!(watch.words(3_000 + AGAIN_MS - 1), []);
    assert_eq!(watch.words(3_000 + AGAIN_MS), std::slice::from_ref(&word));
    let mut committed = order(2_000);
    committed.legs[0].said = vec![
        (key(9), 4, Fact::Absent, UnixTime(1)),
        (key(OURS), 0, word.fact, word.tip),
    ];
    watch.orders([committed].into_iter());
    assert_eq!(watch.words(60_000), []);
}

#[test]
fn counts_go_on_where_the_ledger_has_them_also_after_a_restart() {
    let mut watch = watch();
    let mut before = order(2_000);
    before.legs[0].said = vec![(key(OURS), 6, Fact::Seen, UnixTime(510))];
    watch.orders([before].into_iter());
    hear(&mut watch, LegEvent::Watched(tip(51)));
    let words = watch.words(3_000);
    assert_eq!((words[0].count, words[0].fact), (7, Fact::Absent));
    // And on from what is not committed yet.
    hear(&mut watch, locked(52));
    watch.hear(&chain("one"), ChainEvent::Tip(tip(52)), 4_000);
    let words = watch.words(4_000);
    assert_eq!((words[0].count, words[0].fact), (8, Fact::Seen));
}

#[test]
fn while_a_chain_s_nodes_cannot_be_relied_on_nothing_is_said() {
    let mut watch = watch();
    watch.orders([order(2_000)].into_iter());
    hear(&mut watch, locked(51));
    hear(&mut watch, LegEvent::Watched(tip(51)));
    watch.hear(&chain("one"), ChainEvent::Health(Health::Fault), 3_000);
    assert_eq!(watch.words(3_000), []);
    watch.hear(&chain("one"), ChainEvent::Health(Health::Healthy), 3_000);
    assert_eq!(watch.words(3_000).len(), 1);
}

#[test]
fn of_a_chain_whose_adapter_stopped_nothing_is_said() {
    let (mut watch, _) = said();
    watch.lost(&chain("one"));
    watch.orders([order(2_000)].into_iter());
    assert_eq!(watch.errands(60_000), []);
    assert_eq!(watch.words(60_000), []);
}

#[test]
fn what_an_adapter_tells_of_another_chain_s_leg_changes_nothing() {
    let mut watch = watch();
    watch.orders([order(2_000)].into_iter());
    let answer = ChainEvent::Leg(alpha(), LegEvent::Watched(tip(51)));
    watch.hear(&chain("two"), answer, 2_000);
    assert_eq!(watch.errands(2_000).len(), 1);
    assert_eq!(watch.words(60_000), []);
}
