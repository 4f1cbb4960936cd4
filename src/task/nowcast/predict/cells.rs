//! The radar's observations on its own grid, and what follows for a forecast: which of its cells are missing, and how
//! no echo is written. The rules are in the table of [`super`].

use crate::task::nowcast::config::{Levels, Missing};
use crate::task::nowcast::lrose::{MISSING, Stored};
use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::volume::{Packing, RawVolume};

/// The share of present cells without an echo above which "no echo" is a number in the files. If it is, most cells have
/// it; otherwise hardly any.
const TELLS_NO_ECHO: f64 = 0.1;

/// How the levels of a volume become those of a forecast.
#[derive(Debug)]
pub struct View {
    levels: Levels,
    shape: [usize; 3],
}

impl View {
    /// For volumes with these levels, rows and columns.
    pub fn new(levels: &Levels, shape: [usize; 3]) -> Self {
        Self { levels: levels.clone(), shape }
    }

    fn cells(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// The values of the levels that are forecast, `NaN` where it is missing.
    pub fn planes(&self, raw: &RawVolume, packing: &Packing) -> Vec<f32> {
        let dbz = packing.physical(&raw.values);
        match &self.levels {
            Levels::Each => dbz,
            Levels::Composite => column_maximum(&dbz, self.cells()),
            Levels::Channels(chosen) => {
                let plane = |&level: &usize| dbz.get(level * self.cells()..(level + 1) * self.cells());
                chosen.iter().filter_map(plane).collect::<Vec<_>>().concat()
            }
        }
    }

    /// The strongest of those levels.
    pub fn composite(&self, planes: &[f32]) -> Vec<f32> {
        column_maximum(planes, self.cells())
    }
}

/// The strongest of the levels, missing if all are.
pub fn column_maximum(levels: &[f32], cells: usize) -> Vec<f32> {
    let mut strongest = vec![f32::NAN; cells];
    for level in levels.chunks_exact(cells.max(1)) {
        strongest.iter_mut().zip(level).for_each(|(strongest, &dbz)| *strongest = strongest.max(dbz));
    }
    strongest
}

/// What some frames have seen, cell by cell of the levels that are forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Whether any of the frames had a number.
    ever: Vec<bool>,
    /// Whether the last one had.
    last: Vec<bool>,
    /// How many numbers there were.
    present: usize,
    /// How many of them were no echo.
    silent: usize,
    /// The weakest of them.
    weakest: f32,
}

impl Seen {
    /// What one frame has seen.
    pub fn in_frame(dbz: &[f32], quantizer: &Quantizer) -> Self {
        let last: Vec<bool> = dbz.iter().map(|dbz| !dbz.is_nan()).collect();
        let no_echo = no_echo_below(quantizer);
        Self {
            ever: last.clone(),
            present: last.iter().filter(|&&present| present).count(),
            last,
            silent: dbz.iter().filter(|&&dbz| dbz < no_echo).count(),
            weakest: dbz.iter().copied().fold(f32::INFINITY, f32::min),
        }
    }

    /// What frames, in time order, have seen together.
    pub fn of(frames: impl Iterator<Item = Self>) -> Self {
        let none = Self { ever: Vec::new(), last: Vec::new(), present: 0, silent: 0, weakest: f32::INFINITY };
        frames.reduce(Self::and_then).unwrap_or(none)
    }

    fn and_then(mut self, next: Self) -> Self {
        self.ever.iter_mut().zip(&next.ever).for_each(|(ever, &now)| *ever |= now);
        Self {
            ever: self.ever,
            last: next.last,
            present: self.present + next.present,
            silent: self.silent + next.silent,
            weakest: self.weakest.min(next.weakest),
        }
    }

    /// How forecasts are stored after these frames.
    pub fn storing(&self, missing: Missing, quantizer: &Quantizer, stored: Stored) -> Storing<'_> {
        let (min, no_echo) = (quantizer.dequantize(1) as f32, no_echo_below(quantizer));
        let tells_no_echo = self.silent as f64 >= TELLS_NO_ECHO * self.present as f64;
        let number =
            |known| Storing { known: Some(known), no_echo_below: no_echo, no_echo: stored.packed(min), stored };
        match missing {
            Missing::Mask => number(&self.last),
            Missing::Min if tells_no_echo => number(&self.ever),
            Missing::Min => Storing { known: None, no_echo_below: self.weakest.max(no_echo), no_echo: MISSING, stored },
        }
    }
}

