//! The wire between a light client and its peer: what goes to the peer is read, and it can be cut.

use crate::turns::Turn;
use bitcoin::Transaction;
use bitcoin::consensus::encode::{deserialize, serialize_hex};
use bitcoin::hashes::Hash;
use kofo_regtest::Regtest;
use serde_json::json;
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
/// An entry of an offer: a kind and a hash. Offers of fewer than 253 have a count of one byte before them.
const ENTRY: usize = 4 + 32;

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

    /// Waits until the peer has taken or refused everything that it was told of lately.
    pub(super) async fn settles(&self, turn: &Turn) {
        while self.is_awaited(turn).await {
            tokio::time::sleep(TICK).await;
        }
    }

    async fn is_awaited(&self, turn: &Turn) -> bool {
        for sent in self.offers() {
            let Some(Sent { tx, anew }) = sent else {
                return true;
            };
            // A peer that was given a transaction and has not come to it yet would still take it.
            let asked = json!([[serialize_hex(&tx)]]);
            let answer = turn.rpc("testmempoolaccept", asked).await;
            let refused = answer[0]["reject-reason"].as_str();
            if !refused.is_some_and(|why| anew || why.starts_with("txn-")) {
                return true;
            }
        }
        false
    }

    /// What was offered lately: the transaction, once the peer was given it.
    fn offers(&self) -> Vec<Option<Sent>> {
        let heard = self.heard.lock().unwrap();
        let numbered = heard.iter().enumerate();
        let given = |hash: &[u8]| {
            let given = numbered.clone().filter(|(_, (name, ..))| name == TRANSACTION);
            let mut read = given.map(|(at, (_, body, _))| (at, deserialize::<Transaction>(body).unwrap()));
            read.rfind(|(_, tx)| is_of(tx, hash))
        };
        let lately = |at: &Instant| at.elapsed() < ASKED_WITHIN;
        numbered
            .clone()
            .filter(|(_, (name, _, at))| name == "inv" && lately(at))
            .flat_map(|(at, (_, body, _))| body[1..].chunks_exact(ENTRY).map(move |entry| (at, &entry[4..])))
            .map(|(offered, hash)| {
                given(hash).map(|(at, tx)| Sent {
                    tx,
                    anew: at > offered,
                })
            })
            .collect()
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

/// What the peer was given, and whether after it was last told of it.
struct Sent {
    tx: Transaction,
    anew: bool,
}

fn is_of(tx: &Transaction, hash: &[u8]) -> bool {
    tx.compute_txid().to_byte_array() == *hash || tx.compute_wtxid().to_byte_array() == *hash
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
