//! From windows of bytes to tensors on the device. Bytes are transferred and become floats on the device, which needs a
//! quarter of the bandwidth. Not a second preparation: `quantize` defines what a byte means.
//!
//! Tensors carry their dimensions: b samples, t frames, l levels, c channels, y rows, x columns; d the two components of a way.

use std::sync::Arc;

use rayon::prelude::*;
use tch::{Device, Kind, TchError, Tensor};

use super::augment::{self, Augment, Change};
use super::error::NowcastError;
use crate::data::loader::{LoadedWindow, Sample};
use crate::task::nowcast::advection::{NodeMotion, SPACING, mesh};
use crate::task::nowcast::config::{Coordinates, Levels, Missing, NowcastConfig};
use crate::task::nowcast::model::carried::{Carried, Seen, Ways, between_mesh};
use crate::task::nowcast::model::seen_frames;
use crate::task::nowcast::motion::known::Known;
use crate::task::nowcast::motion::{MOTION_FRAMES, MeshWays, MotionFinder};
use crate::task::nowcast::quantize::STEPS;

/// Windows on the device.
#[derive(Debug)]
pub struct Batch {
    /// What they are, in order.
    pub(super) samples: Vec<Sample>,
    /// What the network sees, in 0 to 1; missing cells are 0.
    pub(super) seen: Seen,
    /// The target, in 0 to 1; missing cells are 0.
    pub(super) target_btcyx: Tensor,
    /// The known cells of the target; `None` if a missing cell means no echo.
    pub(super) known_btcyx: Option<Tensor>,
    /// All frames as bytes. There is no 0 among them if a missing cell means no echo.
    pub(super) bytes_btcyx: Tensor,
}

impl Batch {
    fn input_frames(&self) -> i64 {
        self.bytes_btcyx.size()[1] - self.target_btcyx.size()[1]
    }

    /// The target as bytes.
    pub(super) fn target_bytes(&self) -> Tensor {
        self.bytes_btcyx.narrow(1, self.input_frames(), self.target_btcyx.size()[1])
    }

    /// The last frames that the model sees, as bytes.
    pub(super) fn last_bytes(&self, frames: i64) -> Tensor {
        self.bytes_btcyx.narrow(1, self.input_frames() - frames, frames)
    }

    /// The forecast of no change: the last input frame repeated, as the model sees it.
    pub(super) fn persistence(&self) -> Tensor {
        let frames = self.seen.frames();
        frames.narrow(1, frames.size()[1] - 1, 1).expand_as(&self.target_btcyx)
    }
}

/// (byte - 1) / 254, and 0 for a missing cell.
fn normalised(bytes: &Tensor) -> Result<Tensor, TchError> {
    bytes.f_to_kind(Kind::Float)?.f_sub_scalar_(1)?.f_div_scalar_(STEPS)?.f_clamp_min_(0.0)
}

/// What happens to the levels of a window.
#[derive(Debug)]
enum Channels {
    /// A window has one level.
    One,
    /// The strongest of all levels. A missing cell has the weakest byte of all.
    Strongest,
    /// The levels with these numbers.
    Chosen(Tensor),
}

/// How windows become a batch.
#[derive(Debug)]
pub(super) struct Collate {
    channels: Channels,
    missing: Missing,
    /// Levels in a window, rows and columns.
    shape: [usize; 3],
    /// Input and target.
    frames: [usize; 2],
    /// The last frames of the input that the network sees.
    seen_frames: usize,
    /// If frames are carried.
    motion: Option<MotionFinder>,
    known: Option<Arc<Known>>,
    augment: Augment,
    device: Device,
}

/// The windows of a batch before they are on the device.
struct Cut {
    bytes: Vec<u8>,
    ways: Vec<MeshWays>,
    changes: Vec<Change>,
    size: [usize; 2],
}

