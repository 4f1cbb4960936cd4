//! One HTTP request and its reply, on `reqwest`: time limits, stalls, signals. The only file that sends one.

use std::future::Future;
use std::time::{Duration, Instant};

use reqwest::header;
use url::{Host, Url};

use super::address;
use super::budget::Budget;
use super::context::Context;
use super::error::FetchError;
use super::pace::Pace;
use super::range::{self, Ask, Head};
use super::redirect;
use super::words::{self, chain};
use crate::util::stop::{Stop, Stopped};

/// Why a request or a connection ended too early.
#[derive(Debug)]
pub enum Failure {
    /// A retry may succeed.
    Trouble(Trouble),
    /// The bytes on disk are useless for this server.
    StartOver {
        /// Why, for the log.
        reason: String,
        /// Whether the server's ranges can't be trusted.
        distrust: bool,
    },
    /// A retry will not succeed.
    Fatal(FetchError),
}

/// A failure that may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub cause: String,
    /// How long the server asks us to wait.
    pub demanded: Option<Duration>,
    /// Whether the server itself reported it; otherwise it was the network.
    pub refused: bool,
    /// Whether no server has this name: a mistake in the address, unless the network is just coming up.
    pub unknown_host: bool,
}

/// Tries for a name that no server has.
const TRIES_FOR_A_NAME: u32 = 3;

impl Trouble {
    /// Whether more tries would only cost time.
    #[must_use]
    pub fn is_final(&self, failed: u32) -> bool {
        self.unknown_host && failed >= TRIES_FOR_A_NAME
    }

    /// The error when the retries are used up, with `held` bytes kept.
    #[must_use]
    pub fn into_error(self, address: String, budget: &Budget<'_>, held: u64) -> FetchError {
        let (cause, tries, waited) = (self.cause, budget.failed, budget.waited);
        if self.unknown_host {
            FetchError::NoHost { address, cause }
        } else if self.refused {
            FetchError::Busy { address, cause, tries, waited, held }
        } else {
            FetchError::Unreachable { address, cause, tries, waited, held }
        }
    }
}

impl Failure {
    /// The network's doing.
    pub fn network(cause: impl Into<String>) -> Self {
        Self::Trouble(Trouble { cause: cause.into(), demanded: None, refused: false, unknown_host: false })
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        Self::Fatal(stopped.into())
    }
}

/// How a request identifies itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guise {
    /// As fragua.
    Program,
    /// As a desktop browser of the kind that still gets Google Drive's plain pages.
    Browser,
}

impl Guise {
    fn user_agent(self) -> &'static str {
        match self {
            Self::Program => concat!("fragua/", env!("CARGO_PKG_VERSION")),
            Self::Browser => {
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.102 \
                 Safari/537.36"
            }
        }
    }
}

/// Makes requests.
pub struct Client<'a> {
    http: reqwest::Client,
    /// For servers on this machine, which are reached without a proxy.
    direct: reqwest::Client,
    /// The surroundings.
    pub context: &'a Context<'a>,
}

/// A reply: its headers, its address after all redirects, and the unread body.
pub struct Reply {
    /// The head.
    pub head: Head,
    /// The address that answered.
    pub url: Url,
    /// The body.
    pub body: Body,
}

impl<'a> Client<'a> {
    /// A client with its own cookies; proxies are taken from the environment, except for this machine itself.
    ///
    /// # Errors
    /// If the TLS or proxy settings of this machine can't be used.
    pub fn new(context: &'a Context<'a>) -> Result<Self, FetchError> {
        let failed = |error: reqwest::Error| FetchError::Setup(chain(&error));
        let http = builder(context).build().map_err(failed)?;
        let direct = builder(context).no_proxy().build().map_err(failed)?;
        Ok(Self { http, direct, context })
    }

    fn for_host_of(&self, url: &Url) -> &reqwest::Client {
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if is_here { &self.direct } else { &self.http }
    }

    /// Requests a file or a part of it, and returns as soon as the head of the reply has arrived.
    ///
    /// # Errors
    /// If no reply arrives, or on a signal.
    pub async fn get(&self, url: &Url, guise: Guise, ask: &Ask) -> Result<Reply, Failure> {
        let mut request = self
            .for_host_of(url)
            .get(url.clone())
            .header(header::USER_AGENT, guise.user_agent())
            .header(header::ACCEPT, "*/*")
            // Compression in transit would change lengths and offsets.
            .header(header::ACCEPT_ENCODING, "identity");
        if ask.ranged {
            let last = ask.end.map_or(String::new(), |end| (end - 1).to_string());
            request = request.header(header::RANGE, format!("bytes={}-{last}", ask.start));
            // Google Drive does not document `If-Range`; what its 206 says of the file is compared instead.
            if let (Some(validator), Guise::Program) = (&ask.validator, guise) {
                request = request.header(header::IF_RANGE, validator.text());
            }
        }
        let sent = unless_stopped(self.context.stop, tokio::time::timeout(self.context.limits.reply, request.send()));
        let response = match sent.await? {
            Err(_) => return Err(Failure::network("no answer")),
            Ok(Err(error)) => return Err(self.send_failure(url, error)),
            Ok(Ok(response)) => response,
        };
        let multiplexed = response.version() >= reqwest::Version::HTTP_2;
        let limits = &self.context.limits;
        Ok(Reply {
            head: Head::new(response.status().as_u16(), response.headers(), multiplexed),
            url: response.url().clone(),
            body: Body {
                response,
                ahead: Vec::new(),
                ended: false,
                pace: Pace::new(limits.stall_window, limits.stall_bytes),
            },
        })
    }

