//! `fragua watch`: a table of the epochs of a run that trains on this machine. On a terminal it is redrawn in place,
//! otherwise each new epoch is a line. It ends with the run; interrupting it does not affect the run.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use tracing::{info, warn};

use super::modelled::runs_folder;
use super::{CommandError, Session, output};
use crate::train::events::{Record, words};
use crate::train::observe::epochs::{Epochs, WIDTH, brief};
use crate::train::run_folder::status::Status;
use crate::util::exit::Exit;
use crate::worker::runs::Standing;
use crate::worker::watch::{View, Watched};

/// How often the run is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// How soon a signal is noticed.
const TICK: Duration = Duration::from_millis(50);
/// The size of a terminal that reports none.
const SIZE: (usize, usize) = (24, 80);

/// `fragua watch`.
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// A run folder, its name, or latest
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// The folder of all runs [default: output.root of config.yaml]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(arguments: &WatchArguments, session: &Session) -> Result<(), CommandError> {
    let root = match &arguments.runs {
        Some(root) => root.clone(),
        None => runs_folder(&[])?,
    };
    let mut watched = Watched::find(&root, &arguments.run)?;
    let name = watched.folder().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut screen: Box<dyn Screen> = match io::stdout().is_terminal() {
        true => Box::new(Redrawn { name: name.clone(), lines: 0, size: SIZE }),
        false => Box::new(Appended::default()),
    };
    loop {
        watched.look();
        screen.show(&watched.now)?;
        if !watched.now.is_running() {
            watched.now.unreadable.iter().for_each(|problem| warn!("{problem}"));
            return Ok(output::text(&ending(&name, &watched.now))?);
        }
        if let Some(exit) = wait(session) {
            info!("stopped watching {name}, which continues");
            return Err(CommandError::Told(exit));
        }
    }
}

/// Waits until the next look; returns the exit code if a signal arrives.
fn wait(session: &Session) -> Option<Exit> {
    let until = Instant::now() + INTERVAL;
    while Instant::now() < until {
        if let Err(stopped) = session.stop.check() {
            return Some(stopped.exit());
        }
        std::thread::sleep(TICK);
    }
    None
}

/// The destination of the table.
trait Screen {
    fn show(&mut self, view: &View) -> io::Result<()>;
}

/// Lines that are added, for a pipe or a file.
#[derive(Default)]
struct Appended {
    /// The epochs that were printed: one that is trained again and comes out the same is not printed again.
    printed: BTreeMap<u64, Record>,
}

impl Screen for Appended {
    fn show(&mut self, view: &View) -> io::Result<()> {
        for line in self.new_lines(view) {
            output::text(&line)?;
        }
        Ok(())
    }
}

impl Appended {
    fn new_lines(&mut self, view: &View) -> Vec<String> {
        let (table, mut lines) = (table(view, WIDTH), Vec::new());
        for record in &view.story.epochs {
            if self.printed.get(&record.epoch) == Some(record) {
                continue;
            }
            if self.printed.is_empty() {
                lines.push(table.headings());
            }
            lines.push(row(&table, view, record));
            self.printed.insert(record.epoch, record.clone());
        }
        lines
    }
}

/// A table that is drawn again in its place, on a terminal.
struct Redrawn {
    name: String,
    lines: usize,
    /// The size of the terminal when they were drawn.
    size: (usize, usize),
}

impl Screen for Redrawn {
    fn show(&mut self, view: &View) -> io::Result<()> {
        let (rows, columns) = size();
        let lines = drawn(&self.name, view, rows, columns);
        let mut out = io::stdout().lock();
        writeln!(out, "{}\x1b[J{}", self.back((rows, columns)), lines.join("\n"))?;
        (self.lines, self.size) = (lines.len(), (rows, columns));
        out.flush()
    }
}

impl Redrawn {
    /// To where the table begins. A terminal of another size has wrapped the lines that were there, or moved them.
    fn back(&self, size: (usize, usize)) -> String {
        match self.lines {
            0 => String::new(),
            _ if size != self.size => "\x1b[H".to_owned(),
            lines => format!("\x1b[{lines}A\r"),
        }
    }
}

/// The screen: what fits into a terminal of this size, the newest epochs at the bottom.
fn drawn(name: &str, view: &View, rows: usize, columns: usize) -> Vec<String> {
    let table = table(view, columns.saturating_sub(1));
    let mut lines = vec![name.to_owned(), table.headings()];
    let room = rows.saturating_sub(lines.len() + 2).max(1);
    let skipped = view.story.epochs.len().saturating_sub(room);
    lines.extend(view.story.epochs.iter().skip(skipped).map(|record| row(&table, view, record)));
    lines.extend(view.unreadable.clone());
    lines.extend(view.status.as_ref().map(doing));
    lines.into_iter().map(|line| line.chars().take(columns.saturating_sub(1)).collect()).collect()
}

/// The columns that fit into this width, in characters.
fn table(view: &View, width: usize) -> Epochs {
    let mut table = Epochs::new(width);
    table.learn(&view.story.parts, &view.story.scores, view.epochs.unwrap_or(0));
    table
}

/// The row of an epoch; the best of all is marked.
fn row(table: &Epochs, view: &View, record: &Record) -> String {
    let best = view.story.best.as_ref();
    let is_best = best.is_some_and(|best| (best.epoch, best.step) == (record.epoch, record.step));
    table.bare(record, view.costs.get(&record.epoch), is_best)
}

