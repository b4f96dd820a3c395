//! A peer that writes what no node of ours would write.

use std::io;
use std::time::Duration;

use futures::prelude::*;
use kofo_network::Mesh;
use libp2p::request_response::{self, Message, OutboundFailure, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use tokio::time::timeout;

use crate::node::{DEADLINE, Node, until};

/// Writes the bytes that it is given and reads whatever comes.
#[derive(Clone)]
struct Bytes;

impl request_response::Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

struct Rude {
    swarm: Swarm<request_response::Behaviour<Bytes>>,
    target: libp2p::PeerId,
}

impl Rude {
    /// Connected to `target`, with nothing said yet.
    fn connect(target: &Node) -> Self {
        let claim = StreamProtocol::new("/kofo/1/test/claim");
        let behaviour = request_response::Behaviour::with_codec(
            Bytes,
            [(claim, ProtocolSupport::Full)],
            request_response::Config::default(),
        );
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .expect("a transport")
            .with_behaviour(|_| behaviour)
            .expect("a behaviour")
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
            .build();
        let at = target.address().multiaddrs()[0].parse().expect("a multiaddr");
        let target = target.id().to_string().parse().expect("a peer id");
        swarm
            .dial(DialOpts::peer_id(target).addresses(vec![at]).build())
            .expect("dialing");
        Self { swarm, target }
    }

    /// Sends bytes as a claim. Returns what came back.
    async fn say(&mut self, bytes: &[u8]) -> Result<Vec<u8>, OutboundFailure> {
        let (target, bytes) = (self.target, bytes.to_vec());
        self.swarm.behaviour_mut().send_request(&target, bytes);
        let answer = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::Behaviour(request_response::Event::OutboundFailure { error, .. }) => {
                        return Err(error);
                    }
                    SwarmEvent::Behaviour(request_response::Event::Message {
                        message: Message::Response { response, .. },
                        ..
                    }) => return Ok(response),
                    _ => {}
                }
            }
        };
        timeout(DEADLINE, answer).await.expect("an end in time")
    }
}

#[tokio::test]
async fn a_peer_that_does_not_keep_to_the_encoding_is_not_heard_and_is_banned() {
    let target = Node::plain().await;
    let mut rude = Rude::connect(&target);
    let answer = rude.say(b"\0\0\0\x03ask").await.expect("well-formed");
    assert_eq!(answer, b"\0\0\0\0\x03ask");
    assert_eq!(target.network.neighbours().len(), 1, "who asks is a neighbour");
    // A byte behind the end, and a length that is never read.
    for bytes in [&b"\0\0\0\x03ask!"[..], &[0xff; 8], b"\0\0\0\x01aa"] {
        let answer = rude.say(bytes).await;
        assert!(
            answer.as_ref().map_or(true, |answer| answer.is_empty()),
            "{answer:?}"
        );
    }
    until("it is banned", || target.network.neighbours().is_empty()).await;
    // Refused when it comes back, whatever it says.
    for _ in 0..2 {
        let answer = rude.say(b"\0\0\0\x03ask").await;
        assert!(answer.is_err(), "{answer:?}");
    }
    let seen = target.seen.lock().expect("not poisoned");
    assert_eq!(seen.asked.len(), 1, "nothing malformed was handed over");
}

#[tokio::test]
async fn a_message_that_ends_early_is_no_fault_for_connections_break() {
    let target = Node::plain().await;
    let mut rude = Rude::connect(&target);
    rude.say(b"\0\0\0\x03ask").await.expect("well-formed");
    for _ in 0..5 {
        let answer = rude.say(b"\0\0\0\x03as").await;
        assert!(
            answer.as_ref().map_or(true, |answer| answer.is_empty()),
            "{answer:?}"
        );
    }
    assert_eq!(target.network.neighbours()[0].score, 0);
}
