//! A first look at the files of an event: headers only, so that times and grids are known before anything is converted.

use std::path::Path;

use super::PrepareError;
use super::discover::SourceFile;
use super::plan::{EventPlan, FileState};
use super::record::{FileRecord, GridRecord, Known, Outcome};
use crate::data::prepare::work::why_unreadable;
use crate::task::nowcast::volume::{Grid, VolumeError, VolumeFile};
use crate::util::fs::FsError;
use crate::util::sha256::Hasher;

/// Looks at one file of an event, unless it is known and unchanged.
///
/// # Errors
/// If the disk can't be read: that is not a property of the file.
pub fn survey(plan: &EventPlan, file: &SourceFile, variable: &str) -> Result<FileState, PrepareError> {
    let path = plan.event.folder.join(&file.name);
    if let Some(record) = plan.known(file) {
        match &record.outcome {
            Outcome::Used(_) => return Ok(FileState::Adopted(record.clone())),
            // Unreadable then, unreadable now. If the header was fine, the reason was in the other files.
            Outcome::SetAside { reason, known: Known { grid: None } } => {
                return Ok(FileState::Refused { reason: reason.clone(), grid: None });
            }
            Outcome::SetAside { .. } => {}
        }
    }
    if let Some(record) = same_content(plan, file, &path)? {
        return Ok(FileState::Adopted(record));
    }
    match VolumeFile::open(&path, variable) {
        Ok(volume) => Ok(FileState::Surveyed {
            grid: grid_record(volume.grid()),
            times: volume.times().to_vec(),
            units: volume.attributes().units.clone(),
        }),
        Err(error) => Ok(FileState::Refused { reason: reason(error, &path)?, grid: None }),
    }
}

/// A file that only looks changed from outside, such as after a copy, is recognised by its content.
fn same_content(plan: &EventPlan, file: &SourceFile, path: &Path) -> Result<Option<FileRecord>, PrepareError> {
    let Some(record) = plan.record.as_ref().and_then(|record| record.find(&file.name)) else { return Ok(None) };
    let same = !record.frames().is_empty() && record.has_content_of(file, path)?;
    Ok(same.then(|| FileRecord { stamp: file.stamp, ..record.clone() }))
}

/// The grid as it is recorded.
pub fn grid_record(grid: &Grid) -> GridRecord {
    let mut hasher = Hasher::default();
    for axis in [&grid.z, &grid.y, &grid.x] {
        for value in &axis.values {
            hasher.update(&value.to_le_bytes());
        }
        hasher.update(axis.units.as_bytes());
    }
    GridRecord { shape: grid.shape(), digest: hasher.finish() }
}

/// The reason to set a file aside, without the path that the report names anyway.
///
/// # Errors
/// If the disk is at fault, or the file vanished: that says nothing about the data.
pub fn reason(error: VolumeError, path: &Path) -> Result<String, PrepareError> {
    let error = match error {
        VolumeError::Io { source, .. } => {
            return why_unreadable(&source, path).ok_or_else(|| FsError::at("read", path)(source).into());
        }
        VolumeError::Stopped(stopped) => return Err(stopped.into()),
        VolumeError::NoReader { .. } => return Err(PrepareError::Unread(error)),
        other => other,
    };
    let remedy = match &error {
        VolumeError::NoVariable { .. } => "; set task.nowcast.prepare.variable",
        _ => "",
    };
    let text = format!("{error}{remedy}");
    let path = path.display().to_string();
    let short = text.strip_prefix(&path).unwrap_or(&text);
    Ok(short.trim_start_matches([':', ' ']).to_owned())
}
