use super::*;
use crate::Identity;

fn peer() -> PeerId {
    Identity::generate().peer_id()
}

const FAULTS: [Fault; 6] = [
    Fault::Malformed,
    Fault::Signature,
    Fault::Path,
    Fault::Replay,
    Fault::Unsolicited,
    Fault::Flood,
];

#[test]
fn each_fault_costs_its_weight_and_nobody_else_pays() {
    let now = Instant::now();
    for fault in FAULTS {
        let (mut scores, peer, other) = (Scores::default(), peer(), peer());
        assert_eq!(scores.score(peer, now), 0);
        scores.judge(peer, fault, now);
        assert_eq!(scores.score(peer, now), -fault.weight(), "{fault:?}");
        assert_eq!(scores.score(other, now), 0);
    }
}

#[test]
fn a_score_decays_by_one_point_a_second_down_to_nothing() {
    let (mut scores, peer, now) = (Scores::default(), peer(), Instant::now());
    let after = |millis| now + Duration::from_millis(millis);
    scores.judge(peer, Fault::Malformed, now);
    assert_eq!(scores.score(peer, after(999)), -40);
    assert_eq!(scores.score(peer, after(1000)), -39);
    assert_eq!(scores.score(peer, after(39_001)), -1);
    assert_eq!(scores.score(peer, after(40_000)), 0);
    assert_eq!(scores.score(peer, after(4_000_000)), 0, "no credit is saved up");
    scores.judge(peer, Fault::Flood, after(4_000_000));
    assert_eq!(scores.score(peer, after(4_000_000)), -2);
}

#[test]
fn faults_add_up_to_a_ban_that_ends() {
    let now = Instant::now();
    for fault in FAULTS {
        let (mut scores, peer) = (Scores::default(), peer());
        let needed = (1..).find(|_| scores.judge(peer, fault, now)).expect("banned");
        assert_eq!(
            needed,
            (-LIMIT + fault.weight() - 1) / fault.weight(),
            "{fault:?}"
        );
        assert!(scores.is_banned(peer, now));
        assert!(!scores.judge(peer, fault, now), "it is banned already");
        assert_eq!(scores.changes(now), BTreeMap::from([(peer, true)]));
        let end = now + BAN;
        assert!(scores.is_banned(peer, end - Duration::from_millis(1)));
        assert!(!scores.is_banned(peer, end));
        assert_eq!(scores.score(peer, end), 0, "it comes back clean");
        assert_eq!(scores.changes(end), BTreeMap::from([(peer, false)]));
        assert!(scores.changes(end).is_empty(), "told once");
    }
}

#[test]
fn slow_faults_are_forgiven_and_never_ban() {
    let (mut scores, peer, start) = (Scores::default(), peer(), Instant::now());
    for n in 0..100 {
        assert!(!scores.judge(peer, Fault::Signature, start + Duration::from_secs(50 * n)));
    }
}

#[test]
fn memory_is_bounded_and_the_mildest_are_forgotten_first() {
    let (mut scores, now) = (Scores::default(), Instant::now());
    let worst = peer();
    scores.judge(worst, Fault::Signature, now);
    for _ in 0..MAX_SCORED + 100 {
        scores.judge(peer(), Fault::Flood, now);
    }
    assert_eq!(scores.clean_at.len(), MAX_SCORED);
    assert_eq!(scores.score(worst, now), -50);

    let first = peer();
    let bans = std::iter::once(first).chain(std::iter::repeat_with(peer).take(MAX_BANNED));
    for (n, peer) in (0..).zip(bans) {
        let at = now + Duration::from_millis(n);
        scores.judge(peer, Fault::Signature, at);
        assert!(scores.judge(peer, Fault::Signature, at));
    }
    assert_eq!(scores.banned_until.len(), MAX_BANNED);
    assert!(
        !scores.changes(now)[&first],
        "the oldest ban made way for the newest"
    );
}
