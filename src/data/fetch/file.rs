//! One file from its source to its final name: transfer, verify, and at most one more fetch if the digest is wrong.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::util::progress::{Stage, Unit};
use crate::util::sha256::Digest;
use crate::util::units;

use super::client::Client;
use super::error::FetchError;
use super::part::Part;
use super::source::Source;
use super::state::Finished;
use super::transfer::Transfer;
use super::{DownloadedFile, verify};

/// What is known of a file before it is fetched.
pub struct Wanted<'a> {
    /// Its source.
    pub source: &'a Source,
    /// Its digest.
    pub sha256: Option<Digest>,
    /// Its size.
    pub size_bytes: Option<u64>,
    /// Its name relative to the folder; otherwise the server's name is used.
    pub name: Option<&'a str>,
}

impl Wanted<'_> {
    /// The name of the partial file. A digest is the same at each mirror, so one can continue what another began.
    fn key(&self) -> String {
        let of = match (self.name, self.sha256) {
            (None, Some(sha256)) => sha256,
            _ => Digest::of(self.source.identity().as_bytes()),
        };
        of.to_string()[..16].to_owned()
    }
}

/// Fetches one file into the folder.
///
/// # Errors
/// See [`FetchError`]; what arrived is kept for the next start.
pub async fn fetch(client: &Client<'_>, wanted: &Wanted<'_>, folder: &Path) -> Result<DownloadedFile, FetchError> {
    let context = client.context;
    let key = wanted.key();
    if let Some(finished) = verify::finished_before(folder, &key, context.stop, context.progress)? {
        return Ok(downloaded(folder, finished, None));
    }
    let source = Digest::of(wanted.source.identity().as_bytes());
    loop {
        let mut part = Part::open(folder, &key, source, &context.limits, context.stop)?;
        let reused = part.held();
        context.progress.begin(Stage::Download, part.state.total.or(wanted.size_bytes), Unit::BYTES);
        let begun = Instant::now();
        let transfer = Transfer {
            client,
            source: wanted.source,
            size_bytes: wanted.size_bytes,
            digest_known: wanted.sha256.is_some(),
            folder,
        };
        let outcome;
        (part, outcome) = transfer.run(part).await;
        outcome?;
        let total = part.state.total.unwrap_or_default();
        part.trim(total)?;
        context.progress.end(&summary(total, reused, begun.elapsed()));
        match check(client, wanted, &mut part, folder, total)? {
            Some(finished) => {
                verify::give_name(&mut part, folder, &finished)?;
                return Ok(downloaded(folder, finished, Some(reused)));
            }
            None => tracing::warn!("{}: wrong SHA-256, fetching once more", wanted.source.address()),
        }
    }
}

/// Compares size and digest. `None` asks for one more fetch.
fn check(
    client: &Client<'_>,
    wanted: &Wanted<'_>,
    part: &mut Part,
    folder: &Path,
    total: u64,
) -> Result<Option<Finished>, FetchError> {
    let address = || wanted.source.address();
    if let Some(expected) = wanted.size_bytes.filter(|expected| *expected != total) {
        return Err(FetchError::Size { address: address(), found: total, expected });
    }
    let found = verify::digest_of(part.path(), client.context.stop, client.context.progress)?;
    let expected = match wanted.sha256 {
        Some(expected) if expected != found => expected,
        _ => {
            let name = wanted.name.map(str::to_owned).or(part.state.name.clone());
            let name = name.unwrap_or_else(|| "download".into());
            return Ok(Some(Finished { name, sha256: found, bytes: total }));
        }
    };
    let second = part.state.refetched;
    part.state.refetched = true;
    let quarantine = verify::quarantine(part, folder, found)?;
    if second {
        part.remove_state()?;
        return Err(FetchError::Digest { address: address(), found, expected, quarantine });
    }
    Ok(None)
}

/// `reused` is what was there before; `None` if everything was.
fn downloaded(folder: &Path, finished: Finished, reused: Option<u64>) -> DownloadedFile {
    DownloadedFile {
        path: folder.join(&finished.name),
        origin: finished.name,
        sha256: finished.sha256,
        bytes: finished.bytes,
        reused_bytes: reused.unwrap_or(finished.bytes).min(finished.bytes),
    }
}

fn summary(total: u64, reused: u64, time: Duration) -> String {
    let fetched = total.saturating_sub(reused);
    let rate = fetched as f64 / time.as_secs_f64().max(1e-3);
    let kept = if reused == 0 { String::new() } else { format!(", {} were there", units::bytes(reused)) };
    format!("{} in {} ({}/s{kept})", units::bytes(fetched), units::duration(time), units::bytes(rate as u64))
}
