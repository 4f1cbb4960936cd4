//! Asks the user at the terminal a question. Whether to ask is decided elsewhere.

use std::io::{BufRead, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::util::stop::Stop;

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The user agreed.
    Yes,
    /// The user typed something else, ended the input, or sent a signal.
    No,
    /// Nobody answered in time.
    None,
}

/// Whether a user is there who can answer.
#[must_use]
pub fn can_be_asked() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and waits for the answer no longer than this.
#[must_use]
pub fn ask(question: &str, longest: Duration, stop: &Stop) -> Answer {
    // A question that can't be printed gets no answer either.
    drop(write!(std::io::stderr(), "{question} ").and_then(|()| std::io::stderr().flush()));
    let stdin = std::io::stdin();
    let answer = answer(&stdin, || line(&mut stdin.lock()), longest, stop);
    // Enter was not pressed: what follows gets a line of its own.
    if answer == Answer::None || stop.check().is_err() {
        drop(writeln!(std::io::stderr()));
    }
    answer
}

/// The next line that is typed, within the time. A plain read would not return at a signal, which only sets the stop request.
fn answer(input: &impl AsFd, read: impl FnOnce() -> Answer, longest: Duration, stop: &Stop) -> Answer {
    let tick = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let began = Instant::now();
    while stop.check().is_ok() {
        if poll(&mut [PollFd::new(input, PollFlags::IN)], Some(&tick)).is_ok_and(|ready| ready > 0) {
            return read();
        }
        if began.elapsed() >= longest {
            return Answer::None;
        }
    }
    Answer::No
}

fn line(from: &mut impl BufRead) -> Answer {
    let mut line = String::new();
    match from.read_line(&mut line) {
        Ok(_) if matches!(line.trim().to_lowercase().as_str(), "y" | "yes") => Answer::Yes,
        _ => Answer::No,
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// The answer; `None` if nothing was typed.
    fn typed(text: Option<&str>, stop: &Stop) -> Answer {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(text.unwrap_or_default().as_bytes()).unwrap();
        let input = reader.try_clone().unwrap();
        // If something was typed, it is read even if the time is up at once.
        answer(&input, || line(&mut BufReader::new(reader)), Duration::ZERO, stop)
    }

    #[test]
    fn only_yes_is_yes_and_no_answer_is_neither() {
        let stop = Stop::default();
        assert_eq!(["y\n", "YES\n", " y \n"].map(|text| typed(Some(text), &stop)), [Answer::Yes; 3]);
        assert_eq!(["n\n", "\n", "yess\n"].map(|text| typed(Some(text), &stop)), [Answer::No; 3]);
        assert_eq!(typed(None, &stop), Answer::None);
    }

    #[test]
    fn a_signal_is_no_agreement() {
        let stop = Stop::default();
        stop.request();
        assert_eq!(typed(None, &stop), Answer::No);
        assert_eq!(typed(Some("y\n"), &stop), Answer::No);
    }
}
