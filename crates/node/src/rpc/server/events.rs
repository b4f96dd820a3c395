//! Events over the RPC: pages of them, and the subscription.
//!
//! A subscriber has no queue of its own: it reads the node's log at its own speed, a page at a time, and the connection's
//! buffer holds a few messages. So however slowly somebody reads, and however many do, the node's memory does not grow.

use super::super::error::{ApiError, ApiErrorKind};
use super::super::methods::{EventsRpcServer, FeedRpcServer};
use super::super::openrpc;
use super::super::types::{EndReason, EventNotice, EventPage};
use super::{Methods, invalid};
use crate::events::Gap;
use jsonrpsee::core::server::{
    PendingSubscriptionSink, SendTimeoutError, SubscriptionMessage, SubscriptionSink,
};
use jsonrpsee::core::{RpcResult, SubscriptionResult, async_trait};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A page of events has at most so many.
const MAX_EVENT_PAGE: u32 = 500;
const DEFAULT_EVENT_PAGE: u32 = 100;
/// So many events of the log are held for one subscriber.
const AHEAD: usize = 16;

/// The methods about events.
pub(super) struct EventMethods(pub(super) Arc<Methods>);

/// Counts subscriptions.
#[derive(Debug, Default)]
pub(in crate::rpc) struct Feeds {
    /// Those that are sent events.
    pub(in crate::rpc) open: AtomicU64,
    /// Those that ended because their subscriber read too slowly.
    pub(in crate::rpc) lagged: AtomicU64,
}

fn gone(gap: Gap, got: Option<u64>) -> ApiError {
    let (oldest, newest) = (gap.oldest.saturating_sub(1), gap.newest);
    let got = got.map_or_else(|| "none".to_owned(), |cursor| cursor.to_string());
    let message = format!("the events after cursor {got} are not there any more, or never were");
    ApiError::new(ApiErrorKind::Gap, message)
        .expected(format!("a cursor of {oldest} to {newest}"))
        .got(got)
        .hint(
            "read swap.list and claim.list, then go on without a cursor, from the oldest event that is kept",
        )
}

#[async_trait]
impl EventsRpcServer for EventMethods {
    async fn events_list(&self, after: Option<u64>, limit: Option<u32>) -> RpcResult<EventPage> {
        let limit = limit.unwrap_or(DEFAULT_EVENT_PAGE);
        if !(1..=MAX_EVENT_PAGE).contains(&limit) {
            return Err(invalid("limit", format!("1 to {MAX_EVENT_PAGE}"), limit).into());
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page = self.0.events.after(after, limit);
        Ok(page.map_err(|gap| gone(gap, after))?)
    }

    async fn rpc_discover(&self) -> RpcResult<serde_json::Value> {
        Ok(openrpc::document())
    }
}

#[async_trait]
impl FeedRpcServer for EventMethods {
    async fn events_subscribe(
        &self,
        pending: PendingSubscriptionSink,
        after: Option<u64>,
    ) -> SubscriptionResult {
        let page = match self.0.events.after(after, 0) {
            Ok(page) => page,
            Err(gap) => {
                pending.reject(gone(gap, after)).await;
                return Ok(());
            }
        };
        let sink = pending.accept().await?;
        let mut feed = Feed {
            methods: &self.0,
            sink,
            cursor: after.unwrap_or_else(|| page.oldest.saturating_sub(1)),
        };
        self.0.feeds.open.fetch_add(1, Ordering::SeqCst);
        let ended = feed.run().await;
        self.0.feeds.open.fetch_sub(1, Ordering::SeqCst);
        if let Some(reason) = ended {
            if reason == EndReason::Lagged {
                self.0.feeds.lagged.fetch_add(1, Ordering::SeqCst);
            }
            feed.farewell(reason).await;
        }
        Ok(())
    }
}

struct Feed<'a> {
    methods: &'a Methods,
    sink: SubscriptionSink,
    cursor: u64,
}

impl Feed<'_> {
    /// Sends events until somebody ends it; why, if that was us.
    async fn run(&mut self) -> Option<EndReason> {
        let mut newest = self.methods.events.newest();
        let mut stop = self.methods.told_to_stop.clone();
        loop {
            newest.borrow_and_update();
            let Ok(page) = self.methods.events.after(Some(self.cursor), AHEAD) else {
                return Some(EndReason::Lagged);
            };
            if page.events.is_empty() {
                tokio::select! {
                    changed = newest.changed() => if changed.is_err() {
                        return Some(EndReason::Stopping);
                    },
                    () = self.sink.closed() => return None,
                    _ = stop.wait_for(|stop| *stop) => return Some(EndReason::Stopping),
                }
            }
            for event in page.events {
                let cursor = event.cursor;
                let message = message(&EventNotice::Event(event))?;
                tokio::select! {
                    sent = self.sink.send_timeout(message, self.methods.patience) => match sent {
                        Ok(()) => self.cursor = cursor,
                        Err(SendTimeoutError::Timeout(_)) => return Some(EndReason::Lagged),
                        Err(SendTimeoutError::Closed(_)) => return None,
                    },
                    _ = stop.wait_for(|stop| *stop) => return Some(EndReason::Stopping),
                }
            }
        }
    }

    /// The last word, as soon as there is room for it.
    async fn farewell(&self, reason: EndReason) {
        let cursor = self.cursor;
        let Some(message) = message(&EventNotice::Ended { reason, cursor }) else {
            return;
        };
        let mut stop = self.methods.told_to_stop.clone();
        if reason == EndReason::Stopping {
            // There is room for it or there is not: the server does not wait.
            let _sent = self
                .sink
                .send_timeout(message, std::time::Duration::from_millis(100))
                .await;
            return;
        }
        tokio::select! {
            // An error says that the connection is gone.
            _sent = self.sink.send(message) => {}
            () = self.sink.closed() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

fn message(notice: &EventNotice) -> Option<SubscriptionMessage> {
    let json = serde_json::value::to_raw_value(notice);
    json.inspect_err(|error| tracing::error!(%error, "an event is no JSON"))
        .ok()
        .map(SubscriptionMessage::from)
}
