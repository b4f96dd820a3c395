//! Real HTTP on the loopback, with a node that is none.

mod access;
mod clearing;
mod document;
mod events;
mod keys;
mod load;
mod market;

use super::api::{OfferTerms, Page};
use super::types::{
    AssetAmount, Balance, Id, NodeStatus, OfferMade, SwapList, SwapStatus, TowerStatus, WalletAddress,
};
use super::types::{OutcomeName, RoleName};
use super::*;
use crate::assets::{Asset, Assets};
use crate::events::EventLog;
use crate::journal::SharedJournal;
use async_trait::async_trait;
use kofo_journal::memory::{Disk, Memory};
use kofo_primitives::{Amount, AssetId};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Knows one swap, whose cursor moves when a test says so, and counts what reaches it.
struct FakeNode {
    seq: watch::Sender<u64>,
    calls: AtomicU64,
    knows_ledger: bool,
    acts: std::sync::Mutex<Vec<kofo_clearance::Act>>,
    fee: std::sync::Mutex<Option<super::api::ClaimFee>>,
}

const SWAP: Id = Id([7; 32]);
/// Where the log of events begins.
const NOW: u64 = 1_700_000_000_000;

impl FakeNode {
    fn swap(&self) -> SwapStatus {
        SwapStatus {
            id: SWAP,
            offer: SWAP,
            seq: *self.seq.borrow(),
            role: RoleName::Initiator,
            peer: None,
            state: "done".into(),
            outcome: Some(OutcomeName::Redeemed),
            give: vec![],
            get: vec![],
            hashlock: Id([1; 32]),
            at_risk: vec![],
            deadline: None,
            legs: vec![],
            trouble: None,
            created_ms: 1,
            updated_ms: 2,
        }
    }

    fn known(&self, id: Id) -> Result<SwapStatus, ApiError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if id == SWAP {
            return Ok(self.swap());
        }
        Err(ApiError::new(ApiErrorKind::NotFound, format!("no swap {id}")).hint("see `kofo swap list`"))
    }
}

#[async_trait]
impl NodeApi for FakeNode {
    async fn offer(&self, terms: OfferTerms) -> Result<OfferMade, ApiError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let assets = assets();
        let money = |legs: &[(AssetId, Amount)]| legs.iter().map(|(id, n)| assets.money(id, *n)).collect();
        Ok(OfferMade {
            id: SWAP,
            uri: "kofo:offer".into(),
            give: money(&terms.give),
            want: money(&terms.want),
            expires: terms.expires_in.0,
        })
    }

    async fn accept(&self, offer: &str) -> Result<SwapStatus, ApiError> {
        Err(ApiError::new(
            ApiErrorKind::BadOffer,
            format!("no offer: {offer}"),
        ))
    }

    async fn list(&self, page: Page) -> Result<SwapList, ApiError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(SwapList {
            swaps: vec![self.swap()],
            more: page.limit == 1,
        })
    }

    async fn show(&self, id: Id) -> Result<SwapStatus, ApiError> {
        self.known(id)
    }

    async fn watch(&self, id: Id, after_seq: u64) -> Result<SwapStatus, ApiError> {
        let mut seq = self.seq.subscribe();
        let closed = seq.wait_for(|seq| *seq > after_seq).await.is_err();
        assert!(!closed, "the sender is ours");
        self.known(id)
    }

    async fn abort(&self, id: Id) -> Result<SwapStatus, ApiError> {
        self.known(id)
    }

    async fn approve(&self, id: Id) -> Result<SwapStatus, ApiError> {
        self.known(id)
    }

    async fn decline(&self, id: Id) -> Result<SwapStatus, ApiError> {
        self.known(id)
    }

    async fn refund(&self, id: Id) -> Result<SwapStatus, ApiError> {
        self.known(id)
    }

    async fn status(&self) -> Result<NodeStatus, ApiError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Err(ApiError::new(ApiErrorKind::Internal, "none here"))
    }

    async fn balances(&self) -> Result<Vec<Balance>, ApiError> {
        Ok(vec![])
    }

    async fn address(&self, asset: AssetId) -> Result<WalletAddress, ApiError> {
        Ok(WalletAddress {
            symbol: "BTC".into(),
            asset: asset.to_string(),
            address: "here".into(),
        })
    }

    async fn tower_add(&self, address: &str) -> Result<TowerStatus, ApiError> {
        Err(ApiError::new(ApiErrorKind::Peer, address))
    }

    async fn tower_list(&self) -> Result<Vec<TowerStatus>, ApiError> {
        Ok(vec![])
    }

    async fn tower_remove(&self, tower: &str) -> Result<TowerStatus, ApiError> {
        Err(ApiError::new(ApiErrorKind::NotFound, tower))
    }

    async fn stop(&self) -> Result<(), ApiError> {
        Ok(())
    }
}

