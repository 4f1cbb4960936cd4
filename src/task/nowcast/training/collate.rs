//! From windows of bytes to tensors on the device. Bytes are transferred and become floats on the device, which needs a
//! quarter of the bandwidth. Not a second preparation: `quantize` defines what a byte means.
//!
//! Tensors carry their dimensions: b samples, t frames, l levels, c channels, y rows, x columns.

use tch::{Device, Kind, TchError, Tensor};

use super::error::NowcastError;
use crate::data::loader::{LoadedWindow, Sample};
use crate::task::nowcast::config::{Levels, Missing, NowcastConfig};
use crate::task::nowcast::quantize::STEPS;

/// Windows on the device.
#[derive(Debug)]
pub struct Batch {
    /// What they are, in order.
    pub(super) samples: Vec<Sample>,
    /// The input, in 0 to 1; missing cells are 0.
    pub(super) input_btcyx: Tensor,
    /// The target, in 0 to 1; missing cells are 0.
    pub(super) target_btcyx: Tensor,
    /// The known cells of the target; `None` if a missing cell means no echo.
    pub(super) known_btcyx: Option<Tensor>,
    /// All frames as bytes. There is no 0 among them if a missing cell means no echo.
    pub(super) bytes_btcyx: Tensor,
}

impl Batch {
    fn new(samples: Vec<Sample>, bytes_btcyx: Tensor, split: [i64; 2], missing: Missing) -> Result<Self, TchError> {
        let [input_frames, target_frames] = split;
        let target_bytes = bytes_btcyx.f_narrow(1, input_frames, target_frames)?;
        Ok(Self {
            samples,
            input_btcyx: normalised(&bytes_btcyx.f_narrow(1, 0, input_frames)?)?,
            target_btcyx: normalised(&target_bytes)?,
            known_btcyx: match missing {
                Missing::Min => None,
                Missing::Mask => Some(target_bytes.f_ne(0)?),
            },
            bytes_btcyx,
        })
    }

    fn input_frames(&self) -> i64 {
        self.input_btcyx.size()[1]
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
        self.input_btcyx.narrow(1, self.input_frames() - 1, 1).expand_as(&self.target_btcyx)
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
    device: Device,
}

impl Collate {
    /// For frames with these levels, rows and columns.
    pub(super) fn new(config: &NowcastConfig, shape: [usize; 3], device: Device) -> Result<Self, NowcastError> {
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
        Ok(Self { channels, missing: config.prepare.missing, shape: [levels, rows, columns], frames, device })
    }

    /// Frames of a window, and bytes of each.
    pub(super) fn window(&self) -> (usize, usize) {
        (self.frames.iter().sum(), self.shape.iter().product())
    }

    /// Windows of that shape on the device.
    pub(super) fn batch(&self, windows: &[LoadedWindow]) -> Result<Batch, TchError> {
        let samples: Vec<Sample> = windows.iter().map(|window| window.sample.clone()).collect();
        let mut bytes = Vec::with_capacity(samples.iter().map(Sample::bytes).sum());
        windows.iter().for_each(|window| window.append_to(&mut bytes));
        let [levels, rows, columns] = self.shape.map(|size| size as i64);
        let split = self.frames.map(|frames| frames as i64);
        let frames: i64 = split.iter().sum();
        let bytes_btcyx = self.channels(&bytes, [windows.len() as i64, frames, levels, rows, columns])?;
        Batch::new(samples, bytes_btcyx, split, self.missing)
    }

    /// Frames that the model sees, without those that follow: bytes of windows, frames, levels, rows and columns.
    pub(super) fn input(&self, bytes: &[u8]) -> Result<Tensor, TchError> {
        let [levels, rows, columns] = self.shape.map(|size| size as i64);
        normalised(&self.channels(bytes, [-1, self.frames[0] as i64, levels, rows, columns])?)
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

fn indices(chosen: &[usize], levels: usize, device: Device) -> Result<Tensor, NowcastError> {
    if let Some(&level) = chosen.iter().find(|&&level| level >= levels) {
        return Err(NowcastError::Level { level, levels });
    }
    let chosen: Vec<i64> = chosen.iter().map(|&level| level as i64).collect();
    Ok(Tensor::f_from_slice(&chosen)?.f_to_device(device)?)
}
