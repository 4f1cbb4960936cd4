//! A library that ends the process by itself: OpenMP's does, with 1, if the system gives it no thread. That gets an exit code of
//! its own; every other end but the program's is a bug.

use std::ffi::{CStr, c_int};
use std::io::Write;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

static LEAVES: AtomicBool = AtomicBool::new(false);

/// The codes to exit with instead: if OpenMP ends the process, and if another library does.
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

/// Ends the program with this code, at once: libtorch would take its tables apart first, tens of megabytes that are shared with
/// the process that reads files, and would be copied only for that.
#[expect(unsafe_code, reason = "_exit is a C function")]
pub fn now(code: u8) -> ! {
    LEAVES.store(true, Ordering::Relaxed);
    // Commands report what can't be printed; here nothing is left.
    drop((std::io::stdout().flush(), std::io::stderr().flush()));
    // SAFETY: nothing is under way any more: the command has returned, and its threads and files with it.
    unsafe { libc::_exit(code.into()) }
}

#[expect(unsafe_code, reason = "write and _exit are C functions")]
extern "C" fn at_exit() {
    if LEAVES.load(Ordering::Relaxed) {
        return;
    }
    let (told, code) = if is_openmp() { (NO_THREADS_TOLD, &NO_THREADS) } else { (BUG_TOLD, &BUG) };
    // SAFETY: the message is a constant, and ending the process is what the library wants.
    unsafe {
        libc::write(libc::STDERR_FILENO, told.as_ptr().cast(), told.len());
        libc::_exit(code.load(Ordering::Relaxed));
    }
}

/// Whether OpenMP's library is among the callers: GNU's, LLVM's or Intel's.
#[expect(unsafe_code, reason = "the callers and their libraries are known to C functions")]
fn is_openmp() -> bool {
    let mut callers = [null_mut(); 32];
    // SAFETY: the pointer and the length are those of an array, which the call fills in place.
    let count = unsafe { libc::backtrace(callers.as_mut_ptr(), callers.len() as c_int) };
    callers.iter().take(usize::try_from(count).unwrap_or(0)).any(|&caller| {
        let mut library = libc::Dl_info {
            dli_fname: null_mut(),
            dli_fbase: null_mut(),
            dli_sname: null_mut(),
            dli_saddr: null_mut(),
        };
        // SAFETY: the call only fills the structure; the name that it finds is a text of the loader's.
        let path = unsafe {
            let is_known = libc::dladdr(caller, &raw mut library) != 0 && !library.dli_fname.is_null();
            is_known.then(|| CStr::from_ptr(library.dli_fname).to_bytes())
        };
        let name = path.and_then(|path| path.rsplit(|&byte| byte == b'/').next()).unwrap_or_default();
        ["libgomp", "libomp", "libiomp"].iter().any(|known| name.starts_with(known.as_bytes()))
    })
}
