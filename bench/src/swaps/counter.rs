//! Stands between a node and a daemon, hands on every byte, and counts the calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// No request of a node is larger.
const MAX_BODY: u64 = 16 << 20;
/// Nor has its head more lines.
const MAX_LINES: usize = 64;

/// How often each method was called.
pub(super) type Calls = BTreeMap<String, u64>;

/// A door to a daemon that counts. It is closed when this is dropped.
pub(super) struct Counter {
    url: String,
    seen: Arc<Mutex<Seen>>,
    _open: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    calls: Calls,
    /// A request that could not be read: then the calls are not all.
    unread: Option<String>,
}

impl Counter {
    /// A door to the daemon at this URL, at a free port.
    pub(super) async fn before(daemon: &str) -> Result<Self> {
        let rest = daemon
            .strip_prefix("http://")
            .context("a daemon has an http:// URL")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/{path}", listener.local_addr()?);
        let seen = Arc::<Mutex<Seen>>::default();
        let mut open = JoinSet::new();
        open.spawn(serve(listener, host.to_owned(), Arc::clone(&seen)));
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            seen,
            _open: open,
        })
    }

    /// Where the node finds it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// All calls so far.
    pub(super) fn calls(&self) -> Result<Calls> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match &seen.unread {
            Some(why) => bail!("a request to a daemon cannot be read, so its calls are not counted: {why}"),
            None => Ok(seen.calls.clone()),
        }
    }
}

async fn serve(listener: TcpListener, daemon: String, seen: Arc<Mutex<Seen>>) {
    let mut connections = JoinSet::new();
    while let Ok((node, _)) = listener.accept().await {
        let (daemon, seen) = (daemon.clone(), Arc::clone(&seen));
        connections.spawn(async move {
            if let Err(error) = connection(node, &daemon, &seen).await {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.unread.get_or_insert(error.to_string());
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// One connection of the node. An end of either side, however abrupt, ends it and is no error.
async fn connection(node: TcpStream, daemon: &str, seen: &Mutex<Seen>) -> Result<()> {
    let Ok(daemon) = TcpStream::connect(daemon).await else {
        return Ok(());
    };
    let (node_in, mut node_out) = node.into_split();
    let (mut daemon_in, mut daemon_out) = daemon.into_split();
    let requests = async {
        let mut requests = BufReader::new(node_in);
        while let Some((head, body)) = request(&mut requests).await? {
            let methods = methods(&body)?;
            {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                for method in methods {
                    *seen.calls.entry(method).or_default() += 1;
                }
            }
            let sent = daemon_out.write_all(&[head, body].concat()).await;
            if sent.is_err() {
                break;
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = requests => ended,
        _answered = tokio::io::copy(&mut daemon_in, &mut node_out) => Ok(()),
    }
}

/// The next request: its head with the empty line, and its body. `None` when there is no more.
async fn request(from: &mut BufReader<impl AsyncRead + Unpin>) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let (mut head, mut length) = (Vec::new(), None);
    for _ in 0..MAX_LINES {
        let start = head.len();
        match from.read_until(b'\n', &mut head).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&head[start..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = Some(value.trim().parse::<u64>()?);
        }
        if line.trim().is_empty() {
            let length = length.context("expected a content-length")?;
            if length > MAX_BODY {
                bail!("expected at most {MAX_BODY} bytes, got {length}");
            }
            let mut body = Vec::new();
            let read = from.take(length).read_to_end(&mut body).await;
            let whole = read.is_ok_and(|read| u64::try_from(read).is_ok_and(|read| read == length));
            return Ok(whole.then_some((head, body)));
        }
    }
    bail!("expected at most {MAX_LINES} lines before the body");
}

/// The methods that a request calls: one, or those of a batch.
fn methods(body: &[u8]) -> Result<Vec<String>> {
    let calls = match serde_json::from_slice(body)? {
        Value::Array(calls) => calls,
        call => vec![call],
    };
    let method = |call: &Value| call["method"].as_str().map(str::to_owned);
    calls
        .iter()
        .map(|call| method(call).context("expected a call with a method"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every request with its own body, and keeps the connection.
    async fn echo() -> (String, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut open = JoinSet::new();
        open.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (input, mut output) = stream.into_split();
                let mut input = BufReader::new(input);
                while let Some((_, body)) = request(&mut input).await.unwrap() {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    output.write_all(head.as_bytes()).await.unwrap();
                    output.write_all(&body).await.unwrap();
                }
            }
        });
        (url, open)
    }

    async fn send(stream: &mut TcpStream, body: &str) -> String {
        let text = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer =
            vec![0; format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).len() + body.len()];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn every_call_is_handed_on_and_counted_also_in_a_batch_and_on_one_connection() {
        let (daemon, _open) = echo().await;
        let counter = Counter::before(&daemon).await.unwrap();
        let mut node = TcpStream::connect(counter.url().strip_prefix("http://").unwrap())
            .await
            .unwrap();
        let one = r#"{"method":"getbestblockhash"}"#;
        let two = r#"[{"method":"eth_call"},{"method":"eth_call"}]"#;
        assert!(send(&mut node, one).await.ends_with(one));
        assert!(send(&mut node, two).await.ends_with(two));
        let expected = [("eth_call".to_owned(), 2), ("getbestblockhash".to_owned(), 1)];
        assert_eq!(counter.calls().unwrap(), Calls::from(expected));
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_counted_is_told_instead_of_a_number() {
        let (daemon, _open) = echo().await;
        let counter = Counter::before(&daemon).await.unwrap();
        let mut node = TcpStream::connect(counter.url().strip_prefix("http://").unwrap())
            .await
            .unwrap();
        node.write_all(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
            .await
            .unwrap();
        // The door closes: then it is known.
        let mut rest = Vec::new();
        node.read_to_end(&mut rest).await.unwrap();
        assert!(counter.calls().unwrap_err().to_string().contains("method"));
    }
}
