//! The epochs of a training as a table that grows: columns line up, the important ones come first, and a row fits the
//! terminal. Printing is for the command line.

use super::headline;
use crate::metric::score::ScoreSpec;
use crate::train::events::{Cost, Named, Record, Started, value};
use crate::util::units;

/// The headings are repeated after this many rows.
const REPEATED: usize = 20;

/// The least columns of a terminal that all important values fit into; logs have this width too.
pub const WIDTH: usize = 80;

/// Between two columns.
const GAP: usize = 2;

/// What is shown of an epoch, or of a validation within one.
#[derive(Debug, Default)]
pub struct Shown<'a> {
    /// The epoch, or the step of a validation.
    pub place: String,
    /// Averages over the training samples.
    pub train: &'a [Named],
    /// Averages over the validation samples.
    pub val: &'a [Named],
    /// The scores.
    pub scores: &'a [Named],
    /// Whether the weights are the best so far.
    pub improved: bool,
    /// The learning rate.
    pub lr: Option<f64>,
    /// Time and memory.
    pub cost: Option<&'a Cost>,
}

/// The table.
#[derive(Clone, Debug)]
pub struct Epochs {
    width: usize,
    columns: Vec<Column>,
    epochs: u64,
    rows: usize,
}

#[derive(Clone, Debug)]
struct Column {
    heading: String,
    width: usize,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Place,
    Train,
    Validated,
    /// The score of this name.
    Score(String),
    /// How far it is ahead of a baseline.
    Ahead(String),
    Best,
    Left,
    Rate,
    Speed,
    Memory,
    Wait,
    Gpu,
}

impl Epochs {
    /// A table for lines of this width, before its columns are known.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { width, columns: Vec::new(), epochs: 0, rows: 0 }
    }

    /// Learns what is measured when training starts.
    pub fn begin(&mut self, started: &Started) {
        self.learn(&started.parts, &started.scores, started.epochs);
    }

    /// Learns what is measured: the loss with its parts, the scores, and how many epochs there are.
    pub fn learn(&mut self, parts: &[ScoreSpec], scores: &[ScoreSpec], epochs: u64) {
        let mut columns = vec![Column::new("epoch", 7, Content::Place)];
        let loss = parts.first().map_or("loss", |part| part.name.as_str());
        columns.push(Column::new(loss, 7, Content::Train));
        columns.push(Column::new(&format!("val {loss}"), 7, Content::Validated));
        columns.extend(baseline(loss, scores));
        columns.extend(headline(scores));
        for (heading, width, content) in [
            ("best", 4, Content::Best),
            ("left", 6, Content::Left),
            ("lr", 7, Content::Rate),
            ("per s", 6, Content::Speed),
            ("memory", 7, Content::Memory),
            ("wait", 5, Content::Wait),
            ("GPU", 14, Content::Gpu),
        ] {
            columns.push(Column::new(heading, width, content));
        }
        let mut used = 0;
        columns.retain(|column| {
            used += column.width + if used == 0 { 0 } else { GAP };
            used <= self.width
        });
        (self.columns, self.epochs, self.rows) = (columns, epochs, 0);
    }

    /// The row of a finished epoch.
    pub fn epoch(&mut self, record: &Record, cost: &Cost, improved: bool) -> String {
        let Record { epoch, train, val, scores, lr, .. } = record;
        let place = format!("{epoch}/{}", self.epochs.max(*epoch));
        self.row(&Shown { place, train, val, scores, improved, lr: Some(*lr), cost: Some(cost) })
    }

    /// The headings, for a table that is drawn as a whole.
    #[must_use]
    pub fn headings(&self) -> String {
        self.line(|column| column.heading.clone())
    }

    /// The row of an epoch without headings; what it cost may be unknown.
    #[must_use]
    pub fn bare(&self, record: &Record, cost: Option<&Cost>, improved: bool) -> String {
        let Record { epoch, train, val, scores, lr, .. } = record;
        let place = format!("{epoch}/{}", self.epochs.max(*epoch));
        let shown = Shown { place, train, val, scores, improved, lr: Some(*lr), cost };
        self.line(|column| column.content.text(&shown))
    }

    /// A row, below the headings if it is time for them.
    pub fn row(&mut self, shown: &Shown<'_>) -> String {
        let headings = self.rows.is_multiple_of(REPEATED).then(|| self.headings() + "\n");
        self.rows += 1;
        headings.unwrap_or_default() + &self.line(|column| column.content.text(shown))
    }

    fn line(&self, cell: impl Fn(&Column) -> String) -> String {
        let cells = self.columns.iter().map(|column| format!("{:>width$}", cell(column), width = column.width));
        cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
    }
}

