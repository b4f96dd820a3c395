//! Validators that run: from what a wallet submits to what it verifies, through restarts, losses and faults.

use crate::net::{Net, until};
use crate::town::*;
use kofo_clearance::*;
use kofo_primitives::{Amount, SwapId};
use kofo_validator::{Clock, Validator};

fn now() -> u64 {
    Clock::system().now_ms()
}

fn light(net: &Net) -> Light {
    let first = Ledger::new(net.genesis.clone(), std::sync::Arc::new(NoProofs)).unwrap();
    Light::new(network(), first.validators(), net.genesis.time_ms)
}

/// The order's proof as soon as that validator has it.
async fn committed(net: &Net, n: usize, order: SwapId) -> OrderProof {
    loop {
        match net.order(n, order).await {
            OrderAnswer::Committed(proof) => return *proof,
            OrderAnswer::Unknown | OrderAnswer::Waiting => net.go_on(1).await,
            other => panic!("{other:?}"),
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_submitted_to_one_is_final_at_all_and_a_wallet_believes_it() {
    let net = Net::new(4, 0, |_| {}).await;
    let orders: Vec<_> = (1..=5).map(|n| order(n, now())).collect();
    for (n, one) in orders.iter().enumerate() {
        net.submit(n % 4, one.clone()).await;
    }
    for one in &orders {
        let id = order_of(one);
        for n in 0..4 {
            let proof = committed(&net, n, id).await;
            let certified = light(&net).order(id, &proof, now()).unwrap();
            assert_eq!(certified.order(), id);
        }
    }
    for sequence in 0..6 {
        net.submit(1, transfer(sequence, 10)).await;
    }
    until("all acts are done at all", || {
        (0..4).all(|n| net.sequence(n, key(CLAIMANT).id()) == 6)
    })
    .await;
    net.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_down_the_others_go_on_two_down_they_halt_and_resume_and_a_wiped_one_syncs() {
    let mut net = Net::new(4, 0, |_| {}).await;
    let first = order(1, now());
    net.submit(0, first.clone()).await;
    net.go_on(3).await;
    net.stop(3).await;
    net.submit(0, transfer(0, 10)).await;
    net.go_on(3).await;
    net.stop(2).await;
    let before = net.height(0);
    let (mut head, quiet) = (net.node(0).head(), std::time::Duration::from_secs(3));
    // A commit that was certain already may still come; after it there is none.
    let more = async {
        loop {
            head.changed().await.unwrap();
            assert!(net.height(0) <= before + 1, "two of four decide nothing");
        }
    };
    assert!(tokio::time::timeout(quiet, more).await.is_err());
    // What one takes in reaches the other, which can propose it too.
    let second = order(2, now());
    net.submit(0, second.clone()).await;
    let waits = |n| net.node(n).intake().pool().waits(order_of(&second));
    until("it waits at both", || waits(0) && waits(1)).await;
    net.wipe(3);
    net.start(3).await;
    // The one that lost its folder cannot know that it did not vote at this height: it is no third.
    let follows = |net: &Net| net.node(3).status().role == "validator, follows until the tip";
    until("it follows", || follows(&net) && net.height(3) >= before).await;
    assert!(net.height(0) <= before + 1, "two of four decide nothing");
    net.start(2).await;
    net.go_on(3).await;
    until("it votes when all that it may have signed is decided", || {
        !follows(&net)
    })
    .await;
    net.stop(2).await;
    net.go_on(3).await;
    net.start(2).await;
    let proof = committed(&net, 3, order_of(&first)).await;
    light(&net).order(order_of(&first), &proof, now()).unwrap();
    committed(&net, 2, order_of(&second)).await;
    assert_eq!(net.sequence(3, key(CLAIMANT).id()), 1);
    net.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_two_lost_their_folders_the_network_stands_until_a_person_has_one_vote() {
    let mut net = Net::new(4, 0, |_| {}).await;
    net.go_on(3).await;
    for n in [2, 3] {
        net.stop(n).await;
        net.wipe(n);
    }
    // No height is under way that the two might have signed, so that nobody is punished below.
    let before = net.height(0).max(net.height(1));
    for n in [2, 3] {
        net.start(n).await;
    }
    until("they have what is decided", || {
        (0..4).all(|n| net.height(n) >= before)
    })
    .await;
    // Longer than any probation of a network that goes on.
    tokio::time::sleep(std::time::Duration::from_secs(12)).await;
    let stands = (0..4).map(|n| net.height(n)).max().unwrap();
    assert!(stands <= before + 1, "two of four decide nothing");
    assert!(
        (2..4).all(|n| net.node(n).status().role == "validator, follows until the tip"),
        "they wait"
    );
    net.stop(2).await;
    let mut told = net.parts(2);
    told.config.vote_without_record = true;
    net.nodes[2] = Some(Validator::start(told).await.unwrap());
    net.go_on(3).await;
    until("the other votes too", || net.node(3).status().role == "validator").await;
    net.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_run_twice_is_found_and_slashed_and_nothing_forks() {
    let net = Net::new(4, 0, |_| {}).await;
    net.go_on(2).await;
    let folder = tempfile::TempDir::new().unwrap();
    let mut twin = net.parts(3);
    twin.data = folder.path().to_owned();
    twin.config.engine = format!("/ip4/127.0.0.1/tcp/{}", crate::net::free_port());
    twin.config.service = Vec::new();
    let twin = Validator::start(twin).await.unwrap();
    let account = keys(3).account.id();
    let jailed = |n| {
        let view = net.node(n).replica().now().ledger.account(account);
        view.jailed_until_ms.is_some()
    };
    until("the evidence is in the ledger", || (0..3).all(jailed)).await;
    let view = net.node(0).replica().now().ledger.account(account);
    assert_eq!(view.holdings[0].stake, Amount::new(950_000));
    twin.stop().await;
    net.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_joins_one_leaves_and_a_light_node_passes_over_both() {
    let mut net = Net::new(4, 1, |genesis| genesis.params.epoch_ms = 3_000).await;
    net.start(4).await;
    let joins = keys(4);
    let stake = Act::Stake {
        key: joins.voter(),
        commission_bps: 500,
        amount: Amount::new(1_000_000),
    };
    net.submit(0, act(&joins.account, 0, stake)).await;
    let set = |net: &Net, n| net.node(n).replica().now().ledger.validators();
    until("the fifth is elected", || {
        set(&net, 4).find(&joins.voter()).is_some()
    })
    .await;
    until("it knows the secret", || net.node(4).status().secret).await;
    let leaves = keys(0);
    let amount = Amount::new(1_000_000);
    net.submit(1, act(&leaves.account, 0, Act::Unstake { amount }))
        .await;
    until("the first is out", || {
        set(&net, 4).find(&leaves.voter()).is_none()
    })
    .await;
    net.stop(0).await;
    // What the new one takes in is decided without the old one.
    let order = order(1, now());
    net.submit(4, order.clone()).await;
    let proof = committed(&net, 4, order_of(&order)).await;
    let mut light = light(&net);
    assert!(
        light.order(order_of(&order), &proof, now()).is_err(),
        "it knows the first set alone"
    );
    loop {
        let after_epoch = light.epoch();
        match net.ask(2, Request::Changes { after_epoch }).await {
            Response::Changes(changes) if changes.is_empty() => break,
            Response::Changes(changes) => changes.iter().for_each(|one| light.advance(one, now()).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    light.order(order_of(&order), &proof, now()).unwrap();
    net.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_nobody_lists_gets_no_batch() {
    let mut net = Net::new(4, 1, |_| {}).await;
    let mut follower = net.parts(4);
    follower.config.role = kofo_validator::Role::Follower;
    net.nodes[4] = Some(Validator::start(follower).await.unwrap());
    until("it is connected", || net.node(4).status().peers > 0).await;
    let height = net.height(0);
    until("the others go on", || net.height(0) > height + 20).await;
    assert_eq!(net.height(4), 0);
    net.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_has_all_of_it_answers_and_takes_nothing() {
    let mut net = Net::with_followers(4, 1).await;
    let mut follower = net.parts(4);
    follower.config.role = kofo_validator::Role::Follower;
    net.nodes[4] = Some(Validator::start(follower).await.unwrap());
    let order = order(1, now());
    net.submit(0, order.clone()).await;
    let proof = committed(&net, 4, order_of(&order)).await;
    light(&net).order(order_of(&order), &proof, now()).unwrap();
    let refused = net.ask(4, Request::Submit(Box::new(transfer(0, 1)))).await;
    assert!(
        matches!(
            refused,
            Response::Refused {
                class: RefusedClass::Busy,
                ..
            }
        ),
        "{refused:?}"
    );
    assert!(!net.node(4).status().secret);
    net.end().await;
}
