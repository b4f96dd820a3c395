//! What a test reads that stands between a daemon and whoever asks it.

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The next HTTP message: its head with the empty line, and the body that its content-length announces (none: no body).
/// `None` at the end of the connection. Of any size: for daemons of our own, never for strangers.
pub async fn message(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        head.extend_from_slice(&line);
        let line = String::from_utf8_lossy(&line).trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some((head, body)))
}
