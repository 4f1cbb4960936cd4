//! One event: its files in time order become frames of the store; the record of them appears with it.

use std::path::{Path, PathBuf};

use tracing::warn;

use super::convert::{Converted, Work, convert_all, frame_bytes};
use super::describe::{attributes, spec};
use super::discover::EventFiles;
use super::plan::{Candidate, Draft, EventPlan, FileState, Origin, outcome};
use super::record::{EventRecord, FORMAT, FileRecord, FrameRecord, GridRecord};
use super::report::{GroupReport, SetAside};
use super::{PrepareError, Setting};
use crate::data::store::{EventReader, EventWriter, Store};
use crate::task::nowcast::resample::Resampler;
use crate::task::nowcast::volume::VolumeFile;
use crate::util::fs::check_writable;
use crate::util::sha256::Digest;

/// What all events of a dataset share.
#[derive(Clone, Copy, Debug)]
pub struct Common<'a> {
    /// The grid of the files.
    pub grid: Option<&'a GridRecord>,
    /// The unit of their values; empty if none names one.
    pub units: &'a str,
}

/// Brings events into the store, one after the other.
pub struct Events<'a> {
    store: &'a Store,
    common: Common<'a>,
    root: &'a Path,
    setting: &'a Setting<'a>,
    converted: usize,
}

/// An event with the states of its files, on its way into the store.
struct Build<'a> {
    event: &'a EventFiles,
    states: Vec<FileState>,
    candidates: Vec<Candidate>,
    digests: Vec<Option<Digest>>,
}

impl<'a> Events<'a> {
    /// Prepares for events that have this in common.
    pub fn new(store: &'a Store, common: Common<'a>, root: &'a Path, setting: &'a Setting<'a>) -> Self {
        Self { store, common, root, setting, converted: 0 }
    }

    /// Frames that were converted so far.
    pub fn converted(&self) -> usize {
        self.converted
    }

    /// Brings one event into the store, unless it is there as it should be.
    ///
    /// # Errors
    /// If the disk fails or a signal interrupts.
    pub fn event(&mut self, plan: &EventPlan, draft: Draft) -> Result<GroupReport, PrepareError> {
        // Only how the files look would be written again, which a dataset that can only be read does without.
        let same = || plan.same_content(&draft.states, self.common.grid).filter(|_| self.is_read_only());
        if let Some(record) = plan.standing(self.common.grid).or_else(same) {
            self.setting.progress.advance(record.frames() as u64);
            return Ok(report(&plan.event, &record.files));
        }
        let Draft { states, candidates } = draft;
        let digests = states.iter().map(known_digest).collect();
        let mut build = Build { event: &plan.event, states, candidates, digests };
        let files = self.build(&mut build)?;
        Ok(report(&plan.event, &files))
    }

    fn is_read_only(&self) -> bool {
        check_writable(self.store.root()).is_err()
    }

    fn build(&mut self, build: &mut Build<'_>) -> Result<Vec<FileRecord>, PrepareError> {
        let (Some(grid), Some(first)) = (self.common.grid, build.candidates.first()) else {
            return self.absent(build);
        };
        let path = build.path(first.file);
        let volume = match VolumeFile::open(&path, &self.setting.config.variable) {
            Ok(volume) => volume,
            // It was fine a moment ago, so the files are being changed; the next run will see the new state.
            Err(error) => {
                let reason = super::survey::reason(error, &path)?;
                build.refuse(first.file, reason);
                return self.absent(build);
            }
        };
        let frame_bytes = frame_bytes(volume.grid().z.values.len(), self.setting.config.size)?;
        let axes = [volume.grid().y.values.as_slice(), volume.grid().x.values.as_slice()];
        let resampler = Resampler::along(self.setting.config.method, axes, self.setting.config.size)?;
        let writer = self.store.writer(&build.event.path, spec(&volume, self.setting, self.common.units))?;
        let adopted = self.adopt(build, &writer);
        self.setting.progress.advance(adopted.len() as u64);
        let work = self.work(build, &adopted);
        let results = convert_all(&work, &resampler, &writer, frame_bytes, self.setting)?;
        self.converted += results.iter().filter_map(|file| file.result.as_ref().ok()).map(Vec::len).sum::<usize>();
        let kept = build.settle(adopted, results);
        if kept.is_empty() {
            drop(writer);
            return self.absent(build);
        }
        writer.keep(&kept)?;
        let times: Vec<f64> = kept.iter().map(|&slot| build.candidates[slot].time).collect();
        let files = build.records(&kept);
        let record = EventRecord { format: FORMAT, grid: grid.clone(), files };
        writer.finish(&times, &attributes(&volume), &record.to_json()?)?;
        Ok(record.files)
    }

    /// None of the event's files can be used.
    fn absent(&self, build: &Build<'_>) -> Result<Vec<FileRecord>, PrepareError> {
        self.store.remove_event(&build.event.path)?;
        Ok(build.records(&[]))
    }

