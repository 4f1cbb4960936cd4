//! Loops compiled for the widest vectors that the processor has. The program itself is compiled for every x86-64 processor, whose
//! vectors have four numbers.
//!
//! The same operations in the same order: a result does not depend on the width.

/// A loop, as a value. Its `run` needs `#[inline(always)]`, as does everything that it calls: only what is compiled into the
/// caller gets the caller's vectors.
pub trait Loop {
    /// What it computes.
    type Output;

    /// Runs it.
    fn run(self) -> Self::Output;
}

/// Runs a loop with the widest vectors of this processor.
#[expect(unsafe_code, reason = "instructions that not every processor has")]
pub fn widest<L: Loop>(work: L) -> L::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the processor has them.
            return unsafe { avx512(work) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has it.
            return unsafe { avx2(work) };
        }
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn avx512<L: Loop>(work: L) -> L::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<L: Loop>(work: L) -> L::Output {
    work.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scaled<'a>(&'a mut [f32]);

    impl Loop for Scaled<'_> {
        type Output = usize;

        #[inline(always)]
        fn run(self) -> usize {
            self.0.iter_mut().for_each(|value| *value = *value * 1.1 + 0.3);
            self.0.len()
        }
    }

    #[test]
    fn a_wide_loop_computes_the_same_bits() {
        let start: Vec<f32> = (0..1003_u16).map(|place| f32::from(place).sin()).collect();
        let (mut wide, mut narrow) = (start.clone(), start);
        assert_eq!(widest(Scaled(&mut wide)), 1003);
        Scaled(&mut narrow).run();
        assert!(wide.iter().zip(&narrow).all(|(one, other)| one.to_bits() == other.to_bits()));
    }
}
