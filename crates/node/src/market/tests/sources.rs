//! Prices and books of real files and of a real server.

use super::fixture::*;
use crate::config::{Endpoint, ProviderConfig, Source};
use crate::rpc::types::ClaimState;
use kofo_network::SimulatedNetwork;
use kofo_primitives::Seconds;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server answers.
#[derive(Clone)]
enum Mode {
    Text(String),
    Status(u16),
    Huge,
    Slow,
}

/// An HTTP server that answers as it is told.
struct Server {
    url: String,
    mode: Arc<Mutex<Mode>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/feed", listener.local_addr().unwrap());
        let mode = Arc::new(Mutex::new(mode));
        let told = Arc::clone(&mode);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mode = told.lock().unwrap().clone();
                tokio::spawn(async move {
                    let _request = stream.read(&mut [0; 4_096]).await;
                    let (status, body) = match mode {
                        Mode::Text(text) => (200, text),
                        Mode::Status(status) => (status, "no".to_owned()),
                        Mode::Huge => (200, "x".repeat(20 << 20)),
                        Mode::Slow => {
                            tokio::time::sleep(Duration::from_secs(60)).await;
                            return;
                        }
                    };
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    let _gone = stream.write_all(head.as_bytes()).await;
                    let _gone = stream.write_all(body.as_bytes()).await;
                });
            }
        });
        Self { url, mode, task }
    }

    fn say(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn source(&self) -> Source {
        Source::Url(Endpoint::new(&self.url).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn price(price: &str) -> String {
    format!(r#"{{"pair":"BTC/ETH","price":"{price}","least":"0.001","most":"10"}}"#)
}

fn order(id: u8, price: &str, size: &str) -> String {
    format!(
        r#"{{"id":"{id}","pair":"BTC/ETH","side":"buy","price":"{price}","size":"{size}","least":"0.01"}}"#
    )
}

fn start(data: &Path, provider: ProviderConfig) -> Node {
    let node = Plan {
        provider,
        data: data.to_owned(),
        ..plan(20, crate::config::NodeRole::Provider)
    };
    Node::start(&SimulatedNetwork::new(1), node)
}

/// What the provider would give for a BTC now.
fn offer(node: &Node) -> Option<String> {
    let (btc, eth) = assets().pair("btc/eth").unwrap();
    let state = node.market.state();
    let provider = &state.dealing.as_ref().unwrap().provider;
    let level = provider
        .levels(&btc, &eth, crate::clock::now_ms())
        .into_iter()
        .next()?;
    assets().show_price(&btc, &eth, level.price)
}

async fn offers(node: &Node, price: Option<&str>) {
    until(&format!("it offers {price:?}"), || {
        offer(node).as_deref() == price
    })
    .await;
}

fn said(node: &Node, what: &str) -> bool {
    node.market
        .troubles()
        .iter()
        .any(|trouble| trouble.contains(what))
}

/// Within a second, once at least: on a machine that others use too, one time in three may be late.
fn soon(took: &[Duration]) {
    assert!(took.iter().any(|t| *t < Duration::from_secs(1)), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_file_is_read_again_within_a_second_of_a_change() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("prices.jsonl");
    std::fs::write(&file, price("16")).unwrap();
    let config = ProviderConfig {
        price_source: Some(Source::File("prices.jsonl".into())),
        ..ProviderConfig::default()
    };
    let node = start(data.path(), config);
    offers(&node, Some("16")).await;
    let mut took = Vec::new();
    for next in ["17", "18", "19"] {
        let changed = Instant::now();
        std::fs::write(&file, price(next)).unwrap();
        offers(&node, Some(next)).await;
        took.push(changed.elapsed());
    }
    soon(&took);
    // A bad line is told, and a good one beside it counts.
    std::fs::write(&file, format!("{{}}\n{}", price("20"))).unwrap();
    offers(&node, Some("20")).await;
    until("the line is named", || {
        said(&node, "line 1: expected one JSON object")
    })
    .await;
    std::fs::write(&file, price("21")).unwrap();
    offers(&node, Some("21")).await;
    until("all is well", || node.market.troubles().is_empty()).await;
    std::fs::remove_file(&file).unwrap();
    until("the file is missed", || said(&node, "cannot read")).await;
    assert_eq!(offer(&node).as_deref(), Some("21"), "until it is stale");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_nobody_writes_any_more_is_stale() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("prices.jsonl");
    std::fs::write(&file, price("16")).unwrap();
    let config = ProviderConfig {
        price_source: Some(Source::File("prices.jsonl".into())),
        stale_after: Seconds(1),
        ..sells("10")
    };
    let node = start(data.path(), config);
    offers(&node, Some("16")).await;
    offers(&node, None).await;
    std::fs::write(&file, "").unwrap();
    // Without any fed price of the pair the fixed one stands again.
    offers(&node, Some("10")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_fails_in_any_way_is_told_and_quoted_no_more_when_it_is_stale() {
    let server = Server::start(Mode::Text(price("16"))).await;
    let config = ProviderConfig {
        price_source: Some(server.source()),
        stale_after: Seconds(1),
        ..ProviderConfig::default()
    };
    let data = tempfile::tempdir().unwrap();
    let node = start(data.path(), config);
    for (mode, what) in [
        (Mode::Status(503), "expected HTTP status 200, got 503"),
        (Mode::Huge, "at most 262144 bytes"),
        (Mode::Slow, "timed out"),
        (Mode::Text("<html>".into()), "line 1: expected one JSON object"),
    ] {
        server.say(Mode::Text(price("16")));
        offers(&node, Some("16")).await;
        until("all is well", || node.market.troubles().is_empty()).await;
        server.say(mode);
        until(what, || said(&node, what)).await;
        offers(&node, None).await;
    }
    assert!(
        !said(&node, "/feed"),
        "a URL may hold a key: {:?}",
        node.market.troubles()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_vanishes_from_its_book_is_gone_within_a_second() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("book.jsonl");
    let both = format!("{}\n{}\n", order(1, "17", "0.5"), order(2, "16", "1"));
    let server = Server::start(Mode::Text(order(3, "15", "1"))).await;
    std::fs::write(&file, &both).unwrap();
    let config = ProviderConfig {
        books: vec![Source::File("book.jsonl".into()), server.source()],
        stale_after: Seconds(1),
        ..ProviderConfig::default()
    };
    let node = start(data.path(), config);
    offers(&node, Some("17")).await;
    until("both books are in", || {
        node.market
            .state()
            .dealing
            .as_ref()
            .unwrap()
            .provider
            .book()
            .len()
            == 3
    })
    .await;

    let mut took = Vec::new();
    for _ in 0..3 {
        let cancelled = Instant::now();
        std::fs::write(&file, order(2, "16", "1")).unwrap();
        offers(&node, Some("16")).await;
        took.push(cancelled.elapsed());
        std::fs::write(&file, &both).unwrap();
        offers(&node, Some("17")).await;
    }
    soon(&took);

    std::fs::write(&file, "").unwrap();
    offers(&node, Some("15")).await;
    let mut took = Vec::new();
    for _ in 0..3 {
        let cancelled = Instant::now();
        server.say(Mode::Text(String::new()));
        offers(&node, None).await;
        took.push(cancelled.elapsed());
        server.say(Mode::Text(order(3, "15", "1")));
        offers(&node, Some("15")).await;
    }
    soon(&took);

    server.say(Mode::Text(order(4, "14", "1")));
    offers(&node, Some("14")).await;
    server.say(Mode::Status(500));
    offers(&node, None).await;
    assert!(said(&node, "got 500"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_on_an_order_that_vanished_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("book.jsonl");
    std::fs::write(&file, order(1, "17", "1")).unwrap();
    let config = ProviderConfig {
        books: vec![Source::File("book.jsonl".into())],
        ..ProviderConfig::default()
    };
    let provider = Plan {
        provider: config,
        data: data.path().to_owned(),
        ..plan(20, crate::config::NodeRole::Provider)
    };
    let street = Street::new(1, vec![provider]);
    offers(&street.providers[0], Some("17")).await;
    let id = street.wallet.quoted(1).await;
    std::fs::write(&file, "").unwrap();
    offers(&street.providers[0], None).await;
    until("the book is empty", || {
        street.providers[0]
            .market
            .state()
            .dealing
            .as_ref()
            .unwrap()
            .provider
            .book()
            .is_empty()
    })
    .await;
    let quote = street.wallet.open_quotes(&id)[0];
    street.wallet.market.select_quote(id, quote).await.unwrap();
    until("it is refused", || {
        street.wallet.status(&id).quotes[0].trouble.is_some()
    })
    .await;
    assert!(street.providers[0].settles.begun().is_empty());

    // While it is there, it is filled like any other.
    std::fs::write(&file, order(2, "18", "1")).unwrap();
    offers(&street.providers[0], Some("18")).await;
    let id = street.wallet.claim(terms()).await;
    street.wallet.ends(&id, ClaimState::Filled).await;
}
