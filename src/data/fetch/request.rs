//! What to download: one mirror of the dataset, read from the configuration.

use url::Url;

use crate::data::config::{Gdrive, UrlSource};
use crate::util::sha256::Digest;

use super::address;
use super::drive::id::{DriveItem, item_in_url, item_of};
use super::error::FetchError;

/// One mirror.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub(super) place: Place,
    pub(super) sha256: Option<Digest>,
    pub(super) size_bytes: Option<u64>,
}

/// The place of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// On a web server.
    Web(Url),
    /// On Google Drive.
    Drive(DriveItem),
}

impl Request {
    /// The digest that the file must have, if known.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        self.sha256
    }

    /// The same for the same file, however it is addressed: without user name, password and fragment.
    #[must_use]
    pub fn identity(&self) -> String {
        match &self.place {
            // An id is used once, whether or not the link says file or folder.
            Place::Drive(item) => format!("google drive {}", item.id()),
            Place::Web(url) => {
                let host = url.host_str().unwrap_or_default();
                let port = url.port_or_known_default().unwrap_or_default();
                let query = url.query().unwrap_or_default();
                format!("{}://{host}:{port}{}?{query}", url.scheme(), url.path())
            }
        }
    }

    /// A file on a web server. An address of Google Drive is recognised as such.
    ///
    /// # Errors
    /// If it is not an http or https address.
    pub fn from_url(source: &UrlSource) -> Result<Self, FetchError> {
        let place = match item_in_url(&source.href) {
            Some(item) => Place::Drive(item),
            None => Place::Web(web_address(&source.href)?),
        };
        Ok(Self { place, sha256: source.sha256, size_bytes: source.size_bytes })
    }

    /// A file or folder on Google Drive.
    ///
    /// # Errors
    /// If no id can be found in the text.
    pub fn from_gdrive(source: &Gdrive) -> Result<Self, FetchError> {
        let item = item_of(&source.id).ok_or_else(|| FetchError::Address {
            text: address::shown_text(&source.id),
            reason: "it contains no Google Drive id; write the id alone, or the address that the Share button copies"
                .into(),
        })?;
        Ok(Self { place: Place::Drive(item), sha256: source.sha256, size_bytes: source.size_bytes })
    }
}

fn web_address(href: &str) -> Result<Url, FetchError> {
    let refuse = |reason: String| FetchError::Address { text: address::shown_text(href), reason };
    let url = Url::parse(href.trim()).map_err(|error| refuse(format!("{error}; write https://host/path")))?;
    match url.scheme() {
        "http" | "https" if address::holds_credentials(&url) => Err(refuse(
            "it contains a user name or a password, which would be stored with every run; leave them out".into(),
        )),
        "http" | "https" => Ok(url),
        other => Err(refuse(format!("{other:?} is not http or https"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_url(href: &str) -> Result<Request, FetchError> {
        Request::from_url(&UrlSource { href: href.into(), sha256: None, size_bytes: None })
    }

    #[test]
    fn only_web_addresses_are_taken() {
        assert!(matches!(from_url("https://h.org/a.tar").unwrap().place, Place::Web(_)));
        for wrong in ["ftp://h.org/a", "h.org/a", "/data/a.tar", "https://", ""] {
            let error = from_url(wrong).unwrap_err();
            assert_eq!(error.exit(), crate::util::exit::Exit::Configuration, "{wrong}: {error}");
        }
    }

    #[test]
    fn an_address_of_google_drive_is_a_drive_item() {
        let id = "1AbCdEfGhIjKlMnOpQrStUvWxYz012345";
        let href = format!("https://drive.google.com/file/d/{id}/view?usp=sharing");
        assert_eq!(from_url(&href).unwrap().place, Place::Drive(DriveItem::File(id.into())));
    }
}
