use super::*;
use kofo_primitives::{NetworkId, SwapNonce};
use std::path::Path;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

fn network() -> NetworkId {
    NetworkId::new("kofo-test").unwrap()
}

fn seed() -> Seed {
    Seed::new([7; 64])
}

async fn serving(socket: &Path) -> JoinHandle<()> {
    let server = SignerServer::bind(socket, network()).await.unwrap();
    tokio::spawn(async move { server.serve(confined(&seed())).await.unwrap() })
}

async fn stopped(serving: JoinHandle<()>) {
    serving.abort();
    let _aborted = serving.await;
}

const NONCE: SwapNonce = SwapNonce::new([2; 32]);

#[tokio::test]
async fn a_signer_behind_a_socket_answers_as_the_seed_does() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("signer");
    let serving = serving(&socket).await;
    let (here, there) = (local(&seed()), RemoteSigner::new(socket));
    let network = network();
    assert_eq!(
        there.hashlock(&network, &NONCE).await,
        here.hashlock(&network, &NONCE).await
    );
    let preimage = there.preimage(&network, &NONCE).await.unwrap();
    assert_eq!(preimage, seed().preimage(&network, &NONCE));
    let household = there.household(&network).await.unwrap();
    assert_eq!(household.expose(), seed().household(&network).expose());
    assert_ne!(household.expose(), seed().expose());
    for (family, question) in [("evm/1", vec![0, 0, 0, 0, 0]), ("bitcoin/1", vec![0, 1])] {
        let (here, there) = (
            here.ask(family, &question).await,
            there.ask(family, &question).await,
        );
        assert!(here.is_ok(), "{family}: {here:?}");
        assert_eq!(there, here);
    }
    stopped(serving).await;
}

#[tokio::test]
async fn what_a_signer_refuses_is_told_from_a_signer_that_is_away() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("signer");
    let signer = RemoteSigner::new(socket.clone());
    let away = signer.hashlock(&network(), &NONCE).await;
    assert!(matches!(away, Err(SignerError::Unreachable(_))), "{away:?}");
    let serving = serving(&socket).await;
    let signer = RemoteSigner::new(socket);
    let other = NetworkId::new("another").unwrap();
    for refused in [
        signer.household(&other).await.map(drop),
        signer.preimage(&other, &NONCE).await.map(drop),
        signer.hashlock(&other, &NONCE).await.map(drop),
        signer.ask("dogecoin/1", &[]).await.map(drop),
        signer.ask("evm/1", &[9; 30]).await.map(drop),
    ] {
        assert!(matches!(refused, Err(SignerError::Refused(_))), "{refused:?}");
    }
    assert!(
        signer.hashlock(&network(), &NONCE).await.is_ok(),
        "the connection goes on"
    );
    stopped(serving).await;
}

#[tokio::test]
async fn a_signer_that_was_started_anew_is_found_again() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("signer");
    let first = serving(&socket).await;
    let signer = RemoteSigner::new(socket.clone());
    assert!(signer.hashlock(&network(), &NONCE).await.is_ok());
    stopped(first).await;
    let second = serving(&socket).await;
    assert!(signer.hashlock(&network(), &NONCE).await.is_ok());
    stopped(second).await;
    let away = signer.hashlock(&network(), &NONCE).await;
    assert!(matches!(away, Err(SignerError::Unreachable(_))), "{away:?}");
}

#[tokio::test]
async fn one_signer_serves_a_socket_and_takes_over_what_a_killed_one_left() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("signer");
    let first = serving(&socket).await;
    let second = SignerServer::bind(&socket, network()).await;
    assert!(
        matches!(second, Err(SignerServeError::InUse { .. })),
        "{second:?}"
    );
    stopped(first).await;
    // Left behind by a process that was killed: nobody listens.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    stopped(serving(&socket).await).await;
    std::fs::write(&socket, "no socket").unwrap();
    let refused = SignerServer::bind(&socket, network()).await;
    assert!(
        matches!(refused, Err(SignerServeError::NoSocket { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn nonsense_ends_a_connection_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("signer");
    let serving = serving(&socket).await;
    for bytes in [
        vec![0xff; 4],
        vec![1, 0, 0, 0, 9],
        vec![2, 0, 0, 0, 1, 77],
        vec![0; 4],
    ] {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)
            .await
            .unwrap();
        assert!(answer.is_empty(), "{bytes:?} is answered by {answer:?}");
    }
    let signer = RemoteSigner::new(socket);
    assert!(signer.hashlock(&network(), &NONCE).await.is_ok());
    stopped(serving).await;
}

#[test]
fn the_place_of_a_signer_is_a_socket() {
    let at: SignerAt = "unix:run/signer.sock".parse().unwrap();
    assert_eq!(at.socket(Path::new("/data")), Path::new("/data/run/signer.sock"));
    assert_eq!(at.to_string(), "unix:run/signer.sock");
    let absolute: SignerAt = "unix:/run/signer.sock".parse().unwrap();
    assert_eq!(absolute.socket(Path::new("/data")), Path::new("/run/signer.sock"));
    for wrong in ["", "unix:", "/run/signer.sock", "tcp:127.0.0.1:9"] {
        assert!(wrong.parse::<SignerAt>().is_err(), "{wrong:?}");
    }
}
