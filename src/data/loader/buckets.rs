//! Epochs in which samples of similar size come together, so that padding each batch to its largest sample wastes little. A
//! function of (seed, epoch), like every order.

use super::order::shuffle;

/// The sizes of samples, and how many are sorted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buckets {
    /// The samples of a batch.
    pub batch: usize,
    /// The batches that are sorted together.
    pub batches: usize,
    /// The size of each sample, by its index in the list.
    pub sizes: Vec<usize>,
}

impl Buckets {
    /// Sorts window after window of an epoch by size, and shuffles the batches of each. A batch that is not full stays the last.
    pub fn sort(&self, indices: &mut [u32], seed: u64, epoch: u64) {
        for (window, own) in indices.chunks_mut(self.batch * self.batches).enumerate() {
            own.sort_by_key(|index| self.sizes.get(*index as usize));
            let full = own.len() / self.batch;
            let mut order: Vec<u32> = (0..full as u32).collect();
            shuffle(&mut order, seed, &format!("batches of window {window}"), epoch);
            let sorted = own.to_vec();
            for (to, from) in order.into_iter().enumerate() {
                let from = from as usize * self.batch;
                own[to * self.batch..][..self.batch].copy_from_slice(&sorted[from..from + self.batch]);
            }
        }
    }
}
