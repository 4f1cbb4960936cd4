//! The GPU, step by step: in the machine, with a driver, in the container, for CUDA, for libtorch. A missing GPU is an
//! error only if the configuration asks for one.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use crate::native::cuda::{self, NoCuda};
use crate::native::gpu::{self, Driver};
use crate::train::config::DeviceChoice;
use crate::train::device::{Machine, resolve};
use crate::util::container::Container;
use crate::util::exit::Exit;
use crate::util::units;

/// The oldest driver for each major version of CUDA:
/// <https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html>.
const OLDEST_DRIVERS: [(u32, &str); 2] = [(12, "525.60.13"), (13, "580.65.06")];

/// What was seen.
struct Seen {
    asked: DeviceChoice,
    container: Option<Container>,
    /// Whether one is plugged in.
    on_bus: bool,
    /// The version of the driver in the kernel, which a container shows even if it may not use it.
    kernel_driver: Option<String>,
    /// Whether `NVIDIA_VISIBLE_DEVICES` says that there is none.
    is_hidden: bool,
    /// The CUDA that libtorch was built for.
    line: Option<u32>,
    cuda: Result<usize, NoCuda>,
    driver: Option<Driver>,
    /// For each GPU of libtorch: free bytes, if known, and the result of computing on it.
    tried: Vec<(Option<u64>, Result<(), String>)>,
    /// Why the configuration can't have the device that it asks for.
    refused: Option<String>,
}

/// Looks for GPUs, and computes on each.
pub(super) fn check(machine: &Machine, asked: DeviceChoice, container: Option<Container>) -> Vec<Finding> {
    let free = |number| machine.gpu(number).and_then(gpu::usage).map(|usage| usage.total_bytes - usage.used_bytes);
    let count = machine.cuda.clone().unwrap_or_default();
    let hidden =
        std::env::var("NVIDIA_VISIBLE_DEVICES").is_ok_and(|value| matches!(value.as_str(), "" | "void" | "none"));
    judge(&Seen {
        asked,
        container,
        on_bus: is_on_bus(Path::new("/sys/bus/pci/devices")),
        kernel_driver: fs::read_to_string("/proc/driver/nvidia/version").ok().and_then(|text| driver_version(&text)),
        is_hidden: hidden,
        line: cuda::line(),
        cuda: machine.cuda.clone(),
        driver: machine.driver.clone(),
        tried: (0..count).map(|number| (free(number), cuda::try_out(number))).collect(),
        refused: resolve(asked, crate::train::config::Precision::Auto, machine).err().map(|error| error.to_string()),
    })
}

/// Whether an NVIDIA display controller is plugged in: vendor 10de, class 03.
fn is_on_bus(devices: &Path) -> bool {
    let entries = fs::read_dir(devices).into_iter().flatten().flatten();
    let text = |path: &Path, name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
    entries
        .map(|entry| entry.path())
        .any(|device| text(&device, "vendor").trim() == "0x10de" && text(&device, "class").starts_with("0x03"))
}

/// The version in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar ...`.
fn driver_version(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("NVRM version:"))?;
    let is_version = |word: &&str| {
        word.split('.').count() >= 2
            && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    line.split_whitespace().find(is_version).map(str::to_owned)
}

fn judge(seen: &Seen) -> Vec<Finding> {
    let mut found = match &seen.cuda {
        Ok(count) => (0..*count).map(|number| of_gpu(number, seen)).collect(),
        Err(reason) => vec![none(reason, seen)],
    };
    found.extend(of_driver(seen));
    // The same text as training, in the place of training.
    if let (Some(text), true) = (&seen.refused, found.iter().all(|finding| finding.exit.is_none())) {
        let remedy = found.iter().find_map(|finding| finding.remedy.clone());
        found.push(Finding::failed("gpu", text.clone(), remedy, Exit::Configuration));
    }
    found
}

fn of_driver(seen: &Seen) -> Option<Finding> {
    let serves = seen.driver.as_ref().map(|driver| format!("supports CUDA {}.{}", driver.cuda.0, driver.cuda.1));
    let version = seen.kernel_driver.as_ref().map(|version| format!("NVIDIA {version}"));
    let text = [version, serves].into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then(|| Finding::ok("driver", text))
}

/// A GPU that libtorch knows.
fn of_gpu(number: usize, seen: &Seen) -> Finding {
    let gpu = seen.driver.as_ref().and_then(|driver| driver.gpus.get(number));
    let (free, tried) = seen.tried.get(number).cloned().unwrap_or((None, Ok(())));
    let mut text = format!("cuda:{number}");
    if let Some(gpu) = gpu {
        let (major, minor) = gpu.compute_capability;
        let free = free.map_or_else(String::new, |free| format!(", {} free", units::bytes(free)));
        let memory = units::bytes(gpu.memory_bytes);
        text += &format!(" {}, compute capability {major}.{minor}, {memory}{free}", gpu.name);
    }
    match tried {
        Ok(()) => Finding::ok("gpu", format!("{text}, computes")),
        Err(error) => {
            let remedy = not_computing(&error, gpu.map(|gpu| gpu.compute_capability), seen.line);
            let text = format!("{text}, does not compute: {error}");
            // Training takes the first one, or the configured one.
            let is_used = match seen.asked {
                DeviceChoice::Cpu => false,
                DeviceChoice::Auto | DeviceChoice::Cuda(None) => number == 0,
                DeviceChoice::Cuda(Some(asked)) => number == asked as usize,
            };
            match is_used {
                true => Finding::failed("gpu", text, Some(remedy), Exit::Configuration),
                false => Finding::warning("gpu", text, remedy),
            }
        }
    }
}

