//! A node's events as a stream that comes back by itself.

use super::super::error::ApiErrorKind;
use super::super::methods::{EventsRpcClient, FeedRpcClient};
use super::super::types::{Event, EventNotice};
use super::super::{MAX_ANSWER_BYTES, MAX_REQUEST_BYTES};
use super::{Callee, ConnectError, Way};
use jsonrpsee::client_transport::ws::{Url, WsHandshakeError, WsTransportClientBuilder};
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::{Client, ClientBuilder, Subscription};
use std::time::Duration;

/// Between two attempts to reach the node: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// All events of a node, each once and in order, also over restarts of the node that runs in a data folder.
#[derive(Debug)]
pub struct EventStream {
    node: Callee,
    cursor: Option<u64>,
    pause: Duration,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    events: Subscription<EventNotice>,
    // The connection lives as long as this.
    _client: Client,
}

/// Why there is no next event.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Events are gone: they were dropped while nobody asked, or the node is another one now.
    #[error(
        "the events after {after} are gone: read swap.list and claim.list; the stream goes on with the oldest event there is, {oldest}"
    )]
    Gap {
        /// The last event that this stream gave.
        after: u64,
        /// The oldest that the node has.
        oldest: u64,
    },
    /// The node refuses, and would do so again.
    #[error("the node does not tell its events: {0}")]
    Refused(String),
    /// The data folder is not a node's.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl EventStream {
    /// The events after a cursor; `None`: from the oldest that the node has. Connects with the first
    /// [`EventStream::next`].
    #[must_use]
    pub const fn after(node: Callee, cursor: Option<u64>) -> Self {
        Self {
            node,
            cursor,
            pause: PAUSES.0,
            open: None,
        }
    }

    /// The last event that was given: with it a later process goes on where this one ended.
    #[must_use]
    pub const fn cursor(&self) -> Option<u64> {
        self.cursor
    }

    /// The next event, as soon as there is one. While the node is away it waits for it to come back. Dropping the call
    /// loses nothing.
    pub async fn next(&mut self) -> Result<Event, StreamError> {
        loop {
            let Some(open) = &mut self.open else {
                self.connect().await?;
                continue;
            };
            match open.events.next().await {
                Some(Ok(EventNotice::Event(event))) => match self.cursor {
                    // Only the next one is taken: anything else is asked for again.
                    Some(cursor) if event.cursor != cursor.saturating_add(1) => self.open = None,
                    _ => {
                        self.cursor = Some(event.cursor);
                        self.pause = PAUSES.0;
                        return Ok(event);
                    }
                },
                Some(Ok(EventNotice::Ended { .. }) | Err(_)) | None => self.open = None,
            }
        }
    }

    /// Tries once, after a pause if the last attempt was in vain.
    async fn connect(&mut self) -> Result<(), StreamError> {
        let subscribed = match self.node.way() {
            Ok(way) => self.subscribe(way).await?,
            // It starts, or starts again.
            Err(ConnectError::NotRunning { .. } | ConnectError::Cookie(_)) => None,
            Err(error) => return Err(error.into()),
        };
        match subscribed {
            Some(open) => self.open = Some(open),
            None => {
                tokio::time::sleep(self.pause).await;
                self.pause = (self.pause * 2).min(PAUSES.1);
            }
        }
        Ok(())
    }

    async fn subscribe(&mut self, way: Way) -> Result<Option<Open>, StreamError> {
        let refused = |why: String| StreamError::Refused(why);
        let url = Url::parse(&format!("ws://127.0.0.1:{}", way.port)).map_err(|e| refused(e.to_string()))?;
        let transport = WsTransportClientBuilder::default()
            .set_headers(way.headers)
            .max_request_size(MAX_REQUEST_BYTES)
            .max_response_size(MAX_ANSWER_BYTES)
            .build(url);
        let (sender, receiver) = match transport.await {
            Ok(both) => both,
            // The file in a data folder has another token by and by; this one stays what it is.
            Err(WsHandshakeError::Rejected { status_code }) if matches!(self.node, Callee::At { .. }) => {
                return Err(refused(format!(
                    "it answered with {status_code}; a node that has started again has another token: read it again"
                )));
            }
            Err(_away) => return Ok(None),
        };
        let client: Client = ClientBuilder::default().build_with_tokio(sender, receiver);
        match client.events_subscribe(self.cursor).await {
            Ok(events) => Ok(Some(Open {
                events,
                _client: client,
            })),
            Err(ClientError::Call(error)) if error.code() == ApiErrorKind::Gap.code() => {
                let page = client.events_list(None, Some(1)).await;
                let page = page.map_err(|e| refused(e.to_string()))?;
                let after = self.cursor.take().unwrap_or_default();
                let oldest = page.oldest;
                Err(StreamError::Gap { after, oldest })
            }
            Err(ClientError::Call(error)) if error.code() == ApiErrorKind::Busy.code() => Ok(None),
            Err(ClientError::Call(error)) => Err(refused(error.message().to_owned())),
            Err(_gone) => Ok(None),
        }
    }
}
