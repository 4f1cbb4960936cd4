//! The machine's GPUs and how much of their memory is in use, asked from the driver's own libraries if they are
//! present: `libcuda.so.1` (the CUDA driver API) and `libnvidia-ml.so.1` (NVML). Both come with the driver, not with
//! this program, so they are opened by name, and it is no error if they are absent.
//!
//! Not what libtorch can compute on: that is in `cuda`.
//!
//! The signatures are those of NVIDIA's public headers `cuda.h` and `nvml.h`, whose functions keep their binary interface;
//! a changed one gets a new name (`_v2`). All return 0 for success.

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::ptr;

use libloading::os::unix::Library;

const DRIVER: &str = "libcuda.so.1";
const MANAGEMENT: &str = "libnvidia-ml.so.1";

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `..._MINOR`.
const CAPABILITY: [c_int; 2] = [75, 76];
/// Longer than any name, and than `NVML_DEVICE_PCI_BUS_ID_BUFFER_SIZE` = 32.
const TEXT_BYTES: usize = 256;

/// The driver and what it drives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The newest CUDA that it supports, as (12, 4).
    pub cuda: (u32, u32),
    /// The GPUs in CUDA's order: number 0 is libtorch's `cuda:0`.
    pub gpus: Vec<Gpu>,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its name: `NVIDIA H200`.
    pub name: String,
    /// The architecture that its kernels must be built for, as (9, 0).
    pub compute_capability: (u32, u32),
    /// Its memory.
    pub memory_bytes: u64,
    /// Its PCI address. The two libraries number GPUs differently; this is the same in both.
    pub pci_bus_id: String,
}

/// How busy a GPU is, with all processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory in use.
    pub used_bytes: u64,
    /// Bytes of memory that it has.
    pub total_bytes: u64,
    /// The share of the last moments in which it computed, in percent, if known.
    pub busy_percent: Option<u32>,
}

/// Asks the driver. `None` if there is no driver, or it does not work.
#[must_use]
pub fn driver() -> Option<Driver> {
    ask_driver(DRIVER.as_ref())
}

/// Whether there is a driver: the library that libtorch itself asks for. It also decides in a container and under WSL:
/// a device file may exist without it, and the library without a device file.
#[must_use]
pub fn has_driver() -> bool {
    // It stays open: a driver may not stop its threads when it is closed.
    open(DRIVER.as_ref()).map(std::mem::forget).is_some()
}

/// How busy a GPU is. `None` if unknown.
#[must_use]
pub fn usage(gpu: &Gpu) -> Option<Usage> {
    ask_usage(MANAGEMENT.as_ref(), &gpu.pci_bus_id)
}

type CuInit = unsafe extern "C" fn(c_uint) -> c_int;
/// `cuDriverGetVersion` and `cuDeviceGetCount`.
type CuNumber = unsafe extern "C" fn(*mut c_int) -> c_int;
type CuDeviceGet = unsafe extern "C" fn(*mut c_int, c_int) -> c_int;
/// `cuDeviceGetName` and `cuDeviceGetPCIBusId`.
type CuText = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
type CuDeviceGetAttribute = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int;
type CuDeviceTotalMem = unsafe extern "C" fn(*mut usize, c_int) -> c_int;

/// `nvmlInit_v2` and `nvmlShutdown`.
type NvmlCall = unsafe extern "C" fn() -> c_int;
type NvmlDeviceGetHandle = unsafe extern "C" fn(*const c_char, *mut *mut c_void) -> c_int;
type NvmlDeviceGetMemoryInfo = unsafe extern "C" fn(*mut c_void, *mut NvmlMemory) -> c_int;
type NvmlDeviceGetUtilizationRates = unsafe extern "C" fn(*mut c_void, *mut NvmlUtilization) -> c_int;

/// `nvmlMemory_t`.
#[repr(C)]
#[derive(Default)]
struct NvmlMemory {
    total: c_ulonglong,
    free: c_ulonglong,
    used: c_ulonglong,
}

/// `nvmlUtilization_t`.
#[repr(C)]
#[derive(Default)]
struct NvmlUtilization {
    gpu: c_uint,
    memory: c_uint,
}

#[expect(unsafe_code, reason = "opening a library runs its initialisers")]
fn open(name: &OsStr) -> Option<Library> {
    // SAFETY: the initialisers are those of the driver, which libtorch runs as well when it looks for a GPU.
    unsafe { Library::new(name) }.ok()
}

/// A function of a library.
///
/// # Safety
/// `F` must be the signature that the header gives to this name, and must not be used when the library is closed.
#[expect(unsafe_code, reason = "a symbol has no type")]
unsafe fn function<F: Copy>(library: &Library, name: &CStr) -> Option<F> {
    // SAFETY: the caller's.
    unsafe { library.get::<F>(name.to_bytes_with_nul()) }.ok().map(|symbol| *symbol)
}

