//! What one may call, and how often: looked at before a method sees its parameters, over HTTP and WebSocket alike.

use super::auth::Caller;
use super::error::{ApiError, ApiErrorKind};
use super::methods::{Access, table};
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::{ErrorObjectOwned, Id, Request};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tower::Layer;

/// How many calls one token may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls in a second, in the long run; not 0.
    pub per_second: u32,
    /// So many at once, after a rest.
    pub burst: u32,
}

/// The rates of both tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of the cookie.
    pub owner: Rate,
    /// Of the read token.
    pub reader: Rate,
}

impl Default for Rates {
    /// More than programs of one owner need, less than a program gone wild makes.
    fn default() -> Self {
        Self {
            owner: Rate {
                per_second: 2_000,
                burst: 4_000,
            },
            reader: Rate {
                per_second: 200,
                burst: 400,
            },
        }
    }
}

/// Calls that may be made now, in billionths of a call.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    state: Mutex<(u128, Instant)>,
}

const CALL: u128 = 1_000_000_000;

impl Bucket {
    fn new(rate: Rate) -> Self {
        let state = Mutex::new((u128::from(rate.burst) * CALL, Instant::now()));
        Self { rate, state }
    }

    fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, at) = *state;
        let earned = now.saturating_duration_since(at).as_nanos() * u128::from(self.rate.per_second);
        let left = (left + earned).min(u128::from(self.rate.burst) * CALL);
        let taken = left.checked_sub(CALL);
        *state = (taken.unwrap_or(left), now.max(at));
        taken.is_some()
    }
}

/// The rules for all connections of a server.
#[derive(Clone, Debug)]
pub(super) struct Rules(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    owner: Bucket,
    reader: Bucket,
    reads: BTreeSet<&'static str>,
}

impl Rules {
    pub(super) fn new(rates: Rates) -> Self {
        let reads = table().filter(|method| method.access == Access::Reads);
        Self(Arc::new(Shared {
            owner: Bucket::new(rates.owner),
            reader: Bucket::new(rates.reader),
            reads: reads.map(|method| method.name).collect(),
        }))
    }

    fn check(&self, caller: Option<Caller>, method: &str) -> Result<(), ApiError> {
        let bucket = match caller {
            Some(Caller::Owner) => &self.0.owner,
            Some(Caller::Reader) => &self.0.reader,
            // Nobody comes here unknown; and if so, then not further.
            None => return Err(denied(method)),
        };
        if !bucket.take(Instant::now()) {
            let Rate { per_second, burst } = bucket.rate;
            let message =
                format!("too many calls: {per_second} in a second, and {burst} at once, are answered");
            let hint = "wait a moment and try again; to follow what happens, subscribe to events";
            return Err(ApiError::new(ApiErrorKind::Busy, message).hint(hint));
        }
        // What no table knows is refused too: a reader learns nothing of it.
        if caller == Some(Caller::Reader) && !self.0.reads.contains(method) {
            return Err(denied(method));
        }
        Ok(())
    }
}

fn denied(method: &str) -> ApiError {
    let short: String = method.chars().take(64).collect();
    ApiError::new(
        ApiErrorKind::Denied,
        format!("the read token does not let one call {short:?}"),
    )
    .expected("the cookie")
    .got("the read token")
    .hint("use the content of rpc.cookie in the data folder, if you are to spend")
}

impl<S> Layer<S> for Rules {
    type Service = Ruled<S>;

    fn layer(&self, inner: S) -> Ruled<S> {
        Ruled {
            inner,
            rules: self.clone(),
        }
    }
}

/// Methods behind [`Rules`].
#[derive(Clone, Debug)]
pub(super) struct Ruled<S> {
    inner: S,
    rules: Rules,
}

impl<S> RpcServiceT for Ruled<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let caller = request.extensions().get::<Caller>().copied();
        let allowed = self.rules.check(caller, request.method_name());
        let inner = self.inner.clone();
        async move {
            match allowed {
                Ok(()) => inner.call(request).await,
                Err(error) => MethodResponse::error(request.id, ErrorObjectOwned::from(error)),
            }
        }
    }

    /// The server takes no batches: nothing of one is called.
    fn batch<'a>(&self, _requests: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let error = ApiError::new(
            ApiErrorKind::InvalidParams,
            "batches are not answered: send one call at a time",
        );
        std::future::ready(MethodResponse::error(Id::Null, ErrorObjectOwned::from(error)))
    }

    /// No method is called by a notification.
    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move { inner.notification(notification).await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate_and_never_saves_more() {
        let rate = Rate {
            per_second: 10,
            burst: 3,
        };
        let bucket = Bucket::new(rate);
        let start = Instant::now();
        let taken = |at: Instant| (0..100).filter(|_| bucket.take(at)).count();
        assert_eq!(taken(start), 3);
        assert_eq!(taken(start + Duration::from_millis(99)), 0);
        assert_eq!(taken(start + Duration::from_millis(250)), 2);
        assert_eq!(taken(start + Duration::from_secs(3_600)), 3);
        assert_eq!(taken(start), 0, "time does not run back");
    }

    #[test]
    fn a_reader_may_call_what_reads_and_nothing_that_the_table_does_not_name() {
        let rules = Rules::new(Rates::default());
        for method in table() {
            let allowed = rules.check(Some(Caller::Reader), method.name).is_ok();
            assert_eq!(allowed, method.access == Access::Reads, "{}", method.name);
            assert!(rules.check(Some(Caller::Owner), method.name).is_ok());
            assert!(rules.check(None, method.name).is_err());
        }
        for unknown in ["", "swap.take", "swap.showx"] {
            let error = rules.check(Some(Caller::Reader), unknown).unwrap_err();
            assert_eq!(error.kind, ApiErrorKind::Denied);
        }
        let acts = [
            "swap.offer",
            "swap.accept",
            "claim.make",
            "claim.select",
            "node.stop",
            "ledger.transfer",
        ];
        for name in acts {
            let line = table().find(|method| method.name == name).expect(name);
            assert_eq!(line.access, Access::Acts, "{name}");
        }
    }
}
