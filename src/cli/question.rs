//! Asks the user at the terminal a question. Whether to ask is decided elsewhere.

use std::io::{BufRead, IsTerminal, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::util::stop::Stop;

/// Whether a user is there who can answer.
#[must_use]
pub fn can_be_asked() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and returns whether the answer was yes. Any other answer, or a signal, means no.
#[must_use]
pub fn says_yes(question: &str, stop: &Stop) -> bool {
    let asked = write!(std::io::stderr(), "{question} [y/N] ").and_then(|()| std::io::stderr().flush());
    let answer = asked.and_then(|()| answer(stop));
    answer.is_ok_and(|answer| matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The next line that is typed. A plain read would not return at a signal, which only sets the stop request.
fn answer(stop: &Stop) -> std::io::Result<String> {
    let stdin = std::io::stdin();
    let tick = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    while stop.check().is_ok() {
        if poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&tick)).is_ok_and(|ready| ready > 0) {
            let mut answer = String::new();
            stdin.lock().read_line(&mut answer)?;
            return Ok(answer);
        }
    }
    Ok(String::new())
}
