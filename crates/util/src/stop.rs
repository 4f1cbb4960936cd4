//! The request to stop: set by a signal, checked between pieces of work.
//!
//! The first SIGINT or SIGTERM only sets the flag; another one, a second later or more, ends the process at once, which
//! is safe because nothing has its final name before it is complete. Signals within a second count as one: a program that
//! signals a process and its group, as `timeout` does, sends two.
//!
//! SIGHUP sets the flag as well, but never ends the process at once: nobody repeats it out of impatience. If it is
//! ignored, as below `nohup`, it stays ignored.
//!
//! Work that can't look at the flag for long and leaves nothing worth saving, such as a rehearsed step, can ask that the
//! process ends while it is under way: [`Stop::at_once`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use thiserror::Error;

use crate::exit::Exit;

/// Signals within this time count as one.
const ONE_REQUEST: Duration = Duration::from_secs(1);
/// How often a signal is checked for.
const TICK: Duration = Duration::from_millis(100);

/// After this time the stop is urgent: Docker kills after ten seconds, and on a slow disk each file takes a second.
const URGENT: Duration = Duration::from_secs(2);

/// The flag of this process.
static OF_PROCESS: OnceLock<Stop> = OnceLock::new();

/// Whether a signal asked this process to stop: for the few places that no [`Stop`] is passed to.
///
/// # Errors
/// [`Stopped`], with the code to exit with.
pub fn check_signals() -> Result<(), Stopped> {
    OF_PROCESS.get().map_or(Ok(()), Stop::check)
}

/// The work was stopped by a signal and can be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("stopped by {name}; run the same command again to continue")]
pub struct Stopped {
    name: &'static str,
    exit: Exit,
}

impl Stopped {
    /// 129, 130 or 143.
    #[must_use]
    pub fn exit(self) -> Exit {
        self.exit
    }
}

/// What is done right before the process ends in the middle of its work.
type LastAct = Box<dyn FnOnce(Stopped) + Send>;

/// A flag that every long loop checks. Clones share it.
#[derive(Clone, Default)]
pub struct Stop(Arc<Request>);

#[derive(Default)]
struct Request {
    /// The exit code of the signal that came; 0 if none has.
    code: Arc<AtomicUsize>,
    /// When that was noticed.
    noticed: OnceLock<Instant>,
    /// Set while the process may end at once.
    last_act: Mutex<Option<LastAct>>,
}

/// While this exists, a signal ends the process at once.
pub struct AtOnce<'a>(&'a Request);

impl Drop for AtOnce<'_> {
    /// If a signal has come meanwhile, this waits for the end of the process.
    fn drop(&mut self) {
        drop(self.0.last_act().take());
    }
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Stop").field(&self.check()).finish()
    }
}

impl Request {
    /// No operation here leaves the value half-changed, so a panic elsewhere while the lock was held does no harm.
    fn last_act(&self) -> MutexGuard<'_, Option<LastAct>> {
        self.last_act.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self) -> Result<(), Stopped> {
        let stopped = |name, exit| Err(Stopped { name, exit });
        match self.code.load(Ordering::SeqCst) {
            0 => Ok(()),
            code if code == Exit::Interrupted as usize => stopped("SIGINT", Exit::Interrupted),
            code if code == Exit::HungUp as usize => stopped("SIGHUP", Exit::HungUp),
            _ => stopped("SIGTERM", Exit::Terminated),
        }
    }

    /// Waits for a signal; ends the process if it may end at once.
    fn watch(&self) {
        let stopped = loop {
            if let Err(stopped) = self.check() {
                break stopped;
            }
            std::thread::sleep(TICK);
        };
        self.noticed.get_or_init(Instant::now);
        let mut last_act = self.last_act();
        if let Some(act) = last_act.take() {
            act(stopped);
            // The lock is held to the end, so the work that is given up gets no further than its end.
            signal_hook::low_level::exit(stopped.exit() as i32);
        }
    }
}