impl Collate {
    /// For frames with these levels, rows and columns.
    pub(super) fn new(
        config: &NowcastConfig,
        shape: [usize; 3],
        device: Device,
        seed: u64,
    ) -> Result<Self, NowcastError> {
        let [levels, rows, columns] = shape;
        let (got, expected) = ([rows, columns], config.prepare.size);
        if got != expected {
            return Err(NowcastError::Size { got, expected });
        }
        let (channels, levels) = match &config.prepare.levels {
            Levels::Each => (Channels::One, 1),
            Levels::Composite => (Channels::Strongest, levels),
            Levels::Channels(chosen) => (Channels::Chosen(indices(chosen, levels, device)?), levels),
        };
        let frames = [config.windows.input_frames, config.windows.target_frames];
        let is_carried = config.coordinates == Coordinates::Lagrangian;
        Ok(Self {
            channels,
            missing: config.prepare.missing,
            shape: [levels, rows, columns],
            frames,
            seen_frames: seen_frames(config),
            motion: is_carried.then(|| MotionFinder::new(config)),
            known: None,
            augment: Augment::new(config, seed),
            device,
        })
    }

    /// With motion that was found before.
    pub(super) fn knowing(self, known: Option<Arc<Known>>) -> Self {
        // A shorter window sees fewer frames than the motion that is kept.
        Self { known: known.filter(|_| self.frames[0] >= MOTION_FRAMES), ..self }
    }

    /// Frames of a window, and bytes of each.
    pub(super) fn window(&self) -> (usize, usize) {
        (self.frames.iter().sum(), self.shape.iter().product())
    }

    /// Rows and columns of a window in training.
    pub(super) fn training_size(&self) -> [usize; 2] {
        self.augment.size()
    }

    /// Windows of that shape on the device; `minutes` are those of their frames from the last one that the model sees. In
    /// training they are changed as the epoch wants it.
    pub(super) fn batch(
        &self,
        windows: &[LoadedWindow],
        minutes: &[Vec<f32>],
        epoch: Option<u64>,
    ) -> Result<Batch, TchError> {
        let cut = self.cut(windows, minutes, epoch);
        let [rows, columns] = cut.size.map(|size| size as i64);
        let [inputs, targets] = self.frames.map(|frames| frames as i64);
        let levels = self.shape[0] as i64;
        let mut bytes_btcyx =
            self.channels(&cut.bytes, [windows.len() as i64, inputs + targets, levels, rows, columns])?;
        let ways = self.ways(&cut)?;
        if !cut.changes.is_empty() {
            bytes_btcyx = augment::frames(&bytes_btcyx, &cut.changes)?;
        }
        let target_bytes = bytes_btcyx.f_narrow(1, inputs, targets)?;
        let seen = self.seen_frames as i64;
        let frames = |bytes: &Tensor| augment::shifted(normalised(bytes)?, &cut.changes);
        Ok(Batch {
            samples: windows.iter().map(|window| window.sample.clone()).collect(),
            seen: self.seen(&bytes_btcyx, frames(&bytes_btcyx.f_narrow(1, inputs - seen, seen)?)?, ways.as_ref())?,
            target_btcyx: frames(&target_bytes)?,
            known_btcyx: match self.missing {
                Missing::Min => None,
                Missing::Mask => Some(target_bytes.f_ne(0)?),
            },
            bytes_btcyx,
        })
    }