fn assets() -> Assets {
    let asset = |symbol: &str, id: &str, decimals| Asset {
        symbol: symbol.into(),
        id: AssetId::new(id).unwrap(),
        decimals,
        freezable: false,
    };
    let eth = asset("ETH", "eip155:31337/slip44:60", 18);
    Assets::new(vec![asset("BTC", "bip122:a/slip44:0", 8), eth]).unwrap()
}

struct Fixture {
    data: tempfile::TempDir,
    server: RpcServer,
    node: Arc<FakeNode>,
    events: Arc<EventLog>,
}

impl Fixture {
    fn callee(&self, caller: Caller) -> Callee {
        let data = self.data.path().to_owned();
        Callee::In { data, caller }
    }

    async fn start() -> Self {
        Self::with(true).await
    }

    /// Of a node that has no genesis.
    async fn without_ledger() -> Self {
        Self::with(false).await
    }

    async fn with(knows_ledger: bool) -> Self {
        Self::of(knows_ledger, |parts| parts).await
    }

    /// With other limits.
    async fn limited(change: impl FnOnce(RpcParts) -> RpcParts) -> Self {
        Self::of(true, change).await
    }

    async fn of(knows_ledger: bool, change: impl FnOnce(RpcParts) -> RpcParts) -> Self {
        let data = tempfile::tempdir().unwrap();
        let node = Arc::new(FakeNode {
            seq: watch::Sender::new(1),
            calls: AtomicU64::new(0),
            knows_ledger,
            acts: std::sync::Mutex::default(),
            fee: std::sync::Mutex::default(),
        });
        let tokens = Tokens::create(data.path()).unwrap();
        let journal = SharedJournal::new(Memory::open(&Disk::new()).unwrap());
        let events = Arc::new(EventLog::open(journal, NOW).unwrap());
        let parts = RpcParts::new(0, tokens, (node.clone() as _, assets()), Arc::clone(&events));
        let server = RpcServer::start(change(parts)).await.unwrap();
        let file = NodeFile {
            rpc: server.url(),
            pid: 1,
            network: "kofo-test".into(),
            peer_id: "12D3".into(),
            listen: vec![],
        };
        file.save(data.path()).unwrap();
        Self {
            data,
            server,
            node,
            events,
        }
    }

    fn client(&self) -> RpcClient {
        connect(self.data.path()).unwrap()
    }

    /// Who may only look.
    fn reader(&self) -> RpcClient {
        connect_as(self.data.path(), Caller::Reader).unwrap()
    }

    fn cookie(&self) -> String {
        std::fs::read_to_string(self.data.path().join(COOKIE_FILE)).unwrap()
    }

    fn calls(&self) -> u64 {
        self.node.calls.load(Ordering::SeqCst)
    }