/// The columns of the score that matters most, beside the forecast that it is compared with, and how far it is ahead of that.
fn headline(scores: &[ScoreSpec]) -> Vec<Column> {
    let Some(spec) = headline::headline(scores) else { return Vec::new() };
    let score = Column::new(&spec.name, 7, Content::Score(spec.name.clone()));
    let ahead = headline::ahead(spec, scores);
    let is_of = |other: &ScoreSpec| match (&other.baseline, ahead.and_then(|spec| spec.ahead.as_ref())) {
        (Some(by), Some(ahead)) => by == ahead,
        (Some(by), None) => by.of == spec.name,
        (None, _) => false,
    };
    let baseline = scores.iter().find(|other| is_of(other)).and_then(column);
    let ahead = ahead.map(|spec| Column::new("ahead", 7, Content::Ahead(spec.name.clone())));
    [Some(score), baseline, ahead].into_iter().flatten().collect()
}

/// The column of the forecast that a score is compared with.
fn baseline(name: &str, scores: &[ScoreSpec]) -> Option<Column> {
    column(scores.iter().find(|spec| spec.is_baseline_of(name))?)
}

/// The column of another forecast's score.
fn column(spec: &ScoreSpec) -> Option<Column> {
    let forecast = &spec.baseline.as_ref()?.forecast;
    let heading = match forecast.char_indices().nth(9) {
        Some(_) => forecast.chars().take(7).chain(['.']).collect(),
        None => forecast.clone(),
    };
    Some(Column::new(&heading, 7, Content::Score(spec.name.clone())))
}

impl Column {
    fn new(heading: &str, least: usize, content: Content) -> Self {
        Self { heading: heading.to_owned(), width: least.max(heading.chars().count()), content }
    }
}

impl Content {
    fn text(&self, shown: &Shown<'_>) -> String {
        let first = |values: &[Named]| values.first().map_or_else(String::new, |(_, value)| known(*value));
        let cost = |text: &dyn Fn(&Cost) -> String| shown.cost.map_or_else(String::new, text);
        match self {
            Self::Place => shown.place.clone(),
            Self::Train => first(shown.train),
            Self::Validated => first(shown.val),
            Self::Score(_) | Self::Ahead(_) if shown.scores.is_empty() => String::new(),
            Self::Score(name) => known(value(shown.scores, name)),
            Self::Ahead(name) => value(shown.scores, name).map_or_else(|| "n/a".to_owned(), signed),
            Self::Best => if shown.improved { "best" } else { "" }.to_owned(),
            Self::Rate => shown.lr.map_or_else(String::new, |lr| format!("{lr:.2e}")),
            Self::Left => cost(&|cost| cost.seconds_left.map_or_else(String::new, brief)),
            Self::Speed => cost(&|cost| format!("{:.1}", cost.samples_per_second)),
            Self::Memory => cost(&|cost| units::bytes(cost.memory_bytes)),
            Self::Wait => cost(&|cost| format!("{:.0} %", 100.0 * cost.data_wait)),
            Self::Gpu => cost(&gpu),
        }
    }
}

fn gpu(cost: &Cost) -> String {
    let Some(gpu) = cost.gpu else { return String::new() };
    let busy = gpu.busy_percent.map_or_else(String::new, |percent| format!(" {percent} %"));
    units::bytes(gpu.memory_bytes) + &busy
}

fn known(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), number)
}

/// A difference, with its sign: as many characters.
fn signed(value: f64) -> String {
    // What rounds to nothing is no step back.
    let value = if value.abs() < 0.000_05 { 0.0 } else { value };
    let sign = if value.is_sign_negative() { "" } else { "+" };
    let digits = match value.abs() {
        size if size < 9.999_95 => 4,
        size if size < 100.0 => 2,
        _ => return sign.to_owned() + &number(value),
    };
    format!("{sign}{value:.digits$}")
}

/// Seven characters at the most, for all that is not huge.
fn number(value: f64) -> String {
    match value.abs() {
        size if size < 9.999_95 => format!("{value:.*}", 5 - usize::from(value.is_sign_negative())),
        size if size < 100.0 => format!("{value:.3}"),
        size if size < 10_000.0 => format!("{value:.1}"),
        _ => format!("{value:.1e}"),
    }
}

