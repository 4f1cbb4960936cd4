//! Dropout (Srivastava et al. 2014) without a generator: which values of a sample are dropped is a function of the seed, the
//! epoch, the sample's index and the layer's name. So it is the same after a resume, whatever the size of the micro-batch is and
//! on every device.

use rand_chacha::rand_core::RngCore;
use tch::{Device, Kind, Tensor};

use super::Mode;
use crate::util::seed;

/// What the randomness of each sample of a batch follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleKeys {
    seed: u64,
    epoch: u64,
    indices: Vec<u64>,
}

impl SampleKeys {
    /// Samples with these indices within an epoch, in the order of the batch.
    pub fn new(seed: u64, epoch: u64, indices: impl IntoIterator<Item = u64>) -> Self {
        Self { seed, epoch, indices: indices.into_iter().collect() }
    }

    /// Two numbers for each sample and this purpose, which look random.
    fn of(&self, purpose: &str) -> Vec<[u32; 2]> {
        let key = |index: &u64| {
            let mut generator = seed::generator(self.seed, purpose, self.epoch, *index);
            [generator.next_u32(), generator.next_u32()]
        };
        self.indices.iter().map(key).collect()
    }
}

/// A layer that sets a share of all values to 0 in training, and scales the others up so that the mean stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    purpose: String,
    share: f64,
}

impl Dropout {
    /// Drops this share of all values, 0 to less than 1. Layers of different names drop different values.
    #[must_use]
    pub fn new(name: &str, share: f64) -> Self {
        Self { purpose: format!("dropout {name}"), share }
    }

    /// Samples `[b, ...]` of the same type with some values dropped.
    ///
    /// # Panics
    /// If there are not as many keys as samples.
    pub fn forward(&self, input_b: &Tensor, mode: Mode<'_>) -> Tensor {
        match mode {
            Mode::Training(keys) if self.share > 0.0 => {
                let mask_b = self.mask(keys, &input_b.size(), input_b.device()).to_kind(input_b.kind());
                // The factor is not part of the mask: in 16 bits it would be rounded, which would scale all values wrongly.
                input_b * mask_b * self.factor()
            }
            Mode::Training(_) | Mode::Evaluation => input_b.shallow_clone(),
        }
    }

    /// Rows `[n, d]` of samples one after another, each with as many as its length, with some values dropped: those that
    /// [`Self::forward`] drops of samples `[b, t, d]` with all rows.
    ///
    /// # Panics
    /// If there are not as many keys as lengths, or their sum is not n.
    pub fn forward_ragged(&self, rows_nd: &Tensor, lengths: &[i64], mode: Mode<'_>) -> Tensor {
        match mode {
            Mode::Training(keys) if self.share > 0.0 => {
                let mask_nd = self.ragged_mask(keys, rows_nd, lengths).to_kind(rows_nd.kind());
                rows_nd * mask_nd * self.factor()
            }
            Mode::Training(_) | Mode::Evaluation => rows_nd.shallow_clone(),
        }
    }

    fn ragged_mask(&self, keys: &SampleKeys, rows_nd: &Tensor, lengths: &[i64]) -> Tensor {
        let keys = keys.of(&self.purpose);
        assert_eq!(keys.len(), lengths.len(), "dropout needs a key for each sample");
        let (rows, width) = rows_nd.size2().unwrap_or_default();
        assert_eq!(lengths.iter().sum::<i64>(), rows, "the lengths of all samples are all rows");
        let samples = keys.iter().zip(lengths);
        let mask = match rows_nd.device() {
            Device::Cpu => {
                let values =
                    |(key, length): (&[u32; 2], &i64)| kept_values(*key, (length * width) as usize, self.threshold());
                Tensor::from_slice(&samples.flat_map(values).collect::<Vec<u8>>())
            }
            device => {
                let longest = lengths.iter().max().copied().unwrap_or(0);
                let all = mask_of_tensors(&keys, longest * width, self.threshold(), device);
                let real =
                    (0..).zip(lengths).map(|(sample, length)| all.select(0, sample).narrow(0, 0, length * width));
                Tensor::cat(&real.collect::<Vec<_>>(), 0)
            }
        };
        mask.view([rows, width])
    }

    /// Which values are kept. The same everywhere; on a CPU one pass over memory is the fastest, on a GPU the transfer would be
    /// the slowest, so it computes the same there with tensors.
    fn mask(&self, keys: &SampleKeys, shape: &[i64], device: Device) -> Tensor {
        let keys = keys.of(&self.purpose);
        assert_eq!(shape.first().copied(), Some(keys.len() as i64), "dropout needs a key for each sample");
        let values = shape.iter().skip(1).product::<i64>();
        let mask = match device {
            Device::Cpu => mask_in_memory(&keys, values as usize, self.threshold()),
            device => mask_of_tensors(&keys, values, self.threshold(), device),
        };
        mask.view(shape)
    }

