//! Sequences of different lengths in one batch, and which of its frames are real.
//!
//! Dimensions: b samples, t frames with padding, n real frames of all samples, d numbers of a frame.
//!
//! Layers that see a frame at a time compute real frames only, one sample after another; so padding costs nothing there, and a
//! sample has the same bits in every batch. Products of very few rows are an exception, see [`with_rows`].

use tch::{Device, Kind, Tensor};

use crate::nn::layer::{Dropout, Mode};

/// A batch of sequences.
#[derive(Debug)]
pub struct Sequences {
    /// `[b, t, d]` for each stream. What is behind the end of a sequence is never read.
    pub streams: Vec<Tensor>,
    /// The frames of each sequence: 1 to t.
    pub lengths: Vec<i64>,
}

impl Sequences {
    /// Which of the frames are real.
    ///
    /// # Panics
    /// If there is no stream, or a length is not 1 to t.
    #[must_use]
    pub fn frames(&self) -> Frames {
        let first_btd = &self.streams[0];
        Frames::new(&self.lengths, first_btd.size()[1], first_btd.device())
    }
}

/// Which frames of a padded batch are real.
#[derive(Debug)]
pub struct Frames {
    lengths: Vec<i64>,
    padded: i64,
    places_n: Tensor,
}

impl Frames {
    /// Those of sequences with these lengths, padded to so many frames.
    ///
    /// # Panics
    /// If a length is not 1 to the padded one.
    #[must_use]
    pub fn new(lengths: &[i64], padded: i64, device: Device) -> Self {
        assert!(lengths.iter().all(|length| (1..=padded).contains(length)), "lengths {lengths:?} of {padded} frames");
        let places = lengths.iter().zip(0..).flat_map(|(length, sample)| sample * padded..sample * padded + length);
        let places_n = Tensor::from_slice(&places.collect::<Vec<i64>>()).to_device(device);
        Self { lengths: lengths.to_vec(), padded, places_n }
    }

    /// The same for another thread.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        Self { lengths: self.lengths.clone(), padded: self.padded, places_n: self.places_n.shallow_clone() }
    }

    /// The frames of each sample.
    #[must_use]
    pub fn lengths(&self) -> &[i64] {
        &self.lengths
    }

    fn samples(&self) -> i64 {
        self.lengths.len() as i64
    }

    /// The real frames `[n, d]` of a padded batch `[b, t, d]`.
    pub fn pack(&self, padded_btd: &Tensor) -> Tensor {
        padded_btd.flatten(0, 1).index_select(0, &self.places_n)
    }

    /// The padded batch `[b, t, d]` of real frames `[n, d]`, with zeros as padding.
    pub fn pad(&self, frames_nd: &Tensor) -> Tensor {
        let width = frames_nd.size()[1];
        let room = Tensor::zeros([self.samples() * self.padded, width], (frames_nd.kind(), frames_nd.device()));
        room.index_copy(0, &self.places_n, frames_nd).view([self.samples(), self.padded, width])
    }

    /// Real frames `[n, d]` with some values dropped: the same of each sample in every batch.
    pub fn dropped(&self, dropout: &Dropout, frames_nd: &Tensor, mode: Mode<'_>) -> Tensor {
        dropout.forward_ragged(frames_nd, &self.lengths, mode)
    }

    /// 1 for real frames and 0 for padding, `[b, t]`.
    pub fn mask(&self, device: Device) -> Tensor {
        let places_t = Tensor::arange(self.padded, (Kind::Int64, device));
        let lengths_b = Tensor::from_slice(&self.lengths).to_device(device);
        places_t.unsqueeze(0).lt_tensor(&lengths_b.unsqueeze(1))
    }
}

/// The fewest rows of a product whose sums have the same order as with more: the library of products has other code for fewer
/// than 4 rows on some processors, and for fewer than 16 on those with AVX-512 for bf16; twice that, for those that come.
pub const ROWS: i64 = 32;

/// A layer over at least so many samples or frames, which are added and taken away again where there are fewer.
pub fn with_rows(fewest: i64, input_n: &Tensor, layer: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    let shape = input_n.size();
    let Some(lacking) = shape.first().map(|rows| fewest - rows).filter(|lacking| *lacking > 0) else {
        return layer(input_n);
    };
    // Two numbers for each dimension, the last one first.
    let mut padding = vec![0; 2 * shape.len()];
    if let Some(behind) = padding.last_mut() {
        *behind = lacking;
    }
    layer(&input_n.constant_pad_nd(padding)).narrow(0, 0, fewest - lacking)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(shape: &[i64]) -> Tensor {
        Tensor::arange(shape.iter().product::<i64>(), (Kind::Float, Device::Cpu)).view(shape) + 1.0
    }

    #[test]
    fn real_frames_are_taken_out_and_put_back_between_zeros() {
        let frames = Frames::new(&[2, 1, 3], 3, Device::Cpu);
        let packed = frames.pack(&numbers(&[3, 3, 1]));
        assert_eq!(Vec::<f32>::try_from(packed.flatten(0, -1)).unwrap(), [1.0, 2.0, 4.0, 7.0, 8.0, 9.0]);
        let padded = frames.pad(&packed).flatten(0, -1);
        assert_eq!(Vec::<f32>::try_from(padded).unwrap(), [1.0, 2.0, 0.0, 4.0, 0.0, 0.0, 7.0, 8.0, 9.0]);
    }

    #[test]
    #[should_panic(expected = "lengths [2, 0] of 3 frames")]
    fn a_sequence_without_frames_is_refused() {
        drop(Frames::new(&[2, 0], 3, Device::Cpu));
    }

    #[test]
    fn few_rows_are_added_to_and_taken_away_again() {
        let layer = |rows: &Tensor| {
            assert_eq!(rows.size(), [4, 2, 3]);
            rows * 2.0
        };
        assert!(with_rows(4, &numbers(&[1, 2, 3]), layer).equal(&(numbers(&[1, 2, 3]) * 2.0)));
        assert_eq!(with_rows(4, &numbers(&[5, 2]), Tensor::shallow_clone).size(), [5, 2]);
    }
}
