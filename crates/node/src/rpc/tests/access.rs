//! Who may call what, and how often.

use super::*;
use crate::rpc::guard::{Rate, Rates};

async fn post_as(fixture: &Fixture, caller: Caller, body: &str) -> Value {
    let token = std::fs::read_to_string(fixture.data.path().join(caller.file())).unwrap();
    let headers = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n");
    let (status, body) = fixture.post(&headers, body).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn the_read_token_lets_one_look_and_nothing_else() {
    let fixture = Fixture::start().await;
    let reader = connect_as(fixture.data.path(), Caller::Reader).unwrap();
    assert_eq!(reader.swap_show(SWAP).await.unwrap(), fixture.node.swap());
    assert_eq!(reader.events_list(None, None).await.unwrap().newest, NOW);
    let calls = fixture.calls();
    for method in table() {
        // Without parameters nothing is done: the question is who says no.
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method.name});
        let answer = post_as(&fixture, Caller::Reader, &call.to_string()).await;
        let denied = answer["error"]["code"] == json!(ApiErrorKind::Denied.code());
        assert_eq!(denied, method.access == Access::Acts, "{}: {answer}", method.name);
        if denied {
            assert_eq!(answer["error"]["data"]["kind"], json!("denied"));
            assert_eq!(answer["error"]["data"]["expected"], json!("the cookie"));
        }
    }
    let offered = reader
        .swap_offer(vec!["1btc".into()], vec!["1eth".into()], None)
        .await;
    assert_eq!(error_of(offered).code(), ApiErrorKind::Denied.code());
    let stopped = error_of(reader.node_stop().await);
    assert_eq!(stopped.code(), ApiErrorKind::Denied.code());
    let unknown = r#"{"jsonrpc":"2.0","id":1,"method":"swap.take"}"#;
    let answer = post_as(&fixture, Caller::Reader, unknown).await;
    assert_eq!(answer["error"]["code"], json!(ApiErrorKind::Denied.code()));
    let _looked = calls;
}

#[tokio::test]
async fn whoever_calls_too_often_is_told_so_and_keeps_nobody_else_from_calling() {
    let slow = Rate {
        per_second: 1,
        burst: 2,
    };
    let rates = Rates {
        reader: slow,
        ..Rates::default()
    };
    let fixture = Fixture::limited(|parts| RpcParts { rates, ..parts }).await;
    let reader = connect_as(fixture.data.path(), Caller::Reader).unwrap();
    let mut busy = None;
    // It earns a call in each second: however slow this machine is, sooner or later it is too quick.
    for _ in 0..10_000 {
        if let Err(error) = reader.swap_show(SWAP).await {
            busy = Some(error);
            break;
        }
    }
    let error = error_of(Err::<(), _>(busy.expect("a limit")));
    assert_eq!(error.code(), ApiErrorKind::Busy.code());
    let data: ApiErrorData = serde_json::from_str(error.data().unwrap().get()).unwrap();
    assert!(data.hint.unwrap().contains("wait"));
    for _ in 0..20 {
        fixture.client().swap_show(SWAP).await.unwrap();
    }
}

#[test]
fn tokens_are_two_and_only_their_owner_reads_them() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempfile::tempdir().unwrap();
    let tokens = Tokens::create(data.path()).unwrap();
    let [owner, reader] = [COOKIE_FILE, READ_FILE].map(|file| {
        let path = data.path().join(file);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        std::fs::read_to_string(path).unwrap()
    });
    assert_ne!(owner, reader);
    let shown = format!("{tokens:?}");
    assert!(!shown.contains(&owner) && !shown.contains(&reader), "{shown}");
}
