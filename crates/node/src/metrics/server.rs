//! The listener for those who watch. It answers `GET` and nothing else, and each connection is over soon.

use super::figures::Figures;
use super::judge::Judgement;
use super::look::Watched;
use crate::rpc::from_web_page;
use jsonrpsee::core::BoxError;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse, serve_with_graceful_shutdown};
use std::future::{Future, pending};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;

/// At most so many connections at a time; more wait to be accepted.
pub const MAX_CONNECTIONS: usize = 16;
/// A connection lasts at most so long: a watcher that asks every minute connects anew.
const LIFE: Duration = Duration::from_secs(60);
/// A look this young is shown again: asking often costs the node nothing.
const FRESH: Duration = Duration::from_secs(1);

/// The running listener. Dropped, it ends soon; whoever needs what it looks at to be free stops it.
pub struct HealthServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinSet<()>,
}

impl HealthServer {
    /// Listens on 127.0.0.1 at this port, or at a free one for 0.
    pub async fn start(port: u16, watched: Watched) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let syncs = watched.journal.syncs().clone();
        let figures = watched
            .agreement
            .engine
            .call(move |core| Figures::new(&core.stopwatch, &syncs));
        let figures = figures.await.map_err(std::io::Error::other)?;
        let answers = Answers(Arc::new(State {
            watched,
            figures,
            started: Instant::now(),
            last: Mutex::new(None),
        }));
        let (stop, stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(accept(listener, answers, stopped));
        Ok(Self { address, stop, task })
    }

    /// Ends it, with all that it holds.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.task.join_next().await.is_some() {}
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, answers: Answers, mut stopped: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            // An error says that nobody can stop it any more.
            _told = stopped.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let answers = answers.clone();
                connections.spawn(async move {
                    connection(stream, answers).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Too many open files: it passes, and must not make the loop spin.
                tracing::debug!(%error, "a watcher could not connect");
                tokio::time::sleep(FRESH).await;
            }
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, answers: Answers) {
    let served = serve_with_graceful_shutdown(stream, answers, pending::<()>());
    if let Ok(Err(error)) = tokio::time::timeout(LIFE, served).await {
        tracing::debug!(%error, "a watcher's connection ended");
    }
}

struct State {
    watched: Watched,
    figures: Figures,
    started: Instant,
    /// When was looked last, and what the answers are since then.
    last: Mutex<Option<(Instant, Shown)>>,
}

/// What a look comes to.
#[derive(Clone)]
struct Shown {
    health: Judgement,
    ready: Judgement,
    metrics: Arc<str>,
}

impl State {
    /// One look at a time; whoever comes meanwhile is shown what it found.
    async fn shown(&self) -> Shown {
        let mut last = self.last.lock().await;
        if let Some((_, shown)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return shown.clone();
        }
        let look = self.watched.look().await;
        self.figures.take(&look, self.started.elapsed());
        let shown = Shown {
            health: Judgement::health(&look),
            ready: Judgement::ready(&look),
            metrics: self.figures.text().into(),
        };
        *last = Some((Instant::now(), shown.clone()));
        shown
    }
}

/// What is answered.
#[derive(Clone)]
struct Answers(Arc<State>);

const TEXT: &str = "text/plain; charset=utf-8";
/// What `/metrics` is in, by the OpenMetrics standard.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl<B> tower::Service<HttpRequest<B>> for Answers {
    type Response = HttpResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let refusal = refusal(&request);
        let (path, state) = (request.uri().path().to_owned(), Arc::clone(&self.0));
        Box::pin(async move {
            if let Some((status, why)) = refusal {
                return answer(status, TEXT, why.to_owned());
            }
            let shown = state.shown().await;
            match path.as_str() {
                "/health" => judged(&shown.health),
                "/ready" => judged(&shown.ready),
                _ => answer(200, METRICS, shown.metrics.to_string()),
            }
        })
    }
}

/// Why a request is not answered; `None` if it is.
fn refusal(request: &HttpRequest<impl Sized>) -> Option<(u16, &'static str)> {
    if let Some(refusal) = from_web_page(request) {
        return Some(refusal);
    }
    if request.method().as_str() != "GET" {
        return Some((405, "expected GET\n"));
    }
    let known = ["/health", "/ready", "/metrics"].contains(&request.uri().path());
    (!known).then_some((404, "expected /health, /ready or /metrics\n"))
}

/// 200 and `ok`, or 503 and what is wrong, a line each.
fn judged(judgement: &Judgement) -> Result<HttpResponse, BoxError> {
    if judgement.is_well() {
        return answer(200, TEXT, "ok\n".to_owned());
    }
    answer(503, TEXT, format!("{}\n", judgement.0.join("\n")))
}

fn answer(status: u16, kind: &'static str, body: String) -> Result<HttpResponse, BoxError> {
    let mut answer = HttpResponse::new(HttpBody::from(body));
    *answer.status_mut() = status.try_into()?;
    answer.headers_mut().insert("content-type", kind.parse()?);
    Ok(answer)
}
