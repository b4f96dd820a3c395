//! Bytes on the wire: the protocol's name and the frames on a stream.
//!
//! Request: length (u32, big-endian), body, end of stream. Answer: one status byte, for status 0 a
//! frame like the request's, for status 2 the largest length that is taken (u32, big-endian), end of
//! stream. A stream that ends before the status byte carries no answer. Whatever follows a frame makes
//! it malformed: one message has one encoding.

use std::io;

use futures::prelude::*;
use libp2p::StreamProtocol;
use libp2p::request_response;

use crate::mesh::Plane;

const STATUS_ANSWER: u8 = 0;
const STATUS_BUSY: u8 = 1;
const STATUS_TOO_LARGE: u8 = 2;

/// The largest oversized request that is answered with a word, in bytes. It fits into the window of a
/// fresh stream (256 KiB), so its sender comes to read the answer although nobody reads the
/// body. The stream of a larger one is reset at once: its sender would wait for room until it times out.
const UNREAD_MAX: u32 = 192 * 1024;

/// The name of one protocol of one network, `/kofo/1/<network id>/<what>`; `None` if the id is not 1 to
/// 32 characters of a-z, 0-9 and '-'. Another id is another protocol and never negotiates.
pub(crate) fn protocol(network_id: &str, what: &str) -> Option<StreamProtocol> {
    let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if !(1..=32).contains(&network_id.len()) || !network_id.bytes().all(legal) {
        return None;
    }
    StreamProtocol::try_from_owned(format!("/kofo/1/{network_id}/{what}")).ok()
}

/// The name under which messages of one plane are negotiated.
pub(crate) fn plane_protocol(network_id: &str, plane: Plane) -> Option<StreamProtocol> {
    let what = match plane {
        Plane::Direct => "direct",
        Plane::Claim => "claim",
        Plane::Return => "return",
    };
    protocol(network_id, what)
}

/// What arrives on a stream that a peer opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A request.
    Body(Vec<u8>),
    /// A request whose announced length is over our limit but harmless; its body was not read.
    Oversized,
    /// Bytes that no node writes; not worth an answer. A value and no error, for an error would tell
    /// nobody who wrote them.
    Malformed,
}

/// What comes back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An answer.
    Answer(Vec<u8>),
    /// Asked too often, or at a bad time.
    Busy,
    /// The request is larger than the answering side takes.
    TooLarge {
        /// Its limit, in bytes.
        max: u32,
    },
    /// The stream ended without an answer. Cannot be written: the attempt resets the stream, which frees a
    /// sender that waits for room for the rest of its message.
    Nothing,
    /// An answer whose announced length is over our limit; not read. Read only.
    Oversized {
        /// The announced length, in bytes.
        size: u32,
    },
}

/// Reads and writes frames of at most `max` bytes.
#[derive(Clone, Debug)]
pub(crate) struct Codec {
    pub(crate) max: u32,
}

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Ask;
    type Response = Reply;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Ask>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read_frame(io, self.max).await {
            Ok(Frame::Body(body)) => Ok(Ask::Body(body)),
            Ok(Frame::Oversized(length)) if length <= UNREAD_MAX => Ok(Ask::Oversized),
            Ok(Frame::Oversized(_)) => Ok(Ask::Malformed),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Ask::Malformed),
            Err(error) => Err(error),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Reply>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut status = [0];
        if io.read(&mut status).await? == 0 {
            return Ok(Reply::Nothing);
        }
        let reply = match status[0] {
            STATUS_ANSWER => {
                return Ok(match read_frame(io, self.max).await? {
                    Frame::Body(body) => Reply::Answer(body),
                    Frame::Oversized(size) => Reply::Oversized { size },
                });
            }
            STATUS_BUSY => Reply::Busy,
            STATUS_TOO_LARGE => Reply::TooLarge {
                max: read_u32(io).await?,
            },
            other => return Err(malformed(format!("unknown status {other}"))),
        };
        expect_end(io).await?;
        Ok(reply)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, ask: Ask) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match ask {
            Ask::Body(body) => write_frame(io, &body, self.max).await,
            Ask::Oversized | Ask::Malformed => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, reply: Reply) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match reply {
            Reply::Answer(body) => {
                io.write_all(&[STATUS_ANSWER]).await?;
                write_frame(io, &body, self.max).await
            }
            Reply::Busy => io.write_all(&[STATUS_BUSY]).await,
            Reply::TooLarge { max } => {
                io.write_all(&[STATUS_TOO_LARGE]).await?;
                io.write_all(&max.to_be_bytes()).await
            }
            Reply::Nothing | Reply::Oversized { .. } => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

enum Frame {
    Body(Vec<u8>),
    Oversized(u32),
}

async fn read_frame<T: AsyncRead + Unpin + Send>(io: &mut T, max: u32) -> io::Result<Frame> {
    let length = read_u32(io).await?;
    if length > max {
        return Ok(Frame::Oversized(length));
    }
    let mut body = vec![0; length as usize];
    io.read_exact(&mut body).await?;
    expect_end(io).await?;
    Ok(Frame::Body(body))
}

async fn write_frame<T: AsyncWrite + Unpin + Send>(io: &mut T, body: &[u8], max: u32) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= max);
    let length = length.ok_or(io::ErrorKind::InvalidInput)?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(body).await
}

async fn read_u32<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<u32> {
    let mut bytes = [0; 4];
    io.read_exact(&mut bytes).await?;
    Ok(u32::from_be_bytes(bytes))
}

async fn expect_end<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<()> {
    match io.read(&mut [0]).await? {
        0 => Ok(()),
        _ => Err(malformed(
            "expected the end of the stream after the message".to_owned(),
        )),
    }
}

fn malformed(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests;
