//! Very many clients.

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
