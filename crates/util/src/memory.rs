//! The memory of this process: current, peak, and limit. Read from Linux.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder in which the kernel shows control groups.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Version 1 writes "no limit" as the largest number of whole pages; no machine has this much.
const NO_LIMIT: u64 = 1 << 60;

/// The bytes that this process uses.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    status_bytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The peak memory of this process, in bytes.
#[must_use]
pub fn peak_bytes() -> Option<u64> {
    status_bytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The bytes that this process may use before the kernel kills it: the smallest limit of its control group and of those
/// around it. `None` without a limit.
#[must_use]
pub fn limit_bytes() -> Option<u64> {
    let cgroup = fs::read_to_string("/proc/self/cgroup").ok()?;
    let files = limit_files(Path::new(CGROUPS), &cgroup);
    files.iter().filter_map(|file| limit(&fs::read_to_string(file).ok()?)).min()
}

/// The memory limit of this process, and what sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The bytes.
    pub bytes: u64,
    /// What sets it, as the beginning of a sentence: "the limit of the container".
    pub what: &'static str,
}

/// The smallest of the limits that this process has: that of its control group, that of its address space, and what the
/// machine has with its swap. `None` if the system reports none.
#[must_use]
pub fn ceiling() -> Option<Ceiling> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| machine_bytes(&text));
    let limits = [
        (limit_bytes(), "the limit of the container (control group)"),
        (address_space_bytes(), "what is left of the address space (ulimit -v)"),
        (machine, "the memory of this machine, with swap,"),
    ];
    limits.into_iter().filter_map(|(bytes, what)| Some(Ceiling { bytes: bytes?, what })).min_by_key(|limit| limit.bytes)
}

/// What the limit of the address space leaves: libraries take a part of it.
fn address_space_bytes() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    let taken = fs::read_to_string("/proc/self/status").ok().and_then(|status| status_bytes(&status, "VmSize:"));
    Some(limit.saturating_sub(taken.unwrap_or(0)))
}

/// Memory and swap, by the text of `/proc/meminfo`.
fn machine_bytes(meminfo: &str) -> Option<u64> {
    let swap = status_bytes(meminfo, "SwapTotal:").unwrap_or(0);
    Some(status_bytes(meminfo, "MemTotal:")?.saturating_add(swap))
}

/// A size in `/proc/self/status`.
fn status_bytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The files that may hold a limit, by the text of `/proc/self/cgroup`: lines `hierarchy:controllers:path`, where version 2
/// has no controllers. A path may be that of the host, which a container does not see: a missing file means no limit.
fn limit_files(root: &Path, cgroup: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let (root, name) = match controllers {
            "" => (root.to_path_buf(), "memory.max"),
            list if list.split(',').any(|controller| controller == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        files.extend(path.ancestors().map(|above| root.join(above).join(name)));
    }
    files
}

/// The text of a limit: a number of bytes, or `max`.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|&bytes| bytes < NO_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_a_process_are_read_in_bytes() {
        let status = "VmPeak:\t 900 kB\nVmHWM:\t  2345 kB\nVmRSS:\t  1234 kB\nThreads: 1\n";
        assert_eq!(status_bytes(status, "VmRSS:"), Some(1234 * 1024));
        assert_eq!(status_bytes(status, "VmHWM:"), Some(2345 * 1024));
        assert_eq!(status_bytes("VmRSS:\t lots\n", "VmRSS:"), None);
        assert_eq!(status_bytes("VmRSS:\t 18446744073709551615 kB\n", "VmRSS:"), None);
        let (now, peak) = (resident_bytes().unwrap(), peak_bytes().unwrap());
        assert!(now > 1_000_000 && peak >= now / 2, "{now} {peak}");
    }

    #[test]
    fn a_limit_is_a_number_and_no_limit_is_none() {
        assert_eq!(limit("62914560\n"), Some(62_914_560));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
        assert_eq!(limit(""), None);
    }

    #[test]
    fn limits_are_looked_for_in_both_versions_and_in_the_groups_around() {
        let files = |cgroup: &str| {
            let files = limit_files(Path::new("/c"), cgroup);
            files.into_iter().map(|file| file.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(files("0::/\n"), ["/c/memory.max"]);
        assert_eq!(files("0::/a/b\n"), ["/c/a/b/memory.max", "/c/a/memory.max", "/c/memory.max"]);
        let first = "4:cpu,cpuacct:/x\n3:memory:/docker/1\n1:name=systemd:/y\n";
        let name = "memory.limit_in_bytes";
        let expected =
            ["/c/memory/docker/1/", "/c/memory/docker/", "/c/memory/"].map(|folder| format!("{folder}{name}"));
        assert_eq!(files(first), expected);
        assert_eq!(files("nonsense\n"), [""; 0]);
    }

    #[test]
    fn the_ceiling_is_no_more_than_the_machine_has() {
        assert_eq!(machine_bytes("MemTotal:  1000 kB\nMemFree: 3 kB\nSwapTotal:  24 kB\n"), Some(1024 * 1024));
        assert_eq!(machine_bytes("MemFree: 3 kB\n"), None);
        let found = ceiling().unwrap();
        let machine = machine_bytes(&fs::read_to_string("/proc/meminfo").unwrap()).unwrap();
        assert!(found.bytes <= machine && found.bytes > resident_bytes().unwrap(), "{found:?}");
    }

    #[test]
    fn the_limit_of_this_process_is_none_or_more_than_it_holds() {
        assert!(limit_bytes().is_none_or(|limit| limit > 1_000_000));
    }
}
