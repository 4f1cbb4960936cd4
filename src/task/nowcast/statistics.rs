//! Statistics of the frames of an event: how often each stored value occurs, and what follows from it.

use std::sync::atomic::{AtomicUsize, Ordering};

use thiserror::Error;

use super::quantize::Quantizer;
use crate::data::store::{EventReader, StoreError};
use crate::util::exit::Exit;
use crate::util::progress::Progress;
use crate::util::stop::{Stop, Stopped};

/// How often each of the 256 stored values occurs; number 0 is "missing".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts([u64; 256]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl Counts {
    /// Counts the cells of a frame.
    pub fn add_frame(&mut self, frame: &[u8]) {
        // Four tables, because neighbouring cells are often equal and one counter would wait for itself.
        let mut tables = [[0_u32; 256]; 4];
        for cells in frame.chunks(1 << 20) {
            for quad in cells.chunks(4) {
                for (table, &cell) in tables.iter_mut().zip(quad) {
                    table[usize::from(cell)] += 1;
                }
            }
            for table in &mut tables {
                for (sum, count) in self.0.iter_mut().zip(table) {
                    *sum += u64::from(std::mem::take(count));
                }
            }
        }
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    /// The counts by stored value.
    #[must_use]
    pub fn by_value(&self) -> &[u64; 256] {
        &self.0
    }

    /// All cells.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The share of cells that are missing; 0 without cells.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        self.share(self.0[0])
    }

    /// The share of all cells, missing ones included, above a threshold.
    #[must_use]
    pub fn share_above(&self, threshold: f64, quantizer: &Quantizer) -> f64 {
        let above = (1..=255_u8).filter(|&value| quantizer.dequantize(value) > threshold);
        self.share(above.map(|value| self.0[usize::from(value)]).sum())
    }

    fn share(&self, count: u64) -> f64 {
        count as f64 / self.cells().max(1) as f64
    }
}

/// Why the cells of an event could not be counted.
#[derive(Debug, Error)]
#[error(transparent)]
pub enum CountError {
    /// A frame can't be read.
    Store(#[from] StoreError),
    /// Interrupted by a signal.
    Stopped(#[from] Stopped),
}

impl CountError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }
}

/// Counts the cells of all frames of an event, on several threads; each frame is a step of the progress.
///
/// # Errors
/// If a frame can't be read, or a signal interrupts.
pub fn count(event: &EventReader, threads: usize, stop: &Stop, progress: &dyn Progress) -> Result<Counts, CountError> {
    let next = AtomicUsize::new(0);
    let run = || -> Result<Counts, CountError> {
        let (mut counts, mut frame) = (Counts::default(), vec![0; event.frame_len()]);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= event.frames() {
                return Ok(counts);
            }
            stop.check()?;
            event.read_frame(index, &mut frame)?;
            counts.add_frame(&frame);
            progress.advance(1);
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.clamp(1, event.frames().max(1))).map(|_| scope.spawn(run)).collect();
        let mut all = Counts::default();
        for handle in handles {
            match handle.join() {
                Ok(counts) => all.merge(&counts?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_counted_once() {
        let frame: Vec<u8> = (0..10_007_u32).map(|index| (index % 256) as u8).collect();
        let mut counts = Counts::default();
        counts.add_frame(&frame);
        for (value, &count) in counts.by_value().iter().enumerate() {
            assert_eq!(count, frame.iter().filter(|&&cell| usize::from(cell) == value).count() as u64);
        }
        let mut twice = counts.clone();
        twice.merge(&counts);
        assert_eq!(twice.cells(), 2 * 10_007);
    }

    #[test]
    fn shares_are_of_all_cells_and_strictly_above() {
        let quantizer = Quantizer::new(0.0, 254.0).unwrap();
        let mut counts = Counts::default();
        counts.add_frame(&[0, 0, 1, 36, 37, 255]);
        assert!((counts.missing_share() - 2.0 / 6.0).abs() < 1e-12);
        assert!((counts.share_above(35.0, &quantizer) - 2.0 / 6.0).abs() < 1e-12);
        assert_eq!(Counts::default().missing_share(), 0.0);
    }
}