/// A time in six characters: 3m05s.
#[must_use]
pub fn brief(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        3600..360_000 => format!("{}h{:02}m", whole / 3600, whole / 60 % 60),
        _ => format!("{}d", whole / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;
    use crate::metric::score::Show;
    use crate::train::events::Limits;

    fn started() -> Started {
        let spec = |name: &str, show| ScoreSpec::new(name, name, Better::Higher).shown(show);
        let (loss, csi) = (spec("loss", Show::First), spec("csi_20", Show::First));
        Started {
            parameters: 1,
            train_samples: 160,
            val_samples: 40,
            epochs: 300,
            limits: Limits::default(),
            epoch: 0,
            step: 0,
            best_by: vec!["loss".into()],
            best: None,
            parts: vec![loss.clone()],
            scores: vec![csi.clone(), csi.of_baseline("persistence"), loss.of_baseline("persistence")],
            rows: Vec::new(),
        }
    }

    fn record(epoch: u64, loss: f64) -> Record {
        let named = |name: &str, value| (name.to_owned(), value);
        Record {
            epoch,
            phase: 1,
            step: 40 * epoch,
            lr: 1.25e-4,
            train: vec![named("loss", Some(loss))],
            val: vec![named("loss", Some(-loss))],
            scores: vec![
                named("csi_20", None),
                named("persistence_csi_20", Some(0.4)),
                named("persistence_loss", Some(loss)),
            ],
        }
    }

    fn lines(width: usize, rows: u64) -> Vec<String> {
        let cost = Cost {
            samples_per_second: 1041.25,
            data_wait: 1.0,
            memory_bytes: 812_000_000,
            seconds_left: Some(359_999.0),
            ..Cost::default()
        };
        let mut table = Epochs::new(width);
        table.begin(&started());
        let losses = [0.123_456, 9.999_999, 12.5, 1234.5, 1e9];
        let rows = (1..=rows).map(|epoch| table.epoch(&record(epoch, losses[epoch as usize % 5]), &cost, epoch == 3));
        rows.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn columns_line_up_in_80_characters_and_the_headings_come_again() {
        let lines = lines(WIDTH, 22);
        insta::assert_snapshot!(lines[..6].join("\n"));
        assert_eq!(lines.iter().filter(|line| **line == lines[0]).count(), 2);
        assert_eq!(lines[21], lines[0]);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
    }

    #[test]
    fn a_wide_terminal_shows_more_and_a_narrow_one_what_matters() {
        assert!(lines(140, 1)[0].ends_with("memory   wait             GPU"), "{:?}", lines(140, 1));
        assert_eq!(lines(30, 1)[0], "  epoch     loss  val loss", "{:?}", lines(30, 1));
    }

    #[test]
    fn the_score_with_a_forecast_to_beat_is_beside_it_and_how_far_it_is_ahead() {
        let mut started = started();
        let csi = ScoreSpec::new("csi_35", "CSI at 35 dBZ", Better::Higher).shown(Show::First);
        let others = [csi.ahead_of("advection"), csi.of_baseline("persistence"), csi.of_baseline("advection"), csi];
        started.scores.extend(others);
        let mut table = Epochs::new(WIDTH);
        table.begin(&started);
        let values = [("csi_35", 0.25), ("advection_csi_35", 0.3), ("csi_35_ahead_of_advection", -0.05)];
        let scores: Vec<Named> = values.map(|(name, value)| (name.to_owned(), Some(value))).into();
        let text = table.row(&Shown { place: "1/9".into(), scores: &scores, ..Shown::default() });
        let [headings, row] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert_eq!(headings, "  epoch     loss  val loss  persist.   csi_35  advection    ahead  best    left");
        assert_eq!(row, "    1/9                          n/a  0.25000    0.30000  -0.0500");
        let signs = [0.012_34, -0.012_34, 0.0, -0.000_04, 12.345, -123.4, 1e9].map(signed);
        assert_eq!(signs, ["+0.0123", "-0.0123", "+0.0000", "+0.0000", "+12.35", "-123.4", "+1.0e9"]);
    }

    #[test]
    fn a_validation_within_an_epoch_leaves_out_what_is_not_known_yet() {
        let mut table = Epochs::new(WIDTH);
        table.begin(&started());
        let val = [("loss".to_owned(), Some(0.25))];
        let text = table.row(&Shown { place: "s110".into(), val: &val, improved: true, ..Shown::default() });
        assert_eq!(text.lines().nth(1), Some("   s110            0.25000                               best"));
    }
}
