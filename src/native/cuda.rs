//! Opens `libtorch_cuda.so` if it is beside libtorch, so that one binary serves machines with and without a GPU.
//!
//! The binary is linked against libtorch without its CUDA half. libtorch asks once whether CUDA is there and remembers
//! the answer for good, so this must come before any call into it. It takes seconds and gigabytes, so it is skipped if
//! nothing is computed, or if there is no driver that could use it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use thiserror::Error;

use super::gpu;

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
        /// The folder of libtorch.
        folder: PathBuf,
    },
    /// The library is there, but no driver for it.
    #[error("no NVIDIA driver: libcuda.so.1 not found")]
    NoDriver,
    /// The library is there but does not load; most often one of its dependencies is missing.
    #[error("{} does not load: {reason}", .path.display())]
    NotLoaded {
        /// The library.
        path: PathBuf,
        /// In the words of the loader.
        reason: String,
    },
    /// All libraries are there.
    #[error("libtorch finds no usable GPU")]
    NoDevice,
}

/// Opens the CUDA half of libtorch, for as long as the process lives. Without it, or without its dependencies, the CPU
/// half still works; [`devices`] gives the reason.
pub fn open() {
    OPENED.get_or_init(open_once);
}

/// How many GPUs there are.
///
/// # Errors
/// [`NoCuda`] with the reason if there is none.
pub fn devices() -> Result<usize, NoCuda> {
    OPENED.get_or_init(open_once).clone()?;
    match usize::try_from(tch::Cuda::device_count()) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(NoCuda::NoDevice),
    }
}

/// Computes something small on a GPU: the only way to know that libtorch has kernels for it and that it works.
///
/// # Errors
/// What libtorch says, in a line.
pub fn try_out(number: usize) -> Result<(), String> {
    let computed = || {
        let ones = tch::Tensor::f_ones([64], (tch::Kind::Float, tch::Device::Cuda(number)))?;
        f64::try_from(&ones.f_sum(tch::Kind::Float)?)
    };
    match computed() {
        Ok(64.0) => Ok(()),
        Ok(other) => Err(format!("it counts to {other} instead of 64")),
        Err(error) => Err(super::said::error(&error)),
    }
}

/// Whether the CUDA half of libtorch is there; does not open it.
#[must_use]
pub fn is_installed() -> bool {
    std::fs::read_to_string("/proc/self/maps").is_ok_and(|maps| beside_libtorch(&maps).is_ok())
}

/// The major version of the CUDA that libtorch was built for, if known, from the runtime that comes with it: beside it,
/// or in the folders of Python's packages.
#[must_use]
pub fn line() -> Option<u32> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    line_of(beside_libtorch(&maps).ok()?.parent()?)
}

fn line_of(folder: &Path) -> Option<u32> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let packages = folder.ancestors().nth(2).map(|root| root.join("nvidia"));
    let packages = packages.iter().flat_map(|packages| entries(packages)).map(|package| package.path().join("lib"));
    let folders: Vec<PathBuf> = std::iter::once(folder.to_path_buf()).chain(packages).collect();
    folders
        .iter()
        .flat_map(|folder| entries(folder))
        .filter_map(|entry| runtime_line(entry.file_name().to_str()?))
        .max()
}

/// 12 of `libcudart.so.12`; the runtime also exists with a build number in its name.
fn runtime_line(name: &str) -> Option<u32> {
    name.strip_prefix("libcudart")?.split_once(".so.")?.1.split('.').next()?.parse().ok()
}

fn open_once() -> Result<(), NoCuda> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let path = beside_libtorch(&maps)?;
    if gpu::has_driver() { load(&path) } else { Err(NoCuda::NoDriver) }
}

/// The folder that libtorch was loaded from, by the kernel's list of mappings, has the rest of it.
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
    // `main` does this before any other thread exists.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }
        .map_err(|error| NoCuda::NotLoaded { path: path.into(), reason: error.to_string() })?;
    std::mem::forget(library);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's line for a library in this folder, between two others.
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
    fn the_runtime_reports_its_cuda_version() {
        let lines =
            ["libcudart.so.12", "libcudart-9335f6a2.so.13", "libcudart.so.12.1.105", "libcudart.so", "libc10.so.1"];
        assert_eq!(lines.map(runtime_line), [Some(12), Some(13), Some(12), None, None]);
        let root = tempfile::tempdir().unwrap();
        let (beside, package) = (root.path().join("torch/lib"), root.path().join("nvidia/cuda_runtime/lib"));
        [&beside, &package].iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
        assert_eq!(line_of(&beside), None);
        std::fs::write(package.join("libcudart.so.12"), "").unwrap();
        assert_eq!(line_of(&beside), Some(12));
    }

    #[test]
    fn a_process_without_libtorch_is_recognised() {
        assert_eq!(beside_libtorch("7f00-7f01 r-xp 0 fe:00 42   /lib/libc.so.6\n"), Err(NoCuda::NoLibtorch));
    }

    #[test]
    fn this_very_process_has_libtorch_loaded() {
        // Keeps the linker from dropping libtorch from a program that only looks for it.
        assert!(tch::get_num_threads() > 0);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert_ne!(beside_libtorch(&maps), Err(NoCuda::NoLibtorch));
    }
}
