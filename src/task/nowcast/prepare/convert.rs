//! One file's frames into the event: verify the content, read, resample, write. Runs on every core at once.

use std::path::PathBuf;

use super::survey::reason;
use super::{PrepareError, Setting};
use crate::data::prepare::work::{hash, on_threads};
use crate::data::store::EventWriter;
use crate::task::needs::product;
use crate::task::nowcast::resample::{Resampler, Scratch as ResampleScratch};
use crate::task::nowcast::volume::{RawVolume, VolumeError, VolumeFile};
use crate::util::memory::{self, Ceiling};
use crate::util::sha256::Digest;

/// A file to convert.
#[derive(Debug)]
pub struct Work {
    /// Its number in the event.
    pub file: usize,
    /// Its path.
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
    frame_bytes: u64,
    setting: &Setting<'_>,
) -> Result<Vec<Converted>, PrepareError> {
    let threads = affordable(setting.threads, frame_bytes, memory::ceiling().map(|ceiling| ceiling.bytes));
    on_threads(threads, work, setting.stop, |work, scratch| {
        let converted = convert(work, resampler, writer, setting, scratch)?;
        setting.progress.advance(work.frames.len() as u64);
        Ok(converted)
    })
}

/// Bytes of a frame in the store.
///
/// # Errors
/// If not even one fits into the memory of this machine.
pub fn frame_bytes(levels: usize, [rows, columns]: [usize; 2]) -> Result<u64, PrepareError> {
    let needed = product(&[levels as u64, rows as u64, columns as u64]);
    match memory::ceiling() {
        Some(Ceiling { bytes: available, what }) if needed > available => {
            Err(PrepareError::FrameTooLarge { levels, rows, columns, needed, what, available })
        }
        _ => Ok(needed),
    }
}

/// How many threads may each hold a frame: together no more than half of the memory.
fn affordable(threads: usize, frame_bytes: u64, memory_bytes: Option<u64>) -> usize {
    let room = memory_bytes.map_or(u64::MAX, |bytes| bytes / 2 / frame_bytes.max(1));
    threads.min(usize::try_from(room).unwrap_or(usize::MAX)).max(1)
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
        // Of a very large frame, some levels at a time.
        for part in volume.parts() {
            if let Err(error) = volume.read_levels(in_file, &part, &mut scratch.raw) {
                return refused(error);
            }
            let out = &mut scratch.out[part.start * rows * columns..part.end * rows * columns];
            let (packing, memory) = (volume.packing(), &mut scratch.resample);
            if let Err(error) = resampler.run_volume(&scratch.raw, packing, &setting.quantizer, out, memory) {
                return Ok(Err(format!("it changed while it was read: {error}")));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_threads_as_the_memory_has_room_for_frames_but_one_in_any_case() {
        assert_eq!(affordable(8, 100, Some(1_000)), 5);
        assert_eq!(affordable(8, 100, Some(10_000)), 8);
        assert_eq!((affordable(8, 100, Some(10)), affordable(8, 0, Some(10)), affordable(8, 100, None)), (1, 5, 8));
    }

    #[test]
    fn a_frame_that_no_machine_can_hold_is_refused_with_the_numbers() {
        assert_eq!(frame_bytes(2, [30, 40]).unwrap(), 2400);
        let error = frame_bytes(1_000_000, [1 << 20, 1 << 20]).unwrap_err();
        assert_eq!(error.exit(), crate::util::exit::Exit::OutOfMemory);
        assert!(error.to_string().contains("1000000 x 1048576 x 1048576 (levels x rows x columns) takes"), "{error}");
    }
}