    /// The failure for a "retry later" reply.
    #[must_use]
    pub fn busy(&self, head: &Head) -> Trouble {
        let demanded = head.retry_after.as_deref();
        Trouble {
            cause: format!("the server answered {}", head.status),
            demanded: demanded.and_then(|text| range::retry_after(text, self.context.clock.today())),
            refused: true,
            unknown_host: false,
        }
    }

    fn send_failure(&self, url: &Url, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        if error.is_redirect() {
            return Failure::Fatal(redirect::refusal(url, &error));
        }
        if error.is_builder() {
            let (text, reason) = (address::shown(url), chain(&error));
            return Failure::Fatal(FetchError::Address { text, reason });
        }
        Failure::Trouble(words::trouble(&error))
    }
}

/// The body of a reply, in order.
pub struct Body {
    response: reqwest::Response,
    ahead: Vec<u8>,
    ended: bool,
    pace: Pace,
}

impl Body {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// If the connection breaks or stalls, or on a signal.
    pub async fn next(&mut self, stop: &Stop) -> Result<Option<Vec<u8>>, Failure> {
        if !self.ahead.is_empty() {
            return Ok(Some(std::mem::take(&mut self.ahead)));
        }
        self.receive(stop).await
    }

    /// The first bytes, up to `length`; `next` will return them again.
    ///
    /// # Errors
    /// As `next`.
    pub async fn peek(&mut self, length: usize, stop: &Stop) -> Result<&[u8], Failure> {
        while self.ahead.len() < length {
            match self.receive(stop).await? {
                Some(bytes) => self.ahead.extend_from_slice(&bytes),
                None => break,
            }
        }
        Ok(&self.ahead)
    }

    /// All of a web page, up to `length` bytes. A broken connection ends the page: what has arrived may be enough.
    ///
    /// # Errors
    /// On a signal.
    pub async fn page(&mut self, length: usize, stop: &Stop) -> Result<String, Failure> {
        if let Err(Failure::Fatal(error)) = self.peek(length, stop).await {
            return Err(Failure::Fatal(error));
        }
        Ok(String::from_utf8_lossy(&self.ahead).into_owned())
    }

    /// All of a page that is useful only when complete.
    ///
    /// # Errors
    /// If the connection breaks, on a signal, or if the page is longer than `length`.
    pub async fn whole_page(&mut self, length: usize, stop: &Stop) -> Result<String, Failure> {
        let page = self.peek(length, stop).await?;
        if page.len() >= length {
            return Err(Failure::network("the page is too long"));
        }
        Ok(String::from_utf8_lossy(page).into_owned())
    }

    async fn receive(&mut self, stop: &Stop) -> Result<Option<Vec<u8>>, Failure> {
        while !self.ended {
            let (left, begun) = (self.pace.left(), Instant::now());
            let received = unless_stopped(stop, tokio::time::timeout(left, self.response.chunk())).await?;
            let count = match &received {
                Ok(Ok(Some(bytes))) => bytes.len(),
                _ => 0,
            };
            let stalled = self
                .pace
                .note(begun.elapsed().max(if received.is_err() { left } else { Duration::ZERO }), count as u64);
            match received {
                Ok(Ok(None)) => self.ended = true,
                Ok(Ok(Some(bytes))) if !bytes.is_empty() => return Ok(Some(bytes.into())),
                Ok(Err(error)) => return Err(Failure::Trouble(words::trouble(&error.without_url()))),
                _ if stalled => return Err(Failure::network("the connection stalled")),
                _ => {}
            }
        }
        Ok(None)
    }
}

fn builder(context: &Context<'_>) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().connect_timeout(context.limits.connect).cookie_store(true);
    builder.referer(false).redirect(redirect::policy())
}

/// Waits for the future, but no longer than until a signal.
///
/// # Errors
/// On a signal.
pub async fn unless_stopped<T>(stop: &Stop, future: impl Future<Output = T>) -> Result<T, Stopped> {
    tokio::select! {
        biased;
        stopped = signal(stop) => Err(stopped),
        value = future => Ok(value),
    }
}

async fn signal(stop: &Stop) -> Stopped {
    loop {
        if let Err(stopped) = stop.check() {
            return stopped;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How often a wait is announced.
const TELLS_WAIT: Duration = Duration::from_secs(2);

/// Waits before the next try, and announces the wait with its reason.
///
/// # Errors
/// On a signal.
pub async fn wait_for_next_try(context: &Context<'_>, time: Duration, reason: &str) -> Result<(), Stopped> {
    context.progress.waits(reason);
    tokio::select! {
        biased;
        waited = unless_stopped(context.stop, context.clock.sleep(time)) => waited,
        stopped = keep_telling(context, reason) => Err(stopped),
    }
}

/// Announces a wait for as long as it lasts.
async fn keep_telling(context: &Context<'_>, reason: &str) -> Stopped {
    loop {
        tokio::time::sleep(TELLS_WAIT).await;
        if let Err(stopped) = context.stop.check() {
            return stopped;
        }
        context.progress.waits(reason);
    }
}
