//! Who may call: whoever can read the cookie file, and no web page in that person's browser.

use jsonrpsee::core::BoxError;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};
use zeroize::Zeroizing;

/// The cookie file's name in the data folder.
pub const COOKIE_FILE: &str = "rpc.cookie";
/// 32 bytes in hexadecimal.
const COOKIE_CHARS: usize = 64;

/// The secret that lets one call the node's RPC: fresh at each start, never printed.
#[derive(Clone)]
pub struct Cookie(Arc<Zeroizing<String>>);

/// Why there is no cookie.
#[derive(Debug, thiserror::Error)]
pub enum CookieError {
    /// The file cannot be read or written.
    #[error("the node's cookie file {path}: {source}; start the node with `kofo node`, as the same user")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not what a node writes.
    #[error("{path} is no cookie: expected {COOKIE_CHARS} hexadecimal digits; restart the node")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no randomness.
    #[error("the system gave no randomness: {0}")]
    Randomness(String),
}

impl Cookie {
    /// Draws a new cookie and writes it into the data folder, where only its owner can read it.
    pub fn create(data: &Path) -> Result<Self, CookieError> {
        let mut bytes = Zeroizing::new([0; COOKIE_CHARS / 2]);
        getrandom::fill(&mut bytes[..]).map_err(|e| CookieError::Randomness(e.to_string()))?;
        let text = Zeroizing::new(hex::encode(&bytes[..]));
        let path = data.join(COOKIE_FILE);
        match crate::files::replace(&path, text.as_bytes()) {
            Ok(()) => Ok(Self(Arc::new(text))),
            Err(source) => Err(CookieError::File { path, source }),
        }
    }

    /// Reads the cookie of a running node.
    pub fn load(data: &Path) -> Result<Self, CookieError> {
        let path = data.join(COOKIE_FILE);
        let bytes = match crate::files::read_bounded(&path, 2 * COOKIE_CHARS as u64) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(source) => return Err(CookieError::File { path, source }),
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        if text.len() != COOKIE_CHARS || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(CookieError::Malformed { path });
        }
        Ok(Self(Arc::new(Zeroizing::new(text.to_owned()))))
    }

    /// The value of the header `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.0.as_str()))
    }

    /// Compares in a time that does not tell how much is right.
    fn is(&self, given: &str) -> bool {
        let right = self.0.as_bytes();
        let differ = |acc: u8, (a, b): (&u8, &u8)| acc | (a ^ b);
        given.len() == right.len() && given.as_bytes().iter().zip(right).fold(0, differ) == 0
    }
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookie(redacted)")
    }
}

/// Turns away requests that are not from the owner, before anything else looks at them.
#[derive(Clone, Debug)]
pub struct OwnerOnly {
    cookie: Cookie,
}

impl OwnerOnly {
    /// Whoever sends this cookie is the owner.
    #[must_use]
    pub const fn new(cookie: Cookie) -> Self {
        Self { cookie }
    }

    /// `None` if the request may pass, else the status and text of the refusal.
    fn refusal(&self, request: &HttpRequest<impl Sized>) -> Option<(u16, &'static str)> {
        // A page of a foreign site that points its name at 127.0.0.1 still sends that name.
        if !is_own_host(request) {
            return Some((403, "expected the host 127.0.0.1 or localhost\n"));
        }
        // No program sends this, every browser does.
        if request.headers().contains_key("origin") {
            return Some((403, "requests from web pages are not answered\n"));
        }
        let given = request.headers().get("authorization");
        let given = given.and_then(|v| v.to_str().ok());
        let given = given.and_then(|v| v.strip_prefix("Bearer "));
        if given.is_some_and(|given| self.cookie.is(given)) {
            return None;
        }
        let why =
            "expected the header 'Authorization: Bearer' with the content of rpc.cookie in the data folder\n";
        Some((401, why))
    }
}

/// Whether a request names this machine as its host, and nobody else.
pub(crate) fn is_own_host(request: &HttpRequest<impl Sized>) -> bool {
    let mut named = request.headers().get_all("host").iter();
    let host = match (named.next(), named.next()) {
        (Some(one), None) => one.to_str().unwrap_or_default(),
        // HTTP/2 has it in the target instead.
        (None, _) => request.uri().authority().map_or("", |a| a.as_str()),
        (Some(_), Some(_)) => "",
    };
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "0"));
    let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    is_port && (name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost"))
}

impl<S> Layer<S> for OwnerOnly {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            rule: self.clone(),
        }
    }
}

/// A service behind [`OwnerOnly`].
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    inner: S,
    rule: OwnerOnly,
}

type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, BoxError>> + Send>>;

impl<S, B> Service<HttpRequest<B>> for Guarded<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = HttpResponse;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Answer {
        match self.rule.refusal(&request) {
            Some((status, why)) => Box::pin(std::future::ready(refuse(status, why))),
            None => {
                let answer = self.inner.call(request);
                Box::pin(async move { answer.await.map_err(Into::into) })
            }
        }
    }
}

fn refuse(status: u16, why: &'static str) -> Result<HttpResponse, BoxError> {
    let mut answer = HttpResponse::new(HttpBody::from(why));
    *answer.status_mut() = status.try_into()?;
    let headers = answer.headers_mut();
    headers.insert("content-type", "text/plain".parse()?);
    // The body that comes with a refused request is never read.
    headers.insert("connection", "close".parse()?);
    Ok(answer)
}