    /// Sends a request as given, and returns the status and the body of the answer.
    async fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        // A server that has seen enough closes before all is written.
        let _early = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _reset = tokio::time::timeout(Duration::from_secs(60), read)
            .await
            .expect("an answer within 60 s");
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (
            status.unwrap_or_else(|| panic!("a status in {answer:?}")),
            body.to_owned(),
        )
    }

    /// Posts a body, with the right cookie unless `headers` says otherwise.
    async fn post(&self, headers: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let head =
            format!("POST / HTTP/1.1\r\n{headers}Content-Type: application/json\r\nConnection: close\r\n");
        self.raw(&format!("{head}Content-Length: {length}\r\n\r\n{body}"))
            .await
    }

    async fn post_as_owner(&self, body: &str) -> (u16, Value) {
        let headers = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", self.cookie());
        let (status, body) = self.post(&headers, body).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }
}

const SHOW: &str = r#"{"jsonrpc":"2.0","id":1,"method":"swap.show","params":{"id":"0707070707070707070707070707070707070707070707070707070707070707"}}"#;

#[tokio::test]
async fn who_reads_the_cookie_file_can_call() {
    let fixture = Fixture::start().await;
    let shown = fixture.client().swap_show(SWAP).await.unwrap();
    assert_eq!(shown, fixture.node.swap());
    let (status, body) = fixture.post_as_owner(SHOW).await;
    assert_eq!((status, &body["result"]["state"]), (200, &json!("done")));
}

#[tokio::test]
async fn a_call_without_the_cookie_or_with_another_reaches_nothing() {
    let fixture = Fixture::start().await;
    let cookie = fixture.cookie();
    let cut = &cookie[..63];
    let wrong = [
        String::new(),
        format!("Authorization: Bearer {}\r\n", "0".repeat(64)),
        format!("Authorization: Bearer {cut}\r\n"),
        format!("Authorization: Bearer {cookie}0\r\n"),
        format!("Authorization: {cookie}\r\n"),
        "Authorization: Bearer \r\n".to_owned(),
    ];
    for header in wrong {
        let (status, body) = fixture.post(&format!("Host: localhost\r\n{header}"), SHOW).await;
        assert_eq!(status, 401, "{header:?}: {body}");
        assert!(body.contains("rpc.cookie"), "{body}");
    }
    assert_eq!(fixture.calls(), 0);
}

#[tokio::test]
async fn a_call_for_a_foreign_host_or_from_a_web_page_reaches_nothing() {
    let fixture = Fixture::start().await;
    let cookie = format!("Authorization: Bearer {}\r\n", fixture.cookie());
    for host in [
        "Host: evil.example\r\n",
        "Host: 127.0.0.1.evil.example:80\r\n",
        "Host: 127.0.0.1:80@evil.example\r\n",
        "Host: \r\n",
        "",
        "Host: 127.0.0.1\r\nHost: evil.example\r\n",
        "Host: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n",
    ] {
        let (status, body) = fixture.post(&format!("{host}{cookie}"), SHOW).await;
        assert!(matches!(status, 400 | 403), "{host:?}: {status} {body}");
    }
    assert_eq!(fixture.calls(), 0);
    let port = fixture.server.address().port();
    let (status, _) = fixture
        .post(&format!("Host: localhost:{port}\r\n{cookie}"), SHOW)
        .await;
    assert_eq!((status, fixture.calls()), (200, 1));
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let fixture = Fixture::start().await;
    let most = usize::try_from(MAX_REQUEST_BYTES).unwrap();
    let (status, _) = fixture.post_as_owner(&" ".repeat(most + 1)).await;
    assert_eq!((status, fixture.calls()), (413, 0));
}

#[tokio::test]
async fn what_is_no_json_no_call_or_a_batch_is_answered_with_an_error() {
    let fixture = Fixture::start().await;
    let batch = format!("[{SHOW},{SHOW}]");
    for (body, code) in [
        ("{\"jsonrpc\":", -32700),
        ("{}", -32700),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        ("[]", -32005),
        (batch.as_str(), -32005),
        (r#"{"jsonrpc":"2.0","id":1,"method":"swap.take"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"swap.show"}"#, -32602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"swap.show","params":{"id":"07"}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"swap.offer","params":{"give":"1btc","want":[]}}"#,
            -32602,
        ),
    ] {
        let (_, answer) = fixture.post_as_owner(body).await;
        assert_eq!(answer["error"]["code"], json!(code), "{body}: {answer}");
    }
    assert_eq!(fixture.calls(), 0);
    let get = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        fixture.cookie()
    );
    assert_eq!(fixture.raw(&get).await.0, 405);
}

