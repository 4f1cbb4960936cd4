//! Every way in which a GPU can be missing, and what is reported.

use super::*;
use crate::native::gpu::Gpu;
use crate::worker::doctor::Level;

fn gpu(name: &str, compute_capability: (u32, u32)) -> Gpu {
    Gpu { name: name.into(), compute_capability, memory_bytes: 150_000_000_000, pci_bus_id: "0000:01:00.0".into() }
}

fn without(reason: NoCuda) -> Seen {
    Seen {
        asked: DeviceChoice::Auto,
        container: Some(Container::Docker),
        on_bus: true,
        kernel_driver: Some("550.54.15".into()),
        is_hidden: false,
        line: Some(12),
        cuda: Err(reason),
        driver: None,
        tried: Vec::new(),
        refused: None,
    }
}

fn with(gpu: Gpu, tried: Result<(), String>) -> Seen {
    let driver = Some(Driver { cuda: (12, 4), gpus: vec![gpu] });
    Seen { cuda: Ok(1), driver, tried: vec![(Some(149_000_000_000), tried)], ..without(NoCuda::NoDevice) }
}

/// The report, as text.
fn told(what: &str, seen: &Seen) -> String {
    let line = |finding: Finding| {
        let remedy = finding.remedy.map_or_else(String::new, |remedy| format!("\n    {remedy}"));
        format!("{:?} {} {}{remedy}", finding.level, finding.check, finding.text)
    };
    format!("{what}:\n{}", judge(seen).into_iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_way_in_which_a_gpu_is_missing_has_its_remedy() {
    let not_installed = || NoCuda::NotInstalled { folder: "/opt/fragua/lib".into() };
    let nothing = || Seen { on_bus: false, kernel_driver: None, ..without(NoCuda::NoDriver) };
    let driver = |cuda, gpus| Some(Driver { cuda, gpus });
    let t4 = || vec![gpu("Tesla T4", (7, 5))];
    let text = [
        told("no GPU", &nothing()),
        told(
            "no GPU, asked for one",
            &Seen { refused: Some("device cuda is configured, but there is none".into()), ..nothing() },
        ),
        told("no --gpus all", &without(NoCuda::NoDriver)),
        told("hidden", &Seen { is_hidden: true, ..without(NoCuda::NoDriver) }),
        told("Kubernetes", &Seen { container: Some(Container::Kubernetes), ..without(NoCuda::NoDriver) }),
        told("no driver", &Seen { container: None, kernel_driver: None, ..without(NoCuda::NoDriver) }),
        told("CPU build", &without(not_installed())),
        told("CPU build, no GPU", &Seen { on_bus: false, kernel_driver: None, ..without(not_installed()) }),
        told("driver broken", &without(NoCuda::NoDevice)),
        told("driver empty", &Seen { driver: driver((12, 4), Vec::new()), ..without(NoCuda::NoDevice) }),
        told("driver old", &Seen { driver: driver((11, 4), t4()), ..without(NoCuda::NoDevice) }),
        told("driver old for 13", &Seen { line: Some(13), driver: driver((12, 4), t4()), ..without(NoCuda::NoDevice) }),
        told("GPU ill", &Seen { driver: driver((12, 4), t4()), ..without(NoCuda::NoDevice) }),
    ];
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_gpu_is_named_and_for_one_without_kernels_the_image_that_has_them() {
    let no_kernel = || Err("CUDA error: no kernel image is available for execution on the device".to_owned());
    let text = [
        told("H200", &with(gpu("NVIDIA H200", (9, 0)), Ok(()))),
        told("too new", &with(gpu("NVIDIA B200", (10, 0)), no_kernel())),
        told("too old", &Seen { line: Some(13), ..with(gpu("Tesla V100", (7, 0)), no_kernel()) }),
        told("full", &with(gpu("NVIDIA H200", (9, 0)), Err("CUDA out of memory".into()))),
    ];
    insta::assert_snapshot!(text.join("\n"));
    let on_cpu = judge(&Seen { asked: DeviceChoice::Cpu, ..with(gpu("NVIDIA B200", (10, 0)), no_kernel()) });
    assert_eq!(on_cpu[0].level, Level::Warning, "nobody computes on it");
}

#[test]
fn the_version_of_the_driver_is_read_from_both_kinds_of_module() {
    let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc version 12.3.0\n";
    let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build  (dvs-builder@U22)\n";
    assert_eq!(driver_version(closed).unwrap(), "550.54.15");
    assert_eq!(driver_version(open).unwrap(), "575.57.08");
    assert_eq!(driver_version("GCC version:  gcc version 12.3.0\n"), None);
}

#[test]
fn only_a_display_controller_of_nvidia_is_a_gpu() {
    let devices = tempfile::tempdir().unwrap();
    let put = |name: &str, vendor: &str, class: &str| {
        let folder = devices.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("vendor"), format!("{vendor}\n")).unwrap();
        fs::write(folder.join("class"), format!("{class}\n")).unwrap();
    };
    put("0000:00:02.0", "0x8086", "0x030000");
    put("0000:01:00.1", "0x10de", "0x040300");
    assert!(!is_on_bus(devices.path()), "a sound card is none");
    put("0000:01:00.0", "0x10de", "0x030200");
    assert!(is_on_bus(devices.path()));
    assert!(!is_on_bus(Path::new("/nowhere")));
}
