//! One file's frames into the event: verify the content, read, resample, write. Runs on every core at once.

use std::path::PathBuf;

use super::survey::reason;
use super::{PrepareError, Setting};
use crate::data::prepare::work::{hash, on_threads};
use crate::data::store::EventWriter;
use crate::task::nowcast::resample::{Resampler, Scratch as ResampleScratch};
use crate::task::nowcast::volume::{RawVolume, VolumeError, VolumeFile};
use crate::util::sha256::Digest;

/// A file to convert.
#[derive(Debug)]
pub struct Work {
    /// Its number in the event.
    pub file: usize,
    /// Where it is.
    pub path: PathBuf,
    /// Its hash when it was fetched, if known.
    pub expected: Option<Digest>,
    /// Its frames: the place in the file, and the slot to write into.
    pub frames: Vec<(usize, usize)>,
}

/// What became of a file.
#[derive(Debug)]
pub struct Converted {
    /// Its number in the event.
    pub file: usize,
    /// Its content.
    pub sha256: Digest,
    /// The slots that hold a frame now, or why the file is set aside.
    pub result: Result<Vec<usize>, String>,
}

/// Memory that a thread uses again for each file.
#[derive(Default)]
struct Scratch {
    raw: RawVolume,
    out: Vec<u8>,
    resample: ResampleScratch,
}

/// Converts files on all cores. The results come in the order of the work.
///
/// # Errors
/// The first that is not the fault of a file: a disk, a signal.
pub fn convert_all(
    work: &[Work],
    resampler: &Resampler,
    writer: &EventWriter,
    setting: &Setting<'_>,
) -> Result<Vec<Converted>, PrepareError> {
    on_threads(setting.threads, work, setting.stop, |work, scratch| {
        let converted = convert(work, resampler, writer, setting, scratch)?;
        setting.progress.advance(work.frames.len() as u64);
        Ok(converted)
    })
}

fn convert(
    work: &Work,
    resampler: &Resampler,
    writer: &EventWriter,
    setting: &Setting<'_>,
    scratch: &mut Scratch,
) -> Result<Converted, PrepareError> {
    let (sha256, damaged) = hash(&work.path, work.expected)?;
    let result = match damaged {
        Some(reason) => Err(reason),
        None => convert_frames(work, resampler, writer, setting, scratch)?,
    };
    Ok(Converted { file: work.file, sha256, result })
}

/// The inner result is about the file, the outer one about everything else.
fn convert_frames(
    work: &Work,
    resampler: &Resampler,
    writer: &EventWriter,
    setting: &Setting<'_>,
    scratch: &mut Scratch,
) -> Result<Result<Vec<usize>, String>, PrepareError> {
    let refused = |error: VolumeError| reason(error, &work.path).map(Err);
    let volume = match VolumeFile::open(&work.path, &setting.config.variable) {
        Ok(volume) => volume,
        Err(error) => return refused(error),
    };
    let [rows, columns] = resampler.to();
    scratch.out.resize(volume.grid().z.values.len() * rows * columns, 0);
    let mut written = Vec::with_capacity(work.frames.len());
    for &(in_file, slot) in &work.frames {
        match volume.is_written(in_file) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => return refused(error),
        }
        if let Err(error) = volume.read(in_file, &mut scratch.raw) {
            return refused(error);
        }
        let (out, memory) = (&mut scratch.out, &mut scratch.resample);
        let resampled = resampler.run_volume(&scratch.raw, volume.packing(), &setting.quantizer, out, memory);
        if let Err(error) = resampled {
            return Ok(Err(format!("it changed while it was read: {error}")));
        }
        if scratch.out.iter().any(|&cell| cell != 0) {
            writer.write_frame(slot, &scratch.out)?;
            written.push(slot);
        }
    }
    if written.is_empty() {
        return Ok(Err("all cells are missing, or were never written".to_owned()));
    }
    Ok(Ok(written))
}
