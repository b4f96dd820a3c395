//! Nodes that lose everything but their seed, and ask for the records that others keep for them.

use crate::stage::{Node, Owner, Stage};
use kofo_network::{Identity, Inbound, Limits, PeerAddress, SimulatedNode, Transport};
use kofo_node::backup::SwapCopy;
use kofo_node::direct::{AnswerError, Keep, Request, Response};
use kofo_node::records::{Asked, FetchError, NotRestored, RecordError, open, seal};
use kofo_node::rpc::NodeApi;
use kofo_node::rpc::types::{Id, OutcomeName, SwapStatus};
use kofo_primitives::{Bytes, NodeKey, SwapId};
use kofo_tower::{MOST_RECORD_BYTES, RecordPage};

async fn agreed(stage: &Stage) -> SwapStatus {
    let offer = stage.maker.offer(("one", 1_000_000), ("two", 2_000_000)).await;
    let swap = stage.taker.service.accept(&offer.uri).await.unwrap();
    let kept = async || {
        let both = [
            stage.maker.keeps_of(&stage.taker).await,
            stage.taker.keeps_of(&stage.maker).await,
        ];
        (both == [1, 1]).then_some(())
    };
    // Without a block: nothing of it waits for one.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(120);
    while kept().await.is_none() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "each keeps the other one's record"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    swap
}

/// Kills a node, wipes it, and starts it anew: it knows nothing.
async fn lose(node: &mut Node) {
    let spare = Stage::new();
    let owner: Owner = std::mem::replace(node, spare.taker).die().await;
    *node = Node::start(owner.wiped());
    assert_eq!(node.known().await, 0);
}

async fn ask(node: &Node, of: &[PeerAddress]) -> Vec<Asked> {
    node.agreement.restore_from(of).await
}

fn id(swap: &SwapStatus) -> SwapId {
    SwapId::from(swap.id)
}

async fn copy_of(node: &Node, swap: SwapId) -> SwapCopy {
    let copy = node
        .agreement
        .engine
        .call(move |core| SwapCopy::of(&core.driver.swaps()[&swap]));
    copy.await.unwrap()
}

