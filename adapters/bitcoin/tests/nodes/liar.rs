//! Stands before a bitcoind and answers as a test wants.

use kofo_regtest::http::message;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What to say instead: of the method, its parameters and the honest result (null where bitcoind refused).
type Lie = Box<dyn Fn(&str, &Value, &Value) -> Option<Value> + Send + Sync>;

#[derive(Default)]
struct Orders {
    lie: Mutex<Option<Lie>>,
    /// Transactions are taken and go nowhere.
    swallows: AtomicBool,
    away: AtomicBool,
    hangs: AtomicBool,
    calls: AtomicU64,
}

/// A running liar; honest until told otherwise. It ends when this is dropped.
pub(crate) struct Liar {
    pub(crate) url: String,
    orders: Arc<Orders>,
    task: JoinHandle<()>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Liar {
    /// Before the node at `http://HOST:PORT`.
    pub(crate) async fn before(node: &str) -> Self {
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
                    let _ended = serve(client, &node, &told).await;
                });
            }
        });
        Self { url, orders, task }
    }

    /// From now on it says what this gives, where it gives something.
    pub(crate) fn lie(&self, lie: impl Fn(&str, &Value, &Value) -> Option<Value> + Send + Sync + 'static) {
        *self.orders.lie.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(lie));
    }

    /// From now on it is honest.
    pub(crate) fn repent(&self) {
        *self.orders.lie.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// It takes transactions and passes none on.
    pub(crate) fn swallow(&self) {
        self.orders.swallows.store(true, Ordering::SeqCst);
    }

    /// Nobody is answered, or all are again.
    pub(crate) fn leave(&self, away: bool) {
        self.orders.away.store(away, Ordering::SeqCst);
    }

    /// It listens and says nothing more.
    pub(crate) fn hang(&self) {
        self.orders.hangs.store(true, Ordering::SeqCst);
    }

    /// Requests so far.
    pub(crate) fn calls(&self) -> u64 {
        self.orders.calls.load(Ordering::SeqCst)
    }
}

async fn serve(client: TcpStream, node: &str, orders: &Orders) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    while let Some((head, body)) = message(&mut client).await? {
        if orders.away.load(Ordering::SeqCst) {
            return Ok(());
        }
        if orders.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        orders.calls.fetch_add(1, Ordering::SeqCst);
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        let method = request["method"].as_str().unwrap_or_default().to_owned();
        if method == "sendrawtransaction" && orders.swallows.load(Ordering::SeqCst) {
            answer(&mut client, &request, &json!("00".repeat(32))).await?;
            continue;
        }
        let mut upstream = BufReader::new(TcpStream::connect(node).await?);
        upstream.write_all(&head).await?;
        upstream.write_all(&body).await?;
        let Some((head, body)) = message(&mut upstream).await? else {
            return Ok(());
        };
        let honest: Value = serde_json::from_slice(&body).unwrap_or_default();
        let lie = {
            let lie = orders.lie.lock().unwrap_or_else(PoisonError::into_inner);
            lie.as_ref()
                .and_then(|lie| lie(&method, &request["params"], &honest["result"]))
        };
        match lie {
            Some(lie) => answer(&mut client, &request, &lie).await?,
            None => {
                client.write_all(&head).await?;
                client.write_all(&body).await?;
            }
        }
    }
    Ok(())
}

async fn answer(client: &mut BufReader<TcpStream>, request: &Value, result: &Value) -> std::io::Result<()> {
    let body = json!({"jsonrpc": "2.0", "id": request["id"], "result": result, "error": null}).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await?;
    client.write_all(body.as_bytes()).await
}
