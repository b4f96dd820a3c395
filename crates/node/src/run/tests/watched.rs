//! A node that is watched.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What is answered to one request with these headers, head and body.
async fn asked(port: u16, request: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn get(port: u16, path: &str) -> String {
    asked(port, &format!("GET {path}"), "host: 127.0.0.1\r\n").await
}

fn set(data: &Path, from: &str, to: &str) {
    let path = data.join(CONFIG_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&path, text.replace(from, to)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_those_who_watch_it_how_it_is_and_nothing_secret() {
    let data = tempfile::tempdir().unwrap();
    new_node(data.path()).unwrap();
    let port = free_port();
    set(data.path(), "health_port = 0", &format!("health_port = {port}"));
    let (file, ended) = start(data.path()).await;
    let cookie = std::fs::read_to_string(data.path().join(COOKIE_FILE)).unwrap();
    for path in ["/health", "/ready"] {
        let answer = get(port, path).await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nok\n"),
            "{answer}"
        );
    }
    let answer = get(port, "/metrics").await;
    let client = connect(data.path()).unwrap();
    for line in [
        "kofo_chain_up{chain=\"sim:a\"} 1",
        "kofo_wallet_spendable{chain=\"sim:b\",asset=\"B\"} ",
        "kofo_swaps{state=\"agreed\"} 0",
        "kofo_ready 1",
        "kofo_neighbours{role=\"relay\"} 0",
        "content-type: application/openmetrics-text",
        "# EOF",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    let status = client.node_status().await.unwrap();
    for hidden in [cookie.trim(), &file.peer_id, &status.node] {
        assert!(!answer.contains(hidden), "{hidden}: {answer}");
    }
    for (request, headers, refused) in [
        ("GET /", "host: localhost\r\n", "404"),
        ("POST /metrics", "host: localhost\r\ncontent-length: 0\r\n", "405"),
        ("GET /health", "host: attacker.example\r\n", "403"),
        ("GET /health", "host: 127.0.0.1\r\norigin: http://host\r\n", "403"),
    ] {
        let answer = asked(port, request, headers).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {refused}")),
            "{request}: {answer}"
        );
    }
    // Whoever keeps a connection open does not keep the node from stopping.
    let _open = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    client.node_stop().await.unwrap();
    ended.await.unwrap().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_told_of_peers_is_ready_only_with_one_of_them() {
    let folders: [_; 2] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let [relay, wallet] = folders.each_ref().map(|folder| folder.path());
    let (first, relay_ended) = trader(relay, 1, vec![], NodeRole::Relay).await;
    connect(relay).unwrap().node_stop().await.unwrap();
    relay_ended.await.unwrap().unwrap();
    let stopped = first.listen;
    let mut config = Config::new(NetworkId::new("kofo-sim").unwrap(), vec![chain("a")]);
    config.peers = stopped;
    config.health_port = free_port();
    init(
        wallet,
        &config,
        &Seed::new([2; 64]),
        &passphrase("correct horse"),
        KdfCost::WEAK,
    )
    .unwrap();
    let (_, ended) = start(wallet).await;
    let answer = get(config.health_port, "/ready").await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("none of the peers"),
        "{answer}"
    );
    assert!(
        get(config.health_port, "/health")
            .await
            .starts_with("HTTP/1.1 200")
    );
    connect(wallet).unwrap().node_stop().await.unwrap();
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_health_port_is_refused_by_name() {
    let data = tempfile::tempdir().unwrap();
    new_node(data.path()).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    set(data.path(), "health_port = 0", &format!("health_port = {port}"));
    let refused = refusal(daemon(data.path())).await;
    assert!(
        matches!(refused, RunError::Health { .. }) && refused.to_string().contains("health_port"),
        "{refused}"
    );
}
