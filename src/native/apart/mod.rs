//! Runs a function in other processes, for work that may crash, hang or exhaust memory: C code on untrusted files.
//!
//! A server is forked off before the program has a second thread; it forks a worker when there is a request, and
//! another one if that dies. So a worker is ready within milliseconds, whereas starting the program again would load
//! libtorch again. Each `Slot` is served by one worker at a time, which lives as long as it does no harm. All of them
//! end with this process, because their sockets close.
//!
//! ```text
//! server   forks workers, notices how they end      worker   answers requests, within limits
//! ```

mod server;
mod worker;

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::util::stop::{self, Stopped};

/// What a worker does with a request.
pub type Work = fn(&[u8]) -> Vec<u8>;

/// How often it is checked whether a signal asks to stop.
const TICK_MS: i32 = 100;
/// The longest answer: more is nonsense.
const MAX_ANSWER: u64 = 1 << 30;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The worker died of the request, also when it was asked a second time; or it was too much for its limits.
    Died(String),
    /// The server is gone.
    Gone(String),
    /// A signal asks this process to stop.
    Stopped(Stopped),
}

/// The other processes.
#[derive(Debug)]
pub struct Apart {
    free: Mutex<Vec<Slot>>,
    returned: Condvar,
}

/// The way to one worker.
#[derive(Debug)]
struct Slot {
    /// Requests there, answers back.
    data: UnixStream,
    /// How the worker ended; both sides then drop the request in progress.
    notice: UnixStream,
}

/// How a worker ended, as `waitpid` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End(i32);

impl Apart {
    /// Forks the server off. To be called by `main` before there is a second thread.
    ///
    /// # Errors
    /// If the system gives no sockets or no process.
    pub fn start(work: Work, slots: usize) -> io::Result<Self> {
        let (mut here, mut there) = (Vec::new(), Vec::new());
        for _ in 0..slots {
            let (data, notice) = (UnixStream::pair()?, UnixStream::pair()?);
            here.push(Slot { data: data.0, notice: notice.0 });
            there.push(Slot { data: data.1, notice: notice.1 });
        }
        let here = server::fork(here, there, work)?;
        for slot in &here {
            slot.data.set_nonblocking(true)?;
            slot.notice.set_nonblocking(true)?;
        }
        Ok(Self { free: Mutex::new(here), returned: Condvar::new() })
    }

    /// The answer to a request. If a worker dies, the request is repeated once with a new one: somebody else may have
    /// killed it.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn call(&self, request: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let mut slot = self.take();
        let mut asked = slot.ask(request);
        if matches!(&asked, Ok(Err(end)) if !end.is_limit()) {
            asked = slot.ask(request);
        }
        match asked {
            Ok(answer) => {
                self.give_back(slot);
                answer.map_err(|end| NoAnswer::Died(end.text()))
            }
            // The worker may still be busy with it: the way there is closed, which ends it.
            Err(error) => {
                stop::check_signals().map_err(NoAnswer::Stopped)?;
                Err(NoAnswer::Gone(error.to_string()))
            }
        }
    }

    fn take(&self) -> Slot {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match free.pop() {
                Some(slot) => return slot,
                None => free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn give_back(&self, slot: Slot) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
        self.returned.notify_one();
    }
}

impl Slot {
    /// The answer, or how the worker ended. The outer error is about the server, or a signal.
    fn ask(&mut self, request: &[u8]) -> io::Result<Result<Vec<u8>, End>> {
        self.data.write_all(&(request.len() as u64).to_le_bytes())?;
        self.data.write_all(request)?;
        let mut received = Vec::new();
        loop {
            let [data, notice] = wait([&self.data, &self.notice], TICK_MS)?;
            if notice {
                let mut end = [0; 4];
                read_whole(&mut self.notice, &mut end)?;
                self.forget()?;
                return Ok(Err(End(i32::from_le_bytes(end))));
            }
            if data && receive(&mut self.data, &mut received)? {
                received.drain(..8);
                return Ok(Ok(received));
            }
            stop::check_signals().map_err(|stopped| io::Error::new(io::ErrorKind::Interrupted, stopped))?;
        }
    }