    /// The same masks for loops that draw them value by value, one for each sample.
    ///
    /// # Panics
    /// If there are not as many keys as samples.
    pub(super) fn masks(&self, keys: &SampleKeys, samples: usize) -> Vec<Mask> {
        if self.share == 0.0 {
            return vec![Mask::NONE; samples];
        }
        let keys = keys.of(&self.purpose);
        assert_eq!(keys.len(), samples, "dropout needs a key for each sample");
        let (threshold, factor) = (self.threshold(), self.factor() as f32);
        keys.into_iter().map(|key| Mask { key, threshold, factor }).collect()
    }

    /// What kept values are multiplied by, so that the mean stays.
    pub(super) fn factor(&self) -> f64 {
        1.0 / (1.0 - self.share)
    }

    /// Values whose hash is below are dropped.
    fn threshold(&self) -> u32 {
        (self.share * 2_f64.powi(32)).round() as u32
    }
}

/// Which values of a sample are dropped: those whose hash is below the threshold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    pub key: [u32; 2],
    pub threshold: u32,
    pub factor: f32,
}

impl Mask {
    /// Nothing is dropped.
    pub const NONE: Self = Self { key: [0; 2], threshold: 0, factor: 1.0 };
}

/// Spreads the counter of a value. The other constants are those of a 32-bit mixer that its author, C. Wellons, searched for
/// (<https://github.com/skeeto/hash-prospector>). All are so small that a product with 32 bits stays below 2^63: whole numbers
/// of tensors have a sign.
const SPREAD: u32 = 0x1e37_79b9;
const FIRST: u32 = 0x21f0_aaad;
const SECOND: u32 = 0x735a_2d97;

#[inline(always)]
pub(super) fn hash(value: u32, [start, middle]: [u32; 2]) -> u32 {
    let mut hash = value.wrapping_mul(SPREAD).wrapping_add(start);
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(FIRST);
    hash ^= hash >> 15;
    hash ^= middle;
    hash = hash.wrapping_mul(SECOND);
    hash ^ (hash >> 15)
}

fn mask_in_memory(keys: &[[u32; 2]], values: usize, threshold: u32) -> Tensor {
    let mut mask = vec![0_u8; keys.len() * values];
    for (sample, key) in mask.chunks_exact_mut(values.max(1)).zip(keys) {
        sample.iter_mut().zip(0..).for_each(|(kept, value)| *kept = u8::from(hash(value, *key) >= threshold));
    }
    Tensor::from_slice(&mask)
}

/// 1 for each value of a sample that is kept.
fn kept_values(key: [u32; 2], values: usize, threshold: u32) -> impl Iterator<Item = u8> {
    (0..values as u32).map(move |value| u8::from(hash(value, key) >= threshold))
}