impl Stop {
    /// A flag that SIGINT, SIGTERM and SIGHUP set.
    ///
    /// # Errors
    /// If the system does not accept the signal handlers.
    pub fn on_signals() -> std::io::Result<Self> {
        let stop = Self::default();
        let armed = Arc::new(AtomicBool::new(false));
        for (signal, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
            // The order matters: the first signal must not yet find the flag that it sets.
            signal_hook::flag::register_conditional_shutdown(signal, exit as i32, Arc::clone(&armed))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&stop.0.code), exit as usize)?;
        }
        drop(OF_PROCESS.set(stop.clone()));
        if !is_ignored(SIGHUP) {
            signal_hook::flag::register_usize(SIGHUP, Arc::clone(&stop.0.code), Exit::HungUp as usize)?;
        }
        let request = Arc::clone(&stop.0);
        let arm = move || {
            request.watch();
            std::thread::sleep(ONE_REQUEST);
            armed.store(true, Ordering::SeqCst);
        };
        std::thread::Builder::new().name("signals".into()).spawn(arm)?;
        Ok(stop)
    }

    /// Requests a stop as if SIGTERM had been received: for tests.
    pub fn request(&self) {
        self.0.code.store(Exit::Terminated as usize, Ordering::SeqCst);
        self.0.noticed.get_or_init(Instant::now);
    }

    /// As long as the result exists, a signal ends the process at once, after this was done. For work that can't check for a
    /// stop and leaves nothing that has to be saved.
    ///
    /// # Errors
    /// [`Stopped`], if a signal has come already.
    pub fn at_once(&self, last_act: impl FnOnce(Stopped) + Send + 'static) -> Result<AtOnce<'_>, Stopped> {
        let mut slot = self.0.last_act();
        self.check()?;
        *slot = Some(Box::new(last_act));
        Ok(AtOnce(&self.0))
    }

    /// How long ago the stop was requested; none if it was not.
    #[must_use]
    pub fn since(&self) -> Option<Duration> {
        self.0.noticed.get().map(Instant::elapsed)
    }

    /// Whether the stop was requested so long ago that only what must be saved is still saved.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.since().is_some_and(|since| since > URGENT)
    }

    /// Requests a stop as if SIGTERM had been received this long ago: for tests.
    pub fn request_since(&self, ago: Duration) {
        self.0.noticed.get_or_init(|| Instant::now().checked_sub(ago).unwrap_or_else(Instant::now));
        self.request();
    }

    /// `Err` once a signal has been received: `stop.check()?` between two pieces of work.
    ///
    /// # Errors
    /// [`Stopped`], with the code to exit with.
    #[inline]
    pub fn check(&self) -> Result<(), Stopped> {
        self.0.check()
    }
}

/// Whether this process was started with a signal ignored. Linux lists the ignored signals as bits, the lowest for signal 1.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Child, Command, Stdio};

    use super::*;

    const ACT: &str = "STOP_TEST_ACT";

    /// Runs in a child process of the tests below: this test binary with only this test. By default it does nothing.
    #[test]
    fn in_another_process() {
        let Ok(act) = std::env::var(ACT) else { return };
        let stop = Stop::on_signals().unwrap();
        let say = |text: &str| writeln!(std::io::stdout(), "\nsays {text}").unwrap();
        let guard = (act == "at once").then(|| stop.at_once(move |stopped| say(&stopped.to_string())).unwrap());
        say("ready");
        // Work that never checks the flag, such as one long computation; other work does.
        while act == "at once" || stop.check().is_ok() {
            std::thread::sleep(TICK);
        }
        drop(guard);
        say(&format!("{:?}", stop.check()));
        assert!(stop.at_once(|_| ()).is_err(), "it is too late for that");
    }

    /// Starts it, and waits until it is ready.
    fn start(act: &str, before: &str) -> (Child, BufReader<std::process::ChildStdout>) {
        let test = "stop::tests::in_another_process";
        let exe = std::env::current_exe().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{before} exec \"$@\""), "sh", exe.to_str().unwrap(), "--exact", test, "--nocapture"])
            .env(ACT, act)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(says(&mut out).as_deref(), Some("ready"));
        (child, out)
    }

    /// The next thing that it says.
    fn says(out: &mut impl BufRead) -> Option<String> {
        let mut lines = out.lines().map_while(Result::ok);
        lines.find_map(|line| line.split_once("says ").map(|(_, said)| said.to_owned()))
    }

    fn send(signal: &str, to: &Child) {
        assert!(Command::new("kill").args([signal, &to.id().to_string()]).status().unwrap().success());
    }

    #[test]
    fn each_signal_is_noticed_with_its_code() {
        for (signal, name, code) in
            [("-HUP", "SIGHUP", "HungUp"), ("-INT", "SIGINT", "Interrupted"), ("-TERM", "SIGTERM", "Terminated")]
        {
            let (mut child, mut out) = start("check", "");
            send(signal, &child);
            let said = says(&mut out).unwrap();
            assert!(said.contains(name) && said.contains(code), "{said}");
            assert!(child.wait().unwrap().success());
        }
    }

    #[test]
    fn a_hangup_that_is_ignored_stays_ignored() {
        let (mut child, mut out) = start("check", "trap '' HUP;");
        send("-HUP", &child);
        send("-TERM", &child);
        let said = says(&mut out).unwrap();
        assert!(said.contains("SIGTERM"), "{said}");
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn work_that_never_looks_is_ended_at_once_after_the_last_act() {
        for (signal, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129)] {
            let (mut child, mut out) = start("at once", "");
            send(signal, &child);
            let said = says(&mut out).unwrap();
            assert!(said.starts_with("stopped by SIG"), "{said}");
            assert_eq!(child.wait().unwrap().code(), Some(code));
        }
    }

    #[test]
    fn a_stop_that_was_requested_says_since_when() {
        let stop = Stop::default();
        assert_eq!((stop.since(), stop.check()), (None, Ok(())));
        stop.request();
        assert!(stop.since().is_some() && stop.clone().check().is_err() && !stop.is_urgent());
        let stop = Stop::default();
        stop.request_since(Duration::from_secs(60));
        assert!(stop.is_urgent() && stop.check().is_err());
    }
}
