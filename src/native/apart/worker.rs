//! The process that does the work: one request after the other, each within limits of time, all within one of memory.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use super::Work;
use crate::native::crash;
use crate::util::exit::Exit;

/// The processor time of one request.
pub(super) const CPU_SECONDS: u64 = 5;
/// How long one may take altogether: a disk may be slow.
pub(super) const WALL_SECONDS: u32 = 60;
/// The memory of a worker, beyond that of the program before it does anything.
pub(super) const MEMORY: u64 = 768 << 20;
/// The exit code when memory runs out: see `native::abort`.
pub(super) const NO_MEMORY: i32 = Exit::OutOfMemory as i32;
/// The exit code after a panic.
pub(super) const PANICKED: i32 = Exit::Bug as i32;

/// The longest request.
const MAX_REQUEST: u64 = 1 << 20;

/// Answers requests until the other side closes the socket.
pub(super) fn run(data: &mut UnixStream, work: Work) {
    crash::unwatch();
    // Work continues if the system does not support a limit.
    limit(libc::RLIMIT_CORE, 0);
    if let Some(bytes) = taken() {
        limit(libc::RLIMIT_AS, bytes + MEMORY);
    }
    while let Ok(request) = receive(data) {
        watch(true);
        let answer = work(&request);
        watch(false);
        let sent = data.write_all(&(answer.len() as u64).to_le_bytes()).and_then(|()| data.write_all(&answer));
        if sent.is_err() {
            return;
        }
    }
}

fn receive(data: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    data.read_exact(&mut len)?;
    let len = u64::from_le_bytes(len);
    if len > MAX_REQUEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut request = vec![0; len as usize];
    data.read_exact(&mut request)?;
    Ok(request)
}

/// The address space of this process.
fn taken() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split_whitespace().next()?.parse::<u64>().ok()? * 4096)
}

/// Starts or stops the clocks of a request. When one runs out, the system ends this process.
#[expect(unsafe_code, reason = "clocks and alarms are C functions")]
fn watch(on: bool) {
    // SAFETY: it takes a number, and its signal is not handled.
    unsafe { libc::alarm(if on { WALL_SECONDS } else { 0 }) };
    if on {
        let mut used = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: it fills the structure that it is given.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut used) };
        limit(libc::RLIMIT_CPU, used.tv_sec as u64 + CPU_SECONDS);
    }
}

#[expect(unsafe_code, reason = "limits are a C function")]
fn limit(resource: libc::__rlimit_resource_t, soft: u64) {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the first call fills the structure, the second reads it.
    unsafe {
        if libc::getrlimit(resource, &raw mut now) == 0 {
            now.rlim_cur = soft.min(now.rlim_max);
            libc::setrlimit(resource, &raw const now);
        }
    }
}
