//! From an id to the reply that carries the file: through redirects, the virus-scan form and error pages.

use url::Url;

use super::super::client::{Client, Failure, Guise, Reply};
use super::super::error::FetchError;
use super::super::range::Ask;
use super::super::redirect::{is_document, is_sign_in};
use super::pages::{self, Page};
use crate::data::html;

/// The most pages to follow.
const MOST_PAGES: usize = 5;

/// A file on Google Drive.
#[derive(Clone, Debug)]
pub struct DriveFile {
    /// The service.
    pub base: Url,
    /// The file's id.
    pub id: String,
}

impl DriveFile {
    /// Its name in messages.
    #[must_use]
    pub fn address(&self) -> String {
        format!("Google Drive file {}", self.id)
    }

    /// The reply that carries the requested part of the file, or refuses it. Each call goes through all pages again:
    /// the final address is valid only for about an hour.
    ///
    /// # Errors
    /// If a page refuses, or the network fails.
    pub async fn open(&self, client: &Client<'_>, ask: &Ask) -> Result<Reply, Failure> {
        let mut url = self.page("uc");
        let whole = Ask::default();
        for step in 0..MOST_PAGES {
            // A range of the scan page makes no sense, so the first step requests everything.
            let asked = if step == 0 { &whole } else { ask };
            let mut reply = client.get(&url, Guise::Browser, asked).await?;
            self.check_redirect(&reply)?;
            match reply.head.status {
                200 | 206 | 403 | 429 => {}
                404 | 410 => return Err(Failure::Fatal(FetchError::Gone { address: self.address() })),
                500 => return self.explain_error(client, reply).await,
                _ => return Ok(reply),
            }
            if reply.head.status == 206 && ask.start > 0 {
                return Ok(reply);
            }
            let stop = client.context.stop;
            if !html::is_page(reply.body.peek(html::PREFIX, stop).await?) {
                if step > 0 || !ask.ranged {
                    return Ok(reply);
                }
                // No page in between: the same address again, now for the part.
                url = reply.url;
                continue;
            }
            let text = reply.body.page(client.context.limits.page_bytes, stop).await?;
            match pages::read(&text, &reply.url) {
                Page::Confirm(next) => url = next,
                // An unknown page: then the status itself says more.
                Page::Other(_) if reply.head.status != 200 => return Ok(reply),
                other => return Err(Failure::Fatal(refusal(other, self.address()))),
            }
        }
        Err(Failure::Fatal(FetchError::ScanPage { address: self.address() }))
    }

    fn page(&self, name: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(name);
        url.query_pairs_mut().clear().append_pair("id", &self.id);
        url
    }

    fn check_redirect(&self, reply: &Reply) -> Result<(), Failure> {
        let target = reply.head.location.as_deref().and_then(|location| reply.url.join(location).ok());
        let refuse = |error: FetchError| Err(Failure::Fatal(error));
        match target {
            Some(target) if is_sign_in(&target) => refuse(FetchError::SignIn { address: self.address() }),
            Some(target) if is_document(&target) => refuse(FetchError::Document { address: self.address() }),
            _ => Ok(()),
        }
    }

    /// A Google document answers 500 here, and so does a service in trouble: the other address shows which it is.
    async fn explain_error(&self, client: &Client<'_>, error: Reply) -> Result<Reply, Failure> {
        let opened = client.get(&self.page("open"), Guise::Browser, &Ask::default()).await?;
        self.check_redirect(&opened)?;
        Ok(error)
    }
}

/// The error for a page.
#[must_use]
pub fn refusal(page: Page, address: String) -> FetchError {
    match page {
        Page::Confirm(_) => FetchError::ScanPage { address },
        Page::Quota => FetchError::Quota { address },
        Page::SignIn => FetchError::SignIn { address },
        Page::Error(caption) => FetchError::DrivePage { address, caption },
        Page::Other(title) => FetchError::WebPage { address, title },
    }
}
