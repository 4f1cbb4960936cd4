//! Turns one mirror of the dataset into a verified file, or a folder of them, on disk. The only place that uses HTTP.
//!
//! It does not unpack, does not choose between mirrors and does not copy local files. If it is interrupted at any
//! moment, the same call continues from the state on disk.

pub mod address;
mod budget;
mod client;
mod connections;
pub mod context;
pub mod drive;
pub mod error;
mod file;
pub mod name;
mod pace;
mod part;
mod range;
mod redirect;
pub mod request;
mod source;
mod state;
mod transfer;
mod verify;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

pub use context::{Clock, Context, Endpoints, Limits};
pub use error::FetchError;
pub use request::Request;
pub use verify::digest_of;

use crate::util::sha256::Digest;
use client::Client;
use request::Place;
use source::Source;

/// A file that is complete, durable, and has the size and digest that the configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadedFile {
    /// Its path.
    pub path: PathBuf,
    /// The server's name for it.
    pub origin: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its size.
    pub bytes: u64,
    /// Bytes that an earlier start had already fetched.
    pub reused_bytes: u64,
}

/// The result of a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downloaded {
    /// A file.
    File(DownloadedFile),
    /// A folder with all the files in it.
    Folder(drive::folder::DownloadedFolder),
}

/// Downloads one mirror into the folder `into`, which keeps partial files and their states under hidden names.
///
/// Blocks until the file is complete, or until waiting is pointless.
///
/// # Errors
/// See [`FetchError`]; what arrived is kept for the next call.
pub fn download(request: &Request, into: &Path, context: &Context<'_>) -> Result<Downloaded, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| FetchError::Setup(error.to_string()))?;
    let outcome = runtime.block_on(fetch(request, into, context));
    // A hanging name lookup must not delay the end of the program.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

async fn fetch(request: &Request, into: &Path, context: &Context<'_>) -> Result<Downloaded, FetchError> {
    let client = Client::new(context)?;
    match &request.place {
        Place::Web(url) => one_file(&client, request, Source::Web(url.clone()), into).await,
        Place::Drive(item) => {
            let base = drive_base(context)?;
            drive::item(&client, request, item, &base, into).await
        }
    }
}

async fn one_file(
    client: &Client<'_>,
    request: &Request,
    source: Source,
    into: &Path,
) -> Result<Downloaded, FetchError> {
    let wanted = file::Wanted { source: &source, sha256: request.sha256, size_bytes: request.size_bytes, name: None };
    Ok(Downloaded::File(file::fetch(client, &wanted, into).await?))
}

fn drive_base(context: &Context<'_>) -> Result<Url, FetchError> {
    match &context.endpoints.drive {
        Some(base) => Ok(base.clone()),
        None => Url::parse("https://drive.google.com").map_err(|error| FetchError::Setup(error.to_string())),
    }
}
