//! RAM: what the machine has, how much of it may be used and is free; and the shared memory in `/dev/shm`.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use crate::util::units::bytes;
use crate::util::{fs as disk, memory, mount};

/// A training of the smallest models stays below this.
const LITTLE_BYTES: u64 = 2_000_000_000;

/// Checks the memory.
pub(super) fn check() -> Vec<Finding> {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let shared = Path::new("/dev/shm");
    let shared_bytes = mount::of(shared).filter(|mount| mount.point == shared).and(disk::free_bytes(shared).ok());
    let mut found = vec![judge(&meminfo, memory::limit_bytes())];
    // The loader's workers are threads, which need none.
    found.extend(shared_bytes.map(|free| Finding::ok("/dev/shm", format!("{} free; not needed", bytes(free)))));
    found
}

fn judge(meminfo: &str, limit: Option<u64>) -> Finding {
    let size = |key: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    };
    let (Some(total), Some(available)) = (size("MemTotal"), size("MemAvailable")) else {
        return Finding::ok("memory", "unknown to the system");
    };
    let limit = limit.filter(|limit| *limit < total);
    let mut text = format!("{} of {} available", bytes(available), bytes(total));
    if let Some(limit) = limit {
        text += &format!(", limited to {}", bytes(limit));
    }
    match limit.is_some_and(|limit| limit < LITTLE_BYTES) {
        true => Finding::warning("memory", text, "raise the limit of the container: `docker run --memory 8g ...`"),
        false if available < LITTLE_BYTES => Finding::warning(
            "memory",
            text,
            "end other programs, or lower data.loader.cache_bytes and train.micro_batch",
        ),
        false => Finding::ok("memory", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_its_limit_and_a_shortage_are_reported() {
        let meminfo =
            |kilobytes: u64| format!("MemTotal:       32000000 kB\nMemFree: 5 kB\nMemAvailable:   {kilobytes} kB\n");
        let text = judge(&meminfo(16_000_000), Some(8_000_000_000));
        assert_eq!(text, Finding::ok("memory", "16.4 GB of 32.8 GB available, limited to 8.0 GB"));
        assert_eq!(judge(&meminfo(16_000_000), Some(1 << 50)).text, "16.4 GB of 32.8 GB available");
        assert!(judge(&meminfo(16_000_000), Some(500_000_000)).remedy.unwrap().contains("--memory"));
        assert!(judge(&meminfo(100_000), None).remedy.unwrap().contains("cache_bytes"));
        assert_eq!(judge("", None).text, "unknown to the system");
    }
}
