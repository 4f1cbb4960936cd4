//! A shared folder with everything in it: first the whole tree is listed and checked, then the files are fetched one
//! after another.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use url::Url;

use crate::util::progress::{Progress, Stage, Unit};
use crate::util::sha256::{Digest, Hasher};
use crate::util::units;

use super::super::budget::Budget;
use super::super::client::{Client, Failure, Guise, wait_for_next_try};
use super::super::context::Context;
use super::super::error::FetchError;
use super::super::file::{self, Wanted};
use super::super::range::{Ask, Verdict, judge};
use super::super::request::Request;
use super::super::source::Source;
use super::super::{Downloaded, DownloadedFile, name};
use super::listing::{self, Kind, Listing};
use super::pages;
use super::resolve::{DriveFile, refusal};

/// A folder that is complete and durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadedFolder {
    /// Its folder.
    pub path: PathBuf,
    /// Its name on Google Drive.
    pub origin: String,
    /// All files in it and below, ordered by path.
    pub files: Vec<DownloadedFile>,
    /// The digest of the lines `<SHA-256>  <path below the folder>`, ordered by path.
    pub sha256: Digest,
    /// Their sizes together.
    pub bytes: u64,
    /// Bytes that earlier starts had already fetched.
    pub reused_bytes: u64,
}

/// A file somewhere in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    path: String,
    id: String,
}

/// Fetches the folder with this id.
///
/// # Errors
/// If it can't be listed, two entries have the same path, or a file in it can't be fetched.
pub async fn fetch(
    client: &Client<'_>,
    request: &Request,
    base: &Url,
    id: &str,
    into: &Path,
) -> Result<Downloaded, FetchError> {
    if request.sha256.is_some() || request.size_bytes.is_some() {
        let reason = "`sha256` and `size_bytes` are those of a file; leave them out for a folder".into();
        return Err(FetchError::Address { text: format!("Google Drive folder {id}"), reason });
    }
    let (title, listed) = list(client, base, id).await?;
    let begun = Instant::now();
    let progress = Joined::new(client.context.progress);
    let context = Context { progress: &progress, ..client.context.clone() };
    let client = Client::new(&context)?;
    progress.inner.begin(Stage::Download, None, Unit::BYTES);
    let mut files = Vec::with_capacity(listed.len());
    for Listed { path, id } in listed {
        let source = Source::Drive(DriveFile { base: base.clone(), id });
        let path = format!("{title}/{path}");
        let wanted = Wanted { source: &source, sha256: None, size_bytes: None, name: Some(&path) };
        let fetched = file::fetch(&client, &wanted, into).await?;
        progress.add(fetched.bytes);
        files.push(fetched);
    }
    let folder = downloaded(into.join(&title), title, files);
    let count = units::count(folder.files.len() as u64, "file");
    let time = units::duration(begun.elapsed());
    progress.inner.end(&format!("{count}, {} in {time}", units::bytes(folder.bytes)));
    Ok(Downloaded::Folder(folder))
}

fn downloaded(path: PathBuf, origin: String, mut files: Vec<DownloadedFile>) -> DownloadedFolder {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut hasher = Hasher::default();
    for file in &files {
        let below = file.path.strip_prefix(&path).unwrap_or(&file.path);
        hasher.update(format!("{}  {}\n", file.sha256, below.display()).as_bytes());
    }
    let bytes = files.iter().map(|file| file.bytes).sum();
    let reused_bytes = files.iter().map(|file| file.reused_bytes).sum();
    DownloadedFolder { path, origin, files, sha256: hasher.finish(), bytes, reused_bytes }
}

/// The folder's title and all files in it and below. Folders that contain each other are entered once.
async fn list(client: &Client<'_>, base: &Url, id: &str) -> Result<(String, Vec<Listed>), FetchError> {
    let mut tree = Tree::new(client);
    let mut waiting = VecDeque::from([(id.to_owned(), String::new(), 0)]);
    let mut title = None;
    while let Some((id, path, depth)) = waiting.pop_front() {
        let Listing { title: own, entries } = page(client, base, &id).await?;
        let title = title.get_or_insert_with(|| name::safe(&own).unwrap_or_else(|| id.clone())).clone();
        for entry in entries {
            let entry_path = tree.place(&title, &path, &entry.name)?;
            match entry.kind {
                Kind::File(id) => tree.files.push(Listed { path: entry_path, id }),
                Kind::Folder(id) => {
                    if let Some(id) = tree.enter(&title, id, depth + 1)? {
                        waiting.push_back((id, format!("{entry_path}/"), depth + 1));
                    }
                }
                Kind::Document => {
                    tracing::warn!("{title}/{entry_path} is a Google document, not a file: left out");
                }
            }
        }
    }
    let title = title.unwrap_or_else(|| id.to_owned());
    if tree.files.is_empty() {
        let reason = "holds no file; check the id, and that the folder is shared with \"anyone with the link\"".into();
        return Err(FetchError::Folder { folder: title, reason });
    }
    Ok((title, tree.files))
}