#[tokio::test]
async fn amounts_are_read_in_the_units_of_their_asset_before_the_node_is_asked() {
    let fixture = Fixture::start().await;
    let client = fixture.client();
    let made = client
        .swap_offer(vec!["0.1btc".into()], vec!["2 ETH".into()], Some(60))
        .await
        .unwrap();
    let money = |amount: &str, symbol: &str| AssetAmount {
        amount: amount.into(),
        symbol: symbol.into(),
    };
    assert_eq!(
        (made.give, made.want),
        (vec![money("0.1", "BTC")], vec![money("2", "ETH")])
    );
    assert_eq!(fixture.calls(), 1);

    let many = vec!["1btc".to_owned(); 9];
    for (give, want, expires, code) in [
        (vec!["1doge".to_owned()], vec!["1eth".to_owned()], None, 1006),
        (vec!["1,5btc".to_owned()], vec!["1eth".to_owned()], None, -32602),
        (vec![], vec!["1eth".to_owned()], None, -32602),
        (many, vec!["1eth".to_owned()], None, -32602),
        (vec!["1btc".to_owned()], vec!["1eth".to_owned()], Some(0), -32602),
        (
            vec!["1btc".to_owned()],
            vec!["1eth".to_owned()],
            Some(u64::MAX),
            -32602,
        ),
    ] {
        let error = error_of(client.swap_offer(give, want, expires).await);
        assert_eq!(error.code(), code, "{error:?}");
    }
    assert_eq!(fixture.calls(), 1);
}

fn error_of<T: std::fmt::Debug>(
    answer: Result<T, jsonrpsee::core::ClientError>,
) -> jsonrpsee::types::ErrorObjectOwned {
    match answer.expect_err("an error") {
        jsonrpsee::core::ClientError::Call(error) => error,
        other => panic!("expected an error of the call, got {other:?}"),
    }
}

#[tokio::test]
async fn an_error_has_its_number_its_name_and_what_to_do() {
    let fixture = Fixture::start().await;
    let error = error_of(fixture.client().swap_show(Id([9; 32])).await);
    assert_eq!(error.code(), ApiErrorKind::NotFound.code());
    let data: ApiErrorData = serde_json::from_str(error.data().unwrap().get()).unwrap();
    assert_eq!(data.kind, ApiErrorKind::NotFound);
    assert_eq!(data.hint.as_deref(), Some("see `kofo swap list`"));
}

#[tokio::test]
async fn a_watcher_is_told_of_the_next_change_and_not_before() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.client().swap_watch(SWAP, 0).await.unwrap().seq, 1);
    let client = fixture.client();
    let watcher = tokio::spawn(async move { client.swap_watch(SWAP, 1).await });
    // The server has it as soon as somebody listens for the cursor.
    while fixture.node.seq.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!watcher.is_finished());
    fixture.node.seq.send_replace(2);
    assert_eq!(watcher.await.unwrap().unwrap().seq, 2);
}

#[tokio::test]
async fn watchers_beyond_the_bound_are_told_so_and_leave_room_for_other_calls() {
    let fixture = Fixture::start().await;
    let mut watchers = tokio::task::JoinSet::new();
    for _ in 0..MAX_WATCHERS {
        let client = fixture.client();
        watchers.spawn(async move { client.swap_watch(SWAP, 1).await });
    }
    while fixture.node.seq.receiver_count() < MAX_WATCHERS {
        tokio::task::yield_now().await;
    }
    let error = error_of(fixture.client().swap_watch(SWAP, 1).await);
    assert_eq!(error.code(), ApiErrorKind::Busy.code());
    fixture.client().swap_show(SWAP).await.unwrap();
    fixture.node.seq.send_replace(2);
    for watched in watchers.join_all().await {
        assert_eq!(watched.unwrap().seq, 2);
    }
}

