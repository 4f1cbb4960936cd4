//! Google Drive for a browser without an account: ids, pages, resolving a file, folders.

pub mod folder;
pub mod html;
pub mod id;
pub mod listing;
pub mod pages;
pub mod resolve;

use std::path::Path;

use url::Url;

use super::client::Client;
use super::error::FetchError;
use super::request::Request;
use super::source::Source;
use super::{Downloaded, one_file};
use id::DriveItem;
use resolve::DriveFile;

/// Downloads a file or a folder; a bare id shows which it is when it is requested.
pub(super) async fn item(
    client: &Client<'_>,
    request: &Request,
    item: &DriveItem,
    base: &Url,
    into: &Path,
) -> Result<Downloaded, FetchError> {
    let file = || Source::Drive(DriveFile { base: base.clone(), id: item.id().to_owned() });
    match item {
        DriveItem::File(_) => one_file(client, request, file(), into).await,
        DriveItem::Folder(id) => folder::fetch(client, request, base, id, into).await,
        DriveItem::Unknown(id) => match one_file(client, request, file(), into).await {
            Err(no_file) if may_be_folder(&no_file) => match folder::fetch(client, request, base, id, into).await {
                Err(no_folder) if may_be_folder(&no_folder) => Err(no_file),
                outcome => outcome,
            },
            outcome => outcome,
        },
    }
}

/// Google's answers change from year to year if a file is requested by a folder's id.
fn may_be_folder(error: &FetchError) -> bool {
    use FetchError::{Busy, Document, DrivePage, Gone, Refused, SignIn, WebPage};
    match error {
        Gone { .. } | WebPage { .. } | SignIn { .. } | Document { .. } | DrivePage { .. } | Refused { .. } => true,
        Busy { held, .. } => *held == 0,
        _ => false,
    }
}
