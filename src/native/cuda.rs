//! Opening `libtorch_cuda.so` where it lies beside libtorch, so that one binary serves machines with and without a GPU.
//!
//! The binary is linked against libtorch without its CUDA half. libtorch asks once whether CUDA is there and remembers
//! the answer for good, so this must come before any call into it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// The library with the CUDA kernels.
const NAME: &str = "libtorch_cuda.so";

static OUTCOME: OnceLock<Result<(), String>> = OnceLock::new();

/// Opens the CUDA half of libtorch, for as long as the process lives. Without it, or without what it needs, the CPU
/// half works on; [`outcome`] tells the reason.
pub fn open() {
    OUTCOME.get_or_init(|| {
        let path = beside_libtorch().ok_or_else(|| format!("no {NAME} beside libtorch: a CPU-only installation"))?;
        load(&path)
    });
}

/// What [`open`] found: the reason why there is no CUDA, or nothing to complain about.
pub fn outcome() -> Option<&'static Result<(), String>> {
    OUTCOME.get()
}

#[allow(unsafe_code)]
fn load(path: &Path) -> Result<(), String> {
    // SAFETY: initialisers of the library run here; it is libtorch's own, of the build that this program links to,
    // and no other thread exists yet.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.map_err(|error| error.to_string())?;
    std::mem::forget(library);
    Ok(())
}

/// The folder that libtorch was loaded from, as the kernel sees it, tells where the rest of it lies.
fn beside_libtorch() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    let path = PathBuf::from(&line[line.find('/')?..]).with_file_name(NAME);
    path.is_file().then_some(path)
}