    /// Takes over what an earlier version of the event has; the slots that are filled by it.
    fn adopt(&self, build: &Build<'_>, writer: &EventWriter) -> Vec<usize> {
        let wanted = build.candidates.iter().any(|candidate| candidate.origin != Origin::Convert);
        let older = if wanted { self.store.event(&build.event.path).ok() } else { None };
        let Some(older) = older else { return Vec::new() };
        let slots = build.candidates.iter().enumerate();
        slots.filter(|(slot, candidate)| adopt_frame(*slot, candidate, &older, writer)).map(|(slot, _)| slot).collect()
    }

    /// The files that have to be read, with their frames.
    fn work(&self, build: &Build<'_>, adopted: &[usize]) -> Vec<Work> {
        let mut work: Vec<Work> = Vec::new();
        let mut frames: Vec<Vec<(usize, usize)>> = vec![Vec::new(); build.states.len()];
        for (slot, candidate) in build.candidates.iter().enumerate() {
            if adopted.binary_search(&slot).is_err() {
                frames[candidate.file].push((candidate.in_file, slot));
            }
        }
        for (file, frames) in frames.into_iter().enumerate().filter(|(_, frames)| !frames.is_empty()) {
            let path = build.path(file);
            let expected = self.expected(&path);
            work.push(Work { file, path, expected, frames });
        }
        work
    }

    /// The hash that a file had when it was fetched.
    fn expected(&self, path: &Path) -> Option<Digest> {
        let below = path.strip_prefix(self.root).ok()?.to_str()?;
        self.setting.hashes?.get(below).map(|entry| entry.sha256)
    }
}

/// Whether the frame could be taken over. One that can't is converted again, so a warning with the reason is enough.
fn adopt_frame(slot: usize, candidate: &Candidate, older: &EventReader, writer: &EventWriter) -> bool {
    let Origin::Adopt(old) = candidate.origin else { return false };
    match writer.reuse_frame(slot, older, old) {
        Ok(()) => true,
        Err(error) => {
            warn!("{error}; preparing this frame again");
            false
        }
    }
}

fn known_digest(state: &FileState) -> Option<Digest> {
    match state {
        FileState::Adopted(record) => record.sha256,
        _ => None,
    }
}

impl Build<'_> {
    fn path(&self, file: usize) -> PathBuf {
        let name = self.event.files.get(file).map_or("", |file| file.name.as_str());
        self.event.folder.join(name)
    }

    fn refuse(&mut self, file: usize, reason: String) {
        let grid = self.states[file].grid().cloned();
        self.states[file] = FileState::Refused { reason, grid };
    }

    /// Notes what became of the converted files; the slots that hold a frame now, in order.
    fn settle(&mut self, adopted: Vec<usize>, results: Vec<Converted>) -> Vec<usize> {
        let mut kept = adopted;
        for converted in results {
            self.digests[converted.file] = Some(converted.sha256);
            match converted.result {
                Ok(slots) => kept.extend(slots),
                Err(reason) => {
                    let candidates = &self.candidates;
                    kept.retain(|&slot| candidates[slot].file != converted.file);
                    self.refuse(converted.file, reason);
                }
            }
        }
        kept.sort_unstable();
        kept
    }

    /// The record of each file, given the slots that are kept.
    fn records(&self, kept: &[usize]) -> Vec<FileRecord> {
        let mut frames: Vec<Vec<FrameRecord>> = vec![Vec::new(); self.states.len()];
        for (in_event, &slot) in kept.iter().enumerate() {
            let Candidate { file, in_file, time, .. } = self.candidates[slot];
            frames[file].push(FrameRecord { in_file, in_event, time });
        }
        let states = self.states.iter().zip(&self.digests);
        let files = self.event.files.iter().zip(states).zip(frames);
        let record = |((file, (state, digest)), frames): ((&super::discover::SourceFile, _), _)| {
            let (state, digest): (&FileState, &Option<Digest>) = (state, digest);
            FileRecord { name: file.name.clone(), stamp: file.stamp, sha256: *digest, outcome: outcome(state, frames) }
        };
        files.map(record).collect()
    }
}

/// The outcome of an event whose files have these records.
pub fn report(event: &EventFiles, files: &[FileRecord]) -> GroupReport {
    let set_aside = files
        .iter()
        .filter_map(|file| file.reason().map(|reason| SetAside { file: file.name.clone(), reason: reason.to_owned() }));
    GroupReport {
        path: event.path.clone(),
        items: files.iter().map(|file| file.frames().len()).sum(),
        files: files.len(),
        set_aside: set_aside.collect(),
        used: files.iter().filter(|file| file.reason().is_none()).filter_map(named).collect(),
    }
}

fn named(file: &FileRecord) -> Option<(String, Digest)> {
    Some((file.name.clone(), file.sha256?))
}
