//! What two real nodes tell of a swap, over crashes.

use crate::stage::{Node, Stage};
use kofo_node::rpc::NodeApi;
use kofo_node::rpc::types::EventName::{self, *};
use kofo_node::rpc::types::{Event, Id};

fn of(node: &Node, swap: Id) -> Vec<Event> {
    let mut all = node.events.after(None, usize::MAX).unwrap().events;
    all.retain(|event| event.swap == Some(swap));
    all
}

fn names(events: &[Event]) -> Vec<EventName> {
    events.iter().map(|event| event.event).collect()
}

/// Waits until the last event of a swap is told.
async fn all_told(stage: &Stage, node: &Node, swap: Id) -> Vec<Event> {
    stage
        .until("the last event of the swap", async || {
            // Whoever mines without a pause leaves nobody time to look.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            let events = of(node, swap);
            events.last()?.event.is_last().then_some(events)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_of_a_swap_that_goes_well_hear_the_same_in_the_same_order() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 2_000_000), ("two", 1_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap().id;
    for node in [&stage.maker, &stage.taker] {
        let events = all_told(&stage, node, swap).await;
        assert_eq!(
            names(&events),
            [Committed, AlphaLocked, BetaLocked, Redeemed, Complete]
        );
        let first = events[0].cursor;
        let cursors: Vec<u64> = events.iter().map(|event| event.cursor).collect();
        assert_eq!(cursors, (first..first + 5).collect::<Vec<_>>());
        let last = events.last().unwrap();
        assert_eq!(
            (&last.at_risk, &last.until),
            (&vec![], &None),
            "nothing is at risk"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_gives_up_hears_the_refund_way_and_what_is_at_risk_and_the_other_that_nothing_was() {
    let stage = Stage::new();
    let offer = stage.maker.offer(("one", 2_000_000), ("two", 1_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap().id;
    stage.taker.service.abort(swap).await.unwrap();
    let locked = async || {
        // Whoever mines without a pause leaves nobody time to look.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        of(&stage.maker, swap)
            .iter()
            .any(|e| e.event == AlphaLocked)
            .then_some(())
    };
    stage.until("the maker's lock is final", locked).await;
    // Refused if the maker's own time to give up was over already.
    let _asked = stage.maker.service.refund(swap).await;
    let events = all_told(&stage, &stage.maker, swap).await;
    assert_eq!(names(&events), [Committed, AlphaLocked, Refunding, Refunded]);
    // What is noted when all is over already says so.
    for event in events[1..3].iter().filter(|event| !event.at_risk.is_empty()) {
        assert_eq!(event.at_risk[0].to_string(), "2 ONE", "{event:?}");
        assert!(event.until.is_some(), "{event:?}");
    }
    assert!(events[3].at_risk.is_empty());
    let others = all_told(&stage, &stage.taker, swap).await;
    assert_eq!(names(&others), [Committed, Aborted]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_again_and_again_tells_each_event_once() {
    let mut stage = Stage::new();
    let offer = stage.maker.offer(("one", 2_000_000), ("two", 1_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap().id;
    let mut seen: Vec<Event> = Vec::new();
    let mut spare = Some(Stage::new().maker);
    for _ in 0..12 {
        for chain in &stage.chains {
            chain.advance(kofo_primitives::Seconds(1));
            chain.mine(1);
        }
        // It may be anywhere when it dies: what it had told stays, and what it had not it tells later.
        let told = of(&stage.maker, swap);
        assert!(told.starts_with(&seen), "{seen:?} and then {told:?}");
        seen = told;
        let dead = std::mem::replace(&mut stage.maker, spare.take().expect("put back below"));
        let alive = Node::start(dead.die().await);
        spare = Some(std::mem::replace(&mut stage.maker, alive));
    }
    let events = all_told(&stage, &stage.maker, swap).await;
    assert!(events.starts_with(&seen), "{seen:?} and then {events:?}");
    assert_eq!(
        names(&events),
        [Committed, AlphaLocked, BetaLocked, Redeemed, Complete]
    );
}
