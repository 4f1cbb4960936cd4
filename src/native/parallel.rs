//! Loops on the threads that libtorch computes with. A pool of our own would wait for them: they stay awake for a while after
//! each operation, and there are as many as cores.

use std::any::Any;
use std::ffi::{c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What every thread runs.
type Body = extern "C" fn(*mut c_void);

/// `GOMP_parallel` of the OpenMP library that libtorch brings: function, argument, threads, flags.
type Fork = unsafe extern "C" fn(Body, *mut c_void, c_uint, c_uint);

/// The work of all threads, and what one of them panicked with.
struct Job<'a> {
    work: &'a (dyn Fn() + Sync),
    panicked: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Does the work for each item, on as many threads as libtorch computes with on this one. Which thread an item gets is left to
/// chance, so the result must not depend on it.
///
/// # Panics
/// If the work panics.
pub fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1).min(items.len());
    let queue = Mutex::new(items.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    on_threads(threads, &|| {
        while let Some(item) = next() {
            work(item);
        }
    });
}

/// Runs this on so many threads at once, one of which is the caller's.
#[expect(unsafe_code, reason = "threads of a C library")]
fn on_threads(threads: usize, work: &(dyn Fn() + Sync)) {
    let Some(fork) = fork().filter(|_| threads > 1) else { return work() };
    let mut job = Job { work, panicked: Mutex::new(None) };
    // SAFETY: the function has this type in every version of the library. It returns when all threads are done with the job,
    // which outlives the call; what they share is `Sync`, and no panic leaves `run`.
    unsafe { fork(run, (&raw mut job).cast(), threads as c_uint, 0) };
    if let Some(panic) = job.panicked.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
}

#[expect(unsafe_code, reason = "called by a C library")]
extern "C" fn run(job: *mut c_void) {
    // SAFETY: `on_threads` passes a job that lives until all threads are done; nobody writes to it but through its lock.
    let job = unsafe { &*job.cast::<Job<'_>>() };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(job.work)) {
        *job.panicked.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
    }
}

/// The function, if libtorch was built with this OpenMP library; without it loops run on one thread.
#[expect(unsafe_code, reason = "a symbol has no type")]
fn fork() -> Option<Fork> {
    static FORK: OnceLock<Option<Fork>> = OnceLock::new();
    *FORK.get_or_init(|| {
        let program = libloading::os::unix::Library::this();
        // SAFETY: it is called with the type that the library declares. The library is never closed: libtorch needs it.
        unsafe { program.get::<Fork>(b"GOMP_parallel\0") }.ok().map(|symbol| *symbol)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_item_is_worked_on_once_whatever_the_number_of_threads() {
        for threads in [1, 2, 3] {
            tch::set_num_threads(threads);
            let mut values = vec![0_u32; 1000];
            let items: Vec<_> = values.chunks_mut(7).zip(1..).collect();
            for_each(items, |(part, number)| part.iter_mut().for_each(|value| *value += number));
            let expected: Vec<u32> = (0..1000).map(|place| place / 7 + 1).collect();
            assert_eq!(values, expected, "{threads} threads");
        }
        for_each(Vec::<u8>::new(), |_| panic!("nothing to do"));
    }

    #[test]
    fn libtorch_brings_threads_and_all_of_them_are_used() {
        assert!(fork().is_some());
        let ran = AtomicUsize::new(0);
        on_threads(3, &|| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.into_inner(), 3);
    }

    #[test]
    fn a_panic_on_another_thread_reaches_the_caller() {
        tch::set_num_threads(2);
        let caught = catch_unwind(|| for_each((0..8).collect(), |item: u8| assert!(item != 5, "five")));
        assert!(caught.unwrap_err().downcast::<&str>().is_ok_and(|text| *text == "five"));
    }
}