/// A value that rounds to this byte is no echo to the model.
fn no_echo_below(quantizer: &Quantizer) -> f32 {
    (quantizer.dequantize(1) + quantizer.scale_factor() / 2.0) as f32
}

/// How the numbers of a forecast are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storing<'a> {
    /// The cells in which a forecast is not missing; all if `None`.
    known: Option<&'a [bool]>,
    no_echo_below: f32,
    no_echo: i8,
    stored: Stored,
}

impl Storing<'_> {
    /// Whether a missing cell is one without echo, rather than an unobserved one.
    pub fn missing_is_no_echo(&self) -> bool {
        self.known.is_none()
    }

    /// The stored number of a forecast for a cell, counted through all levels.
    pub fn stored(&self, cell: usize, value: f32) -> i8 {
        if self.known.is_some_and(|known| !known.get(cell).copied().unwrap_or(false)) {
            MISSING
        } else if value < self.no_echo_below {
            self.no_echo
        } else {
            self.stored.packed(value)
        }
    }

    /// The same in words, for who opens the file.
    pub fn text(&self) -> &'static str {
        match (self.known, self.no_echo) {
            (None, _) => "missing is no echo, as in the input",
            (Some(_), _) => "missing is out of range or not seen, no echo is the smallest number",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::volume::Values;

    const NAN: f32 = f32::NAN;

    fn quantizer() -> Quantizer {
        Quantizer::new(-29.0, 65.0).unwrap()
    }

    fn seen(frames: &[&[f32]]) -> Seen {
        Seen::of(frames.iter().map(|frame| Seen::in_frame(frame, &quantizer())))
    }

    fn stored(seen: &Seen, missing: Missing, forecast: &[f32]) -> Vec<f32> {
        let storing = seen.storing(missing, &quantizer(), Stored::DBZ);
        let cells = forecast.iter().enumerate();
        cells.map(|(cell, &dbz)| crate::task::nowcast::lrose::unpacked(storing.stored(cell, dbz))).collect()
    }

    fn same(got: &[f32], expected: &[f32]) {
        assert!(got.iter().zip(expected).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{got:?}, {expected:?}");
    }

    #[test]
    fn if_no_echo_is_a_number_cells_that_were_never_observed_stay_missing() {
        let seen = seen(&[&[NAN, -29.0, 20.0, -29.0], &[NAN, NAN, -30.0, -29.0]]);
        same(&stored(&seen, Missing::Min, &[30.0, 31.0, -28.9, 15.3]), &[NAN, 31.0, -29.0, 15.5]);
    }

    #[test]
    fn if_no_echo_is_missing_a_storm_may_move_anywhere() {
        let seen = seen(&[&[NAN, 8.0, 20.0, NAN], &[NAN, NAN, 30.0, 25.0]]);
        same(&stored(&seen, Missing::Min, &[30.0, 7.0, 8.0, -20.0]), &[30.0, NAN, 8.0, NAN]);
    }

    #[test]
    fn with_a_mask_the_last_frame_decides() {
        let seen = seen(&[&[NAN, 8.0, 20.0], &[5.0, NAN, 30.0]]);
        same(&stored(&seen, Missing::Mask, &[30.0, 7.0, -29.0]), &[30.0, NAN, -29.0]);
    }

    #[test]
    fn the_column_maximum_is_missing_only_if_all_levels_are() {
        same(&column_maximum(&[NAN, 1.0, NAN, 5.0], 2), &[NAN, 5.0]);
        let view = View::new(&Levels::Channels(vec![1]), [2, 1, 2]);
        let mut raw = RawVolume::new();
        (raw.shape, raw.values) = ([2, 1, 2], Values::I8(vec![0, 1, 2, -128]));
        let packing = Packing {
            scale: 0.5,
            offset: 33.5,
            missing: vec![-128.0],
            valid_stored: [-127.0, 127.0],
            valid_physical: [f64::NEG_INFINITY, f64::INFINITY],
            unsigned_span: None,
        };
        same(&view.planes(&raw, &packing), &[34.5, NAN]);
        let shorts = Values::I16(vec![0, -128]);
        same(&packing.physical(&shorts), &[33.5, NAN]);
    }
}
