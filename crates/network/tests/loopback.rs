//! Two and more real swarms on real sockets of the loopback interface.

use std::time::Duration;

use futures::future::join_all;
use kofo_network::{
    Config, Identity, Inbound, InboundRequest, Limits, Network, PeerAddress, RequestError, StartError,
    Transport,
};
use tokio::time::{Instant, timeout};

const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(90);

fn config(listen: &[&str], limits: Limits) -> Config {
    Config {
        identity: Identity::generate(),
        network_id: "test".to_owned(),
        listen: listen.iter().map(|address| (*address).to_owned()).collect(),
        limits,
    }
}

async fn start(listen: &[&str], limits: Limits) -> (Network, Inbound) {
    Network::start(config(listen, limits))
        .await
        .expect("the network starts")
}

/// A node that only asks.
async fn asker(limits: Limits) -> Network {
    start(&[], limits).await.0
}

/// A node that answers each request with the same bytes.
async fn echo(listen: &[&str], limits: Limits) -> Network {
    let (network, inbound) = start(listen, limits).await;
    serve(inbound);
    network
}

fn serve(mut inbound: Inbound) {
    tokio::spawn(async move {
        while let Some(request) = inbound.next().await {
            request.responder.respond(request.body).expect("small enough");
        }
    });
}

fn address(network: &Network) -> PeerAddress {
    PeerAddress::from_multiaddrs(&network.listen_addresses()).expect("our own addresses parse")
}

async fn next(inbound: &mut Inbound) -> InboundRequest {
    timeout(DEADLINE, inbound.next())
        .await
        .expect("a request in time")
        .expect("running")
}

#[tokio::test]
async fn requests_are_answered_over_tcp_and_over_quic() {
    for listen in [TCP, QUIC] {
        let (server, mut inbound) = start(&[listen], Limits::default()).await;
        let client = asker(Limits::default()).await;
        let [listening] = &server.listen_addresses()[..] else {
            panic!("one listener")
        };
        assert_eq!(listening.contains("/quic-v1"), listen == QUIC, "{listening}");
        assert!(
            listening.ends_with(&format!("/p2p/{}", server.peer_id())),
            "{listening}"
        );
        let client_id = client.peer_id();
        let serving = tokio::spawn(async move {
            let request = next(&mut inbound).await;
            assert_eq!((request.from, &request.body[..]), (client_id, &b"ask"[..]));
            request.responder.respond(b"yes".to_vec()).expect("small");
        });
        assert_eq!(
            client.request(&address(&server), b"ask".to_vec()).await,
            Ok(b"yes".to_vec())
        );
        serving.await.expect("served");
    }
}

#[tokio::test]
async fn messages_of_every_size_up_to_the_limit_pass() {
    let server = echo(&[TCP, QUIC], Limits::default()).await;
    let max = Limits::default().message_bytes as usize;
    for own in server.listen_addresses() {
        let client = asker(Limits::default()).await;
        let to = PeerAddress::from_multiaddrs(&[own]).expect("an address");
        for size in [0, 1, 1000, max] {
            let body: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            assert_eq!(
                client.request(&to, body.clone()).await,
                Ok(body),
                "{size} bytes to {to:?}"
            );
        }
    }
}