/// Until a node says so of the swap.
async fn until_state(stage: &Stage, node: &Node, swap: Id, state: &str) {
    let there = async || (node.service.show(swap).await.unwrap().state == state).then_some(());
    stage.until(state, there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_participant_that_lost_everything_redeems_by_the_record_that_its_counterparty_kept() {
    let mut stage = Stage::new();
    let swap = agreed(&stage).await;
    until_state(&stage, &stage.taker, swap.id, "both_locked").await;
    lose(&mut stage.taker).await;
    let asked = ask(&stage.taker, &[stage.maker.address()]).await;
    assert_eq!(asked[0].restored, [id(&swap)], "{asked:?}");
    assert!(asked[0].trouble.is_none() && asked[0].refused.is_empty());
    let shown = stage.taker.service.show(swap.id).await.unwrap();
    assert_eq!(shown.state, "restored");
    stage.both_redeem(swap.id).await;
    // Asked again it finds what it knows.
    let again = ask(&stage.taker, &[stage.maker.address()]).await;
    assert_eq!((again[0].restored.len(), again[0].known), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_initiator_that_lost_everything_takes_its_lock_back_and_shows_no_preimage() {
    let mut stage = Stage::new();
    let swap = agreed(&stage).await;
    let locked = async || {
        let status = stage.maker.service.show(swap.id).await.unwrap();
        let acts = status.legs.iter().flat_map(|leg| &leg.acts);
        acts.into_iter().any(|act| act.height.is_some()).then_some(())
    };
    stage.until("the initiator's lock in a block", locked).await;
    lose(&mut stage.maker).await;
    until_state(&stage, &stage.taker, swap.id, "both_locked").await;
    let asked = ask(&stage.maker, &[stage.taker.address()]).await;
    assert_eq!(asked[0].restored, [id(&swap)], "{asked:?}");
    for node in [&stage.maker, &stage.taker] {
        let over = stage.outcome(node, swap.id).await;
        assert_eq!(over.outcome, Some(OutcomeName::Refunded), "{over:#?}");
    }
    assert_eq!(stage.balance(2, "one"), 15_000_000, "nothing was redeemed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_of_a_swap_that_is_long_over_moves_nothing() {
    let mut stage = Stage::new();
    let swap = agreed(&stage).await;
    stage.both_redeem(swap.id).await;
    let before = [(1, "one"), (1, "two"), (2, "one"), (2, "two")].map(|(who, what)| stage.balance(who, what));
    lose(&mut stage.maker).await;
    let asked = ask(&stage.maker, &[stage.taker.address()]).await;
    assert_eq!(asked[0].restored, [id(&swap)]);
    let over = stage.outcome(&stage.maker, swap.id).await;
    assert_eq!(over.outcome, Some(OutcomeName::Redeemed));
    let after = [(1, "one"), (1, "two"), (2, "one"), (2, "two")].map(|(who, what)| stage.balance(who, what));
    assert_eq!(before, after);
}

/// Somebody who answers everything with these bytes.
fn liar(stage: &Stage, answer: Vec<u8>) -> PeerAddress {
    let (net, inbound) = stage.network.join(&Identity::generate(), Limits::default());
    let address = net.address();
    tokio::spawn(lie(net, inbound, answer));
    address
}

async fn lie(_net: SimulatedNode, mut inbound: Inbound, answer: Vec<u8>) {
    while let Some(request) = inbound.next().await {
        request.responder.respond(answer.clone()).unwrap();
    }
}

fn page(records: Vec<(SwapId, kofo_tower::SealedRecord)>, more: bool) -> Vec<u8> {
    Response::Records(RecordPage { records, more }).write()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lies_is_passed_over_and_the_others_are_asked() {
    let mut stage = Stage::new();
    let swap = agreed(&stage).await;
    until_state(&stage, &stage.taker, swap.id, "both_locked").await;
    let ours = copy_of(&stage.taker, id(&swap)).await;
    let theirs = copy_of(&stage.maker, id(&swap)).await;
    let (network, seed) = (
        stage.taker.agreement.network.clone(),
        stage.taker.agreement.seed.clone(),
    );
    let of_theirs = seal(&theirs, &stage.maker.agreement.seed, &network).unwrap();
    let right = seal(&ours, &seed, &network).unwrap();
    // Sealed by our seed, and still not ours: a record that somebody made us seal would be refused by what is in it.
    let strange = seal(&theirs, &seed, &network).unwrap();
    let mut altered = right.as_slice().to_vec();
    altered[40] ^= 1;
    let other = SwapId::new([0xee; 32]);
    let sources = [
        liar(&stage, b"garbage".to_vec()),
        liar(&stage, Vec::new()),
        liar(&stage, page(vec![(id(&swap), of_theirs)], false)),
        liar(&stage, page(vec![(id(&swap), strange)], false)),
        liar(
            &stage,
            page(vec![(id(&swap), Bytes::new(altered).unwrap())], false),
        ),
        liar(&stage, page(vec![(id(&swap), Bytes::new([]).unwrap())], false)),
        liar(&stage, page(vec![(other, right.clone())], false)),
        liar(&stage, page(Vec::new(), true)),
        liar(&stage, page(vec![(other, Bytes::new([1]).unwrap())], true)),
        liar(&stage, Response::refused(&"I have never met you").write()),
        stage.maker.address(),
    ];
    lose(&mut stage.taker).await;
    let asked = ask(&stage.taker, &sources).await;
    let refused = |n: usize| asked[n].refused.first().unwrap();
    for n in [0, 1] {
        assert!(matches!(
            asked[n].trouble,
            Some(FetchError::Answer(AnswerError::Malformed(_)))
        ));
    }
    assert!(matches!(refused(2), NotRestored::Record(RecordError::Closed)));
    assert!(matches!(refused(3), NotRestored::NotOurs));
    assert!(matches!(refused(4), NotRestored::Record(RecordError::Closed)));
    assert!(matches!(
        refused(5),
        NotRestored::Record(RecordError::Version(None))
    ));
    assert!(matches!(refused(6), NotRestored::OtherSwap { .. }));
    for n in [7, 8] {
        assert!(
            matches!(asked[n].trouble, Some(FetchError::Endless)),
            "{:?}",
            asked[n]
        );
    }
    assert!(matches!(
        asked[9].trouble,
        Some(FetchError::Answer(AnswerError::Refused(_)))
    ));
    assert!(asked[..10].iter().all(|asked| asked.restored.is_empty()));
    assert_eq!(asked[10].restored, [id(&swap)]);
    stage.both_redeem(swap.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_kept_for_the_party_of_a_swap_and_given_to_nobody_else() {
    let stage = Stage::new();
    let swap = agreed(&stage).await;
    let (stranger, _inbound) = stage.network.join(&Identity::generate(), Limits::default());
    let say = async |net: &dyn Transport, request: Request| {
        net.request(&stage.maker.address(), request.write())
            .await
            .unwrap()
    };
    let none = Response::read_records(&say(&stranger, Request::Return(None)).await).unwrap();
    assert_eq!(none, RecordPage::default());
    // A stranger's key is no party, whatever it says.
    let record = Bytes::new([7; 50]).unwrap();
    let forged = Keep::new(id(&swap), record.clone(), &NodeKey::new(&[9; 32]).unwrap());
    let answer = say(&stranger, Request::Keep(Box::new(forged))).await;
    assert!(matches!(
        Response::read_kept(&answer),
        Err(AnswerError::Refused(_))
    ));
    // Of a swap that is not there nothing is kept; and the first record of a swap stays.
    let taker = &stage.taker.agreement;
    let strange = Keep::new(SwapId::new([3; 32]), record.clone(), &taker.key);
    let answer = say(&*taker.transport, Request::Keep(Box::new(strange))).await;
    assert!(matches!(
        Response::read_kept(&answer),
        Err(AnswerError::Refused(_))
    ));
    let second = Keep::new(id(&swap), record, &taker.key);
    let answer = say(&*taker.transport, Request::Keep(Box::new(second))).await;
    assert!(Response::read_kept(&answer).unwrap().is_some());
    let page = Response::read_records(&say(&*taker.transport, Request::Return(None)).await).unwrap();
    let [(of, kept)] = page.records.as_slice() else {
        panic!("expected one record, got {page:?}");
    };
    assert_eq!(*of, id(&swap));
    let copy = open(kept, &taker.seed, &taker.network).unwrap();
    assert_eq!(copy.order, copy_of(&stage.taker, id(&swap)).await.order);
    assert!(
        kept.as_slice().len() < MOST_RECORD_BYTES / 4,
        "{} bytes",
        kept.as_slice().len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_for_others_outlives_a_restart() {
    let mut stage = Stage::new();
    let swap = agreed(&stage).await;
    let spare = Stage::new();
    let owner = std::mem::replace(&mut stage.maker, spare.maker).die().await;
    stage.maker = Node::start(owner);
    assert_eq!(stage.maker.keeps_of(&stage.taker).await, 1);
    let copy = copy_of(&stage.maker, id(&swap)).await;
    assert_eq!(copy.preimage, None, "an initiator's preimage is in no copy");
}
