//! The numbers of flat fp32 tensors in main memory as slices, so that one loop can pass over them once. Not for tensors
//! on a GPU, whose memory only its kernels reach.

use std::ops::Range;

use tch::{Device, Kind, Tensor};
use thiserror::Error;

/// Why the numbers of a tensor can't be lent as a slice.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotFlat {
    /// It is on a GPU.
    #[error("the tensor is on {0:?}, expected main memory")]
    Elsewhere(Device),
    /// Its numbers are not fp32.
    #[error("the tensor holds {0:?}, expected Float")]
    Kind(Kind),
    /// It has more than one dimension, or gaps.
    #[error("the tensor of size {0:?} is not flat, expected one dimension without gaps")]
    Shape(Vec<i64>),
    /// Two tensors of one loop differ in length.
    #[error("got a tensor of {got} numbers, expected {expected}")]
    Length {
        /// Its length.
        got: usize,
        /// The length of the first one.
        expected: usize,
    },
    /// Two tensors of one loop share memory, and one of them is written.
    #[error("two tensors share memory, expected one of each its own")]
    Overlap,
}

/// Lends the numbers of tensors of equal length; all but the last may be written.
///
/// `work` is `Sync`, which no closure that holds a tensor is: it can't reach the same memory in a second way.
///
/// # Errors
/// [`NotFlat`], before anything is written.
#[expect(unsafe_code, reason = "a tensor's memory becomes slices")]
pub fn update<const N: usize>(
    written: [&mut Tensor; N],
    read: &Tensor,
    work: impl FnOnce([&mut [f32]; N], &[f32]) + Sync,
) -> Result<(), NotFlat> {
    let source = Span::of(read)?;
    let mut spans = [source; N];
    for (span, tensor) in spans.iter_mut().zip(&written) {
        *span = Span::of(tensor)?;
        if span.length != source.length {
            return Err(NotFlat::Length { got: span.length, expected: source.length });
        }
    }
    apart(&spans, source)?;
    // SAFETY: `Span::of` saw fp32 numbers without gaps in main memory, and `apart` that no two of these slices share
    // any. The borrowed tensors keep the memory alive. Other handles to it may exist, but on this thread nobody uses
    // them while `work` runs, which is `Sync` and so holds none; and a handle on another thread would race with every
    // operation on the tensor, so nothing in this program keeps one there while it trains.
    let (slices, source) = unsafe { (spans.map(|span| span.slice_mut()), source.slice()) };
    work(slices, source);
    Ok(())
}

/// Lends the numbers of a tensor to be read.
///
/// # Errors
/// [`NotFlat`].
#[expect(unsafe_code, reason = "a tensor's memory becomes a slice")]
pub fn read<R>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> R + Sync) -> Result<R, NotFlat> {
    let span = Span::of(tensor)?;
    // SAFETY: as in `update`; nothing is written.
    Ok(work(unsafe { span.slice() }))
}

/// Lends the numbers of tensors of any lengths, of some of them to be written.
///
/// # Errors
/// [`NotFlat`], before anything is written.
#[expect(unsafe_code, reason = "a tensor's memory becomes slices")]
pub fn lend<const W: usize, const N: usize, R>(
    written: [&mut Tensor; W],
    read: [&Tensor; N],
    work: impl FnOnce([&mut [f32]; W], [&[f32]; N]) -> R + Sync,
) -> Result<R, NotFlat> {
    let targets = written.iter().map(|tensor| Span::of(tensor)).collect::<Result<Vec<_>, _>>()?;
    let sources = read.iter().map(|tensor| Span::of(tensor)).collect::<Result<Vec<_>, _>>()?;
    sources.iter().try_for_each(|source| apart(&targets, *source))?;
    if sources.is_empty() {
        targets.iter().enumerate().try_for_each(|(index, target)| apart(&targets[..index], *target))?;
    }
    // SAFETY: as in `update`.
    let (targets, sources) = unsafe {
        (std::array::from_fn(|index| targets[index].slice_mut()), std::array::from_fn(|index| sources[index].slice()))
    };
    Ok(work(targets, sources))
}

/// The memory of a tensor's numbers.
#[derive(Clone, Copy)]
struct Span {
    start: *mut f32,
    length: usize,
}

impl Span {
    fn of(tensor: &Tensor) -> Result<Self, NotFlat> {
        if tensor.device() != Device::Cpu {
            return Err(NotFlat::Elsewhere(tensor.device()));
        }
        if tensor.kind() != Kind::Float {
            return Err(NotFlat::Kind(tensor.kind()));
        }
        if tensor.dim() != 1 || !tensor.is_contiguous() {
            return Err(NotFlat::Shape(tensor.size()));
        }
        Ok(Self { start: tensor.data_ptr().cast(), length: tensor.numel() })
    }

    fn addresses(self) -> Range<usize> {
        let start = self.start.addr();
        start..start + self.length * size_of::<f32>()
    }

