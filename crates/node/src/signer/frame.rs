//! What goes through the socket: a length (4 bytes, little-endian) and so many bytes of borsh, one answer to each
//! question, in turn.

use borsh::{BorshDeserialize, BorshSerialize};
use kofo_adapter_api::MOST_ASKED;
use kofo_primitives::{NetworkId, SwapNonce};
use std::io::{Error, ErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::{Zeroize, Zeroizing};

/// Of questions and answers; another form gets another number.
pub(super) const VERSION: u8 = 1;
/// What an adapter asks, and the frame around it.
const MOST_BYTES: usize = MOST_ASKED + 1_024;

/// What a node asks.
#[derive(Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub(super) enum Question {
    Hashlock(NetworkId, SwapNonce),
    Preimage(NetworkId, SwapNonce),
    Household(NetworkId),
    Keys { family: String, question: Vec<u8> },
}

/// What it is answered. May hold a secret: erased when it goes.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) enum Answer {
    Done(Vec<u8>),
    Refused(String),
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Self::Done(bytes) = self {
            bytes.zeroize();
        }
    }
}

pub(super) async fn write<T: BorshSerialize>(
    to: &mut (impl AsyncWrite + Unpin),
    it: &T,
) -> Result<(), Error> {
    let bytes = Zeroizing::new(borsh::to_vec(&(VERSION, it))?);
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= MOST_BYTES);
    let length = length.ok_or_else(|| too_long(bytes.len()))?;
    to.write_all(&length.to_le_bytes()).await?;
    to.write_all(&bytes).await?;
    to.flush().await
}

pub(super) async fn read<T: BorshDeserialize>(from: &mut (impl AsyncRead + Unpin)) -> Result<T, Error> {
    let mut length = [0; 4];
    from.read_exact(&mut length).await?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MOST_BYTES {
        return Err(too_long(length));
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    from.read_exact(&mut bytes).await?;
    match bytes.split_first() {
        Some((&VERSION, body)) => borsh::from_slice(body),
        other => {
            let got = other.map(|(version, _)| *version);
            let why = format!("expected version {VERSION} of the signer's protocol, got {got:?}");
            Err(Error::new(ErrorKind::InvalidData, why))
        }
    }
}

fn too_long(got: usize) -> Error {
    let why = format!("expected at most {MOST_BYTES} bytes, got {got}");
    Error::new(ErrorKind::InvalidData, why)
}
