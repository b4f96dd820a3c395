use super::look::alarms;
use super::*;
use kofo_node::rpc::types::{
    AssetAmount, BookShown, ChainStatus, DeadlineStatus, Id, LevelShown, NodeStatus, OutcomeName, PeerStatus,
    RoleName, SwapStatus, ValidatorShown,
};

fn amount(amount: &str, symbol: &str) -> AssetAmount {
    AssetAmount {
        amount: amount.into(),
        symbol: symbol.into(),
    }
}

fn swap(n: u8, state: &str) -> SwapStatus {
    SwapStatus {
        id: Id([n; 32]),
        offer: Id([n; 32]),
        seq: 1,
        role: RoleName::Initiator,
        peer: None,
        state: state.into(),
        outcome: None,
        give: vec![amount("0.1", "BTC")],
        get: vec![amount("2", "ETH")],
        hashlock: Id([0; 32]),
        at_risk: vec![],
        deadline: None,
        legs: vec![],
        trouble: None,
        created_ms: 0,
        updated_ms: 0,
    }
}

/// A node with which nothing is wrong, and nothing to do.
fn idle() -> View {
    let chain = |name: &str, height| ChainStatus {
        chain: format!("sim:{name}"),
        height: Some(height),
        time: Some(10_000),
        trouble: None,
    };
    View {
        status: NodeStatus {
            version: "0.1.0".into(),
            network: "kofo-test".into(),
            role: "relay".into(),
            node: "ab".repeat(32),
            listen: vec![],
            neighbours: 0,
            market: vec![],
            chains: vec![chain("a", 7), chain("b", 9)],
            live: 0,
            ended: 0,
            uptime: 3_600,
        },
        swaps: vec![],
        peers: vec![],
        books: vec![],
        validators: None,
        alarms: vec![],
        at_ms: 0,
        silent: None,
    }
}

fn shown(mut view: View) -> String {
    view.alarms = alarms(&view);
    text(&view, PAGE).unwrap()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    let found = text.lines().any(|line| {
        let mut rest = line;
        parts.iter().all(|part| match rest.split_once(part) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
    });
    assert!(found, "{parts:?}:\n{text}");
}

#[test]
fn an_idle_node_says_so_in_every_part() {
    let text = shown(idle());
    says(
        &text,
        &[
            "kofo 0.1.0 on kofo-test, relay, up for",
            "0 swaps go on, 0 ended; 0 neighbours",
        ],
    );
    says(&text, &["sim:a 7", "sim:b 9"]);
    for nothing in [
        "none",
        "no swaps and no offers",
        "nobody says that it trades",
        "no neighbours",
        "no clearance layer is configured",
    ] {
        says(&text, &[nothing]);
    }
    assert_eq!(text.lines().count(), usize::from(PAGE.1));
}

#[test]
fn swaps_are_shown_with_their_state_next_deadline_and_what_happens_then() {
    let mut view = idle();
    let mut waits = swap(1, "lock_sent");
    waits.deadline = Some(DeadlineStatus {
        chain: "sim:a".into(),
        at: 13_600,
        then: "our timelock has passed".into(),
    });
    let mut over = swap(2, "done");
    over.outcome = Some(OutcomeName::Redeemed);
    view.swaps = vec![waits, over];
    let text = shown(view);
    says(&text, &["swap", "state", "deadline in", "give", "get", "then"]);
    says(
        &text,
        &[
            "01010101",
            "lock sent",
            "1 h",
            "0.1 BTC",
            "2 ETH",
            "our timelock has passed",
        ],
    );
    says(&text, &["02020202", "redeemed", "0.1 BTC", "2 ETH"]);
    says(&text, &["none"]);
}

#[test]
fn the_book_peers_and_validators_have_a_line_each() {
    let mut view = idle();
    let level = |price: &str| LevelShown {
        price: price.into(),
        size: amount("1", "BTC"),
    };
    view.books = vec![BookShown {
        pair: "BTC/ETH".into(),
        asks: vec![level("16.4"), level("16.5")],
        bids: vec![level("16.2")],
        listings: vec![],
        pairs: vec![],
    }];
    view.peers = vec![PeerStatus {
        peer: "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf".into(),
        address: "/ip4/1.2.3.4/tcp/1".into(),
        role: Some("provider".into()),
        score: -20,
        direction: "out".into(),
        relayed: false,
        since_ms: 0,
        agent: None,
        passed: 3,
        quoted: 41,
    }];
    let validator = |height| ValidatorShown {
        account: Some(Id([5; 32])),
        power: 70,
        service: "/ip4/1.2.3.4/tcp/2".into(),
        height,
        time_ms: None,
        trouble: height.is_none().then(|| "no answer".to_owned()),
    };
    view.validators = Some(vec![validator(Some(123)), validator(None)]);
    let text = shown(view);
    says(&text, &["BTC/ETH", "16.2", "16.4", "3"]);
    says(&text, &["rMLvKXtf", "provider", "out", "-20", "41"]);
    says(&text, &["05050505", "70", "123"]);
    says(&text, &["05050505", "70", "away"]);
    says(&text, &["validator /ip4/1.2.3.4/tcp/2: no answer"]);
}

#[test]
fn what_somebody_should_look_at_is_an_alarm_and_nothing_else_is() {
    let mut view = idle();
    let mut near = swap(1, "lock_sent");
    near.at_risk = vec![amount("0.1", "BTC")];
    near.deadline = Some(DeadlineStatus {
        chain: "sim:a".into(),
        at: 10_120,
        then: "our timelock has passed".into(),
    });
    // As near, but nothing is locked: nothing can be lost.
    let mut harmless = near.clone();
    harmless.id = Id([2; 32]);
    harmless.at_risk = vec![];
    let mut lost = swap(3, "done");
    lost.outcome = Some(OutcomeName::Lost);
    let mut stuck = swap(4, "agreed");
    stuck.trouble = Some("our lock could not be made: no funds".into());
    view.swaps = vec![near, harmless, lost, stuck];
    view.status.chains[1].trouble = Some("refused".into());
    view.status.market = vec!["prices.jsonl: gone".into()];
    assert_eq!(
        alarms(&view),
        [
            "swap 01010101 has 2 min 0 s left",
            "swap 03030303 was lost: this node was away past a timelock",
            "swap 04040404: our lock could not be made: no funds",
            "sim:b: refused",
            "prices.jsonl: gone",
        ]
    );
    view.status.market = (0..9).map(|i| format!("source {i}")).collect();
    says(&shown(view), &["and 9 more"]);
}

#[test]
fn a_node_that_falls_silent_leaves_the_last_view_with_a_word_on_it() {
    let mut view = idle();
    view.silent = Some("connection refused".into());
    view.swaps = vec![swap(1, "agreed")];
    let text = shown(view);
    says(&text, &["the node does not answer: connection refused"]);
    says(&text, &["01010101", "agreed"]);
}

#[test]
fn a_small_screen_is_drawn_without_a_fault() {
    let mut view = idle();
    view.swaps = (0..50).map(|n| swap(n, "agreed")).collect();
    view.alarms = vec!["x".repeat(500); 20];
    for size in [(60, 20), (1, 1), (20, 3)] {
        let drawn = text(&view, size).unwrap();
        assert_eq!(drawn.split('\n').count(), usize::from(size.1), "{size:?}");
    }
}