/// What has been found so far, and the limits on it.
struct Tree {
    files: Vec<Listed>,
    paths: HashSet<String>,
    entered: HashSet<String>,
    most_entries: usize,
    most_depth: usize,
}

impl Tree {
    fn new(client: &Client<'_>) -> Self {
        let limits = &client.context.limits;
        let (most_entries, most_depth) = (limits.folder_entries, limits.folder_depth);
        Self { files: Vec::new(), paths: HashSet::new(), entered: HashSet::new(), most_entries, most_depth }
    }

    /// The path of an entry below the folder, made safe; each only once.
    fn place(&mut self, folder: &str, parent: &str, shown: &str) -> Result<String, FetchError> {
        let refuse = |reason: String| Err(FetchError::Folder { folder: folder.to_owned(), reason });
        let Some(name) = name::safe(shown) else {
            return refuse(format!("the name {shown:?} in {parent:?} can't be a file name; rename it there"));
        };
        let path = format!("{parent}{name}");
        if self.paths.len() >= self.most_entries {
            return refuse(format!("holds more than {} entries; share one archive instead", self.most_entries));
        }
        if !self.paths.insert(path.clone()) {
            return refuse(format!("holds {path:?} twice; rename or remove one of the two"));
        }
        Ok(path)
    }

    /// The folder's id, if it has to be entered: not twice, and not too deep.
    fn enter(&mut self, folder: &str, id: String, depth: usize) -> Result<Option<String>, FetchError> {
        if depth > self.most_depth {
            let reason = format!("is more than {} folders deep; share one archive instead", self.most_depth);
            return Err(FetchError::Folder { folder: folder.to_owned(), reason });
        }
        Ok(self.entered.insert(id.clone()).then_some(id))
    }
}

/// The list page of one folder, with the same patience as for a file.
async fn page(client: &Client<'_>, base: &Url, id: &str) -> Result<Listing, FetchError> {
    let context = client.context;
    let mut budget = Budget::new(&context.backoff, u64::MAX, 0);
    loop {
        let trouble = match page_once(client, base, id).await {
            Ok(listing) => return Ok(listing),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Trouble(trouble)) => trouble,
            Err(Failure::StartOver { reason, .. }) => {
                return Err(FetchError::Folder { folder: id.to_owned(), reason });
            }
        };
        let Some(wait) =
            budget.fail(0, trouble.demanded, context.clock.jitter()).filter(|_| !trouble.is_final(budget.failed))
        else {
            return Err(trouble.into_error(format!("Google Drive folder {id}"), &budget, 0));
        };
        wait_for_next_try(context, wait, &trouble.cause).await?;
    }
}

async fn page_once(client: &Client<'_>, base: &Url, id: &str) -> Result<Listing, Failure> {
    let mut url = base.clone();
    url.set_path("embeddedfolderview");
    url.query_pairs_mut().clear().append_pair("id", id);
    let address = format!("Google Drive folder {id}");
    let ask = Ask::default();
    let mut reply = client.get(&url, Guise::Browser, &ask).await?;
    let fatal = |error| Err(Failure::Fatal(error));
    match judge(&ask, &reply.head) {
        Verdict::Busy => return Err(Failure::Trouble(client.busy(&reply.head))),
        Verdict::Refused if reply.head.location.is_some() => return fatal(FetchError::SignIn { address }),
        Verdict::Whole => {}
        _ => return fatal(FetchError::Gone { address }),
    }
    // A list is as long as the folder is big, so the limit for ordinary pages does not apply.
    let page = reply.body.whole_page(client.context.limits.listing_bytes, client.context.stop).await?;
    match listing::read(&page, &reply.url) {
        Some(listing) => Ok(listing),
        None => fatal(refusal(pages::read(&page, &reply.url), address)),
    }
}

/// The progress of many files as that of one download.
struct Joined<'a> {
    inner: &'a dyn Progress,
    before: AtomicU64,
    downloading: AtomicBool,
}

impl<'a> Joined<'a> {
    fn new(inner: &'a dyn Progress) -> Self {
        Self { inner, before: AtomicU64::new(0), downloading: AtomicBool::new(false) }
    }

    fn add(&self, bytes: u64) {
        let before = self.before.fetch_add(bytes, Ordering::Relaxed);
        self.inner.set_position(before + bytes);
    }
}

impl Progress for Joined<'_> {
    fn begin(&self, stage: Stage, _total: Option<u64>, _unit: Unit) {
        self.downloading.store(stage == Stage::Download, Ordering::Relaxed);
    }

    fn set_total(&self, _total: u64) {}

    fn advance(&self, amount: u64) {
        if self.downloading.load(Ordering::Relaxed) {
            self.inner.advance(amount);
        }
    }

    fn set_position(&self, position: u64) {
        self.inner.set_position(self.before.load(Ordering::Relaxed) + position);
    }

    fn end(&self, _summary: &str) {}

    fn waits(&self, reason: &str) {
        self.inner.waits(reason);
    }
}