/// The remedy if a kernel could not be run.
fn not_computing(error: &str, capability: Option<(u32, u32)>, line: Option<u32>) -> String {
    match (error.contains("no kernel image"), capability, line) {
        (true, Some((major, _)), Some(12)) if major >= 10 => {
            "this GPU is too new for this libtorch: use the image with CUDA 13 (docker build --build-arg TORCH=2.11, or scripts/torch24.sh)"
        }
        (true, Some(_), Some(13)) => {
            "this GPU is too old for this libtorch: use the image with CUDA 12 (docker build --build-arg TORCH=2.4)"
        }
        (true, ..) => "this libtorch has no kernels for this GPU: set device: cpu",
        (false, ..) => "check nvidia-smi on the host: other programs may hold its memory, or it may need a reset; or set device: cpu",
    }
    .to_owned()
}

/// Why there is none, and the remedy.
fn none(reason: &NoCuda, seen: &Seen) -> Finding {
    let is_in_machine = seen.on_bus || seen.kernel_driver.is_some();
    let warning = |text: &str, remedy: &str| Finding::warning("gpu", text, remedy);
    match reason {
        NoCuda::NotInstalled { .. } | NoCuda::NoLibtorch if is_in_machine => warning(
            "there is an NVIDIA GPU, but this build is for CPUs only",
            "use the image with CUDA: docker build --build-arg COMPUTE=cuda",
        ),
        NoCuda::NotInstalled { .. } | NoCuda::NoLibtorch => Finding::ok("gpu", "none: this build is for CPUs only"),
        NoCuda::NotLoaded { .. } => {
            warning(&reason.to_string(), "install the CUDA libraries that it needs beside it, or use the image")
        }
        NoCuda::NoDriver if !is_in_machine => Finding::ok("gpu", "none in this machine: training computes on the CPU"),
        NoCuda::NoDriver => warning(
            &format!(
                "there is an NVIDIA GPU in this machine, but {}",
                if seen.container.is_some() { "not in this container" } else { "no working driver" }
            ),
            absent(seen),
        ),
        NoCuda::NoDevice => no_device(seen),
    }
}

/// How to make a GPU of the machine available.
fn absent(seen: &Seen) -> &'static str {
    match seen.container {
        _ if seen.is_hidden => {
            "NVIDIA_VISIBLE_DEVICES hides it: start the container with --gpus all, or with --env NVIDIA_VISIBLE_DEVICES=all"
        }
        None => "install the NVIDIA driver (on Ubuntu: `sudo ubuntu-drivers install`), then restart the machine",
        Some(Container::Kubernetes) => "request one: resources.limits of the container with nvidia.com/gpu: 1",
        Some(Container::Vast) => "the instance has no working GPU: report it there, and rent another",
        Some(_) => "start the container with `docker run --gpus all ...`; the host needs the NVIDIA container toolkit",
    }
}

/// A driver, but nothing to compute on.
fn no_device(seen: &Seen) -> Finding {
    let Some(driver) = &seen.driver else {
        let text = "the NVIDIA driver is installed but does not work";
        return Finding::warning(
            "gpu",
            text,
            "check that nvidia-smi works on the host; after a driver update, restart the host",
        );
    };
    let (major, minor) = driver.cuda;
    let oldest = OLDEST_DRIVERS.iter().find(|(line, _)| Some(*line) == seen.line);
    match (driver.gpus.len() as u64, oldest) {
        (0, _) => Finding::warning(
            "gpu",
            "the NVIDIA driver sees no GPU",
            "unset CUDA_VISIBLE_DEVICES if it is empty; otherwise: ".to_owned() + absent(seen),
        ),
        (gpus, Some((line, oldest))) if major < *line => Finding::warning(
            "gpu",
            format!(
                "{} that libtorch can't use: the driver supports CUDA {major}.{minor}, but this build is for CUDA {line}",
                units::count(gpus, "GPU")
            ),
            format!(
                "install the NVIDIA driver {oldest} or newer on the host{}",
                if *line > 12 { ", or use the image with CUDA 12 (docker build --build-arg TORCH=2.4)" } else { "" }
            ),
        ),
        (gpus, _) => Finding::warning(
            "gpu",
            format!("{} that libtorch can't use", units::count(gpus, "GPU")),
            "check nvidia-smi on the host: it may need a reset",
        ),
    }
}

#[cfg(test)]
mod tests;