#[tokio::test]
async fn a_watcher_is_let_go_when_the_server_stops() {
    let Fixture {
        data, server, node, ..
    } = Fixture::start().await;
    let client = connect(data.path()).unwrap();
    let watcher = tokio::spawn(async move { client.swap_watch(SWAP, 1).await });
    while node.seq.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    let stopped = tokio::time::timeout(MAX_WATCH / 2, server.stop());
    stopped.await.expect("a stop does not wait for a watcher");
    let error = error_of(watcher.await.unwrap());
    assert_eq!(error.code(), ApiErrorKind::Stopping.code());
}

#[tokio::test]
async fn a_page_is_bounded() {
    let fixture = Fixture::start().await;
    assert!(!fixture.client().swap_list(None, None, None).await.unwrap().more);
    assert!(
        fixture
            .client()
            .swap_list(None, Some(1), None)
            .await
            .unwrap()
            .more
    );
    for limit in [0, 101] {
        let error = error_of(fixture.client().swap_list(None, Some(limit), None).await);
        assert_eq!(error.code(), -32602);
    }
}

#[tokio::test]
async fn a_stopped_server_answers_no_more() {
    let Fixture {
        data, server, node, ..
    } = Fixture::start().await;
    let client = connect(data.path()).unwrap();
    client.swap_show(SWAP).await.unwrap();
    server.stop().await;
    assert!(client.swap_show(SWAP).await.is_err());
    assert_eq!(node.calls.load(Ordering::SeqCst), 1);
}

#[test]
fn each_start_has_its_own_cookie_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().unwrap();
    let read = |data: &Path| std::fs::read_to_string(data.join(COOKIE_FILE)).unwrap();
    Cookie::create(data.path()).unwrap();
    let first = read(data.path());
    let cookie = Cookie::create(data.path()).unwrap();
    assert_ne!(first, read(data.path()));
    assert_eq!(
        cookie.authorization().as_str(),
        format!("Bearer {}", read(data.path()))
    );
    assert_eq!(format!("{cookie:?}"), "Cookie(redacted)");
    let mode = std::fs::metadata(data.path().join(COOKIE_FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_client_tells_what_is_missing_and_takes_its_cookie_to_no_other_machine() {
    let data = tempfile::tempdir().unwrap();
    let error = connect(data.path()).unwrap_err();
    assert!(error.to_string().contains("kofo node --data"), "{error}");

    let mut file = NodeFile {
        rpc: "http://127.0.0.1:1".into(),
        pid: 1,
        network: "x".into(),
        peer_id: "y".into(),
        listen: vec![],
    };
    file.save(data.path()).unwrap();
    assert!(matches!(connect(data.path()), Err(ConnectError::Cookie(_))));
    std::fs::write(data.path().join(COOKIE_FILE), "zz").unwrap();
    let error = connect(data.path()).unwrap_err();
    assert!(matches!(
        error,
        ConnectError::Cookie(CookieError::Malformed { .. })
    ));

    Cookie::create(data.path()).unwrap();
    assert!(connect(data.path()).is_ok());
    for rpc in [
        "http://evil.example:1",
        "http://127.0.0.1:1@evil.example",
        "http://127.0.0.1:99999",
    ] {
        file.rpc = rpc.into();
        file.save(data.path()).unwrap();
        assert!(
            matches!(connect(data.path()), Err(ConnectError::Malformed { .. })),
            "{rpc}"
        );
    }
    std::fs::write(data.path().join(NODE_FILE), "{").unwrap();
    assert!(matches!(
        connect(data.path()),
        Err(ConnectError::Malformed { .. })
    ));
}
