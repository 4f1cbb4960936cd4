//! What the commands `inspect` and `predict` may ask of a task. Not every task knows every wish; a wish that it does not
//! know is refused by the name of its flag.

use std::path::PathBuf;

use jiff::Timestamp;

use super::data::Shown;
use crate::util::failure::Failed;

/// Something that not every task knows, named for its flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// `--level`: which level of a volume is drawn.
    Level,
    /// `--time`: predictions from these times.
    Time,
    /// `--layout`: how a prediction becomes files.
    Layout,
    /// `--top`: how many classes of each sample are listed.
    Top,
    /// `--tta`: over how many changed copies of a sample the prediction is averaged.
    Tta,
    /// `--window`: the length of windows over a long recording, with `--hop` from one to the next.
    Window,
    /// `--embeddings`: what the network knows of each sample before it decides.
    Embeddings,
}

impl Wish {
    /// The flag that says it.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Level => "--level",
            Self::Time => "--time",
            Self::Layout => "--layout",
            Self::Top => "--top",
            Self::Tta => "--tta",
            Self::Window => "--window",
            Self::Embeddings => "--embeddings",
        }
    }
}

/// What `inspect` shall draw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InspectOptions {
    /// The folder for pictures; none for no pictures.
    pub pictures: Option<PathBuf>,
    /// The level to draw, counted from 0.
    pub level: Option<usize>,
    /// The seed of a training, for what would happen to samples by chance.
    pub seed: u64,
}

/// What is to be predicted, and where it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PredictOptions {
    /// The folder with the files to predict from, or one such file.
    pub input: PathBuf,
    /// The folder for the predictions.
    pub output: PathBuf,
    /// Whether pictures are wanted.
    pub pictures: bool,
    /// The times to predict from; none for the newest.
    pub times: Vec<Timestamp>,
    /// How a prediction becomes files.
    pub layout: Option<Layout>,
    /// How many of the most probable classes are listed.
    pub top: Option<usize>,
    /// Over how many changed copies of a sample the prediction is averaged.
    pub tta: Option<usize>,
    /// The length of windows over a recording, and from the start of one to that of the next; none for whole samples.
    pub window: Option<[usize; 2]>,
    /// Whether what describes each sample is written too.
    pub embeddings: bool,
}

/// How a prediction of several times becomes files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A file for each of the times.
    #[default]
    PerLead,
    /// One file with all of them.
    Single,
}

impl InspectOptions {
    /// The wishes that were said.
    #[must_use]
    pub fn wishes(&self) -> Vec<Wish> {
        self.level.map(|_| Wish::Level).into_iter().collect()
    }
}

impl PredictOptions {
    /// The wishes that were said.
    #[must_use]
    pub fn wishes(&self) -> Vec<Wish> {
        let said = [
            (Wish::Time, !self.times.is_empty()),
            (Wish::Layout, self.layout.is_some()),
            (Wish::Top, self.top.is_some()),
            (Wish::Tta, self.tta.is_some()),
            (Wish::Window, self.window.is_some()),
            (Wish::Embeddings, self.embeddings),
        ];
        said.into_iter().filter_map(|(wish, is_said)| is_said.then_some(wish)).collect()
    }
}

/// What came of predicting.
pub struct Predicted {
    /// What the command line shows; its text is empty if nothing was predicted.
    pub shown: Shown,
    /// What could not be predicted, if anything.
    pub refused: Option<Failed>,
}