    /// What the network sees of frames without those that follow: bytes of windows, frames, levels, rows and columns, and the
    /// minutes of each window's frames and forecasts. With the motion that they were carried along, if they were.
    pub(super) fn input(&self, bytes: &[u8], minutes: &[Vec<f32>]) -> Result<(Seen, Vec<NodeMotion>), TchError> {
        let ([levels, rows, columns], inputs) = (self.shape, self.frames[0]);
        let windows: Vec<Vec<&[u8]>> = bytes
            .chunks_exact(inputs * levels * rows * columns)
            .map(|window| window.chunks_exact(levels * rows * columns).collect())
            .collect();
        let (motions, ways) = self.all_ways(&windows, &[], minutes);
        let cut = Cut { bytes: Vec::new(), ways, changes: Vec::new(), size: [rows, columns] };
        let shape = [windows.len(), inputs, levels, rows, columns].map(|size| size as i64);
        let bytes_btcyx = self.channels(bytes, shape)?;
        let (seen, ways) = (self.seen_frames as i64, self.ways(&cut)?);
        let frames_btcyx = normalised(&bytes_btcyx.f_narrow(1, inputs as i64 - seen, seen)?)?;
        Ok((self.seen(&bytes_btcyx, frames_btcyx, ways.as_ref())?, motions))
    }

    /// What the network sees of frames that were changed, with the bytes of all frames from the first input on.
    fn seen(&self, bytes_btcyx: &Tensor, frames_btcyx: Tensor, ways: Option<&Ways>) -> Result<Seen, TchError> {
        let Some(ways) = ways else { return Ok(Seen::Frames(frames_btcyx)) };
        let missing_bcyx = match self.missing {
            Missing::Min => None,
            Missing::Mask => Some(bytes_btcyx.f_select(1, self.frames[0] as i64 - 1)?.f_eq(0)?),
        };
        Ok(Seen::Carried(Carried::new(&frames_btcyx, ways, missing_bcyx.as_ref())?))
    }

    /// The parts of windows that an epoch wants, or all of them, and their ways.
    fn cut(&self, windows: &[LoadedWindow], minutes: &[Vec<f32>], epoch: Option<u64>) -> Cut {
        let all: Vec<Vec<&[u8]>> = windows.iter().map(|window| window.frames().collect()).collect();
        let samples: Vec<&Sample> = windows.iter().map(|window| &window.sample).collect();
        let (_, ways) = self.all_ways(&all, &samples, minutes);
        let mut bytes = Vec::with_capacity(windows.iter().map(|window| window.sample.bytes()).sum());
        let Some(epoch) = epoch.filter(|_| self.augment.is_on()) else {
            all.iter().flatten().for_each(|frame| bytes.extend_from_slice(frame));
            return Cut { bytes, ways, changes: Vec::new(), size: [self.shape[1], self.shape[2]] };
        };
        let draw = |(window, frames): (&LoadedWindow, &Vec<&[u8]>)| self.augment.draw(epoch, key(window), frames);
        let changes: Vec<Change> = windows.iter().zip(&all).map(draw).collect();
        for (frames, change) in all.iter().zip(&changes) {
            frames.iter().for_each(|frame| self.augment.cut(frame, change, &mut bytes));
        }
        Cut { bytes, ways, changes, size: self.augment.size() }
    }

    /// The motion and the ways of windows with these frames; `samples` says which of a dataset they are, or nothing.
    fn all_ways(
        &self,
        windows: &[Vec<&[u8]>],
        samples: &[&Sample],
        minutes: &[Vec<f32>],
    ) -> (Vec<NodeMotion>, Vec<MeshWays>) {
        let Some(finder) = &self.motion else { return (Vec::new(), Vec::new()) };
        let ([inputs, _], seen, known) = (self.frames, self.seen_frames, self.known.as_deref());
        let of_window = |((number, frames), minutes): ((usize, &Vec<&[u8]>), &Vec<f32>)| {
            let minutes: Vec<f64> = minutes.iter().map(|&minutes| f64::from(minutes)).collect();
            let kept = known.zip(samples.get(number)).and_then(|(known, sample)| known.motion(sample, inputs - 1));
            let motion = kept.unwrap_or_else(|| finder.find(&frames[..inputs], &minutes[..inputs]));
            let ways = finder.ways(&motion, &minutes[inputs - seen..inputs], &minutes[inputs..]);
            (motion, ways)
        };
        windows.par_iter().enumerate().zip(minutes).map(of_window).unzip()
    }

