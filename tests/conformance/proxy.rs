//! Stands between adapters and their node: counts, listens, and lies when told to.

use kofo_regtest::http::message;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the proxy knows and is told.
#[derive(Default)]
pub(crate) struct Orders {
    calls: AtomicU64,
    cut: AtomicBool,
    refuse: AtomicU32,
    fail_after_accepting: AtomicU32,
    /// Bodies of all requests.
    heard: Mutex<Vec<String>>,
}

impl Orders {
    /// Requests so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Nothing is passed on and nobody is answered, or all are again.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    /// The next so many broadcasts are not passed on.
    pub(crate) fn refuse(&self, times: u32) {
        self.refuse.store(times, Ordering::SeqCst);
    }

    /// The next so many broadcasts are passed on and answered with an error.
    pub(crate) fn fail_after_accepting(&self, times: u32) {
        self.fail_after_accepting.store(times, Ordering::SeqCst);
    }

    /// The methods of the requests that held this hex text.
    pub(crate) fn requests_with(&self, hex: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let with = heard.iter().filter(|body| body.to_lowercase().contains(hex));
        with.map(|body| method(body)).collect()
    }
}

/// A running proxy; it ends when this is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    pub(crate) orders: Arc<Orders>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Before the node at `http://HOST:PORT`; `broadcast` is its method to send a transaction.
    pub(crate) async fn before(node: &str, broadcast: &'static str) -> Self {
        let node = node
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let orders = Arc::new(Orders::default());
        let told = Arc::clone(&orders);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (told, node) = (Arc::clone(&told), node.clone());
                tokio::spawn(async move {
                    // A client that hangs up is no concern of ours.
                    let _ended = serve(client, &node, broadcast, &told).await;
                });
            }
        });
        Self { url, orders, task }
    }
}

async fn serve(client: TcpStream, node: &str, broadcast: &str, orders: &Orders) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    while let Some((head, body)) = message(&mut client).await? {
        if orders.cut.load(Ordering::SeqCst) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        orders.calls.fetch_add(1, Ordering::SeqCst);
        let sends = method(&text) == broadcast;
        orders.heard.lock().unwrap().push(text.clone());
        if sends && take(&orders.refuse) {
            fault(&mut client, &text).await?;
            continue;
        }
        let mut upstream = BufReader::new(TcpStream::connect(node).await?);
        upstream.write_all(&head).await?;
        upstream.write_all(&body).await?;
        let Some((head, body)) = message(&mut upstream).await? else {
            return Ok(());
        };
        if sends && take(&orders.fail_after_accepting) {
            fault(&mut client, &text).await?;
            continue;
        }
        client.write_all(&head).await?;
        client.write_all(&body).await?;
    }
    Ok(())
}

/// An error as nodes give it when they are busy with something else.
async fn fault(client: &mut BufReader<TcpStream>, request: &str) -> std::io::Result<()> {
    let id = serde_json::from_str::<Value>(request).map_or(Value::Null, |request| request["id"].clone());
    let error = json!({"code": -32603, "message": "a fault that the test asked for"});
    let body = json!({"jsonrpc": "2.0", "id": id, "result": null, "error": error}).to_string();
    let head = format!(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await?;
    client.write_all(body.as_bytes()).await
}

fn method(body: &str) -> String {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    request["method"].as_str().unwrap_or("a batch").to_owned()
}

/// Whether there was one left; takes it.
fn take(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
}
