//! Which redirects are followed, and the messages for the others.

use std::error::Error as _;

use reqwest::redirect::Policy;
use thiserror::Error;
use url::Url;

use super::address;
use super::error::FetchError;

/// A redirect that is not followed, and the status of the reply that has it.
#[derive(Clone, Copy, Debug, Error)]
#[error("{reason}")]
struct BadRedirect {
    status: u16,
    reason: &'static str,
    holds_credentials: bool,
}

const CIRCLE: &str = "it redirects in a circle; check the address, or give another source";
const OTHER_KIND: &str = "it redirects to an address that is not http or https; give another source";
const CREDENTIALS: &str = "it redirects to an address with a user name or a password, which fragua does not use; give another \
                           source, or download the file yourself and give it as `path`";

/// Follows redirects to files.
pub(super) fn policy() -> Policy {
    Policy::custom(|attempt| {
        let status = attempt.status().as_u16();
        let bad = |reason, holds_credentials| BadRedirect { status, reason, holds_credentials };
        if is_dead_end(attempt.url()) {
            attempt.stop()
        } else if attempt.previous().len() > 10 {
            attempt.error(bad(CIRCLE, false))
        } else if !matches!(attempt.url().scheme(), "http" | "https") {
            attempt.error(bad(OTHER_KIND, false))
        } else if address::holds_credentials(attempt.url()) {
            attempt.error(bad(CREDENTIALS, true))
        } else {
            attempt.follow()
        }
    })
}

/// Why a redirect of this address was not followed.
pub(super) fn refusal(url: &Url, error: &reqwest::Error) -> FetchError {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(BadRedirect { status, reason, holds_credentials }) = inner.downcast_ref() {
            let address = address::shown(url);
            return match holds_credentials {
                true => FetchError::Address { text: address, reason: (*reason).to_owned() },
                false => FetchError::Refused { address, status: *status, reason },
            };
        }
        source = inner.source();
    }
    FetchError::Refused { address: address::shown(url), status: 302, reason: CIRCLE }
}

/// Redirects that don't lead to a file: following them would only hide the reason.
fn is_dead_end(url: &Url) -> bool {
    is_sign_in(url) || is_document(url)
}

/// Whether the address is Google's sign-in page.
#[must_use]
pub fn is_sign_in(url: &Url) -> bool {
    url.host_str() == Some("accounts.google.com") || url.path().contains("/ServiceLogin")
}

/// Whether the address is the editor of a Google document.
#[must_use]
pub fn is_document(url: &Url) -> bool {
    let editors = ["/document/", "/spreadsheets/", "/presentation/"];
    url.host_str() == Some("docs.google.com") && editors.iter().any(|editor| url.path().starts_with(editor))
}
