//! Passes everything written to stderr, by this program or a library, line by line through a function, so that every
//! line can become an object. Not the log: the program's own messages bypass it.
//!
//! It runs in its own process. A thread would die with the program, and the last words matter most: libtorch, the
//! allocator and the C library write them and abort.

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The longest wait at the end for the last lines. Only a process that was left behind with this stderr can reach it.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Converts a line, without its end.
pub type Change = fn(&str) -> String;

/// Stderr through a function, until this is dropped.
#[derive(Debug)]
pub struct Relay {
    stderr: File,
    process: libc::pid_t,
}

impl Relay {
    /// Puts a function between this process and its stderr. To be called by `main` before there is a second thread, and before
    /// libtorch does anything.
    ///
    /// # Errors
    /// If the system gives no pipe or no process.
    #[expect(unsafe_code, reason = "a second process and a replaced descriptor are C functions")]
    pub fn start(change: Change) -> io::Result<Self> {
        let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let (reader, writer) = io::pipe()?;
        // SAFETY: there is one thread, so the child is a whole copy of this process; it returns from nothing, but ends below.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                drop(writer);
                drop(catch_unwind(AssertUnwindSafe(|| carry(reader, &stderr, change))));
                // SAFETY: ends this process without the exit handlers that its copy of the program brought along.
                unsafe { libc::_exit(0) }
            }
            process => {
                replace_stderr(writer.as_raw_fd())?;
                Ok(Self { stderr, process })
            }
        }
    }

    /// The real stderr.
    ///
    /// # Errors
    /// If there are too many open files.
    pub fn past(&self) -> io::Result<File> {
        self.stderr.try_clone()
    }
}

impl Drop for Relay {
    /// Waits for the last lines: if this process is the first of a container, the other one ends with it.
    #[expect(unsafe_code, reason = "waiting for a process is a C function")]
    fn drop(&mut self) {
        if replace_stderr(self.stderr.as_raw_fd()).is_err() {
            return;
        }
        let began = Instant::now();
        // SAFETY: the process is a child of this one that nobody else waits for.
        while unsafe { libc::waitpid(self.process, std::ptr::null_mut(), libc::WNOHANG) } == 0 {
            if began.elapsed() > LAST_LINES {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[expect(unsafe_code, reason = "replacing a descriptor is a C function")]
fn replace_stderr(with: RawFd) -> io::Result<()> {
    // SAFETY: both are open, and 2 is the standard library's to write to, never to close.
    match unsafe { libc::dup2(with, libc::STDERR_FILENO) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// The second process: it runs as long as anyone holds the other end of the pipe, and ignores signals.
#[expect(unsafe_code, reason = "ignoring signals and closing descriptors are C functions")]
fn carry(reader: PipeReader, stderr: &File, change: Change) {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGPIPE] {
        // SAFETY: ignoring a signal runs no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    for descriptor in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
        // SAFETY: nothing in this process uses them. A reader of the program's stdout waits for its end, which this
        // process must not delay.
        unsafe { libc::close(descriptor) };
    }
    lines(BufReader::new(reader), stderr, change);
}

fn lines(mut from: impl BufRead, mut to: impl Write, change: Change) {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
        if !text.trim().is_empty() {
            // If nobody reads the output, reading continues: the program must not block.
            drop(to.write_all(format!("{}\n", change(&text)).as_bytes()));
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_changed_the_last_one_too_and_empty_ones_are_left_out() {
        let mut out = Vec::new();
        lines(&b"first\n\nsecond \xff\r\n  \nno end"[..], &mut out, |line| format!("<{line}>"));
        assert_eq!(String::from_utf8(out).unwrap(), "<first>\n<second \u{fffd}\r>\n<no end>\n");
    }

    #[test]
    fn a_stderr_that_takes_nothing_is_no_reason_to_stop_reading() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut from = &b"one\ntwo\n"[..];
        lines(&mut from, Full, str::to_owned);
        assert!(from.is_empty());
    }
}
