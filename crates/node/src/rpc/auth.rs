//! Who may call: whoever can read a token file, and no web page in that person's browser.

use jsonrpsee::core::BoxError;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};
use zeroize::Zeroizing;

/// The cookie file's name in the data folder.
pub const COOKIE_FILE: &str = "rpc.cookie";
/// The name of the file with the token that lets one look and change nothing.
pub const READ_FILE: &str = "rpc.read";
/// 32 bytes in hexadecimal.
const COOKIE_CHARS: usize = 64;

/// A secret that lets one call the node's RPC: fresh at each start, never printed.
#[derive(Clone)]
pub struct Cookie(Arc<Zeroizing<String>>);

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever has the cookie: may call everything.
    Owner,
    /// Whoever has the read token: may call what changes nothing.
    Reader,
}

impl Caller {
    /// The file with its token.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Owner => COOKIE_FILE,
            Self::Reader => READ_FILE,
        }
    }
}

/// The tokens of a running node.
#[derive(Clone, Debug)]
pub struct Tokens {
    owner: Cookie,
    reader: Option<Cookie>,
}

impl Tokens {
    /// Draws new tokens and writes them into the data folder, where only its owner can read them.
    pub fn create(data: &Path) -> Result<Self, CookieError> {
        Ok(Self {
            owner: Cookie::create(data)?,
            reader: Some(Cookie::create_for(data, Caller::Reader)?),
        })
    }

    fn caller(&self, given: &str) -> Option<Caller> {
        // Both are compared in any case.
        let reads = self.reader.as_ref().is_some_and(|reader| reader.is(given));
        match (self.owner.is(given), reads) {
            (true, _) => Some(Caller::Owner),
            (false, true) => Some(Caller::Reader),
            (false, false) => None,
        }
    }
}

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
    /// No token.
    #[error(
        "expected a token of {COOKIE_CHARS} hexadecimal digits, the content of rpc.cookie or rpc.read in the node's data folder"
    )]
    NoToken,
    /// The system gave no randomness.
    #[error("the system gave no randomness: {0}")]
    Randomness(String),
}

impl Cookie {
    /// Draws the owner's cookie and writes it into the data folder, where only its owner can read it.
    pub fn create(data: &Path) -> Result<Self, CookieError> {
        Self::create_for(data, Caller::Owner)
    }

    fn create_for(data: &Path, caller: Caller) -> Result<Self, CookieError> {
        let mut bytes = Zeroizing::new([0; COOKIE_CHARS / 2]);
        getrandom::fill(&mut bytes[..]).map_err(|e| CookieError::Randomness(e.to_string()))?;
        let text = Zeroizing::new(hex::encode(&bytes[..]));
        let path = data.join(caller.file());
        match crate::files::replace(&path, text.as_bytes()) {
            Ok(()) => Ok(Self(Arc::new(text))),
            Err(source) => Err(CookieError::File { path, source }),
        }
    }

    /// Reads the owner's cookie of a running node.
    pub fn load(data: &Path) -> Result<Self, CookieError> {
        Self::load_for(data, Caller::Owner)
    }

    /// Reads a token of a running node, the owner's or the reader's.
    pub fn load_for(data: &Path, caller: Caller) -> Result<Self, CookieError> {
        let path = data.join(caller.file());
        let bytes = match crate::files::read_bounded(&path, 2 * COOKIE_CHARS as u64) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(source) => return Err(CookieError::File { path, source }),
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        text.parse().map_err(|_| CookieError::Malformed { path })
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

/// From what stands in a token file.
impl FromStr for Cookie {
    type Err = CookieError;

    fn from_str(text: &str) -> Result<Self, CookieError> {
        let text = text.trim();
        if text.len() != COOKIE_CHARS || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(CookieError::NoToken);
        }
        Ok(Self(Arc::new(Zeroizing::new(text.to_owned()))))
    }
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookie(redacted)")
    }
}

/// Turns away requests of strangers, before anything else looks at them, and says of the others who calls.
#[derive(Clone, Debug)]
pub struct OwnerOnly {
    tokens: Tokens,
}

impl OwnerOnly {
    /// Whoever sends this cookie is the owner, and there is nobody else.
    #[must_use]
    pub const fn new(cookie: Cookie) -> Self {
        let tokens = Tokens {
            owner: cookie,
            reader: None,
        };
        Self { tokens }
    }

    /// The owner, and those whom the owner lets look.
    #[must_use]
    pub const fn or_reader(tokens: Tokens) -> Self {
        Self { tokens }
    }

    /// Who calls, or else the status and text of the refusal.
    fn caller(&self, request: &HttpRequest<impl Sized>) -> Result<Caller, (u16, &'static str)> {
        if let Some(refusal) = from_web_page(request) {
            return Err(refusal);
        }
        let given = request.headers().get("authorization");
        let given = given.and_then(|v| v.to_str().ok());
        let given = given.and_then(|v| v.strip_prefix("Bearer "));
        let why = "expected the header 'Authorization: Bearer' with the content of rpc.cookie, or of rpc.read to look only, \
                   in the data folder\n";
        given
            .and_then(|given| self.tokens.caller(given))
            .ok_or((401, why))
    }
}

/// The status and text of the refusal, if a web page may have sent a request.
pub(crate) fn from_web_page(request: &HttpRequest<impl Sized>) -> Option<(u16, &'static str)> {
    // A page of a foreign site that points its name at 127.0.0.1 still sends that name.
    if !is_own_host(request) {
        return Some((403, "expected the host 127.0.0.1 or localhost\n"));
    }
    // No program sends this, every browser does, with WebSockets too.
    let origin = request.headers().contains_key("origin");
    origin.then_some((403, "requests from web pages are not answered\n"))
}

/// Whether a request names this machine as its host, and nobody else.
fn is_own_host(request: &HttpRequest<impl Sized>) -> bool {
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

    fn call(&mut self, mut request: HttpRequest<B>) -> Answer {
        match self.rule.caller(&request) {
            Err((status, why)) => Box::pin(std::future::ready(refuse(status, why))),
            Ok(caller) => {
                // Comes to every call of this request, or of this WebSocket.
                request.extensions_mut().insert(caller);
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
