//! `report.html`: the whole run on one page that opens anywhere, rewritten after every epoch and at the end. What can't be
//! read is left out with a line that says why; missing files never make a page fail.

mod chapters;
mod compared;
mod curves;
mod evaluation;
mod facts;
mod forecasts;
mod happened;
mod pace;
mod parted;
mod run;
mod summary;
mod tale;
#[cfg(test)]
mod tests;
mod told;
mod words;

use std::path::{Path, PathBuf};

pub use self::chapters::{Chapters, Curve, Parts, Plot};
pub use self::compared::{Contestant, compared};
use self::run::Run;
use self::tale::Tale;
use crate::report::page::{Block, Page, Section};
use crate::train::events::{Event, Heard, Observer, Reason};
use crate::train::run_folder::RunError;
use crate::util::fs::write_atomic;

/// The name of the page in the run folder.
pub const FILE: &str = "report.html";

/// Seconds after which the page of an active run reloads.
const REFRESH_SECONDS: u64 = 30;

/// Writes the page of a run while it trains.
pub struct PageFile {
    folder: PathBuf,
    tale: Tale,
    chapters: &'static dyn Chapters,
    /// What the next page shows of the current state.
    due: Option<Now>,
}

/// The current state, beyond what the files contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    /// Training is under way in this process.
    Training,
    /// It has just ended.
    Ended(Reason),
    /// The files hold the state of the run.
    AsWritten,
}

impl PageFile {
    /// Nothing is read or written before an epoch has ended.
    #[must_use]
    pub fn new(run_folder: &Path, chapters: &'static dyn Chapters) -> Self {
        Self { folder: run_folder.into(), tale: Tale::default(), chapters, due: None }
    }

    fn write(&mut self, now: Now) -> Result<Heard, RunError> {
        write_page(&self.folder, &mut self.tale, now, self.chapters).map(|()| Heard::Wrote)
    }
}

impl Observer for PageFile {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::EpochEnded { .. } => self.due = Some(Now::Training),
            Event::Ended(ended) => self.due = Some(Now::Ended(ended.reason)),
            _ => {}
        }
        Ok(Heard::Ignored)
    }

    fn settle(&mut self) -> Result<Heard, RunError> {
        self.due.take().map_or(Ok(Heard::Ignored), |now| self.write(now))
    }
}

/// Writes the page of a run as its files are now: after an evaluation, or at any time. The chapters are those of its task.
///
/// # Errors
/// If the page can't be written.
pub fn write(run_folder: &Path, chapters: &dyn Chapters) -> Result<(), RunError> {
    write_page(run_folder, &mut Tale::default(), Now::AsWritten, chapters)
}

fn write_page(folder: &Path, tale: &mut Tale, now: Now, chapters: &dyn Chapters) -> Result<(), RunError> {
    tale.follow(&folder.join("log.jsonl"));
    let run = Run::read(folder, tale, now);
    Ok(write_atomic(&folder.join(FILE), page(&run, chapters).html().as_bytes())?)
}

fn page(run: &Run<'_>, chapters: &dyn Chapters) -> Page {
    let mut page = summary::page(run, chapters);
    let evaluation = ("Scores", evaluation::blocks(run, chapters));
    let samples = forecasts::plots(run, "plots", chapters.samples());
    let dataset = chapters.dataset(&|| run.samples());
    let mut sections = vec![("Training", curves::blocks(run).into_iter().chain(samples).chain(dataset).collect())];
    if chapters.has_forecasts() {
        sections.push(("Forecasts", forecasts::blocks(run)));
    }
    // Existing content comes first: scores are last until there are some.
    let place = match (run.metrics.is_some(), chapters.scores_come_first()) {
        (true, true) => 0,
        (true, false) => 1,
        (false, _) => sections.len(),
    };
    sections.insert(place, evaluation);
    sections.push(("Details", details(run)));
    page.sections = sections.into_iter().map(|(title, blocks)| Section { title: title.into(), blocks }).collect();
    page
}

/// What is looked up now and then: folded.
fn details(run: &Run<'_>) -> Vec<Block> {
    let folds = [
        ("What happened", happened::blocks(run)),
        ("Data", facts::data(run)),
        ("Environment", facts::environment(run)),
        ("Configuration", facts::configuration(run)),
    ];
    folds.into_iter().map(|(title, blocks)| Block::Folded(title.into(), blocks)).collect()
}
