//! All rules at once: whatever adapters, peers, clocks and users do, in whatever order.

use crate::fixture::*;
use kofo_primitives::*;
use kofo_settlement::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Tip {
        chain: &'static str,
        height: u64,
        time: u64,
    },
    Event(LegId, LegEvent),
    Answer,
    Abort,
    GiveUp,
    Peer(Peer),
    Restart,
}

/// What the other party, or the round with it, brings.
#[derive(Clone, Copy, Debug)]
enum Peer {
    Knows,
    Lies,
    GaveUp,
    Tell,
    /// What we asked for was signed.
    Signed,
}

fn leg() -> impl Strategy<Value = LegId> {
    prop_oneof![
        Just(ALPHA),
        Just(BETA),
        Just(LegId {
            side: Side::Alpha,
            index: 1
        })
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let right = Just(Act::Redeem(preimage()));
    let wrong = Just(Act::Redeem(Preimage::new([9; 32])));
    prop_oneof![4 => Just(Act::Lock), 2 => right, 1 => wrong, 2 => Just(Act::Refund), 1 => Just(Act::Cancel)]
}

fn class() -> impl Strategy<Value = FailClass> {
    let amount = FailClass::WrongAmount {
        have: Amount::new(1),
        need: Amount::new(2),
    };
    prop_oneof![
        Just(FailClass::Dead),
        Just(amount),
        Just(FailClass::Refused(Text::new("no").unwrap()))
    ]
}

fn event() -> impl Strategy<Value = LegEvent> {
    let at = prop_oneof![Just(At::Mempool), (95u64..140).prop_map(At::Block)];
    prop_oneof![
        6 => (act(), at.clone()).prop_map(|(act, at)| LegEvent::Seen { act, at, tx: None }),
        1 => at.prop_map(|at| LegEvent::RedeemedTogether { at, tx: None }),
        1 => act().prop_map(|act| LegEvent::Unseen(act.kind())),
        1 => (act(), class()).prop_map(|(act, class)| LegEvent::Failed(act.kind(), class)),
        1 => act().prop_map(|act| LegEvent::Built(act.kind(), Prepared::stray())),
    ]
}

trait Stray {
    fn stray() -> Self;
}

impl Stray for Prepared {
    fn stray() -> Self {
        Self(Bytes::new([0xee]).unwrap())
    }
}

fn step() -> impl Strategy<Value = Step> {
    let tip = (prop_oneof![Just("a"), Just("b")], 95u64..150, 0u64..2_000)
        .prop_map(|(chain, height, time)| Step::Tip { chain, height, time });
    let early = (prop_oneof![Just("a"), Just("b")], 100u64..120, 0u64..60)
        .prop_map(|(chain, height, time)| Step::Tip { chain, height, time });
    prop_oneof![
        6 => early,
        2 => tip,
        8 => (leg(), event()).prop_map(|(leg, event)| Step::Event(leg, event)),
        8 => Just(Step::Answer),
        1 => Just(Step::Restart),
        1 => prop_oneof![9 => Just(Step::GiveUp), 1 => Just(Step::Abort)],
        3 => prop_oneof![
            1 => Just(Peer::Knows),
            1 => Just(Peer::Lies),
            1 => Just(Peer::GaveUp),
            2 => Just(Peer::Tell),
            3 => Just(Peer::Signed),
        ].prop_map(Step::Peer),
    ]
}

/// Feeds one step; what was accepted is journaled.
fn feed(node: &mut Node, step: &Step, journal: &mut Vec<Input>) {
    let inputs = match step {
        Step::Tip {
            chain: name,
            height,
            time,
        } => {
            node.tips.note(
                &chain(name),
                Tip {
                    height: *height,
                    time: at(*time),
                },
            );
            vec![Input::Tips(node.tips.get().clone())]
        }
        Step::Event(leg, event) => vec![Input::Leg(*leg, event.clone())],
        // An adapter that does what it is asked.
        Step::Answer => {
            let asked = node.swap.pending(&node.terms, node.tips.get());
            let build = asked.iter().find_map(|(leg, action)| match action {
                ChainAction::Build(act) => Some((*leg, act.kind())),
                _ => None,
            });
            build
                .map(|(leg, act)| Input::Leg(leg, LegEvent::Built(act, Prepared::stray())))
                .into_iter()
                .collect()
        }
        Step::Abort => vec![Input::Abort],
        Step::GiveUp => vec![Input::GiveUp],
        Step::Peer(peer) => from_peer(node, *peer),
        Step::Restart => {
            node.restart();
            vec![]
        }
    };
    for input in inputs {
        let before = node.swap.clone();
        match node.input(&input) {
            Ok(()) if node.swap != before => {
                if matches!(input, Input::Leg(_, LegEvent::Built(..))) {
                    node.tips.forget();
                }
                journal.push(input);
            }
            Ok(()) => {}
            Err(_) => assert_eq!(node.swap, before, "a rejected input changes nothing"),
        }
    }
}

fn from_peer(node: &Node, peer: Peer) -> Vec<Input> {
    match peer {
        Peer::Knows => vec![Input::PeerKnows(preimage())],
        Peer::Lies => vec![Input::PeerKnows(Preimage::new([9; 32]))],
        Peer::GaveUp => vec![Input::PeerGaveUp],
        Peer::Tell => vec![Input::Tell],
        Peer::Signed => {
            let asked = node.swap.asks(&node.terms, node.tips.get());
            let built = |(leg, what): &(LegId, Together)| {
                Input::Leg(*leg, LegEvent::Built(what.kind(), Prepared::stray()))
            };
            asked.iter().map(built).collect()
        }
    }
}

/// What may never be signed for the other party.
fn check_signed(node: &Node) {
    let (terms, swap, tips) = (&node.terms, &node.swap, node.tips.get());
    for id in terms.legs().keys() {
        if swap.may_sign(terms, tips, *id, Together::Redeem).is_ok() {
            assert!(swap.preimage_is_public(), "they can open the leaf already");
            assert_eq!(
                id.end_of(terms.role()),
                End::Refunder,
                "only what is ours to give"
            );
        }
        if swap.may_sign(terms, tips, *id, Together::Refund).is_ok() {
            assert_eq!(id.end_of(terms.role()), End::Redeemer, "only what is theirs");
            assert_ne!(swap.phase(), Phase::Redeeming, "we want it");
            assert_ne!(swap.phase(), Phase::Restored, "what was said before is not known");
            let mut ours = terms.outgoing().map(|(id, _)| &swap.legs()[&id]);
            let safe = match terms.role() {
                Role::Initiator => !swap.preimage_was_told() && !swap.preimage_is_public(),
                Role::Participant => match swap.phase() {
                    Phase::Done(Outcome::Refunded) => ours.all(LegState::is_over),
                    phase => phase == Phase::Done(Outcome::Aborted),
                },
            };
            let done = matches!(swap.phase(), Phase::Done(Outcome::Refunded | Outcome::Aborted));
            assert!(
                safe || terms.role() == Role::Initiator && done,
                "it could be taken twice"
            );
        }
    }
}

/// What may never be owed, whatever happened before.
fn check_owed(node: &Node) {
    let (terms, swap, tips) = (&node.terms, &node.swap, node.tips.get());
    let left = |leg: &Leg| {
        tips.of(&leg.spec.chain())
            .map(|tip| tip.time.until(leg.spec.timelock))
    };
    for (id, action) in swap.pending(terms, tips) {
        let leg = &terms.legs()[&id];
        match action {
            ChainAction::Broadcast {
                act: ActKind::Redeem,
                not_after,
                ..
            } if swap.preimage_was_told() && !swap.preimage_is_public() => {
                assert_eq!(
                    not_after,
                    Some(leg.spec.timelock),
                    "only while nobody else can take it"
                );
            }
            ChainAction::Broadcast {
                act: ActKind::Redeem,
                not_after,
                ..
            } if !swap.preimage_is_public() => {
                let last = UnixTime(leg.spec.timelock.0 - leg.reveal_window.0);
                assert_eq!(not_after, Some(last), "the adapter must not show it later either");
                assert_eq!(terms.role(), Role::Initiator);
                for (_, leg) in terms.incoming() {
                    assert!(
                        left(leg).is_some_and(|left| left >= leg.reveal_window),
                        "a late reveal"
                    );
                }
            }
            ChainAction::Build(Act::Redeem(_)) => {
                assert!(id.end_of(terms.role()) == End::Redeemer, "only what is theirs");
            }
            ChainAction::Build(Act::Lock) => {
                assert!(id.end_of(terms.role()) == End::Refunder, "only what is ours");
                if terms.role() == Role::Participant {
                    assert!(
                        terms
                            .incoming()
                            .all(|(id, _)| swap.legs()[&id].locked.unwrap().is_final)
                    );
                }
            }
            ChainAction::Build(Act::Refund)
            | ChainAction::Broadcast {
                act: ActKind::Refund, ..
            } => {
                let tip = tips.of(&leg.spec.chain()).expect("a fresh tip");
                assert!(tip.time >= leg.spec.timelock, "an early refund");
            }
            _ => {}
        }
    }
    let over = matches!(swap.phase(), Phase::Done(_));
    assert_eq!(
        swap.deadline(terms).is_none(),
        over,
        "what is not over has a deadline"
    );
}

fn run(role: Role, steps: &[Step], lost: bool) {
    let begin = || {
        let mut node = Node::with_legs(role, 2, 1);
        if lost {
            node.lose();
        }
        node
    };
    let mut node = begin();
    // Chain c behaves, so that both others decide.
    let mut journal = Vec::new();
    for step in steps {
        node.tips.note(
            &chain("c"),
            Tip {
                height: 110,
                time: START,
            },
        );
        let was_secret = !node.swap.preimage_is_public();
        let gave_up = matches!(node.phase(), Phase::Refunding | Phase::Restored);
        feed(&mut node, step, &mut journal);
        check_owed(&node);
        check_signed(&node);
        if gave_up && was_secret && !node.swap.preimage_is_public() {
            // What both signed, a participant sends without knowing any preimage.
            let shows = |o: &String| o.contains("Redeem ") || role == Role::Initiator && o.contains("Redeem");
            let owes = node.owes();
            assert!(!owes.iter().any(shows), "who gave up never reveals: {owes:?}");
        }
    }
    let mut replayed = begin();
    for input in &journal {
        let input: Input = decode(&encode(input)).unwrap();
        replayed.input(&input).unwrap();
    }
    assert_eq!(
        replayed.swap, node.swap,
        "replay of the journal is the live state"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn the_initiator_never_breaks_a_rule(steps in proptest::collection::vec(step(), 1..60)) {
        run(Role::Initiator, &steps, false);
    }

    #[test]
    fn the_participant_never_breaks_a_rule(steps in proptest::collection::vec(step(), 1..60)) {
        run(Role::Participant, &steps, false);
    }

    #[test]
    fn who_restored_never_breaks_a_rule_as_initiator(steps in proptest::collection::vec(step(), 1..60)) {
        run(Role::Initiator, &steps, true);
    }

    #[test]
    fn who_restored_never_breaks_a_rule_as_participant(steps in proptest::collection::vec(step(), 1..60)) {
        run(Role::Participant, &steps, true);
    }
}
