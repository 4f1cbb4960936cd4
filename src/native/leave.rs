//! A library that ends the process by itself: OpenMP's does, with 1, if the system gives it no thread. Such an end gets the exit
//! code for that if there is really no thread to be had; every other end but the program's own is a bug.

use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

static LEAVES: AtomicBool = AtomicBool::new(false);

/// The codes to exit with instead: without threads, and otherwise.
static NO_THREADS: AtomicI32 = AtomicI32::new(1);
static BUG: AtomicI32 = AtomicI32::new(1);

const NO_THREADS_TOLD: &[u8] =
    b"error: the system gives no more threads; raise the limit of processes or of memory (ulimit -u, ulimit -v, the \
container's pids limit), or use fewer threads: OMP_NUM_THREADS=1\n";
const BUG_TOLD: &[u8] = b"error: a library ended the program; this is a bug, please report it with the lines above\n";

/// From now on, a library that calls `exit` ends the process with one of these codes.
#[expect(unsafe_code, reason = "atexit is a C function")]
pub fn watch(no_threads: u8, bug: u8) {
    NO_THREADS.store(no_threads.into(), Ordering::Relaxed);
    BUG.store(bug.into(), Ordering::Relaxed);
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
    let (told, code) = if gives_thread() { (BUG_TOLD, &BUG) } else { (NO_THREADS_TOLD, &NO_THREADS) };
    // SAFETY: the message is a constant, and ending the process is what the library wants.
    unsafe {
        libc::write(libc::STDERR_FILENO, told.as_ptr().cast(), told.len());
        libc::_exit(code.load(Ordering::Relaxed));
    }
}

/// Whether the system gives a thread now, as it would give one to the library.
#[expect(unsafe_code, reason = "threads of the C library: those of the standard library need what may be gone by now")]
fn gives_thread() -> bool {
    extern "C" fn nothing(_: *mut c_void) -> *mut c_void {
        null_mut()
    }
    let mut thread: libc::pthread_t = 0;
    // SAFETY: the function ends at once and uses nothing; the thread is waited for, so it outlives nothing.
    unsafe {
        libc::pthread_create(&raw mut thread, null(), nothing, null_mut()) == 0
            && libc::pthread_join(thread, null_mut()) == 0
    }
}