/// The same as [`hash`], a value of a tensor at a time.
fn mask_of_tensors(keys: &[[u32; 2]], values: i64, threshold: u32, device: Device) -> Tensor {
    let column = |part: usize| {
        let numbers: Vec<i64> = keys.iter().map(|key| i64::from(key[part])).collect();
        Tensor::from_slice(&numbers).to_device(device).unsqueeze(1)
    };
    let low = |tensor: Tensor| tensor.bitwise_and(i64::from(u32::MAX));
    let folded = |tensor: Tensor, bits: i64| tensor.bitwise_xor_tensor(&tensor.bitwise_right_shift_tensor_scalar(bits));
    let counters = Tensor::arange(values, (Kind::Int64, device)) * i64::from(SPREAD);
    let hash = folded(low(counters.unsqueeze(0) + column(0)), 16);
    let hash = folded(low(hash * i64::from(FIRST)), 15).bitwise_xor_tensor(&column(1));
    let hash = folded(low(hash * i64::from(SECOND)), 15);
    hash.ge(i64::from(threshold))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(indices: std::ops::Range<u64>) -> SampleKeys {
        SampleKeys::new(7, 3, indices)
    }

    fn kept(dropout: &Dropout, keys: &SampleKeys, values: i64) -> Vec<Vec<bool>> {
        let shape = [keys.indices.len() as i64, values];
        let flat =
            Vec::<bool>::try_from(dropout.mask(keys, &shape, Device::Cpu).to_kind(Kind::Bool).flatten(0, -1)).unwrap();
        flat.chunks(values as usize).map(<[bool]>::to_vec).collect()
    }

    #[test]
    fn a_sample_has_the_same_mask_in_every_batch() {
        let dropout = Dropout::new("fc1", 0.3);
        let all = kept(&dropout, &keys(0..12), 77);
        for (start, end) in [(0, 1), (1, 5), (5, 12), (3, 11)] {
            assert_eq!(kept(&dropout, &keys(start..end), 77), all[start as usize..end as usize]);
        }
    }

    #[test]
    fn rows_of_samples_one_after_another_have_the_masks_of_the_samples() {
        let (dropout, keys) = (Dropout::new("fc1", 0.3), keys(4..7));
        let values = Tensor::arange(60, (Kind::Float, Device::Cpu)).view([3, 4, 5]) + 1.0;
        let padded = dropout.forward(&values, Mode::Training(&keys));
        let lengths = [4, 1, 3];
        let packed = |tensor: &Tensor| {
            let rows = (0..).zip(lengths).map(|(sample, length)| tensor.select(0, sample).narrow(0, 0, length));
            Tensor::cat(&rows.collect::<Vec<_>>(), 0)
        };
        let ragged = dropout.forward_ragged(&packed(&values), &lengths, Mode::Training(&keys));
        assert!(ragged.equal(&packed(&padded)));
        assert!(dropout.forward_ragged(&packed(&values), &lengths, Mode::Evaluation).equal(&packed(&values)));
    }

    #[test]
    fn seed_epoch_sample_and_layer_each_change_the_mask() {
        let mask =
            |seed, epoch, index, name| kept(&Dropout::new(name, 0.5), &SampleKeys::new(seed, epoch, [index]), 256);
        let first = mask(1, 1, 1, "a");
        assert_eq!(first, mask(1, 1, 1, "a"));
        for other in [mask(2, 1, 1, "a"), mask(1, 2, 1, "a"), mask(1, 1, 2, "a"), mask(1, 1, 1, "b")] {
            let same = first[0].iter().zip(&other[0]).filter(|(one, other)| one == other).count();
            assert!((96..160).contains(&same), "{same} of 256 are the same");
        }
    }

    #[test]
    fn the_share_of_dropped_values_is_the_configured_one_and_they_are_independent() {
        for share in [0.1, 0.25, 0.5, 0.9] {
            let masks = kept(&Dropout::new("layer", share), &keys(0..64), 2048);
            let values: Vec<f64> = masks.iter().flatten().map(|kept| f64::from(u8::from(!kept))).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!((mean - share).abs() < 0.005, "{share}: {mean}");
            let variance = share * (1.0 - share);
            // Neighbours within a sample, and the same value of neighbouring samples.
            for distance in [1, 2, 3, 64, 2048] {
                let pairs = values.iter().zip(&values[distance..]);
                let product = pairs.map(|(one, other)| (one - share) * (other - share)).sum::<f64>();
                let correlation = product / (values.len() - distance) as f64 / variance;
                assert!(correlation.abs() < 0.012, "{share}, distance {distance}: {correlation}");
            }
        }
    }

    #[test]
    fn tensors_compute_the_same_mask_as_plain_numbers() {
        let keys = [[0, 0], [u32::MAX, u32::MAX], [1, 2], [0x8000_0000, 0x7fff_ffff], [123_456_789, 3_987_654_321]];
        for threshold in [1, 1 << 31, u32::MAX] {
            let plain = mask_in_memory(&keys, 5000, threshold).view([5, 5000]).to_kind(Kind::Bool);
            assert!(mask_of_tensors(&keys, 5000, threshold, Device::Cpu).equal(&plain), "{threshold}");
        }
    }

    #[test]
    fn the_masks_are_those_of_every_earlier_version() {
        let dropped = kept(&Dropout::new("fc1", 0.5), &SampleKeys::new(42, 1, [5]), 16).concat();
        let bits = dropped.iter().fold(0_u32, |bits, kept| 2 * bits + u32::from(*kept));
        assert_eq!(bits, 25_927);
    }

    #[test]
    fn what_is_kept_grows_by_as_much_as_is_dropped_in_every_precision() {
        let (dropout, keys) = (Dropout::new("fc1", 0.3), keys(0..4));
        for kind in [Kind::Float, Kind::BFloat16, Kind::Half] {
            let input = Tensor::ones([4, 5, 1000], (kind, Device::Cpu)).set_requires_grad(true);
            let output = dropout.forward(&input, Mode::Training(&keys));
            assert_eq!((output.kind(), output.size()), (kind, input.size()));
            let mask = output.to_kind(Kind::Double).gt(0.0).to_kind(Kind::Double);
            let expected = Tensor::from(1.0 / 0.7).to_kind(kind).double_value(&[]);
            assert_eq!(output.to_kind(Kind::Double).max().double_value(&[]), expected);
            output.to_kind(Kind::Float).sum(Kind::Float).backward();
            assert!((input.grad().to_kind(Kind::Double) - mask * expected).abs().max().double_value(&[]) < 1e-12);
        }
        let input = Tensor::ones([4, 9], (Kind::Float, Device::Cpu));
        assert!(dropout.forward(&input, Mode::Evaluation).equal(&input));
        assert!(Dropout::new("fc1", 0.0).forward(&input, Mode::Training(&keys)).equal(&input));
    }
}
