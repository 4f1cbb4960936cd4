//! The device and number type of a run, from what was requested and what the machine has. The decision is pure;
//! [`Machine::find`] inspects the machine.

use tch::Device;
use thiserror::Error;

use super::config::{self, DeviceChoice};
use crate::native::cuda::{self, NoCuda};
use crate::native::gpu::{self, Driver, Gpu};
use crate::nn::precision::{Hardware, Precision};
use crate::util::exit::Exit;
use crate::util::units;

/// What a machine can compute on.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Threads that compute on the CPU.
    pub threads: usize,
    /// The CPU.
    pub cpu: Hardware,
    /// How many GPUs libtorch can use, or why none.
    pub cuda: Result<usize, NoCuda>,
    /// The driver, if there is one.
    pub driver: Option<Driver>,
}

/// A GPU was requested that is not available.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// libtorch finds none at all.
    #[error("device {asked} is configured, but there is none: {found}; {remedy}, or set device: cpu")]
    NoGpu {
        /// What was requested.
        asked: DeviceChoice,
        /// What was found instead.
        found: String,
        /// What would help.
        remedy: &'static str,
    },
    /// There are GPUs, but not this one.
    #[error(
        "device cuda:{asked} is configured, but there {}; they are counted from 0, and CUDA_VISIBLE_DEVICES hides some",
        match .count { 1 => "is only 1 GPU".to_owned(), count => format!("are only {count} GPUs") }
    )]
    NoSuchGpu {
        /// Its number.
        asked: u32,
        /// How many there are.
        count: usize,
    },
}

impl DeviceError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Configuration
    }
}

impl Machine {
    /// Inspects this machine.
    #[must_use]
    pub fn find() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            threads: usize::try_from(tch::get_num_threads()).unwrap_or(1).max(1),
            cpu: Hardware::from_cpuinfo(&cpuinfo),
            cuda: cuda::devices(),
            driver: gpu::driver(),
        }
    }

    /// A GPU as the driver reports it.
    #[must_use]
    pub fn gpu(&self, number: usize) -> Option<&Gpu> {
        self.driver.as_ref()?.gpus.get(number)
    }
}

/// What computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The device.
    pub device: Device,
    /// The type of the numbers that the model computes in.
    pub precision: Precision,
    /// The device in words, for the record of the run.
    pub description: String,
    /// Threads that compute on the CPU.
    pub threads: usize,
    /// The GPU, if one is used and the driver reports it.
    pub gpu: Option<Gpu>,
}

impl Resolved {
    /// Whether no GPU is used.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.device == Device::Cpu
    }
}

/// Resolves what a configuration requests, on this machine.
///
/// # Errors
/// [`DeviceError`] if the requested GPU does not exist.
pub fn resolve(choice: DeviceChoice, precision: config::Precision, machine: &Machine) -> Result<Resolved, DeviceError> {
    let number = number(choice, machine)?;
    let gpu = number.and_then(|number| machine.gpu(number)).cloned();
    let (device, hardware, description) = match number {
        None => (Device::Cpu, machine.cpu, format!("cpu, {}", units::count(machine.threads as u64, "thread"))),
        Some(number) => (Device::Cuda(number), hardware(machine.gpu(number)), words(number, machine.gpu(number))),
    };
    let precision = match precision {
        config::Precision::Auto => Precision::best_for(hardware),
        config::Precision::Fp32 => Precision::Fp32,
        config::Precision::Bf16 => Precision::Bf16,
        config::Precision::Fp16 => Precision::Fp16,
    };
    Ok(Resolved { device, precision, description, threads: machine.threads, gpu })
}

/// The GPU's number; none for the CPU.
fn number(choice: DeviceChoice, machine: &Machine) -> Result<Option<usize>, DeviceError> {
    let asked = match (choice, &machine.cuda) {
        (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, Err(_)) => return Ok(None),
        (DeviceChoice::Auto | DeviceChoice::Cuda(None), Ok(_)) => 0,
        (DeviceChoice::Cuda(Some(number)), Ok(_)) => number,
        (DeviceChoice::Cuda(_), Err(reason)) => {
            let (found, remedy) = absence(reason, machine.driver.as_ref());
            return Err(DeviceError::NoGpu { asked: choice, found, remedy });
        }
    };
    match machine.cuda {
        Ok(count) if asked as usize >= count => Err(DeviceError::NoSuchGpu { asked, count }),
        _ => Ok(Some(asked as usize)),
    }
}

/// Why there is no GPU, and what would help.
fn absence(reason: &NoCuda, driver: Option<&Driver>) -> (String, &'static str) {
    match (reason, driver) {
        (NoCuda::NoLibtorch | NoCuda::NotInstalled { .. }, _) => {
            (reason.to_string(), "use the image or the installation with CUDA")
        }
        (NoCuda::NotLoaded { .. }, _) => (reason.to_string(), "install the CUDA libraries that it needs beside it"),
        (NoCuda::NoDriver, _) => (
            reason.to_string(),
            "run the container with --gpus all, and install the driver and the NVIDIA container toolkit on the host",
        ),
        (NoCuda::NoDevice, None) => (
            "the NVIDIA driver (libcuda.so.1) is installed but does not work".into(),
            "run the container with --gpus all, and check that nvidia-smi works on the host",
        ),
        (NoCuda::NoDevice, Some(driver)) if driver.gpus.is_empty() => (
            "the NVIDIA driver sees no GPU".into(),
            "start the container with --gpus all, and unset CUDA_VISIBLE_DEVICES if it is empty",
        ),
        (NoCuda::NoDevice, Some(driver)) => {
            let (major, minor) = driver.cuda;
            let gpus = units::count(driver.gpus.len() as u64, "GPU");
            (
                format!("the NVIDIA driver sees {gpus} and supports CUDA {major}.{minor}, but libtorch can't use it"),
                "install a newer NVIDIA driver on the host",
            )
        }
    }
}