#[expect(unsafe_code, reason = "the driver is a C library")]
fn ask_driver(name: &OsStr) -> Option<Driver> {
    let library = open(name)?;
    // SAFETY: `cuda.h` declares `CUresult cuInit(unsigned)`, `cuDriverGetVersion(int*)` and `cuDeviceGetCount(int*)`; a
    // `CUresult` is an int. `library` outlives the calls, and the numbers they write to are here.
    let (init, version, count) = unsafe {
        let init: CuInit = function(&library, c"cuInit")?;
        let version: CuNumber = function(&library, c"cuDriverGetVersion")?;
        let count: CuNumber = function(&library, c"cuDeviceGetCount")?;
        (init(0), number(|out| version(out)), number(|out| count(out)))
    };
    // 100 is CUDA_ERROR_NO_DEVICE: a driver without a GPU.
    let count = match init {
        0 => count?,
        100 => 0,
        _ => return None,
    };
    let version = u32::try_from(version?).ok()?;
    let gpus = (0..count).map(|ordinal| ask_gpu(&library, ordinal)).collect::<Option<_>>()?;
    // Nobody knows whether a driver stops its threads when it is closed; libtorch needs it anyway.
    std::mem::forget(library);
    Some(Driver { cuda: (version / 1000, version % 1000 / 10), gpus })
}

#[expect(unsafe_code, reason = "the driver is a C library")]
fn ask_gpu(library: &Library, ordinal: c_int) -> Option<Gpu> {
    // SAFETY: `cuda.h` declares `cuDeviceGet(CUdevice*, int)`, `cuDeviceGetName(char*, int, CUdevice)`,
    // `cuDeviceGetPCIBusId(char*, int, CUdevice)`, `cuDeviceGetAttribute(int*, CUdevice_attribute, CUdevice)` and
    // `cuDeviceTotalMem_v2(size_t*, CUdevice)`; a `CUdevice` and a `CUdevice_attribute` are ints. The caller has called
    // `cuInit` and holds the library. Texts are written within the length that is passed.
    unsafe {
        let get: CuDeviceGet = function(library, c"cuDeviceGet")?;
        let name: CuText = function(library, c"cuDeviceGetName")?;
        let place: CuText = function(library, c"cuDeviceGetPCIBusId")?;
        let attribute: CuDeviceGetAttribute = function(library, c"cuDeviceGetAttribute")?;
        let memory: CuDeviceTotalMem = function(library, c"cuDeviceTotalMem_v2")?;
        let device = number(|out| get(out, ordinal))?;
        let [major, minor] = CAPABILITY.map(|which| number(|out| attribute(out, which, device)));
        let mut bytes = 0_usize;
        (memory(&raw mut bytes, device) == 0).then_some(())?;
        Some(Gpu {
            name: text(|out, length| name(out, length, device))?,
            compute_capability: (major?.try_into().ok()?, minor?.try_into().ok()?),
            memory_bytes: bytes as u64,
            pci_bus_id: text(|out, length| place(out, length, device))?,
        })
    }
}

#[expect(unsafe_code, reason = "NVML is a C library")]
fn ask_usage(name: &OsStr, pci_bus_id: &str) -> Option<Usage> {
    let library = open(name)?;
    let place = CString::new(pci_bus_id).ok()?;
    // SAFETY: `nvml.h` declares `nvmlReturn_t nvmlInit_v2(void)`, `nvmlShutdown(void)`,
    // `nvmlDeviceGetHandleByPciBusId_v2(const char*, nvmlDevice_t*)`, `nvmlDeviceGetMemoryInfo(nvmlDevice_t, nvmlMemory_t*)`
    // and `nvmlDeviceGetUtilizationRates(nvmlDevice_t, nvmlUtilization_t*)`; an `nvmlReturn_t` is an int, an `nvmlDevice_t` a
    // pointer. The handle is used between the first and the last of them only, and the library outlives all calls.
    unsafe {
        let init: NvmlCall = function(&library, c"nvmlInit_v2")?;
        let shutdown: NvmlCall = function(&library, c"nvmlShutdown")?;
        let handle: NvmlDeviceGetHandle = function(&library, c"nvmlDeviceGetHandleByPciBusId_v2")?;
        let memory_info: NvmlDeviceGetMemoryInfo = function(&library, c"nvmlDeviceGetMemoryInfo")?;
        let rates: NvmlDeviceGetUtilizationRates = function(&library, c"nvmlDeviceGetUtilizationRates")?;
        (init() == 0).then_some(())?;
        let (mut device, mut memory, mut busy) = (ptr::null_mut(), NvmlMemory::default(), NvmlUtilization::default());
        let found = handle(place.as_ptr(), &raw mut device) == 0 && memory_info(device, &raw mut memory) == 0;
        let tells = found && rates(device, &raw mut busy) == 0;
        // Its result does not matter: NVML counts its users.
        shutdown();
        found.then_some(Usage {
            used_bytes: memory.used,
            total_bytes: memory.total,
            busy_percent: tells.then_some(busy.gpu),
        })
    }
}

/// A number that a function writes if it succeeds.
fn number(write: impl FnOnce(*mut c_int) -> c_int) -> Option<c_int> {
    let mut number = 0;
    (write(&raw mut number) == 0).then_some(number)
}