#[tokio::test]
async fn concurrent_requests_share_one_first_contact_and_each_gets_its_own_answer() {
    let server = echo(&[TCP, QUIC], Limits::default()).await;
    let client = asker(Limits::default()).await;
    let to = address(&server);
    let answers = join_all((0..8).map(|n| client.request(&to, vec![n]))).await;
    assert_eq!(answers, (0..8).map(|n| Ok(vec![n])).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_peer_that_listens_nowhere_is_asked_over_its_own_connection() {
    let server = echo(&[TCP], Limits::default()).await;
    let (client, inbound) = start(&[], Limits::default()).await;
    serve(inbound);
    client
        .request(&address(&server), vec![1])
        .await
        .expect("answered");
    let back = PeerAddress::new::<&str>(client.peer_id(), &[]).expect("an address");
    assert_eq!(server.request(&back, vec![2]).await, Ok(vec![2]));
}

#[tokio::test]
async fn another_network_is_refused_with_a_clear_error() {
    let mut other = config(&[TCP, QUIC], Limits::default());
    other.network_id = "other".to_owned();
    let (server, mut inbound) = Network::start(other).await.expect("the network starts");
    let client = asker(Limits::default()).await;
    for own in server.listen_addresses() {
        let to = PeerAddress::from_multiaddrs(&[own]).expect("an address");
        let error = client
            .request(&to, b"secret".to_vec())
            .await
            .expect_err("another network");
        let protocol = "/kofo/1/test/direct".to_owned();
        assert_eq!(
            error,
            RequestError::WrongNetwork {
                peer: server.peer_id(),
                protocol
            }
        );
        assert!(error.to_string().contains("another network"), "{error}");
    }
    server.shutdown().await;
    assert!(inbound.next().await.is_none(), "nothing was let through");
}

#[tokio::test]
async fn oversized_requests_are_refused_on_both_sides() {
    let server = echo(&[TCP, QUIC], Limits::default()).await;
    let max = Limits::default().message_bytes;
    let size = max as usize + 1;
    for own in server.listen_addresses() {
        let to = PeerAddress::from_multiaddrs(&[own]).expect("an address");
        let honest = asker(Limits::default()).await;
        assert_eq!(
            honest.request(&to, vec![0; size]).await,
            Err(RequestError::TooLarge { size, max })
        );
        let rude = asker(Limits {
            message_bytes: max * 16,
            ..Limits::default()
        })
        .await;
        let refused = Err(RequestError::TooLargeForPeer {
            peer: server.peer_id(),
            max,
        });
        assert_eq!(rude.request(&to, vec![0; size]).await, refused);
        // Larger than what fits in flight: the server resets the stream instead of reading it.
        let huge = rude.request(&to, vec![0; max as usize * 16]).await;
        assert!(
            matches!(
                &huge,
                Err(RequestError::Lost { .. } | RequestError::NoAnswer { .. })
            ),
            "{huge:?}"
        );
        assert_eq!(
            rude.request(&to, vec![7]).await,
            Ok(vec![7]),
            "the connection is still good"
        );
    }
}

#[tokio::test]
async fn oversized_answers_are_refused_on_both_sides() {
    let (server, mut inbound) = start(
        &[TCP],
        Limits {
            message_bytes: 128 * 1024,
            ..Limits::default()
        },
    )
    .await;
    let client = asker(Limits::default()).await;
    let peer = server.peer_id();
    tokio::spawn(async move {
        let request = next(&mut inbound).await;
        request
            .responder
            .respond(vec![0; 100_000])
            .expect("within the server's own limit");
        let request = next(&mut inbound).await;
        let error = request.responder.respond(vec![0; 200_000]).expect_err("over it");
        assert_eq!((error.size, error.max), (200_000, 131_072));
    });
    let refused = Err(RequestError::AnswerTooLarge {
        peer,
        size: 100_000,
        max: 65_536,
    });
    assert_eq!(client.request(&address(&server), vec![1]).await, refused);
    assert_eq!(
        client.request(&address(&server), vec![1]).await,
        Err(RequestError::NoAnswer { peer })
    );
}

#[tokio::test]
async fn a_dropped_responder_answers_nothing_and_says_so() {
    for listen in [TCP, QUIC] {
        let (server, mut inbound) = start(&[listen], Limits::default()).await;
        let client = asker(Limits::default()).await;
        tokio::spawn(async move { drop(next(&mut inbound).await) });
        let no_answer = Err(RequestError::NoAnswer {
            peer: server.peer_id(),
        });
        assert_eq!(client.request(&address(&server), vec![1]).await, no_answer);
        // The whole inbound is dropped now.
        assert_eq!(client.request(&address(&server), vec![1]).await, no_answer);
    }
}

#[tokio::test]
async fn a_flood_is_told_busy_while_others_are_served() {
    let (server, mut inbound) = start(
        &[TCP],
        Limits {
            inbound_per_peer: 2,
            ..Limits::default()
        },
    )
    .await;
    let to = address(&server);
    let flooder = asker(Limits {
        outbound_per_peer: 100,
        ..Limits::default()
    })
    .await;
    let flooder_id = flooder.peer_id();
    let flood = tokio::spawn({
        let to = to.clone();
        async move { join_all((0..100).map(|_| flooder.request(&to, b"flood".to_vec()))).await }
    });
    // Both places of the flooder stay taken until the end.
    let held = [next(&mut inbound).await, next(&mut inbound).await];
    assert!(held.iter().all(|request| request.from == flooder_id));
    let modest = asker(Limits::default()).await;
    let serving = async {
        let request = next(&mut inbound).await;
        assert_eq!(request.from, modest.peer_id(), "the flooder got no third place");
        request.responder.respond(b"served".to_vec()).expect("small");
    };
    let (answer, ()) = tokio::join!(modest.request(&to, b"please".to_vec()), serving);
    assert_eq!(answer, Ok(b"served".to_vec()));
    for request in held {
        request.responder.respond(b"at last".to_vec()).expect("small");
    }
    let answers = timeout(DEADLINE, flood)
        .await
        .expect("in time")
        .expect("no panic");
    let peer = server.peer_id();
    let count = |wanted: &Result<Vec<u8>, RequestError>| answers.iter().filter(|got| *got == wanted).count();
    assert_eq!(count(&Ok(b"at last".to_vec())), 2);
    assert!(count(&Err(RequestError::Busy { peer })) > 0, "{answers:?}");
}

#[tokio::test]
async fn more_requests_a_second_than_allowed_are_told_busy_until_tokens_grow_back() {
    let server = echo(
        &[TCP],
        Limits {
            inbound_per_second: 2,
            ..Limits::default()
        },
    )
    .await;
    let (client, to) = (asker(Limits::default()).await, address(&server));
    let deadline = Instant::now() + DEADLINE;
    let busy = Err(RequestError::Busy {
        peer: server.peer_id(),
    });
    assert_eq!(client.request(&to, vec![1]).await, Ok(vec![1]));
    while client.request(&to, vec![2]).await != busy {
        assert!(Instant::now() < deadline, "the rate is not limited");
    }
    while client.request(&to, vec![3]).await != Ok(vec![3]) {
        assert!(Instant::now() < deadline, "the limit is never lifted");
    }
}

#[tokio::test]
async fn our_own_waiting_requests_are_bounded() {
    let (server, mut inbound) = start(&[TCP], Limits::default()).await;
    let client = asker(Limits {
        outbound_per_peer: 1,
        ..Limits::default()
    })
    .await;
    let to = address(&server);
    let second = async {
        let request = next(&mut inbound).await;
        let refused = client.request(&to, vec![2]).await;
        request.responder.respond(vec![1]).expect("small");
        refused
    };
    let (first, second) = tokio::join!(client.request(&to, vec![1]), second);
    assert_eq!(
        (first, second),
        (Ok(vec![1]), Err(RequestError::TooManyWaiting { max: 1 }))
    );
}

#[tokio::test]
async fn connections_are_bounded_and_those_that_stand_stay() {
    let server = echo(
        &[TCP],
        Limits {
            connections_in: 1,
            ..Limits::default()
        },
    )
    .await;
    let to = address(&server);
    let (first, second) = (asker(Limits::default()).await, asker(Limits::default()).await);
    assert_eq!(first.request(&to, vec![1]).await, Ok(vec![1]));
    let refused = second.request(&to, vec![2]).await.expect_err("no room");
    assert!(
        matches!(
            refused,
            RequestError::Lost { .. } | RequestError::Unreachable { .. }
        ),
        "{refused:?}"
    );
    assert_eq!(first.request(&to, vec![3]).await, Ok(vec![3]));
}

#[tokio::test]
async fn no_connection_is_made_or_taken_above_the_memory_limit() {
    let server = echo(
        &[TCP],
        Limits {
            memory_bytes: 1,
            ..Limits::default()
        },
    )
    .await;
    let client = echo(&[TCP], Limits::default()).await;
    let refused = client
        .request(&address(&server), vec![1])
        .await
        .expect_err("taken");
    assert!(
        matches!(
            refused,
            RequestError::Lost { .. } | RequestError::Unreachable { .. }
        ),
        "{refused:?}"
    );
    let refused = server
        .request(&address(&client), vec![1])
        .await
        .expect_err("made");
    assert!(matches!(refused, RequestError::Unreachable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("memory"), "{refused}");
}

#[tokio::test]
async fn a_peer_that_goes_away_in_the_middle_is_noticed_and_found_again_when_it_is_back() {
    for listen in [TCP, QUIC] {
        let identity = Identity::generate();
        let mut settings = Config {
            identity,
            ..config(&[listen], Limits::default())
        };
        let (server, mut inbound) = Network::start(settings.clone())
            .await
            .expect("the network starts");
        let client = asker(Limits::default()).await;
        let to = address(&server);
        settings.listen = vec![to.multiaddrs()[0].clone()];
        let leave = async {
            let request = next(&mut inbound).await;
            server.shutdown().await;
            request
        };
        let (answer, request) = tokio::join!(client.request(&to, vec![1]), leave);
        assert!(
            matches!(&answer, Err(RequestError::Lost { peer, .. }) if *peer == to.peer()),
            "{listen}: {answer:?}"
        );
        request
            .responder
            .respond(vec![1])
            .expect("an asker that is gone is no error");

        let deadline = Instant::now() + DEADLINE;
        let (_server, inbound) = loop {
            match Network::start(settings.clone()).await {
                Ok(started) => break started,
                Err(error) => assert!(Instant::now() < deadline, "the port is never free again: {error}"),
            }
            tokio::task::yield_now().await;
        };
        serve(inbound);
        assert_eq!(client.request(&to, vec![2]).await, Ok(vec![2]), "{listen}");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_answer_in_time_is_an_error_of_its_own() {
    let (server, mut inbound) = start(&[TCP], Limits::default()).await;
    let after = Duration::from_millis(300);
    let client = asker(Limits {
        request_timeout: after,
        ..Limits::default()
    })
    .await;
    let to = address(&server);
    let (answer, _held) = tokio::join!(client.request(&to, vec![1]), next(&mut inbound));
    assert_eq!(
        answer,
        Err(RequestError::Timeout {
            peer: server.peer_id(),
            after
        })
    );
}

#[tokio::test]
async fn a_stranger_at_the_address_is_not_talked_to() {
    for listen in [TCP, QUIC] {
        let (stranger, mut inbound) = start(&[listen], Limits::default()).await;
        let client = asker(Limits::default()).await;
        let wanted = Identity::generate().peer_id();
        let at = stranger.listen_addresses()[0].replace(&format!("/p2p/{}", stranger.peer_id()), "");
        let to = PeerAddress::new(wanted, std::slice::from_ref(&at)).expect("an address");
        let error = client
            .request(&to, b"secret".to_vec())
            .await
            .expect_err("a stranger");
        let RequestError::Unreachable { peer, tried } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((*peer, &tried[0].address), (wanted, &at));
        assert!(
            error.to_string().contains(&stranger.peer_id().to_string()),
            "{error}"
        );
        stranger.shutdown().await;
        assert!(inbound.next().await.is_none(), "the stranger got nothing");
    }
}

#[tokio::test]
async fn a_stranger_at_one_address_does_not_hide_the_peer_at_another() {
    let (server, stranger) = (
        echo(&[TCP], Limits::default()).await,
        echo(&[TCP], Limits::default()).await,
    );
    let client = asker(Limits::default()).await;
    let bare = |network: &Network| {
        let full = network.listen_addresses()[0].clone();
        full.replace(&format!("/p2p/{}", network.peer_id()), "")
    };
    let to = PeerAddress::new(server.peer_id(), &[bare(&stranger), bare(&server)]).expect("an address");
    assert_eq!(client.request(&to, vec![1]).await, Ok(vec![1]));
}

#[tokio::test]
async fn an_unreachable_peer_is_named_with_all_addresses_that_were_tried() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("/ip4/127.0.0.1/tcp/{}", gone.local_addr().expect("bound").port());
    drop(gone);
    let client = asker(Limits::default()).await;
    let peer = Identity::generate().peer_id();
    let to = PeerAddress::new(peer, &[at.as_str(), "/dns4/localhost/tcp/1"]).expect("an address");
    let error = client.request(&to, vec![1]).await.expect_err("nobody is there");
    let RequestError::Unreachable { tried, .. } = &error else {
        panic!("{error:?}")
    };
    let mut addresses: Vec<_> = tried.iter().map(|attempt| attempt.address.as_str()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["/dns4/localhost/tcp/1", at.as_str()]);
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");

    let nowhere = PeerAddress::new::<&str>(peer, &[]).expect("an address");
    let error = client
        .request(&nowhere, vec![1])
        .await
        .expect_err("nowhere to dial");
    assert_eq!(
        error,
        RequestError::Unreachable {
            peer,
            tried: Vec::new()
        }
    );
}

#[tokio::test]
async fn a_node_does_not_ask_itself() {
    let server = echo(&[TCP], Limits::default()).await;
    assert_eq!(
        server.request(&address(&server), vec![1]).await,
        Err(RequestError::Ourselves)
    );
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_inbound_and_stops_what_waits() {
    let (network, mut inbound) = start(&[TCP, QUIC], Limits::default()).await;
    let clone = network.clone();
    drop(network);
    drop(clone);
    assert!(
        timeout(DEADLINE, inbound.next())
            .await
            .expect("in time")
            .is_none()
    );

    let (server, mut inbound) = start(&[TCP], Limits::default()).await;
    let client = asker(Limits::default()).await;
    let to = address(&server);
    let stop = async {
        let _held = next(&mut inbound).await;
        client.clone().shutdown().await;
    };
    let (answer, ()) = tokio::join!(client.request(&to, vec![1]), stop);
    assert_eq!(answer, Err(RequestError::Stopped));
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_error_at_start() {
    for listen in [TCP, QUIC] {
        let (first, _inbound) = start(&[listen], Limits::default()).await;
        let taken = first.listen_addresses()[0].replace(&format!("/p2p/{}", first.peer_id()), "");
        let error = Network::start(config(&[&taken], Limits::default()))
            .await
            .expect_err("taken");
        assert!(
            matches!(&error, StartError::Listen { address, .. } if *address == taken),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_bad_configuration_is_a_clear_error_at_start() {
    let mut bad = config(&[], Limits::default());
    bad.network_id = "Main Net".to_owned();
    assert!(matches!(
        Network::start(bad).await,
        Err(StartError::NetworkId { .. })
    ));
    let limits = Limits {
        inbound_total: 0,
        ..Limits::default()
    };
    let bad = Network::start(config(&[], limits)).await;
    assert!(matches!(
        bad,
        Err(StartError::ZeroLimit {
            name: "inbound_total"
        })
    ));
    let bad = Network::start(config(&["localhost:9000"], Limits::default())).await;
    assert!(matches!(bad, Err(StartError::Address(_))));
    let bad = Network::start(config(&["/dns4/localhost/tcp/0"], Limits::default())).await;
    assert!(matches!(bad, Err(StartError::Listen { .. })));
}
