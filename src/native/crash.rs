//! Ends that the system would choose for this process: an invalid memory access, and a file that grows beyond its limit.
//! The first gets an exit code of the table instead of a signal; the second becomes an error of the write that failed.
//!
//! C and C++ libraries often use the result of an allocation unchecked. So an invalid access while memory is exhausted
//! is a shortage of memory; any other one is a bug.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

/// How much memory the system must be able to give for a shortage to be ruled out.
const PROBE_BYTES: usize = 256 << 20;

/// The codes to exit with: for missing memory, and for a bug.
static CODES: [AtomicI32; 2] = [const { AtomicI32::new(1) }; 2];
/// What the standard library does at an invalid access: it recognises a stack that is too small.
static BEFORE: [OnceLock<libc::sigaction>; 2] = [const { OnceLock::new() }; 2];

const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

const SHORTAGE: &[u8] =
    b"error: out of memory: a library did not get what it asked for; lower train.micro_batch, make the \
samples or the model smaller, or use a machine with more memory\n";
const BUG: &[u8] =
    b"error: invalid memory access; this is a bug in fragua or in one of its libraries: please report it with \
the lines above and the command\n";

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// From now on, an invalid memory access ends the process with one of these codes, and a write beyond the limit of file
/// sizes is an error. Called by `main` before anything else.
#[expect(unsafe_code, reason = "signal handlers are C functions")]
pub fn watch(no_memory: u8, bug: u8) {
    CODES[0].store(no_memory.into(), Ordering::Relaxed);
    CODES[1].store(bug.into(), Ordering::Relaxed);
    let handler: Handler = on_access;
    for (signal, before) in SIGNALS.into_iter().zip(&BEFORE) {
        // SAFETY: a zeroed structure is a valid one, both are filled before they are used, and the handler calls only what is
        // allowed in one. It runs on the stack that the standard library set aside for this.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let mut old: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            if libc::sigaction(signal, &raw const action, &raw mut old) == 0 {
                before.get_or_init(|| old);
            }
        }
    }
    // SAFETY: ignoring a signal runs no code.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Leaves invalid accesses to the system again, in a process whose parent evaluates the signal.
#[expect(unsafe_code, reason = "signal handlers are C functions")]
pub(super) fn unwatch() {
    for signal in SIGNALS {
        // SAFETY: the default action runs no code of this process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

extern "C" fn on_access(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    if is_short_of_memory() {
        leave(SHORTAGE, &CODES[0]);
    }
    let before = SIGNALS.iter().position(|known| *known == signal).and_then(|index| BEFORE[index].get());
    if let Some(before) = before.filter(|before| before.sa_flags & libc::SA_SIGINFO != 0) {
        // If the stack was too small, this says so and aborts.
        pass_on(before, signal, info, context);
    }
    leave(BUG, &CODES[1]);
}

/// Whether the system refuses memory that an ordinary step of training may ask for.
#[expect(unsafe_code, reason = "mapping memory is a C function")]
fn is_short_of_memory() -> bool {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a system call that touches no memory of this process. Nothing is read from or written to what it returns.
    let probe = unsafe { libc::mmap(ptr::null_mut(), PROBE_BYTES, access, kind, -1, 0) };
    if probe == libc::MAP_FAILED {
        return true;
    }
    // SAFETY: it was mapped just now.
    unsafe { libc::munmap(probe, PROBE_BYTES) };
    false
}

#[expect(unsafe_code, reason = "the earlier handler is a C function")]
fn pass_on(before: &libc::sigaction, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the flag says that it is a function of this kind, and it gets what the system passed.
    let handler: Handler = unsafe { std::mem::transmute(before.sa_sigaction) };
    handler(signal, info, context);
}

#[expect(unsafe_code, reason = "write and _exit are C functions")]
fn leave(message: &[u8], code: &AtomicI32) {
    // SAFETY: both are allowed in a signal handler; the message is a constant.
    unsafe {
        libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
        libc::_exit(code.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    const ACT: &str = "CRASH_TEST_ACT";

    /// Runs in a child process of the tests below: this test binary with only this test. By default it does nothing.
    #[test]
    #[expect(unsafe_code, reason = "raising a signal is a C function")]
    fn in_another_process() {
        let Ok(act) = std::env::var(ACT) else { return };
        watch(71, 70);
        let limit = |resource, most| {
            let maximum = getrlimit(resource).maximum;
            setrlimit(resource, Rlimit { current: Some(most), maximum }).unwrap();
        };
        match act.as_str() {
            "short" => limit(Resource::As, 1),
            "file" => {
                limit(Resource::Fsize, 4096);
                let mut file = tempfile::tempfile().unwrap();
                let error = file.write_all(&[0; 8192]).unwrap_err();
                assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
                return;
            }
            _ => {}
        }
        // SAFETY: the handler ends the process.
        unsafe { libc::raise(if act == "bus" { libc::SIGBUS } else { libc::SIGSEGV }) };
    }

    fn end(act: &str) -> (Option<i32>, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "native::crash::tests::in_another_process", "--nocapture"]).env(ACT, act);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    #[test]
    fn an_invalid_access_is_a_bug_unless_memory_is_short() {
        for (act, code, text) in [("segv", 70, "a bug"), ("bus", 70, "a bug"), ("short", 71, "out of memory")] {
            let (got, stderr) = end(act);
            assert!(got == Some(code) && stderr.contains(text), "{act}: {got:?} {stderr}");
        }
    }

    #[test]
    fn a_file_beyond_the_limit_is_an_error_and_no_signal() {
        let (got, stderr) = end("file");
        assert_eq!(got, Some(0), "{stderr}");
    }
}
