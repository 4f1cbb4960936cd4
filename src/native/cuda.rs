//! Opening `libtorch_cuda.so` where it lies beside libtorch, so that one binary serves machines with and without a GPU.
//!
//! The binary is linked against libtorch without its CUDA half. libtorch asks once whether CUDA is there and remembers
//! the answer for good, so this must come before any call into it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use thiserror::Error;

/// The library with the CUDA kernels.
const NAME: &str = "libtorch_cuda.so";

static OPENED: OnceLock<Result<(), NoCuda>> = OnceLock::new();

/// Why the program computes on the CPU only.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoCuda {
    /// libtorch itself is not in the process.
    #[error("libtorch is not loaded")]
    NoLibtorch,
    /// An installation for CPUs.
    #[error("no {NAME} in {}, a CPU-only installation", .folder.display())]
    NotInstalled {
        /// Where libtorch lies.
        folder: PathBuf,
    },
    /// The library is there and does not load; most often one that it needs is missing.
    #[error("{} does not load: {reason}", .path.display())]
    NotLoaded {
        /// The library.
        path: PathBuf,
        /// In the words of the loader.
        reason: String,
    },
    /// All libraries are there.
    #[error("it finds no usable GPU or no driver")]
    NoDevice,
}

/// Opens the CUDA half of libtorch, for as long as the process lives. Without it, or without what it needs, the CPU
/// half works on; [`devices`] tells the reason.
pub fn open() {
    OPENED.get_or_init(open_once);
}

/// How many GPUs there are.
///
/// # Errors
/// [`NoCuda`] with the reason why there is none.
pub fn devices() -> Result<usize, NoCuda> {
    OPENED.get_or_init(open_once).clone()?;
    match usize::try_from(tch::Cuda::device_count()) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(NoCuda::NoDevice),
    }
}

fn open_once() -> Result<(), NoCuda> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    load(&beside_libtorch(&maps)?)
}

/// The folder that libtorch was loaded from, as the kernel sees it, tells where the rest of it lies.
fn beside_libtorch(maps: &str) -> Result<PathBuf, NoCuda> {
    let line = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so")).ok_or(NoCuda::NoLibtorch)?;
    let library = Path::new(&line[line.find('/').unwrap_or_default()..]);
    let path = library.with_file_name(NAME);
    let folder = library.parent().unwrap_or(library).to_path_buf();
    if path.is_file() { Ok(path) } else { Err(NoCuda::NotInstalled { folder }) }
}

#[expect(unsafe_code, reason = "opening a library runs its initialisers")]
fn load(path: &Path) -> Result<(), NoCuda> {
    // SAFETY: initialisers of the library run here. It is libtorch's own, of the build that this program links to, and
    // `main` does this first, before any other thread exists.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }
        .map_err(|error| NoCuda::NotLoaded { path: path.into(), reason: error.to_string() })?;
    std::mem::forget(library);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel writes for a library in this folder, between two others.
    fn maps(folder: &Path) -> String {
        let line = |name: &str| format!("7f00-7f01 r-xp 00000000 fe:00 42   {}\n", folder.join(name).display());
        line("libc10.so") + &line("libtorch_cpu.so") + &line("libgomp.so.1")
    }

    #[test]
    fn an_installation_without_the_cuda_half_is_named_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let refused = beside_libtorch(&maps(folder.path())).unwrap_err();
        assert_eq!(refused, NoCuda::NotInstalled { folder: folder.path().into() });
        let expected = format!("no libtorch_cuda.so in {}, a CPU-only installation", folder.path().display());
        assert_eq!(refused.to_string(), expected);
    }

    #[test]
    fn the_cuda_half_is_found_beside_libtorch() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), "").unwrap();
        assert_eq!(beside_libtorch(&maps(folder.path())), Ok(folder.path().join(NAME)));
    }

    #[test]
    fn a_library_that_does_not_load_is_reported_with_the_loaders_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, "this is no library, and long enough to have a header of its own, which it has not")
            .unwrap();
        let Err(NoCuda::NotLoaded { path: named, reason }) = load(&path) else { panic!("it loaded") };
        assert_eq!(named, path);
        assert!(reason.contains("invalid ELF header"), "{reason}");
    }

    #[test]
    fn a_process_without_libtorch_is_told_apart() {
        assert_eq!(beside_libtorch("7f00-7f01 r-xp 0 fe:00 42   /lib/libc.so.6\n"), Err(NoCuda::NoLibtorch));
    }

    #[test]
    fn this_very_process_has_libtorch_loaded() {
        // Keeps the linker from leaving libtorch out of a program that only looks for it.
        assert!(tch::get_num_threads() > 0);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert_ne!(beside_libtorch(&maps), Err(NoCuda::NoLibtorch));
    }
}
