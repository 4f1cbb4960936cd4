//! A tensor: some of the numbers of a storage, by an offset and a stride for each dimension. Which of them is checked before
//! anything is copied.

use super::archive::Archive;
use crate::nn::weights::Dtype;

/// The most dimensions that PyTorch allows.
const MOST_DIMENSIONS: usize = 64;

/// Numbers in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Storage<'a> {
    pub dtype: Dtype,
    /// Its file below `data/`.
    pub key: &'a str,
    /// How many there are.
    pub count: usize,
}

/// A tensor over a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View<'a> {
    storage: Storage<'a>,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl<'a> View<'a> {
    pub fn new(storage: Storage<'a>, offset: usize, shape: Vec<usize>, strides: Vec<usize>) -> Result<Self, String> {
        if shape.len() != strides.len() || shape.len() > MOST_DIMENSIONS {
            return Err(format!("a tensor has {} dimensions and {} strides", shape.len(), strides.len()));
        }
        let is_empty = shape.contains(&0);
        let mut steps =
            shape.iter().zip(&strides).map(|(length, stride)| length.saturating_sub(1).checked_mul(*stride));
        let last = steps.try_fold(offset, |sum, step| sum.checked_add(step?));
        if !is_empty && last.is_none_or(|last| last >= storage.count) {
            return Err(format!(
                "a tensor {shape:?} with the strides {strides:?} and the offset {offset} leaves its storage of {} numbers",
                storage.count
            ));
        }
        let count = shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length));
        let bytes = count.and_then(|count| count.checked_mul(storage.dtype.size()));
        bytes.map(|_| Self { storage, offset, shape, strides }).ok_or_else(|| "a tensor has an impossible size".into())
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn dtype(&self) -> Dtype {
        self.storage.dtype
    }

    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of the tensor by itself, which may be more than its storage has.
    pub fn bytes(&self) -> usize {
        self.count() * self.dtype().size()
    }

    /// The numbers, the last dimension the densest.
    pub fn numbers(&self, archive: &Archive<'_>) -> Result<Vec<u8>, String> {
        let (size, key) = (self.dtype().size(), self.storage.key);
        let all = archive.storage(key)?;
        if Some(all.len()) != self.storage.count.checked_mul(size) {
            let (count, dtype) = (self.storage.count, self.dtype());
            return Err(format!("data/{key} has {} bytes, expected {count} numbers of {dtype}", all.len()));
        }
        if self.bytes() == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = match self.is_dense() {
            true => all.get(self.offset * size..self.offset * size + self.bytes()).unwrap_or_default().to_vec(),
            false => self.gathered(all, size),
        };
        if self.dtype() == Dtype::Bool {
            bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
        Ok(bytes)
    }

    /// Whether its numbers follow each other in the storage.
    fn is_dense(&self) -> bool {
        let mut step = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(length, stride)| {
            let fits = *length == 1 || *stride == step;
            step *= length;
            fits
        })
    }

    fn gathered(&self, all: &[u8], size: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes());
        let mut index = vec![0; self.shape.len()];
        for _ in 0..self.count() {
            let place: usize = index.iter().zip(&self.strides).map(|(at, stride)| at * stride).sum();
            bytes.extend(&all[(self.offset + place) * size..][..size]);
            for (at, length) in index.iter_mut().zip(&self.shape).rev() {
                *at += 1;
                if *at < *length {
                    break;
                }
                *at = 0;
            }
        }
        bytes
    }
}
