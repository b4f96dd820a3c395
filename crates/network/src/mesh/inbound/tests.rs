use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::Identity;

fn peer() -> PeerId {
    Identity::generate().peer_id()
}

fn heard(from: PeerId) -> (MeshEvent, oneshot::Receiver<Judgement>) {
    let (verdict, word) = Verdict::new();
    let heard = Heard {
        from,
        topic: Topic::Book,
        body: vec![1],
        verdict,
    };
    (MeshEvent::Heard(heard), word)
}

/// All that can be read now, in words.
fn read(inbound: &MeshInbound) -> Vec<String> {
    let mut state = inbound.0.state();
    std::iter::from_fn(|| state.next())
        .map(|event| match event {
            MeshEvent::Joined(peer) => format!("+{peer}"),
            MeshEvent::Left(peer) => format!("-{peer}"),
            MeshEvent::Asked(request) => format!("?{}", request.from),
            MeshEvent::Heard(heard) => format!("!{}", heard.from),
        })
        .collect()
}

#[test]
fn a_full_queue_refuses_events_and_still_tells_who_joined_and_left() {
    let (sender, inbound) = events(2);
    let (a, b) = (peer(), peer());
    sender.joined(a);
    let (kept, refused): (Vec<_>, Vec<_>) = (0..5).map(|_| sender.send(heard(a).0)).partition(|kept| *kept);
    assert_eq!((kept.len(), refused.len()), (2, 3));
    sender.joined(b);
    sender.left(a);
    assert_eq!(
        read(&inbound),
        [format!("+{b}"), format!("!{a}"), format!("!{a}")]
    );
    assert!(sender.send(heard(b).0), "there is room again");
}

#[test]
fn a_peer_that_was_away_in_between_is_told_to_have_left_and_joined() {
    let (sender, inbound) = events(2);
    let a = peer();
    sender.joined(a);
    assert_eq!(read(&inbound), [format!("+{a}")]);
    for _ in 0..3 {
        sender.left(a);
        sender.joined(a);
    }
    assert_eq!(read(&inbound), [format!("-{a}"), format!("+{a}")]);
    sender.joined(a);
    assert!(read(&inbound).is_empty(), "nothing has changed");
    sender.left(a);
    assert_eq!(read(&inbound), [format!("-{a}")]);
    sender.left(a);
    assert!(read(&inbound).is_empty());
}

#[test]
fn a_peer_that_came_and_went_unseen_leaves_no_trace() {
    let (sender, inbound) = events(2);
    for _ in 0..1000 {
        let passing = peer();
        sender.joined(passing);
        sender.left(passing);
    }
    assert!(read(&inbound).is_empty());
    let state = inbound.0.state();
    assert!(state.doors.is_empty() && state.moved.is_empty());
}

#[tokio::test]
async fn a_dropped_verdict_ignores_and_a_spoken_one_says_its_word() {
    let said = |speak: fn(Verdict)| async move {
        let (verdict, word) = Verdict::new();
        speak(verdict);
        word.await.ok()
    };
    assert_eq!(said(Verdict::accept).await, Some(Judgement::Accept));
    assert_eq!(said(Verdict::ignore).await, Some(Judgement::Ignore));
    let rejected = said(|verdict| verdict.reject(Fault::Path)).await;
    assert_eq!(rejected, Some(Judgement::Reject(Fault::Path)));
    assert_eq!(said(drop).await, None, "no word: ignored");
}

#[tokio::test]
async fn the_reader_is_woken_and_the_end_comes_after_the_last_event() {
    let (sender, mut inbound) = events(2);
    let a = peer();
    let (reader, ()) = tokio::join!(
        timeout(Duration::from_secs(10), async {
            let mut seen = 0;
            while inbound.next().await.is_some() {
                seen += 1;
            }
            seen
        }),
        async {
            tokio::task::yield_now().await;
            sender.joined(a);
            tokio::task::yield_now().await;
            assert!(sender.send(heard(a).0));
            drop(sender);
        }
    );
    assert_eq!(reader, Ok(2));
}

#[tokio::test]
async fn a_dropped_reader_drops_what_waits_and_whatever_comes() {
    let (sender, inbound) = events(2);
    let (before, word_before) = heard(peer());
    assert!(sender.send(before));
    drop(inbound);
    assert!(word_before.await.is_err(), "ignored");
    let (after, word_after) = heard(peer());
    assert!(sender.send(after));
    assert!(word_after.await.is_err(), "ignored");
}
