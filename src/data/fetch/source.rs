//! One file on one server: how to request it, and what a reply that is a web page means.

use url::Url;

use super::address;
use super::client::{Client, Failure, Guise, Reply};
use super::drive::pages;
use super::drive::resolve::{DriveFile, refusal};
use super::error::FetchError;
use super::range::Ask;
use super::redirect::is_sign_in;
use crate::data::html;

/// A file on a server.
#[derive(Clone, Debug)]
pub enum Source {
    /// At an address.
    Web(Url),
    /// Behind the pages of Google Drive.
    Drive(DriveFile),
}

impl Source {
    /// Its name in messages.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Web(url) => address::shown(url),
            Self::Drive(file) => file.address(),
        }
    }

    /// The text that distinguishes this file from all others.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Web(url) => url.as_str().to_owned(),
            Self::Drive(file) => format!("gdrive:{}", file.id),
        }
    }

    /// Whether several connections at once are welcome. Google Drive counts them against the file's quota.
    #[must_use]
    pub fn is_parallel(&self) -> bool {
        matches!(self, Self::Web(_))
    }

    /// Whether the same size proves that the file is still the same. Google Drive cuts long transfers every hour, gives
    /// the file an id of its own and may send no validator: without this, a large file would never be complete.
    #[must_use]
    pub fn is_known_by_size(&self) -> bool {
        matches!(self, Self::Drive(_))
    }

    /// A reply that is not a web page: the file, a part of it, or a status that says why not.
    ///
    /// # Errors
    /// If a web page was sent, or nothing.
    pub async fn open(&self, client: &Client<'_>, ask: &Ask) -> Result<Reply, Failure> {
        match self {
            Self::Drive(file) => file.open(client, ask).await,
            Self::Web(url) => self.open_web(client, url, ask).await,
        }
    }

    /// A further part, from the address that answered before.
    ///
    /// # Errors
    /// If there is no reply.
    pub async fn open_again(&self, client: &Client<'_>, url: &Url, ask: &Ask) -> Result<Reply, Failure> {
        client.get(url, self.guise(), ask).await
    }

    fn guise(&self) -> Guise {
        match self {
            Self::Web(_) => Guise::Program,
            Self::Drive(_) => Guise::Browser,
        }
    }

    async fn open_web(&self, client: &Client<'_>, url: &Url, ask: &Ask) -> Result<Reply, Failure> {
        let mut reply = client.get(url, self.guise(), ask).await?;
        let target = reply.head.location.as_deref().and_then(|location| reply.url.join(location).ok());
        if target.is_some_and(|target| is_sign_in(&target)) {
            return Err(Failure::Fatal(FetchError::SignIn { address: self.address() }));
        }
        let from_the_start = reply.head.status == 200 || (reply.head.status == 206 && ask.start == 0);
        let stop = client.context.stop;
        if from_the_start && html::is_page(reply.body.peek(html::PREFIX, stop).await?) {
            let page = reply.body.page(client.context.limits.page_bytes, stop).await?;
            return Err(Failure::Fatal(refusal(pages::read(&page, &reply.url), self.address())));
        }
        Ok(reply)
    }
}