    /// An empty tensor may have no memory at all, and a slice must not begin at null.
    fn pointer(self) -> *mut f32 {
        if self.length == 0 { std::ptr::NonNull::dangling().as_ptr() } else { self.start }
    }

    #[expect(unsafe_code, reason = "the caller warrants the memory")]
    unsafe fn slice<'a>(self) -> &'a [f32] {
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts(self.pointer(), self.length) }
    }

    #[expect(unsafe_code, reason = "the caller warrants the memory")]
    unsafe fn slice_mut<'a>(self) -> &'a mut [f32] {
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(), self.length) }
    }
}

fn apart(written: &[Span], read: Span) -> Result<(), NotFlat> {
    let meet = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    for (index, span) in written.iter().enumerate() {
        let mut others = written[index + 1..].iter().chain([&read]);
        if others.any(|other| meet(&span.addresses(), &other.addresses())) {
            return Err(NotFlat::Overlap);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_to_the_slices_change_the_tensors_and_their_views() {
        let mut sum = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]);
        let mut count = Tensor::zeros([4], (Kind::Float, Device::Cpu));
        let view = sum.view([2, 2]);
        update([&mut sum, &mut count], &Tensor::from_slice(&[10.0_f32, 20.0, 30.0, 40.0]), |[sum, count], added| {
            for ((sum, count), added) in sum.iter_mut().zip(count).zip(added) {
                *sum += added;
                *count += 1.0;
            }
        })
        .unwrap();
        assert_eq!(Vec::<f32>::try_from(view.flatten(0, 1)).unwrap(), [11.0, 22.0, 33.0, 44.0]);
        assert_eq!(Vec::<f32>::try_from(count).unwrap(), [1.0; 4]);
    }

    #[test]
    fn a_part_of_a_tensor_is_lent_as_itself() {
        let whole = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]);
        assert_eq!(read(&whole.narrow(0, 1, 2), <[f32]>::to_vec).unwrap(), [2.0, 3.0]);
    }

    #[test]
    fn an_empty_tensor_is_an_empty_slice() {
        let empty = Tensor::zeros([0], (Kind::Float, Device::Cpu));
        assert_eq!(read(&empty, <[f32]>::len), Ok(0));
        update([&mut empty.copy()], &empty, |[written], read| assert!(written.is_empty() && read.is_empty())).unwrap();
    }

    #[test]
    fn other_than_flat_fp32_tensors_are_refused() {
        let refused = |tensor: Tensor| read(&tensor, <[f32]>::len).unwrap_err();
        let float = (Kind::Float, Device::Cpu);
        assert_eq!(refused(Tensor::zeros([2, 3], float)), NotFlat::Shape(vec![2, 3]));
        assert_eq!(refused(Tensor::zeros([4, 2], float).select(1, 0)), NotFlat::Shape(vec![4]));
        assert_eq!(refused(Tensor::zeros([4], (Kind::Double, Device::Cpu))), NotFlat::Kind(Kind::Double));
    }

    #[test]
    fn memory_that_would_be_lent_twice_is_refused() {
        let whole = Tensor::zeros([6], (Kind::Float, Device::Cpu));
        let part = |start| whole.narrow(0, start, 3);
        let nothing = |_: [&mut [f32]; 1], _: &[f32]| panic!("it was lent");
        assert_eq!(update([&mut part(0)], &part(2), nothing), Err(NotFlat::Overlap));
        assert_eq!(
            update([&mut part(0), &mut part(2)], &Tensor::zeros([3], (Kind::Float, Device::Cpu)), |_, _| ()),
            Err(NotFlat::Overlap)
        );
        assert_eq!(update([&mut part(0)], &part(3), |_, _| ()), Ok(()));
    }

    #[test]
    fn tensors_of_any_lengths_are_lent_together() {
        let (one, other) = (Tensor::from_slice(&[1.0_f32, 2.0]), Tensor::from_slice(&[10.0_f32, 20.0, 30.0]));
        let mut sums = Tensor::zeros([1], (Kind::Float, Device::Cpu));
        let read = lend([&mut sums], [&one, &other], |[sums], [one, other]| {
            sums[0] = one.iter().chain(other).sum();
            one.len() + other.len()
        });
        assert_eq!((read, sums.double_value(&[0])), (Ok(5), 63.0));
        let mut part = other.narrow(0, 1, 2);
        assert_eq!(lend([&mut part], [&one, &other], |[_], [_, _]| ()), Err(NotFlat::Overlap));
        let (mut first, mut second) = (other.narrow(0, 0, 2), other.narrow(0, 1, 2));
        assert_eq!(lend([&mut first, &mut second], [], |[_, _], []| ()), Err(NotFlat::Overlap));
    }

    #[test]
    fn lengths_that_differ_are_refused() {
        let zeros = |length| Tensor::zeros([length], (Kind::Float, Device::Cpu));
        let refused = update([&mut zeros(3)], &zeros(4), |_, _| ());
        assert_eq!(refused, Err(NotFlat::Length { got: 3, expected: 4 }));
    }
}