    /// The ways at every cell of the parts, changed as these are, on the device.
    fn ways(&self, cut: &Cut) -> Result<Option<Ways>, TchError> {
        if cut.ways.is_empty() {
            return Ok(None);
        }
        let firsts = cut.changes.iter().map(|change| change.first).chain(std::iter::repeat([0, 0]));
        let dense = |of: fn(&MeshWays) -> &[f32]| {
            let part = |(ways, first): (&MeshWays, [usize; 2])| self.part(of(ways), first, cut.size);
            let parts: Vec<Vec<f32>> = cut.ways.iter().zip(firsts.clone()).map(part).collect();
            let [rows, columns] = mesh(cut.size[0], cut.size[1]).map(|cells| cells as i64);
            let meshes = Tensor::f_from_slice(&parts.concat())?.f_to_device(self.device)?;
            let meshes = meshes.f_view([-1, 2, rows, columns])?;
            let size = cut.size.map(|cells| cells as i64);
            let ways_btdyx = between_mesh(&meshes, size)?.f_view([cut.ways.len() as i64, -1, 2, size[0], size[1]])?;
            if cut.changes.is_empty() { Ok(ways_btdyx) } else { augment::ways(&ways_btdyx, &cut.changes) }
        };
        let ahead_bkdyx = dense(|ways| &ways.ahead)?;
        // At even intervals the way back to a frame is that of a forecast as far ahead.
        let is_even = cut.ways.iter().all(|ways| ways.ahead.starts_with(&ways.back));
        let back_btdyx = match is_even {
            true => ahead_bkdyx.f_narrow(1, 0, self.seen_frames as i64 - 1)?,
            false => dense(|ways| &ways.back)?,
        };
        Ok(Some(Ways { back_btdyx, ahead_bkdyx }))
    }

    /// The fields of a part on its mesh.
    fn part(&self, fields: &[f32], first: [usize; 2], size: [usize; 2]) -> Vec<f32> {
        let [rows, columns] = mesh(self.shape[1], self.shape[2]);
        let [part_rows, part_columns] = mesh(size[0], size[1]);
        let [row, column] = first.map(|cell| cell / SPACING);
        let field = |field: &[f32]| {
            let lines = field.chunks_exact(columns).skip(row).take(part_rows);
            lines.flat_map(|line| line[column..column + part_columns].to_vec()).collect::<Vec<f32>>()
        };
        fields.chunks_exact(rows * columns).flat_map(field).collect()
    }

    fn channels(&self, bytes: &[u8], shape_btlyx: [i64; 5]) -> Result<Tensor, TchError> {
        let bytes_btlyx = Tensor::f_from_slice(bytes)?.f_to_device(self.device)?.f_view(shape_btlyx)?;
        let mut bytes_btcyx = match &self.channels {
            Channels::One => bytes_btlyx,
            Channels::Strongest => bytes_btlyx.f_amax([2].as_slice(), true)?,
            Channels::Chosen(levels) => bytes_btlyx.f_index_select(2, levels)?,
        };
        if self.missing == Missing::Min {
            bytes_btcyx = bytes_btcyx.f_clamp_min_(1)?;
        }
        Ok(bytes_btcyx)
    }
}

/// What random changes of a window follow from, beside the epoch.
fn key(window: &LoadedWindow) -> u64 {
    window.number as u64 | u64::from(window.repeat) << 40
}

fn indices(chosen: &[usize], levels: usize, device: Device) -> Result<Tensor, NowcastError> {
    if let Some(&level) = chosen.iter().find(|&&level| level >= levels) {
        return Err(NowcastError::Level { level, levels });
    }
    let chosen: Vec<i64> = chosen.iter().map(|&level| level as i64).collect();
    Ok(Tensor::f_from_slice(&chosen)?.f_to_device(device)?)
}
