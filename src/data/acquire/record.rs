//! The record of a complete dataset: its source and its place.
//!
//! The record is written last. Without it a folder is not a dataset, whatever it contains. It names the source without
//! passwords and tokens: datasets are copied and shared.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::AcquireError;
use crate::data::config::Source;
use crate::data::fetch::Request;
use crate::util::fs::{FsError, write_atomic};
use crate::util::sha256::Digest;

/// The version of the record's form.
const FORMAT: u32 = 2;

/// What identifies a source: the address, and the content if known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Identifies the address without revealing it.
    address: String,
    /// The digest of the archive.
    sha256: Option<Digest>,
}

impl Origin {
    /// Of a source as it is configured.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        let (address, sha256) = match source {
            Source::Synthetic(synthetic) => (synthetic.identity(), None),
            Source::Path(path) => (format!("path {}", path.path.display()), path.sha256),
            Source::Url(url) => (Request::from_url(url).map_or(url.href.clone(), |url| url.identity()), url.sha256),
            Source::Gdrive(drive) => {
                (Request::from_gdrive(drive).map_or(drive.id.clone(), |item| item.identity()), drive.sha256)
            }
        };
        let address = Digest::of(address.as_bytes()).to_string().split_at(16).0.to_owned();
        Self { address, sha256 }
    }

    /// The same, of a content that has been seen.
    #[must_use]
    pub fn with(self, sha256: Option<Digest>) -> Self {
        Self { sha256: sha256.or(self.sha256), ..self }
    }

    /// A name for files and folders. Mirrors with the same digest have the same file: a download from one of them is
    /// continued from the next.
    #[must_use]
    pub fn key(&self) -> String {
        self.sha256.map_or_else(|| self.address.clone(), |digest| digest.to_string())
    }

    /// Whether this source is the requested one: compares the content if known for both, else the address.
    #[must_use]
    pub fn fits(&self, wanted: &Self) -> bool {
        match (self.sha256, wanted.sha256) {
            (Some(held), Some(wanted)) => held == wanted,
            _ => self.address == wanted.address,
        }
    }

    /// The digest of the archive.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        self.sha256
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.address)?;
        self.sha256.map_or(Ok(()), |digest| write!(out, " {digest}"))
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, sha256) = match text.split_once(' ') {
            Some((address, digest)) => (address, Some(digest.parse()?)),
            None => (text, None),
        };
        Ok(Self { address: address.to_owned(), sha256 })
    }
}

/// The place of a dataset's raw files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lies {
    /// In the dataset's folder, below `raw`, with a manifest.
    Here,
    /// In the configured folder, which is used in place.
    InPlace,
}

/// A complete dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    /// The mirror it was fetched from, for people.
    pub source: String,
    /// The same for the program.
    pub origin: Origin,
    /// The place of the files.
    pub lies: Lies,
}

impl Record {
    /// A record to be saved when everything is in place.
    #[must_use]
    pub fn new(source: &Source, origin: Origin, lies: Lies) -> Self {
        Self { format: FORMAT, source: source.to_string(), origin, lies }
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("source.json")
    }

    /// The record of a dataset's folder, if it is complete.
    ///
    /// # Errors
    /// If the record can't be read or was written by another version.
    pub fn load(folder: &Path) -> Result<Option<Self>, AcquireError> {
        let path = Self::path(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FsError::at("read", &path)(error).into()),
        };
        let refuse = |reason| AcquireError::Record { path: path.clone(), reason };
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        // Read first, so that another version is named as such and not as a damaged file.
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => return Err(refuse(format!("it has format {format}, this version reads {FORMAT}"))),
            None => return Err(refuse("it does not say its format".to_owned())),
        }
        serde_json::from_value(value).map(Some).map_err(|error| refuse(error.to_string()))
    }

    /// Declares the dataset complete.
    ///
    /// # Errors
    /// If the record can't be written.
    pub fn save(&self, folder: &Path) -> Result<(), AcquireError> {
        let path = Self::path(folder);
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| AcquireError::Record { path: path.clone(), reason: error.to_string() })?;
        text.push(b'\n');
        Ok(write_atomic(&path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::config::{Gdrive, UrlSource};

    fn url(href: &str, sha256: Option<Digest>) -> Origin {
        Origin::of(&Source::Url(UrlSource { href: href.into(), sha256, size_bytes: None }))
    }

    #[test]
    fn the_content_decides_where_it_is_known_and_the_address_otherwise() {
        let [one, two] = [b"1", b"2"].map(|content| Some(Digest::of(content)));
        let held = url("https://h.org/a?id=1", None).with(one);
        assert!(held.fits(&url("https://h.org/a?id=1", None)));
        assert!(held.fits(&url("https://h.org/a?id=1", one)) && held.fits(&url("https://other.org/b", one)));
        assert!(!held.fits(&url("https://h.org/a?id=1", two)));
        assert!(!held.fits(&url("https://h.org/a?id=2", None)) && !held.fits(&url("https://h.org/b?id=1", None)));
    }

    #[test]
    fn how_the_link_is_written_makes_no_other_source() {
        assert_eq!(url("https://h.org/a#x", None), url("https://h.org:443/a", None));
        let id = "1AbCdEfGhIjKlMnOpQrStUvWxYz012345";
        let drive = |id: String| Origin::of(&Source::Gdrive(Gdrive { id, sha256: None, size_bytes: None }));
        let link = format!("https://drive.google.com/file/d/{id}/view?usp=sharing");
        assert_eq!(drive(id.into()), drive(link.clone()));
        assert_eq!(drive(id.into()), url(&link, None));
    }

    #[test]
    fn an_origin_is_read_as_it_was_written() {
        for origin in [url("https://h.org/a", None), url("https://h.org/a", Some(Digest::of(b"1")))] {
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
    }
}