/// An unknown GPU is treated as an old one.
fn hardware(gpu: Option<&Gpu>) -> Hardware {
    let (major, minor) = gpu.map_or((0, 0), |gpu| gpu.compute_capability);
    Hardware::Cuda { major, minor }
}

fn words(number: usize, gpu: Option<&Gpu>) -> String {
    let Some(gpu) = gpu else { return format!("cuda:{number}, of an unknown kind") };
    let (major, minor) = gpu.compute_capability;
    let gib = gpu.memory_bytes >> 30;
    format!("{}, {gib} GiB, compute capability {major}.{minor}", gpu.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(resolved: Resolved) -> (Device, Precision, String) {
        (resolved.device, resolved.precision, resolved.description)
    }

    fn gpu(name: &str, compute_capability: (u32, u32), gib: u64) -> Gpu {
        Gpu { name: name.into(), compute_capability, memory_bytes: gib << 30, pci_bus_id: "0000:01:00.0".into() }
    }

    fn without_gpu(reason: NoCuda, driver: Option<Driver>) -> Machine {
        Machine { threads: 2, cpu: Hardware::Cpu { multiplies_bf16: false }, cuda: Err(reason), driver }
    }

    fn with_gpus() -> Machine {
        let gpus = vec![gpu("NVIDIA H200", (9, 0), 139), gpu("Tesla T4", (7, 5), 15)];
        Machine { cuda: Ok(2), driver: Some(Driver { cuda: (12, 4), gpus }), ..without_gpu(NoCuda::NoDevice, None) }
    }

    #[test]
    fn auto_takes_the_first_gpu_or_the_cpu_and_the_numbers_that_it_is_fast_at() {
        let auto = |machine: &Machine| told(resolve(DeviceChoice::Auto, config::Precision::Auto, machine).unwrap());
        let h200 = "NVIDIA H200, 139 GiB, compute capability 9.0".to_owned();
        assert_eq!(auto(&with_gpus()), (Device::Cuda(0), Precision::Bf16, h200));
        let machine = without_gpu(NoCuda::NoDevice, None);
        assert_eq!(auto(&machine), (Device::Cpu, Precision::Fp32, "cpu, 2 threads".into()));
        let fast = Machine { cpu: Hardware::Cpu { multiplies_bf16: true }, threads: 1, ..machine };
        assert_eq!(auto(&fast), (Device::Cpu, Precision::Bf16, "cpu, 1 thread".into()));
    }

    #[test]
    fn exactly_the_requested_bytes_are_used() {
        let machine = with_gpus();
        let asked = |device: &str, precision| told(resolve(device.parse().unwrap(), precision, &machine).unwrap());
        assert_eq!(asked("cpu", config::Precision::Bf16).0, Device::Cpu);
        assert_eq!(asked("cuda", config::Precision::Fp32).1, Precision::Fp32);
        let (device, precision, words) = asked("cuda:1", config::Precision::Auto);
        assert_eq!((device, precision), (Device::Cuda(1), Precision::Fp32));
        assert_eq!(words, "Tesla T4, 15 GiB, compute capability 7.5");
        assert_eq!(asked("cuda:1", config::Precision::Fp16).1, Precision::Fp16);
        let unknown = Machine { driver: None, ..machine.clone() };
        let (_, precision, words) = told(resolve(DeviceChoice::Auto, config::Precision::Auto, &unknown).unwrap());
        assert_eq!((precision, words.as_str()), (Precision::Fp32, "cuda:0, of an unknown kind"));
    }

    #[test]
    fn a_gpu_that_is_not_there_is_refused_with_what_was_found_and_what_helps() {
        let refused = |device: &str, machine: &Machine| {
            let error = resolve(device.parse().unwrap(), config::Precision::Auto, machine).unwrap_err();
            assert_eq!(error.exit(), Exit::Configuration);
            error.to_string()
        };
        let empty = Driver { cuda: (12, 4), gpus: Vec::new() };
        let old = Driver { cuda: (11, 4), gpus: vec![gpu("Tesla T4", (7, 5), 15)] };
        let messages = [
            refused("cuda", &without_gpu(NoCuda::NotInstalled { folder: "/opt/lib".into() }, None)),
            refused("cuda", &without_gpu(NoCuda::NoDriver, None)),
            refused("cuda", &without_gpu(NoCuda::NoDevice, None)),
            refused("cuda:3", &without_gpu(NoCuda::NoDevice, Some(empty))),
            refused("cuda", &without_gpu(NoCuda::NoDevice, Some(old))),
            refused("cuda:2", &with_gpus()),
            refused("cuda:1", &Machine { cuda: Ok(1), ..with_gpus() }),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn this_machine_has_a_cpu() {
        let machine = Machine::find();
        let (device, _, words) = told(resolve(DeviceChoice::Cpu, config::Precision::Auto, &machine).unwrap());
        assert_eq!(device, Device::Cpu);
        assert!(words.starts_with("cpu, "), "{words}");
    }
}
