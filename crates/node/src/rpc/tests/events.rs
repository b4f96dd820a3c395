//! Events over the wire: pages, subscriptions, and subscribers that read slowly or not at all.

use super::*;
use crate::events::{MAX_EVENTS, News};
use crate::rpc::types::{Event, EventName, EventNotice};
use std::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

impl Fixture {
    /// `count` events happen, each so many bytes.
    fn happen(&self, count: u64, bytes: usize) {
        let amount = AssetAmount {
            amount: "1".repeat(bytes),
            symbol: "BTC".into(),
        };
        let news = |_| News {
            swap: Some(SWAP),
            claim: None,
            event: EventName::Committed,
            at_risk: vec![amount.clone()],
            until: None,
        };
        self.events.append((0..count).map(news).collect(), NOW).unwrap();
    }

    /// The node stops and starts again, on another port and with other tokens.
    async fn restart(self) -> Self {
        let Self {
            data,
            server,
            node,
            events,
        } = self;
        server.stop().await;
        let tokens = Tokens::create(data.path()).unwrap();
        let parts = RpcParts::new(0, tokens, (node.clone() as _, assets()), Arc::clone(&events));
        let server = RpcServer::start(parts).await.unwrap();
        let mut file = NodeFile::load(data.path()).unwrap();
        file.rpc = server.url();
        file.save(data.path()).unwrap();
        Self {
            data,
            server,
            node,
            events,
        }
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "expected {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn next(stream: &mut EventStream) -> Event {
    let next = tokio::time::timeout(PATIENCE, stream.next());
    next.await.expect("an event in time").unwrap()
}

#[tokio::test]
async fn events_are_paged_by_their_cursor_and_a_lost_one_is_told() {
    let fixture = Fixture::start().await;
    fixture.happen(5, 1);
    let client = fixture.client();
    let page = client.events_list(None, Some(2)).await.unwrap();
    assert_eq!((page.oldest, page.newest), (NOW + 1, NOW + 5));
    let cursors: Vec<u64> = page.events.iter().map(|event| event.cursor).collect();
    assert_eq!(cursors, [NOW + 1, NOW + 2]);
    let rest = client.events_list(Some(NOW + 2), None).await.unwrap();
    assert_eq!(rest.events.len(), 3);
    for limit in [0, 501] {
        let error = error_of(client.events_list(None, Some(limit)).await);
        assert_eq!(error.code(), -32602);
    }
    for foreign in [3, NOW + 6] {
        let error = error_of(client.events_list(Some(foreign), None).await);
        assert_eq!(error.code(), ApiErrorKind::Gap.code());
        let data: ApiErrorData = serde_json::from_str(error.data().unwrap().get()).unwrap();
        assert_eq!(
            data.expected.unwrap(),
            format!("a cursor of {NOW} to {}", NOW + 5)
        );
    }
}

#[tokio::test]
async fn a_stream_has_every_event_once_over_restarts_of_the_node_and_of_itself() {
    let mut fixture = Fixture::start().await;
    fixture.happen(40, 100);
    let mut stream = EventStream::after(fixture.callee(Caller::Reader), None);
    let mut seen = Vec::new();
    for round in 0..4 {
        // Some are taken before the node stops, and some happen while nobody listens.
        for _ in 0..15 {
            seen.push(next(&mut stream).await.cursor);
        }
        if round % 2 == 0 {
            fixture = fixture.restart().await;
        } else {
            stream = EventStream::after(fixture.callee(Caller::Owner), stream.cursor());
        }
        fixture.happen(10, 100);
    }
    while seen.len() < 80 {
        seen.push(next(&mut stream).await.cursor);
    }
    assert_eq!(seen, (NOW + 1..=NOW + 80).collect::<Vec<_>>());
    // And what happens from here on comes at once.
    fixture.happen(1, 1);
    assert_eq!(next(&mut stream).await.cursor, NOW + 81);
}

#[tokio::test]
async fn a_node_at_the_end_of_a_tunnel_is_called_with_the_token_that_it_has_now() {
    let fixture = Fixture::start().await;
    fixture.happen(2, 1);
    let token = |fixture: &Fixture| std::fs::read_to_string(fixture.data.path().join(READ_FILE)).unwrap();
    let old: Cookie = token(&fixture).parse().unwrap();
    let tunnel = Tunnel::to(fixture.server.url()).await;
    let callee = Callee::At {
        port: tunnel.port,
        token: old.clone(),
    };
    let client = callee.client().unwrap();
    assert_eq!(client.swap_show(SWAP).await.unwrap(), fixture.node.swap());
    let mut stream = EventStream::after(callee, None);
    assert_eq!(next(&mut stream).await.cursor, NOW + 1);

    let fixture = fixture.restart().await;
    let tunnel = Tunnel::to(fixture.server.url()).await;
    let at = |token| Callee::At {
        port: tunnel.port,
        token,
    };
    let refused = EventStream::after(at(old), Some(NOW + 1))
        .next()
        .await
        .unwrap_err();
    assert!(matches!(refused, StreamError::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("read it again"), "{refused}");
    let new = token(&fixture).parse().unwrap();
    let mut stream = EventStream::after(at(new), Some(NOW + 1));
    assert_eq!(next(&mut stream).await.cursor, NOW + 2);
}

/// A port that is not the node's own, by which it is reached all the same.
struct Tunnel {
    port: u16,
    _task: tokio::task::JoinSet<()>,
}

impl Tunnel {
    async fn to(url: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let mut ends = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let node = url.trim_start_matches("http://").to_owned();
                ends.spawn(async move {
                    let mut far = TcpStream::connect(node).await.unwrap();
                    let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { port, _task: task }
    }
}

#[tokio::test]
async fn a_stream_whose_events_are_gone_says_so_once_and_goes_on_with_what_there_is() {
    let fixture = Fixture::start().await;
    fixture.happen(3, 1);
    let mut stream = EventStream::after(fixture.callee(Caller::Owner), Some(7));
    let gap = stream.next().await.unwrap_err();
    assert!(
        matches!(gap, StreamError::Gap { after: 7, oldest } if oldest == NOW + 1),
        "{gap}"
    );
    assert_eq!(next(&mut stream).await.cursor, NOW + 1);
}

#[tokio::test]
async fn a_subscriber_of_a_node_that_stops_is_told_where_it_was() {
    let fixture = Fixture::start().await;
    fixture.happen(2, 1);
    let mut socket = Socket::open(&fixture, &bearer(&fixture)).await.unwrap();
    socket.subscribe(Some(NOW)).await;
    for cursor in [NOW + 1, NOW + 2] {
        let EventNotice::Event(event) = socket.notice().await else {
            panic!("an event");
        };
        assert_eq!(event.cursor, cursor);
    }
    let stopping = tokio::spawn(fixture.server.stop());
    let ended = socket.notice().await;
    let expected = json!({"ended": {"reason": "stopping", "cursor": NOW + 2}});
    assert_eq!(serde_json::to_value(ended).unwrap(), expected);
    drop(socket);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_subscriber_that_stops_reading_holds_nothing_in_the_node_and_learns_where_to_go_on() {
    let patience = Duration::from_millis(200);
    let fixture = Fixture::limited(|parts| RpcParts { patience, ..parts }).await;
    let mut socket = Socket::open(&fixture, &bearer(&fixture)).await.unwrap();
    socket.subscribe(Some(NOW)).await;
    let feeds = fixture.server.feeds();
    fixture
        .until("a subscription", |f| {
            f.server.feeds().open.load(Ordering::SeqCst) == 1
        })
        .await;
    let (mut happened, deadline) = (0, Instant::now() + PATIENCE);
    while feeds.lagged.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < deadline, "whoever reads nothing is let go");
        fixture.happen(64, 4_000);
        happened += 64;
        // Nobody waits for the subscriber: the log goes on, and stays as small as it is.
        let page = fixture.events.after(None, usize::MAX).unwrap();
        assert_eq!(page.newest, NOW + happened);
        assert!(page.events.len() <= MAX_EVENTS);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(feeds.open.load(Ordering::SeqCst), 0);
    // It reads again: what was under way, in order, and then the last word.
    let mut cursor = NOW;
    let reason = loop {
        match socket.notice().await {
            EventNotice::Event(event) => {
                assert_eq!(event.cursor, cursor + 1);
                cursor = event.cursor;
            }
            EventNotice::Ended { reason, cursor: last } => {
                assert_eq!(last, cursor);
                break reason;
            }
        }
    };
    assert_eq!(serde_json::to_value(reason).unwrap(), json!("lagged"));
    assert!(cursor < NOW + happened, "not all of it was waiting somewhere");
    fixture.client().swap_show(SWAP).await.unwrap();
}

#[tokio::test]
async fn a_websocket_needs_a_token_and_a_page_of_the_web_gets_none() {
    let fixture = Fixture::start().await;
    for (headers, status) in [
        ("Host: 127.0.0.1\r\n".to_owned(), 401),
        (
            format!("Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n", "0".repeat(64)),
            401,
        ),
        (format!("{}Origin: http://127.0.0.1\r\n", bearer(&fixture)), 403),
        (bearer(&fixture).replace("127.0.0.1", "evil.example"), 403),
    ] {
        let refused = Socket::open(&fixture, &headers).await.err();
        assert_eq!(refused, Some(status), "{headers}");
    }
}

#[tokio::test]
async fn one_connection_has_few_subscriptions_and_other_calls_go_on_beside_them() {
    let fixture = Fixture::start().await;
    let mut socket = Socket::open(&fixture, &bearer(&fixture)).await.unwrap();
    for _ in 0..4 {
        socket.subscribe(Some(NOW)).await;
    }
    socket
        .send(r#"{"jsonrpc":"2.0","id":9,"method":"events.subscribe","params":{}}"#)
        .await;
    assert!(socket.json().await["error"]["code"].is_i64());
    socket.send(SHOW).await;
    assert_eq!(socket.json().await["result"]["state"], json!("done"));
}

fn bearer(fixture: &Fixture) -> String {
    format!(
        "Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n",
        fixture.cookie()
    )
}

/// A WebSocket by hand, which reads when it is told to.
pub(super) struct Socket(TcpStream);

impl Socket {
    /// Opens one whose receiving end holds little; or else the status of the refusal.
    pub(super) async fn open(fixture: &Fixture, headers: &str) -> Result<Self, u16> {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(fixture.server.address()).await.unwrap();
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        let request = format!("GET / HTTP/1.1\r\n{headers}{upgrade}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        match head.split(' ').nth(1).unwrap() {
            "101" => Ok(Self(stream)),
            status => Err(status.parse().unwrap()),
        }
    }

    pub(super) async fn send(&mut self, text: &str) {
        let length = u16::try_from(text.len()).unwrap();
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        // A mask of zeros changes nothing.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next text.
    pub(super) async fn json(&mut self) -> Value {
        let read = async {
            loop {
                let opcode = self.0.read_u8().await.unwrap() & 0x0f;
                let length = match self.0.read_u8().await.unwrap() {
                    126 => u64::from(self.0.read_u16().await.unwrap()),
                    127 => self.0.read_u64().await.unwrap(),
                    short => u64::from(short),
                };
                let mut payload = vec![0; usize::try_from(length).unwrap()];
                self.0.read_exact(&mut payload).await.unwrap();
                if opcode == 1 {
                    return serde_json::from_slice(&payload).unwrap();
                }
            }
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("a message in time")
    }

    async fn subscribe(&mut self, after: Option<u64>) {
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "events.subscribe", "params": {"after": after}});
        self.send(&call.to_string()).await;
        let answer = self.json().await;
        assert!(!answer["result"].is_null(), "{answer}");
    }

    async fn notice(&mut self) -> EventNotice {
        let mut message = self.json().await;
        assert_eq!(message["method"], json!("events"), "{message}");
        serde_json::from_value(message["params"]["result"].take()).unwrap()
    }
}
