//! The CPU: how much of it may be used, and which instructions it has.

use std::fs;

use super::finding::Finding;
use crate::util::units;

/// Instructions that matter for the speed, by Linux's name and by the common name.
const INSTRUCTIONS: [(&str, &str); 4] =
    [("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_bf16", "AVX-512 BF16"), ("amx_bf16", "AMX BF16")];

/// Checks the CPU; `threads` is the number of threads that libtorch uses.
pub(super) fn check(threads: usize) -> Finding {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    // It knows affinity and the quotas of control groups of both versions.
    let usable = std::thread::available_parallelism().map_or(1, usize::from);
    judge(&cpuinfo, usable, threads)
}

fn judge(cpuinfo: &str, usable: usize, threads: usize) -> Finding {
    let value = |key: &str| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    };
    let present = cpuinfo.lines().filter(|line| line.starts_with("processor")).count().max(usable);
    let flags: Vec<&str> = value("flags").split_whitespace().collect();
    let can: Vec<&str> = INSTRUCTIONS.iter().filter(|(flag, _)| flags.contains(flag)).map(|(_, name)| *name).collect();
    let name = if value("model name").is_empty() { "unknown" } else { value("model name") };
    let mut text = format!("{name}, {usable} of {} usable", units::count(present as u64, "core"));
    if !can.is_empty() {
        text += &format!(", {}", can.join(", "));
    }
    if threads > usable {
        let remedy = format!("set OMP_NUM_THREADS={usable} (docker run --env OMP_NUM_THREADS={usable} ...)");
        return Finding::warning("cpu", format!("{text}; libtorch would compute with {threads} threads"), remedy);
    }
    if !flags.is_empty() && !flags.contains(&"avx2") {
        return Finding::warning(
            "cpu",
            format!("{text}, without AVX2"),
            "training on it is slow: use a newer CPU, or a GPU",
        );
    }
    Finding::ok("cpu", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::doctor::Level;

    fn cpuinfo(flags: &str) -> String {
        let core = |number| format!("processor\t: {number}\nmodel name\t: AMD EPYC 7543\nflags\t\t: fpu {flags}\n\n");
        (0..4).map(core).collect()
    }

    #[test]
    fn cores_and_instructions_are_named() {
        let fine = judge(&cpuinfo("avx2 avx512f amx_bf16"), 4, 4);
        assert_eq!(fine, Finding::ok("cpu", "AMD EPYC 7543, 4 of 4 cores usable, AVX2, AVX-512, AMX BF16"));
        assert_eq!(judge("", 2, 2).text, "unknown, 2 of 2 cores usable");
    }

    #[test]
    fn more_threads_than_cores_and_an_old_cpu_are_warned_of() {
        let many = judge(&cpuinfo("avx2"), 2, 4);
        assert_eq!(many.text, "AMD EPYC 7543, 2 of 4 cores usable, AVX2; libtorch would compute with 4 threads");
        assert!(many.remedy.unwrap().starts_with("set OMP_NUM_THREADS=2 "));
        assert_eq!(judge(&cpuinfo("sse2"), 4, 4).level, Level::Warning);
    }
}