    /// After a worker ended: nothing of its request or answer may remain when the next one starts.
    fn forget(&mut self) -> io::Result<()> {
        drain(&mut self.data)?;
        self.notice.write_all(&[1])?;
        read_whole(&mut self.notice, &mut [0])
    }
}

/// Reads the available bytes; returns whether the answer is complete.
fn receive(from: &mut UnixStream, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 64 << 10];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Err(ended()),
            Ok(count) => into.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if let Some((len, _)) = into.split_first_chunk() {
            let len = u64::from_le_bytes(*len);
            if len > MAX_ANSWER || into.len() as u64 > len + 8 {
                return Err(io::Error::other("the answer has a length that can't be"));
            }
            if into.len() as u64 == len + 8 {
                return Ok(true);
            }
        }
    }
}

/// Reads exactly so many bytes of a socket that does not wait.
fn read_whole(from: &mut UnixStream, into: &mut [u8]) -> io::Result<()> {
    let mut read = 0;
    while read < into.len() {
        match from.read(&mut into[read..]) {
            Ok(0) => return Err(ended()),
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => drop(wait([from, from], TICK_MS)?),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Discards unread bytes.
fn drain(from: &mut UnixStream) -> io::Result<()> {
    let mut piece = [0; 64 << 10];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Err(ended()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("the process that reads files has ended")
}

/// Which of two sockets have something, or have been closed; neither after that time.
fn wait(sockets: [&UnixStream; 2], milliseconds: i32) -> io::Result<[bool; 2]> {
    let mut polled = sockets.map(|socket| watched(socket.as_raw_fd()));
    poll(&mut polled, milliseconds)?;
    Ok(polled.map(|socket| socket.revents != 0))
}

fn watched(descriptor: i32) -> libc::pollfd {
    libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 }
}

/// Waits until something can be read; without limit if the time is negative. A signal ends the wait early.
#[expect(unsafe_code, reason = "poll is a C function")]
fn poll(descriptors: &mut [libc::pollfd], milliseconds: i32) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of a slice, which the call changes in place.
    match unsafe { libc::poll(descriptors.as_mut_ptr(), descriptors.len() as libc::nfds_t, milliseconds) } {
        -1 => Err(io::Error::last_os_error()).or_else(|error| match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        }),
        _ => Ok(()),
    }
}

impl End {
    fn signal(self) -> Option<i32> {
        libc::WIFSIGNALED(self.0).then(|| libc::WTERMSIG(self.0))
    }

    fn code(self) -> Option<i32> {
        libc::WIFEXITED(self.0).then(|| libc::WEXITSTATUS(self.0))
    }

    /// Whether a limit ended it: another attempt would only take as long.
    fn is_limit(self) -> bool {
        matches!(self.signal(), Some(libc::SIGXCPU | libc::SIGALRM)) || self.code() == Some(worker::NO_MEMORY)
    }

    fn text(self) -> String {
        match (self.signal(), self.code()) {
            (Some(libc::SIGXCPU), _) => format!("did not finish within {} s of processor time", worker::CPU_SECONDS),
            (Some(libc::SIGALRM), _) => format!("waited for more than {} s", worker::WALL_SECONDS),
            (_, Some(worker::NO_MEMORY)) => format!("needs more than {} MiB of memory", worker::MEMORY >> 20),
            (Some(libc::SIGSEGV), _) => "crashed on it (SIGSEGV)".to_owned(),
            (Some(libc::SIGABRT), _) => "aborted on it (SIGABRT)".to_owned(),
            (Some(signal), _) => format!("was killed by signal {signal} on it"),
            (None, code) => format!("exited on it (code {})", code.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_distinguished() {
        for (status, is_limit, text) in [
            (libc::SIGSEGV, false, "crashed"),
            (libc::SIGABRT, false, "aborted"),
            (libc::SIGKILL, false, "signal 9"),
            (libc::SIGXCPU, true, "did not finish"),
            (libc::SIGALRM, true, "waited"),
            (worker::NO_MEMORY << 8, true, "memory"),
            (70 << 8, false, "code 70"),
        ] {
            assert_eq!(End(status).is_limit(), is_limit, "{status}");
            assert!(End(status).text().contains(text), "{}", End(status).text());
        }
    }
}
