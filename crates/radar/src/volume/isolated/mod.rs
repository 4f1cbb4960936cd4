//! The HDF5 and netCDF libraries in another process: a file that crashes them, keeps them busy for ever or makes them take all
//! memory is then set aside like any damaged file.
//!
//! Without [`isolate`] everything happens in this process. The caller provides the other process: it passes bytes to
//! [`answer`] there and returns the result. Only what the libraries report is transferred (a header, the places of
//! chunks); the data itself is read here, so the same bytes come out.

mod answer;
mod kept;
mod wire;

use std::fs::File;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use fragua_util::stop::Stopped;

pub use self::answer::answer;
use self::answer::{Answer, Request};
use self::kept::{Kept, Key};
use self::wire::Wire;
use super::error::VolumeError;
use super::slab::Slab;
use super::source::Source;
use super::values::Values;

/// Why no answer came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The file was too much for the other process: how that ended.
    Died(String),
    /// There is no other process: the system could not start it, or it was killed.
    Gone(String),
    /// A signal asks this process to stop.
    Stopped(Stopped),
}

/// Carries a request to the other process, and the answer back.
pub type Carrier = dyn Fn(&[u8]) -> Result<Vec<u8>, Lost> + Send + Sync;

static CARRIER: OnceLock<Box<Carrier>> = OnceLock::new();
static KEPT: LazyLock<Kept> = LazyLock::new(Kept::default);

/// From now on the libraries run in another process. Only the first call counts.
pub fn isolate(carrier: Box<Carrier>) {
    drop(CARRIER.set(carrier));
}

/// Opens an HDF5 file in the other process; `None` if there is none. What is known of a file is used at most twice.
pub(super) fn open(file: &File, path: &Path, field: &str) -> Option<Result<Source, VolumeError>> {
    let carrier = CARRIER.get()?;
    let key = match file.metadata() {
        Ok(metadata) => Key::new(&metadata, field),
        Err(error) => return Some(Err(VolumeError::io(path)(error))),
    };
    if let Some(Answer::Opened(source)) = KEPT.take(&key).and_then(|answer| Answer::take(&mut &answer[..])) {
        return Some(Ok(*source));
    }
    let request = Request::Open { path: path.into(), field: field.to_owned() };
    Some(carry(carrier.as_ref(), path, &request).and_then(|bytes| match Answer::take(&mut &bytes[..]) {
        Some(Answer::Opened(source)) if source.is_consistent() => {
            KEPT.keep(key, bytes);
            Ok(*source)
        }
        Some(Answer::Refused(refusal)) => Err(refusal.at(path)),
        _ => Err(nonsense(path)),
    }))
}

/// Reads a box of cells in the other process; `None` if there is none.
pub(super) fn read(path: &Path, field: &str, slab: &Slab, into: &mut Values) -> Option<Result<(), VolumeError>> {
    let carrier = CARRIER.get()?;
    let request = Request::Read { path: path.into(), field: field.to_owned(), slab: slab.clone(), kind: into.kind() };
    Some(carry(carrier.as_ref(), path, &request).and_then(|bytes| match Answer::take(&mut &bytes[..]) {
        Some(Answer::Read(values)) if values.kind() == into.kind() && values.len() == into.len() => {
            *into = values;
            Ok(())
        }
        Some(Answer::Refused(refusal)) => Err(refusal.at(path)),
        _ => Err(nonsense(path)),
    }))
}

fn carry(carrier: &Carrier, path: &Path, request: &Request) -> Result<Vec<u8>, VolumeError> {
    let mut bytes = Vec::new();
    request.put(&mut bytes);
    carrier(&bytes).map_err(|lost| match lost {
        Lost::Died(how) => VolumeError::damaged(path, format!("the HDF5 library {how}")),
        Lost::Gone(reason) => VolumeError::NoReader { path: path.to_owned(), reason },
        Lost::Stopped(stopped) => VolumeError::Stopped(stopped),
    })
}

/// The memory of the other process was overwritten, and it continued.
fn nonsense(path: &Path) -> VolumeError {
    VolumeError::damaged(path, "the HDF5 library reports things that can't be")
}
