//! A library that ends the process by itself: OpenMP's does, with 1, if the system gives it no thread. Every end of the
//! program but its own gets the exit code for that.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

static LEAVES: AtomicBool = AtomicBool::new(false);

/// The code to exit with instead.
static CODE: AtomicI32 = AtomicI32::new(1);

const MESSAGE: &[u8] =
    b"error: the system gives no more threads; raise the limit of processes or of memory (ulimit -u, ulimit -v, the \
container's pids limit), or use fewer threads: OMP_NUM_THREADS=1\n";

/// From now on, a library that calls `exit` ends the process with this code.
#[expect(unsafe_code, reason = "atexit is a C function")]
pub fn watch(no_threads: u8) {
    CODE.store(no_threads.into(), Ordering::Relaxed);
    // SAFETY: the function only reads constants and atomics, and may be called at any time. Without room for it in the C
    // library's list, the code stays that of the library.
    let _: c_int = unsafe { libc::atexit(at_exit) };
}

/// The program ends as it wants to.
pub fn now() {
    LEAVES.store(true, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "write and _exit are C functions")]
extern "C" fn at_exit() {
    if LEAVES.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: the message is a constant, and ending the process is what the library wants.
    unsafe {
        libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
        libc::_exit(CODE.load(Ordering::Relaxed));
    }
}
