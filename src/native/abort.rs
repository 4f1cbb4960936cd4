//! Memory that runs out where no error can be returned: in a Rust allocation, or in C++ code whose exception nobody
//! catches. Both end in `abort`, which looks like a crash. This module gives such an end the exit code for memory, and
//! every other `abort` that for a bug. For a shortage that libtorch reports as an error, see `shortage`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};

use crate::util::exit::Exit;

/// The allocator of the system, which remembers an allocation that failed until one of its size succeeds on the same thread.
pub struct Allocator;

thread_local! {
    /// The bytes that could not be allocated; 0 if none failed.
    static MISSING: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

impl Allocator {
    fn noted(memory: *mut u8, bytes: usize) -> *mut u8 {
        if memory.is_null() {
            MISSING.set(bytes.max(1));
        } else if MISSING.get() <= bytes {
            // Not a smaller one: Rust allocates a little between the failure and `abort`, to report it.
            MISSING.set(0);
        }
        memory
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
// SAFETY: everything is passed on unchanged to the system's allocator. The note is a plain thread-local cell, which
// allocates nothing.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        Self::noted(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        Self::noted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's.
        Self::noted(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// The codes to exit with: for missing memory, and for any other reason.
static CODES: [AtomicI32; 2] = [const { AtomicI32::new(1) }; 2];

/// From now on, an `abort` ends the process with one of these codes: that for missing memory, or that for a bug.
///
/// Called by `main` before anything else.
#[expect(unsafe_code, reason = "signal handlers are C functions")]
pub fn watch(no_memory: u8, bug: u8) {
    CODES[0].store(no_memory.into(), Ordering::Relaxed);
    CODES[1].store(bug.into(), Ordering::Relaxed);
    let handler: extern "C" fn(c_int) = on_abort;
    // SAFETY: the handler calls nothing that is not allowed in one; see there.
    unsafe { libc::signal(libc::SIGABRT, handler as libc::sighandler_t) };
}

/// The loader calls this before the constructors of the libraries: a large one that gets no memory for its tables aborts, before
/// there is a `main`.
#[used]
#[expect(unsafe_code, reason = "a section that the loader reads")]
// SAFETY: the section is an array of such functions. This one only needs the C library, which is ready by then.
#[unsafe(link_section = ".preinit_array")]
static BEFORE_CONSTRUCTORS: extern "C" fn() = watch_constructors;

extern "C" fn watch_constructors() {
    watch(Exit::OutOfMemory.code(), Exit::Bug.code());
}

const MESSAGE: &[u8] =
    b"error: out of memory; lower train.micro_batch and data.loader.cache_bytes, make the samples or the model \
smaller, or use a machine with more memory\n";
const BUG: &[u8] =
    b"error: aborted; this is a bug in fragua or in one of its libraries: please report it with the lines above \
and the command\n";

/// `abort` raises the signal on its own thread, so this is about the call that failed.
#[expect(unsafe_code, reason = "write and _exit are C functions")]
extern "C" fn on_abort(_: c_int) {
    let no_memory = MISSING.get() > 0 || throws_bad_alloc();
    let (message, code) = if no_memory { (MESSAGE, &CODES[0]) } else { (BUG, &CODES[1]) };
    // SAFETY: both are allowed in a signal handler; the message is a constant.
    unsafe {
        libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
        libc::_exit(code.load(Ordering::Relaxed));
    }
}

/// How C++ describes a type (Itanium C++ ABI, 2.9): a table of functions, then the mangled name.
#[repr(C)]
struct TypeInfo {
    functions: *const c_void,
    name: *const c_char,
}

#[expect(unsafe_code, reason = "a function of the C++ ABI")]
unsafe extern "C" {
    /// The type of the exception that this thread handles; null if there is none.
    fn __cxa_current_exception_type() -> *const TypeInfo;
}

/// Whether C++ gives up because of an exception that says that memory ran out.
#[expect(unsafe_code, reason = "a function of the C++ ABI and what it returns")]
fn throws_bad_alloc() -> bool {
    // SAFETY: it takes nothing, allocates nothing, and returns null or a type that lives as long as its library.
    let Some(found) = (unsafe { __cxa_current_exception_type().as_ref() }) else { return false };
    if found.name.is_null() {
        return false;
    }
    // SAFETY: the ABI says that this is a text that ends with 0, as long-lived as the type. GCC marks names that are only
    // unique by their address with a star.
    let name = unsafe { CStr::from_ptr(found.name) }.to_bytes();
    name.strip_prefix(b"*").unwrap_or(name) == b"St9bad_alloc"
}