/// A text that a function writes if it succeeds.
fn text(write: impl FnOnce(*mut c_char, c_int) -> c_int) -> Option<String> {
    let mut buffer = [0_u8; TEXT_BYTES];
    // One byte less than there is, so that the text always ends within it.
    let written = write(buffer.as_mut_ptr().cast(), TEXT_BYTES as c_int - 1) == 0;
    let text = CStr::from_bytes_until_nul(&buffer).ok().filter(|_| written)?;
    Some(text.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::*;

    /// A library with the functions that a test needs from the driver's.
    fn compiled(folder: &Path, source: &str) -> PathBuf {
        let (file, library) = (folder.join("stub.c"), folder.join("stub.so"));
        std::fs::write(&file, source).unwrap();
        let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file).status().unwrap();
        assert!(status.success());
        library
    }

    const CUDA: &str = r#"
        #include <stddef.h>
        #include <stdio.h>
        static int ready;
        int cuInit(unsigned flags) { ready = flags == 0; return INIT; }
        int cuDriverGetVersion(int *version) { *version = 12040; return 0; }
        int cuDeviceGetCount(int *count) { *count = 2; return ready ? 0 : 3; }
        int cuDeviceGet(int *device, int ordinal) { *device = 40 + ordinal; return 0; }
        int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "GPU of device %d", device); return 0; }
        int cuDeviceGetPCIBusId(char *id, int length, int device) { snprintf(id, length, "0000:%d:00.0", device); return 0; }
        int cuDeviceGetAttribute(int *value, int which, int device) { *value = which == 75 ? 9 : which == 76 ? 1 : -1; return device < 40; }
        int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t) device << 32; return 0; }
    "#;

    const NVML: &str = r#"
        #include <string.h>
        static int users;
        struct memory { unsigned long long total, free, used; };
        struct rates { unsigned gpu, memory; };
        int nvmlInit_v2(void) { users++; return 0; }
        int nvmlShutdown(void) { users--; return 0; }
        int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **device) {
            *device = &users;
            return users == 1 && strcmp(id, "0000:41:00.0") == 0 ? 0 : 6;
        }
        int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
            memory->total = 150000000000ULL; memory->free = 149000000000ULL; memory->used = 1000000000ULL;
            return device == &users ? 0 : 2;
        }
        int nvmlDeviceGetUtilizationRates(void *device, struct rates *rates) { rates->gpu = 97; rates->memory = 5; return RATES; }
    "#;

    #[test]
    fn the_driver_lists_its_gpus() {
        let folder = tempfile::tempdir().unwrap();
        let library = compiled(folder.path(), &CUDA.replace("INIT", "0"));
        let gpu = |device: u64| Gpu {
            name: format!("GPU of device {device}"),
            compute_capability: (9, 1),
            memory_bytes: device << 32,
            pci_bus_id: format!("0000:{device}:00.0"),
        };
        assert_eq!(ask_driver(library.as_os_str()), Some(Driver { cuda: (12, 4), gpus: vec![gpu(40), gpu(41)] }));
    }

    #[test]
    fn a_driver_without_a_gpu_differs_from_one_that_does_not_work() {
        let asked = |init: &str| {
            let folder = tempfile::tempdir().unwrap();
            ask_driver(compiled(folder.path(), &CUDA.replace("INIT", init)).as_os_str())
        };
        assert_eq!(asked("100"), Some(Driver { cuda: (12, 4), gpus: Vec::new() }));
        assert_eq!(asked("999"), None);
    }

    #[test]
    fn what_is_absent_or_another_library_is_none() {
        assert_eq!(ask_driver("libof-no-driver.so.1".as_ref()), None);
        assert_eq!(ask_usage("libof-no-driver.so.1".as_ref(), "0000:41:00.0"), None);
        let folder = tempfile::tempdir().unwrap();
        let other = compiled(folder.path(), "int nothing(void) { return 0; }");
        assert_eq!(ask_driver(other.as_os_str()), None);
        assert_eq!(ask_usage(other.as_os_str(), "0000:41:00.0"), None);
    }

    #[test]
    fn the_memory_in_use_is_that_of_the_gpu_at_the_same_place() {
        let folder = tempfile::tempdir().unwrap();
        let library = compiled(folder.path(), &NVML.replace("RATES", "0"));
        let asked = |place: &str| ask_usage(library.as_os_str(), place);
        let expected = Usage { used_bytes: 1_000_000_000, total_bytes: 150_000_000_000, busy_percent: Some(97) };
        assert_eq!(asked("0000:41:00.0"), Some(expected));
        assert_eq!(asked("0000:40:00.0"), None);
        let folder = tempfile::tempdir().unwrap();
        let silent = compiled(folder.path(), &NVML.replace("RATES", "3"));
        let without = Usage { busy_percent: None, ..expected };
        assert_eq!(ask_usage(silent.as_os_str(), "0000:41:00.0"), Some(without));
    }
}
