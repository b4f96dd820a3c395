//! A JSON-RPC proxy in front of a node: it counts and keeps what is asked, and lies when told to.

use kofo_regtest::http::message;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Changes what is asked before it is passed on.
pub(crate) type Misheard = Arc<dyn Fn(&mut Value) + Send + Sync>;
/// Changes the result of what was asked.
pub(crate) type Lie = Arc<dyn Fn(&Value, &mut Value) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Behaviour {
    pub(crate) calls: AtomicU64,
    /// Every request body, in order.
    pub(crate) asked: Mutex<Vec<String>>,
    /// So many broadcasts are not passed on.
    pub(crate) refuse: AtomicU64,
    /// So many broadcasts are passed on and answered with an error.
    pub(crate) deny: AtomicU64,
    /// Events are left out.
    pub(crate) hide_logs: AtomicBool,
    /// What gas costs, in wei, whatever the node says; nothing there, the node's own price.
    pub(crate) gas_price: Mutex<Option<u128>>,
    /// A method that the node does not have.
    pub(crate) unknown: Mutex<Option<&'static str>>,
    /// Another question is passed on.
    pub(crate) mishears: Mutex<Option<Misheard>>,
    /// Another answer is given.
    pub(crate) lies: Mutex<Option<Lie>>,
    /// Nothing is answered.
    pub(crate) cut: AtomicBool,
    /// Whoever changes the chain in several steps holds this, so that no request is answered in between.
    pub(crate) turn: tokio::sync::RwLock<()>,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    pub(crate) behaviour: Arc<Behaviour>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(crate) async fn before(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Arc::new(Behaviour::default());
        let (node, shared) = (
            node.trim_start_matches("http://").to_owned(),
            Arc::clone(&behaviour),
        );
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (node, behaviour) = (node.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let _closed = serve(client, &node, &behaviour).await;
                });
            }
        });
        Self { url, behaviour, task }
    }
}

async fn serve(client: TcpStream, node: &str, behaviour: &Behaviour) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    while let Some((_, request)) = message(&mut client).await? {
        let request = String::from_utf8(request).expect("JSON is UTF-8");
        if behaviour.cut.load(Ordering::Relaxed) {
            return Ok(());
        }
        behaviour.calls.fetch_add(1, Ordering::Relaxed);
        behaviour.asked.lock().unwrap().push(request.clone());
        let answer = answer(&request, node, behaviour).await?;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        client.write_all(&[head.as_bytes(), &answer].concat()).await?;
    }
    Ok(())
}

async fn answer(request: &str, node: &str, behaviour: &Behaviour) -> std::io::Result<Vec<u8>> {
    let sends = request.contains("eth_sendRawTransaction");
    if sends && take_one(&behaviour.refuse) {
        return Ok(error(request));
    }
    let unknown = *behaviour.unknown.lock().unwrap();
    if unknown.is_some_and(|method| request.contains(method)) {
        return Ok(error(request));
    }
    let priced = *behaviour.gas_price.lock().unwrap();
    if let Some(wei) = priced.filter(|_| request.contains("eth_gasPrice")) {
        return Ok(format!(r#"{{"jsonrpc":"2.0","id":{},"result":"{wei:#x}"}}"#, id(request)).into_bytes());
    }
    let misheard = behaviour.mishears.lock().unwrap().clone();
    let heard = misheard.map_or_else(
        || request.to_owned(),
        |mishear| {
            let mut request = serde_json::from_str(request).unwrap();
            mishear(&mut request);
            request.to_string()
        },
    );
    let answer = {
        let _turn = behaviour.turn.read().await;
        ask(&heard, node).await?
    };
    let lie = behaviour.lies.lock().unwrap().clone();
    let answer = lie.map_or_else(
        || answer.clone(),
        |lie| {
            let mut answer: Value = serde_json::from_slice(&answer).unwrap();
            if let Some(result) = answer.get_mut("result") {
                lie(&serde_json::from_str(request).unwrap(), result);
            }
            answer.to_string().into_bytes()
        },
    );
    if sends && take_one(&behaviour.deny) {
        return Ok(error(request));
    }
    if request.contains("eth_getLogs") && behaviour.hide_logs.load(Ordering::Relaxed) {
        return Ok(format!(r#"{{"jsonrpc":"2.0","id":{},"result":[]}}"#, id(request)).into_bytes());
    }
    Ok(answer)
}

fn take_one(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
        .is_ok()
}

fn error(request: &str) -> Vec<u8> {
    format!(
        r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32000,"message":"busy"}}}}"#,
        id(request)
    )
    .into_bytes()
}

fn id(request: &str) -> Value {
    serde_json::from_str::<Value>(request).unwrap()["id"].clone()
}

async fn ask(request: &str, node: &str) -> std::io::Result<Vec<u8>> {
    let mut upstream = BufReader::new(TcpStream::connect(node).await?);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {node}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        request.len()
    );
    upstream
        .write_all(&[head.as_bytes(), request.as_bytes()].concat())
        .await?;
    let answer = message(&mut upstream).await?;
    Ok(answer.map(|(_, body)| body).unwrap_or_default())
}
