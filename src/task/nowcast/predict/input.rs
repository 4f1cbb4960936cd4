//! The frames of a forecast, read once: the model's input, and what the conversion back to the radar's grid needs.

use std::path::Path;

use rayon::prelude::*;

use super::cells::{Seen, View};
use super::survey::{Frame, Job};
use super::{PredictError, Refusal, Setting};
use crate::task::nowcast::config::Missing;
use crate::task::nowcast::config::{Levels, NowcastConfig};
use crate::task::nowcast::lrose::forecast::Carried;
use crate::task::nowcast::prepare::reason;
use crate::task::nowcast::resample::{Resampler, Scratch};
use crate::task::nowcast::volume::{Attributes, Axis, Grid, RawVolume, VolumeFile};

const MINUTE: f64 = 60.0;

/// What a forecast is made from.
#[derive(Debug)]
pub struct Input {
    /// Which forecast it is.
    pub job: Job,
    /// Bytes of windows, frames, levels, rows and columns of the model's grid.
    pub bytes: Vec<u8>,
    /// What was seen on the radar's grid.
    pub seen: Seen,
    /// The column maximum of each frame on the radar's grid in dBZ, if pictures are requested.
    pub composites: Vec<Vec<f32>>,
    /// What the forecast's files copy from the radar's.
    pub carried: Carried,
    /// All coordinates of the radar's grid.
    pub grid: Grid,
    /// The global attributes of the newest file.
    pub global: Attributes,
}

impl Input {
    /// When each frame was taken and each forecast is for, in minutes from the last frame.
    #[must_use]
    pub fn minutes(&self, leads: usize) -> Vec<f32> {
        let now = self.job.from_seconds();
        let seen = self.job.frames.iter().map(|frame| frame.seconds - now);
        let ahead = (1..=leads).map(|lead| lead as f64 * self.job.interval_seconds);
        seen.chain(ahead).map(|seconds| (seconds / MINUTE) as f32).collect()
    }
}

/// Reads the frames of a forecast. The inner error is about this event, the outer one about everything else.
///
/// # Errors
/// If a disk fails, a signal interrupts, or the grid can't be resampled.
pub fn read(job: &Job, setting: &Setting<'_>) -> Result<Result<Input, Refusal>, PredictError> {
    let newest = job.frames.last().map(|frame| job.folder.join(&frame.file)).unwrap_or_default();
    let volume = match VolumeFile::open(&newest, &setting.config.prepare.variable) {
        Ok(volume) => volume,
        Err(error) => return Ok(Err(damaged(&newest, reason(error, &newest)?))),
    };
    let prepare = &setting.config.prepare;
    let axes = [volume.grid().y.values.as_slice(), volume.grid().x.values.as_slice()];
    let reader = Reader {
        job,
        setting,
        resampler: Resampler::along(prepare.method, axes, prepare.size)?,
        view: View::new(&prepare.levels, job.shape),
    };
    let read = |frame: &Frame| {
        setting.stop.check()?;
        reader.frame(frame)
    };
    let frames: Vec<_> = job.frames.par_iter().map(read).collect::<Result<_, PredictError>>()?;
    let frames = match frames.into_iter().collect::<Result<Vec<One>, Refusal>>() {
        Ok(frames) => frames,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let bytes: Vec<&[u8]> = frames.iter().map(|one| one.bytes.as_slice()).collect();
    let bytes = windows(&bytes, job.shape[0], setting.config);
    let composites = frames.iter().filter_map(|one| one.composite.clone()).collect();
    Ok(Ok(Input {
        job: job.clone(),
        bytes,
        seen: Seen::of(frames.into_iter().map(|one| one.seen)),
        composites,
        carried: carried(&volume, &setting.config.prepare.levels),
        grid: volume.grid().clone(),
        global: volume.attributes().global.clone(),
    }))
}

/// The frames in order, or with `levels: each` level by level, as separate windows.
fn windows(frames: &[&[u8]], levels: usize, config: &NowcastConfig) -> Vec<u8> {
    match config.prepare.levels {
        Levels::Each => {
            let [rows, columns] = config.prepare.size;
            let level =
                |number: usize| frames.iter().map(move |frame| &frame[number * rows * columns..][..rows * columns]);
            (0..levels).flat_map(level).collect::<Vec<_>>().concat()
        }
        Levels::Composite | Levels::Channels(_) => frames.concat(),
    }
}

/// One frame after it was read.
struct One {
    bytes: Vec<u8>,
    seen: Seen,
    composite: Option<Vec<f32>>,
}

/// What reading needs.
struct Reader<'a> {
    job: &'a Job,
    setting: &'a Setting<'a>,
    resampler: Resampler,
    view: View,
}

impl Reader<'_> {
    fn frame(&self, frame: &Frame) -> Result<Result<One, Refusal>, PredictError> {
        let path = self.job.folder.join(&frame.file);
        let mut raw = RawVolume::new();
        let opened = VolumeFile::open(&path, &self.setting.config.prepare.variable);
        let read = opened.and_then(|volume| {
            let written = volume.is_written(frame.in_file)?;
            volume.read(frame.in_file, &mut raw)?;
            Ok((volume, written))
        });
        let volume = match read {
            Ok((volume, true)) if raw.shape == self.job.shape => volume,
            Ok((_, true)) => return Ok(Err(damaged(&path, "it changed while it was read".to_owned()))),
            Ok((_, false)) => return Ok(Err(damaged(&path, "its frame was never written".to_owned()))),
            Err(error) => return Ok(Err(damaged(&path, reason(error, &path)?))),
        };
        let [rows, columns] = self.resampler.to();
        let mut bytes = vec![0; self.job.shape[0] * rows * columns];
        let quantizer = &self.setting.quantizer;
        self.resampler.run_volume(&raw, volume.packing(), quantizer, &mut bytes, &mut Scratch::default())?;
        // Without any echo everything is missing in files that store no echo so.
        if self.setting.config.prepare.missing == Missing::Mask && bytes.iter().all(|&byte| byte == 0) {
            return Ok(Err(damaged(&path, "all its cells are missing".to_owned())));
        }
        let planes = self.view.planes(&raw, volume.packing());
        let composite = self.setting.pictures.then(|| self.view.composite(&planes));
        Ok(Ok(One { bytes, seen: Seen::in_frame(&planes, quantizer), composite }))
    }
}

fn damaged(path: &Path, reason: String) -> Refusal {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Refusal::Damaged { file, reason }
}

/// What the files of the forecast repeat of a file of the radar.
fn carried(volume: &VolumeFile, levels: &Levels) -> Carried {
    let all = Carried::of(volume);
    Carried { z: of_levels(all.z.clone(), levels), ..all }
}

/// The levels that the forecast has. The column maximum is at the lowest.
fn of_levels(z: Axis, levels: &Levels) -> Axis {
    let values = match levels {
        Levels::Each => return z,
        Levels::Composite => z.values.first().copied().into_iter().collect(),
        Levels::Channels(chosen) => chosen.iter().filter_map(|&level| z.values.get(level).copied()).collect(),
    };
    Axis { values, ..z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_a_window_of_its_own() {
        let mut config = NowcastConfig::default();
        config.prepare.size = [1, 2];
        let frames: [&[u8]; 2] = [&[1, 2, 3, 4], &[5, 6, 7, 8]];
        assert_eq!(windows(&frames, 2, &config), [1, 2, 5, 6, 3, 4, 7, 8]);
        config.prepare.levels = Levels::Composite;
        assert_eq!(windows(&frames, 2, &config), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
