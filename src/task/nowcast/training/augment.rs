//! Random changes of a training window: a part of it, mirrored and turned, with more or less echo. Each is a function of the
//! seed, the epoch and the sample, so that neither a resume nor another micro-batch changes it.

use rand::Rng;
use tch::{TchError, Tensor};

use crate::task::nowcast::advection::SPACING;
use crate::task::nowcast::config::NowcastConfig;
use crate::task::nowcast::motion::LEAST_ECHO;
use crate::util::seed;

/// What is drawn.
const PURPOSE: &str = "nowcast augmentation";

/// What may be changed.
#[derive(Clone, Debug)]
pub(super) struct Augment {
    flips: bool,
    /// On the scale from 0 to 1.
    shift: Option<[f64; 2]>,
    crop: Option<[usize; 2]>,
    size: [usize; 2],
    target_frames: usize,
    seed: u64,
}

/// What is changed of one window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// The first row and column of the part.
    pub(super) first: [usize; 2],
    /// Whether rows and columns are mirrored.
    mirrored: [bool; 2],
    /// Whether rows become columns.
    turned: bool,
    /// What is added to echo.
    shift: f64,
}

impl Augment {
    pub(super) fn new(config: &NowcastConfig, seed: u64) -> Self {
        let span = config.prepare.max - config.prepare.min;
        Self {
            flips: config.augment.flips,
            shift: config.augment.shift.map(|shift| shift.map(|value| value / span)),
            crop: config.augment.crop,
            size: config.prepare.size,
            target_frames: config.windows.target_frames,
            seed,
        }
    }

    /// Rows and columns of what is trained on.
    pub(super) fn size(&self) -> [usize; 2] {
        self.crop.unwrap_or(self.size)
    }

    /// Whether anything is changed at all.
    pub(super) fn is_on(&self) -> bool {
        self.flips || self.shift.is_some() || self.crop.is_some()
    }

    /// What is changed of the window with this key in an epoch. `window` are its bytes.
    pub(super) fn draw(&self, epoch: u64, key: u64, window: &[&[u8]]) -> Change {
        let mut random = seed::generator(self.seed, PURPOSE, epoch, key);
        let size = self.size();
        // On the mesh that ways are known at.
        let steps = [0, 1].map(|axis| (self.size[axis] - size[axis]) / SPACING);
        let [one, other] = [(); 2].map(|()| steps.map(|steps| random.random_range(0..=steps) * SPACING));
        let wetter: bool = random.random();
        let is_other = wetter && self.echo(window, other) > self.echo(window, one);
        let [rows, columns, turned]: [bool; 3] = random.random();
        let share: f64 = random.random();
        Change {
            first: if is_other { other } else { one },
            mirrored: [rows, columns].map(|mirrored| mirrored && self.flips),
            turned: turned && self.flips && size[0] == size[1],
            shift: self.shift.map_or(0.0, |[least, most]| least + share * (most - least)),
        }
    }

    /// All bytes of a part's targets: what it has to tell.
    fn echo(&self, window: &[&[u8]], first: [usize; 2]) -> u64 {
        let targets = &window[window.len().saturating_sub(self.target_frames)..];
        let rows = targets.iter().flat_map(|frame| rows(frame, self.size, first, self.size()));
        rows.flatten().map(|&byte| u64::from(byte)).sum()
    }

    /// Appends the part of a frame of any number of levels.
    pub(super) fn cut(&self, frame: &[u8], change: &Change, into: &mut Vec<u8>) {
        rows(frame, self.size, change.first, self.size()).for_each(|row| into.extend_from_slice(row));
    }
}

/// The rows of a part of each level.
fn rows<'a>(
    levels: &'a [u8],
    [rows, columns]: [usize; 2],
    first: [usize; 2],
    size: [usize; 2],
) -> impl Iterator<Item = &'a [u8]> {
    let level = move |level: &'a [u8]| {
        level.chunks_exact(columns).skip(first[0]).take(size[0]).map(move |row| &row[first[1]..first[1] + size[1]])
    };
    levels.chunks_exact(rows * columns).flat_map(level)
}

impl Change {
    /// Frames of one window `[.., y, x]`.
    pub(super) fn frames(&self, frames_yx: &Tensor) -> Result<Tensor, TchError> {
        let mirrored = frames_yx.f_flip(self.axes())?;
        if self.turned { mirrored.f_transpose(-2, -1) } else { Ok(mirrored) }
    }

    /// Its ways `[times, 2, y, x]`, whose components turn with it.
    pub(super) fn ways(&self, ways_tdyx: &Tensor) -> Result<Tensor, TchError> {
        let [down, across]: [f32; 2] = self.mirrored.map(|mirrored| if mirrored { -1.0 } else { 1.0 });
        let signs = Tensor::f_from_slice(&[across, down])?.f_to_device(ways_tdyx.device())?.f_view([2, 1, 1])?;
        let turned = self.frames(&ways_tdyx.f_mul(&signs)?)?;
        if self.turned { turned.f_flip([1]) } else { Ok(turned) }
    }

    fn axes(&self) -> Vec<i64> {
        [(self.mirrored[0], -2), (self.mirrored[1], -1)]
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, axis)| axis)
            .collect()
    }
}

/// All frames of a batch `[b, .., y, x]`, each window changed in its own way.
pub(super) fn frames(frames_byx: &Tensor, changes: &[Change]) -> Result<Tensor, TchError> {
    each(frames_byx, changes, Change::frames)
}

/// The ways of a batch `[b, times, 2, y, x]` likewise.
pub(super) fn ways(ways_btdyx: &Tensor, changes: &[Change]) -> Result<Tensor, TchError> {
    each(ways_btdyx, changes, Change::ways)
}

fn each(
    all: &Tensor,
    changes: &[Change],
    change: impl Fn(&Change, &Tensor) -> Result<Tensor, TchError>,
) -> Result<Tensor, TchError> {
    let one = |(index, of): (i64, &Change)| change(of, &all.f_select(0, index)?);
    Tensor::f_stack(&(0..).zip(changes).map(one).collect::<Result<Vec<_>, _>>()?, 0)
}

/// Adds to the echo of each window of normalised frames; without echo nothing grows.
pub(super) fn shifted(frames_btcyx: Tensor, changes: &[Change]) -> Result<Tensor, TchError> {
    if changes.iter().all(|change| change.shift == 0.0) {
        return Ok(frames_btcyx);
    }
    let shifts: Vec<f32> = changes.iter().map(|change| change.shift as f32).collect();
    let shifts = Tensor::f_from_slice(&shifts)?.f_to_device(frames_btcyx.device())?.f_view([-1, 1, 1, 1, 1])?;
    let is_echo = frames_btcyx.f_gt(LEAST_ECHO)?;
    frames_btcyx.f_add(&(shifts.f_mul(&is_echo)?))?.f_clamp(0.0, 1.0)
}