/// What the run is doing.
fn doing(status: &Status) -> String {
    let mut text = format!("{}: epoch {}", status.stage, words::epochs(status.epoch, status.epoch_share));
    text += &format!(", step {}", status.step);
    let number = |key: &str| status.metrics.get(key);
    if let Some(loss) = number("step.loss") {
        text += &format!(", loss {loss:.5}");
    }
    if let Some(left) = status.eta_seconds {
        text += &format!(", {} left", brief(left));
    }
    text
}

/// How the run ended.
fn ending(name: &str, view: &View) -> String {
    let status = view.status.clone().unwrap_or_default();
    let done = words::counted_epochs(status.epoch, status.epoch_share);
    match (view.standing, status.ended, &status.problem) {
        (Some(Standing::Failed), _, Some(problem)) => {
            format!("{name} failed after {done}: {}\nremedy: {}", problem.text, problem.remedy)
        }
        (Some(Standing::Killed), ..) => format!("{name} was killed after {done}; the same command resumes it"),
        (Some(Standing::Stopped), None, _) => format!("{name} was stopped after {done}; the same command resumes it"),
        (_, Some(reason), _) => format!("{name}: training {}, after {done}", reason.words()),
        (standing, None, _) => format!("{name} {} after {done}", standing.map_or("ended", Standing::text)),
    }
}

/// The rows and columns of the terminal.
fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let size = size.map(|size| (usize::from(size.ws_row), usize::from(size.ws_col)));
    size.filter(|(rows, columns)| *rows > 0 && *columns > 0).unwrap_or(SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::events::Reason;
    use crate::train::run_folder::history::Story;
    use crate::train::run_folder::problem::Problem;
    use crate::train::run_folder::status::State;

    fn record(epoch: u64, loss: f64) -> Record {
        let named = |value| vec![("loss".to_owned(), Some(value))];
        let (train, val) = (named(0.5), named(loss));
        Record { epoch, phase: 1, step: 10 * epoch, lr: 0.1, train, val, scores: Vec::new() }
    }

    fn view(epochs: &[(u64, f64)]) -> View {
        let epochs = epochs.iter().map(|(epoch, loss)| record(*epoch, *loss)).collect();
        let status = Status { stage: "train".into(), epoch: 3, epoch_share: 0.5, step: 35, ..Status::default() };
        let story = Story { epochs, ..Story::default() };
        View { story, status: Some(status), epochs: Some(9), standing: Some(Standing::Running), ..View::default() }
    }

    #[test]
    fn each_epoch_is_a_line_once_and_again_only_if_it_came_out_otherwise() {
        let mut screen = Appended::default();
        assert_eq!(screen.new_lines(&view(&[])).len(), 0);
        assert_eq!(screen.new_lines(&view(&[(1, 0.5), (2, 0.4)])).len(), 3, "with the headings");
        assert_eq!(screen.new_lines(&view(&[(1, 0.5)])).len(), 0, "the run has fallen back");
        let again = screen.new_lines(&view(&[(1, 0.5), (2, 0.3)]));
        assert!(again.len() == 1 && again[0].trim_start().starts_with("2/9"), "{again:?}");
    }

    #[test]
    fn a_terminal_shows_the_newest_epochs_and_nothing_wraps() {
        let epochs: Vec<(u64, f64)> = (1..=50).map(|epoch| (epoch, 1.0 / epoch as f64)).collect();
        let lines = drawn("a-run-with-a-long-name", &view(&epochs), 12, 60);
        assert_eq!(lines.len(), 12 - 1, "the cursor has a line of its own");
        assert!(lines.iter().all(|line| line.chars().count() < 60), "{lines:?}");
        assert!(lines[lines.len() - 2].trim_start().starts_with("50/50"), "{lines:?}");
        assert_eq!(lines[lines.len() - 1], "train: epoch 3.50, step 35");
        assert!(drawn("x", &view(&epochs), 1, 1).len() < 6);
    }

    #[test]
    fn a_terminal_that_was_resized_is_drawn_from_its_first_line() {
        let mut screen = Redrawn { name: "storms".into(), lines: 0, size: SIZE };
        assert_eq!(screen.back((40, 120)), "");
        (screen.lines, screen.size) = (5, (40, 120));
        assert_eq!(screen.back((40, 120)), "\x1b[5A\r");
        assert_eq!(screen.back((40, 60)), "\x1b[H", "nobody knows over how many lines these were wrapped");
    }

    #[test]
    fn the_end_is_reported_with_its_reason() {
        let told = |standing, status: Status| {
            let view =
                View { standing: Some(standing), status: Some(Status { epoch: 3, ..status }), ..View::default() };
            ending("storms", &view)
        };
        let ended = Status { ended: Some(Reason::Patience), state: State::Finished, ..Status::default() };
        let text = "storms: training stopped early because validation no longer improved, after 3 epochs";
        assert_eq!(told(Standing::Finished, ended), text);
        let problem = Problem::new("disk", "the disk is full", Some("free some".into()), Exit::DiskIo);
        let failed = Status { problem: Some(problem), ..Status::default() };
        assert_eq!(told(Standing::Failed, failed), "storms failed after 3 epochs: the disk is full\nremedy: free some");
        assert!(told(Standing::Killed, Status::default()).starts_with("storms was killed after 3 epochs"));
        assert!(told(Standing::Stopped, Status::default()).contains("resumes it"));
    }
}
