//! The wire between a light client and its peer: what goes to the peer is read, and it can be cut.

use kofo_regtest::Regtest;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The message that carries a transaction.
pub(super) const TRANSACTION: &str = "tx";
/// Magic bytes, name, length and checksum.
const HEAD: usize = 24;

/// How often the node is told the time.
const TICK: Duration = Duration::from_millis(200);

/// The peer asks for a transaction within this, or never.
const ASKED_WITHIN: Duration = Duration::from_secs(4);

/// A message to the peer: its name, its body, and when it went.
type Message = (String, Vec<u8>, Instant);

pub(super) struct Wire {
    pub(super) address: String,
    cut: watch::Sender<bool>,
    heard: Arc<Mutex<Vec<Message>>>,
    _tasks: JoinSet<()>,
}

impl Wire {
    /// Before the node's peer port. The node's clock runs with the wall clock from now on: it asks for a transaction two
    /// seconds after it has heard of it.
    pub(super) async fn before(regtest: &Arc<Regtest>) -> Self {
        let peer = regtest.bitcoin().peer.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (cut, is_cut) = watch::channel(false);
        let heard = Arc::default();
        let ears = Arc::clone(&heard);
        let mut tasks = JoinSet::new();
        let clock = Arc::downgrade(regtest);
        tasks.spawn(async move {
            while let Some(regtest) = clock.upgrade() {
                regtest.tick_bitcoin().await.unwrap();
                drop(regtest);
                tokio::time::sleep(TICK).await;
            }
        });
        tasks.spawn(async move {
            let mut ends = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                if !*is_cut.borrow() {
                    ends.spawn(join(client, peer.clone(), Arc::clone(&ears), is_cut.clone()));
                }
            }
        });
        Self {
            address,
            cut,
            heard,
            _tasks: tasks,
        }
    }

    pub(super) fn cut(&self, cut: bool) {
        self.cut.send_replace(cut);
    }

    pub(super) fn messages(&self) -> u64 {
        self.heard.lock().unwrap().len().try_into().unwrap()
    }

    /// Waits until the peer has asked for everything that it was told of lately.
    pub(super) async fn settles(&self) {
        while self.is_awaited() {
            tokio::time::sleep(TICK).await;
        }
    }

    fn is_awaited(&self) -> bool {
        let heard = self.heard.lock().unwrap();
        let offered = heard
            .iter()
            .rposition(|(name, _, at)| name == "inv" && at.elapsed() < ASKED_WITHIN);
        offered.is_some_and(|at| heard.iter().skip(at).all(|(name, _, _)| name != TRANSACTION))
    }

    /// The names of the messages that held these bytes.
    pub(super) fn messages_with(&self, bytes: &[u8]) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let holding = heard
            .iter()
            .filter(|(_, body, _)| body.windows(bytes.len()).any(|part| part == bytes));
        holding.map(|(name, _, _)| name.clone()).collect()
    }
}

/// Until one side ends, or the wire is cut.
async fn join(
    client: TcpStream,
    peer: String,
    ears: Arc<Mutex<Vec<Message>>>,
    mut is_cut: watch::Receiver<bool>,
) {
    let Ok(node) = TcpStream::connect(peer).await else {
        return;
    };
    let (mut from_node, to_node) = node.into_split();
    let (from_client, mut to_client) = client.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_node, &mut to_client) => (),
        _ = overhear(from_client, to_node, ears) => (),
        _ = is_cut.wait_for(|cut| *cut) => (),
    }
}

async fn overhear(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    ears: Arc<Mutex<Vec<Message>>>,
) -> std::io::Result<()> {
    loop {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).await?;
        let name = String::from_utf8_lossy(&head[4..16])
            .trim_end_matches('\0')
            .to_owned();
        let length = u32::from_le_bytes(head[16..20].try_into().unwrap());
        let mut body = vec![0; length.try_into().unwrap()];
        from.read_exact(&mut body).await?;
        to.write_all(&head).await?;
        to.write_all(&body).await?;
        ears.lock().unwrap().push((name, body, Instant::now()));
    }
}
