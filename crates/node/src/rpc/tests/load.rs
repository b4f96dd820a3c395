//! Very many clients, and clients that send whatever comes to mind.

use super::events::Socket;
use super::*;

const CLIENTS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_at_once_are_all_answered_or_told_to_wait_and_the_node_goes_on() {
    let fixture = Arc::new(Fixture::start().await);
    let headers = format!(
        "Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n",
        fixture.cookie()
    );
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (fixture, headers) = (Arc::clone(&fixture), headers.clone());
        clients.spawn(async move { fixture.post(&headers, SHOW).await });
    }
    let (mut answered, mut busy) = (0, 0);
    for (status, body) in clients.join_all().await {
        match status {
            200 if body.contains("\"state\":\"done\"") => answered += 1,
            200 | 429 => busy += 1,
            other => panic!("{other}: {body}"),
        }
    }
    assert!(answered > 0);
    assert_eq!((answered + busy, fixture.calls()), (CLIENTS, answered as u64));
    assert_eq!(fixture.client().swap_show(SWAP).await.unwrap().id, SWAP);
}

/// A generator of numbers that is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        // xorshift
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }

    /// A value that is or is not what a parameter wants.
    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 8 } else { 10 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.0),
            3 => json!(-i64::try_from(self.below(9)).unwrap()),
            4 => json!(1.5e300),
            5 => json!(SWAP.to_string()),
            6 => json!(["0.1btc", "1e9eth", "btc/eth", "", "\u{0}", "🦀", "-1btc", "relay"][self.below(8)]),
            7 => json!("9".repeat(self.below(200))),
            8 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let names = ["give", "want", "id", "after", "claim", "limit", "amount", "x"];
                let pairs =
                    (0..self.below(5)).map(|_| (names[self.below(8)].to_owned(), self.value(depth - 1)));
                Value::Object(pairs.collect())
            }
        }
    }

    /// A call of a real method, with parameters by its names or by others.
    fn call(&mut self) -> Vec<u8> {
        let methods: Vec<_> = table()
            .filter(|method| method.name != "events.subscribe")
            .collect();
        let method = methods[self.below(methods.len())];
        let params = if self.below(4) == 0 {
            self.value(2)
        } else {
            let mut generator = schemars::SchemaGenerator::default();
            let names = (method.params)(&mut generator);
            Value::Object(names.iter().map(|p| (p.name.to_owned(), self.value(2))).collect())
        };
        let call = json!({"jsonrpc": "2.0", "id": self.value(0), "method": method.name, "params": params});
        let mut bytes = call.to_string().into_bytes();
        if self.below(3) == 0 {
            for _ in 0..=self.below(4) {
                let at = self.below(bytes.len());
                match self.below(3) {
                    0 => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, b"{}[]\",:0"[self.below(8)]),
                }
            }
        }
        bytes
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_is_answered_with_a_result_or_an_error_and_the_node_goes_on() {
    let most = crate::rpc::guard::Rate {
        per_second: 1_000_000,
        burst: 1_000_000,
    };
    let rates = crate::rpc::guard::Rates {
        owner: most,
        reader: most,
    };
    let fixture = Fixture::limited(|parts| RpcParts { rates, ..parts }).await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let headers = format!(
        "Host: 127.0.0.1\r\nAuthorization: Bearer {}\r\n",
        fixture.cookie()
    );
    for _ in 0..1_500 {
        let body = String::from_utf8_lossy(&dice.call()).into_owned();
        // A watch that watches for ever is no fault.
        if body.contains("swap.watch") || body.contains("claim.quotes") {
            continue;
        }
        let (status, answer) = fixture.post(&headers, &body).await;
        let read: Value = serde_json::from_str(&answer).unwrap_or(Value::Null);
        let whole =
            read["result"] != Value::Null || read["error"]["code"].is_i64() || read.get("result").is_some();
        // A call without an id, or with one that is none, is a notification: nothing is done, and `null` is said.
        assert!(
            whole || status >= 400 || answer == "null",
            "{body}: {status} {answer}"
        );
        assert_ne!(read["error"]["data"]["kind"], json!("busy"), "{body}");
    }
    let mut socket = Socket::open(&fixture, &headers).await.unwrap();
    for _ in 0..300 {
        let body = String::from_utf8_lossy(&dice.call()).into_owned();
        if !body.contains("swap.watch") && !body.contains("claim.quotes") && body.contains("\"id\":") {
            socket.send(&body).await;
        }
    }
    let last = json!({"jsonrpc": "2.0", "id": "the last", "method": "swap.show", "params": {"id": SWAP}});
    socket.send(&last.to_string()).await;
    while socket.json().await["id"] != json!("the last") {}
    fixture.client().swap_show(SWAP).await.unwrap();
}
