//! The epochs of a run as lines in columns that fit 80 characters: for a run that trains, and for one that is watched.

use std::time::Duration;

use crate::metric::score::{ScoreSpec, Show};
use crate::train::events::{Named, Record, value};

/// The widest column of a score; a longer label is cut.
const WIDEST: usize = 13;
/// The width of a loss and of the narrowest score.
const NUMBER: usize = 8;

/// The columns of a run: its epoch, both losses, the score that is shown first, the rate, the pace, the time left.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// All epochs of the run, if known.
    epochs: Option<u64>,
    score: Option<ScoreSpec>,
    baselines: Vec<ScoreSpec>,
}

/// How fast an epoch was, and how long training still takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Training samples per second.
    pub samples_per_second: Option<f64>,
    /// Seconds until the last epoch ends.
    pub seconds_left: Option<f64>,
}

impl Columns {
    /// The columns of a run with these scores.
    #[must_use]
    pub fn new(scores: &[ScoreSpec], epochs: Option<u64>) -> Self {
        let score = scores.iter().find(|spec| spec.show == Show::First && spec.baseline.is_none()).cloned();
        let baselines = scores.iter().filter(|spec| spec.baseline.is_some()).cloned().collect();
        Self { epochs, score, baselines }
    }

    /// The line above the first epoch.
    #[must_use]
    pub fn head(&self) -> String {
        let score = self.score.as_ref().map(|spec| cut(&spec.label));
        self.join(["epoch", "train", "val", score.as_deref().unwrap_or_default(), "rate", "speed", "left", ""])
    }

    /// The line of an epoch. `is_best` marks the best so far.
    #[must_use]
    pub fn line(&self, record: &Record, pace: Pace, is_best: bool) -> String {
        let first = |values: &[Named]| values.first().map_or_else(String::new, |(_, value)| number(*value));
        let score = self.score.as_ref().and_then(|spec| record.scores.iter().find(|(name, _)| *name == spec.name));
        let score = score.map_or_else(String::new, |(_, value)| number(*value));
        let speed = pace.samples_per_second.map_or_else(String::new, |pace| format!("{}/s", short(pace)));
        let left = pace.seconds_left.map_or_else(String::new, clock);
        let epoch = self.epoch(record.epoch);
        let rate = format!("{:.1e}", record.lr);
        let mark = if is_best { "best" } else { "" };
        self.join([&epoch, &first(&record.train), &first(&record.val), &score, &rate, &speed, &left, mark])
    }

    /// What the validation has to beat, a line for each other forecast: it is the same in every epoch.
    #[must_use]
    pub fn to_beat(&self, record: &Record) -> Vec<String> {
        let loss = record.val.first().map(|(name, _)| (name.as_str(), name.as_str()));
        let score = self.score.as_ref().map(|spec| (spec.name.as_str(), spec.label.as_str()));
        let mut told: Vec<(&str, Vec<String>)> = Vec::new();
        for (name, label) in loss.into_iter().chain(score) {
            for spec in self.baselines.iter().filter(|spec| spec.is_baseline_of(name)) {
                let Some((baseline, known)) = spec.baseline.as_ref().zip(value(&record.scores, &spec.name)) else {
                    continue;
                };
                let text = format!("{label} {}", number(Some(known)));
                match told.iter_mut().find(|(forecast, _)| *forecast == baseline.forecast) {
                    Some((_, values)) => values.push(text),
                    None => told.push((&baseline.forecast, vec![text])),
                }
            }
        }
        let line = |(forecast, values): (&str, Vec<String>)| {
            format!("to beat: {forecast}, {}", values.join(", ")).chars().take(80).collect()
        };
        told.into_iter().map(line).collect()
    }

    fn epoch(&self, epoch: u64) -> String {
        match self.epochs {
            Some(epochs) if epochs < 10_000 => format!("{epoch}/{epochs}"),
            _ => epoch.to_string(),
        }
    }

    fn join(&self, [epoch, train, val, score, rate, speed, left, mark]: [&str; 8]) -> String {
        let all = self.epoch(self.epochs.unwrap_or(0)).len().max(5);
        let wide = self.score.as_ref().map(|spec| cut(&spec.label).chars().count().max(NUMBER));
        let score = wide.map_or_else(String::new, |wide| format!("  {score:>wide$}"));
        let losses = format!("{train:>NUMBER$}  {val:>NUMBER$}{score}");
        let line = format!("{epoch:>all$}  {losses}  {rate:>7}  {speed:>8}  {left:>8}  {mark}");
        line.trim_end().to_owned()
    }
}

fn cut(label: &str) -> String {
    match label.chars().count() > WIDEST {
        true => label.chars().take(WIDEST - 1).chain(['…']).collect(),
        false => label.to_owned(),
    }
}

/// A value in at most eight characters.
fn number(value: Option<f64>) -> String {
    match value {
        None => "n/a".into(),
        Some(value) if value.abs() < 10.0 => format!("{value:.5}"),
        Some(value) if value.abs() < 10_000.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.1e}"),
    }
}

/// Three digits.
fn short(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value if value < 100_000.0 => format!("{value:.0}"),
        value => format!("{value:.0e}"),
    }
}

/// A time as a clock shows it: 3:05, 12:03:05, 4 d 12 h.
#[must_use]
pub fn clock(seconds: f64) -> String {
    let Ok(time) = Duration::try_from_secs_f64(seconds) else { return String::new() };
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        1..48 => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{} d {} h", (hours / 24).min(999), hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;

    fn named(name: &str, value: f64) -> Named {
        (name.into(), Some(value))
    }

    fn scores() -> Vec<ScoreSpec> {
        let csi = ScoreSpec::new("csi_20", "CSI at 20 dBZ", Better::Higher).shown(Show::First);
        let loss = ScoreSpec::new("loss", "Loss", Better::Lower);
        vec![csi.clone(), csi.of_baseline("persistence"), loss.of_baseline("persistence")]
    }

    fn record(epoch: u64, loss: f64) -> Record {
        let scores = vec![named("csi_20", 0.5), named("persistence_csi_20", 0.4), named("persistence_loss", 0.3)];
        let (train, val) = (vec![named("loss", loss + 0.1)], vec![named("loss", loss)]);
        Record { epoch, phase: 1, step: 10 * epoch, lr: 1e-3, train, val, scores }
    }

    #[test]
    fn epochs_line_up_below_their_headings() {
        let columns = Columns::new(&scores(), Some(20));
        let pace = Pace { samples_per_second: Some(41.26), seconds_left: Some(185.0) };
        let lines = [
            columns.head(),
            columns.line(&record(3, 0.2), pace, true),
            columns.line(&Record { val: Vec::new(), scores: Vec::new(), ..record(12, 1234.5) }, Pace::default(), false),
        ];
        assert_eq!(
            lines.join("\n"),
            "epoch     train       val  CSI at 20 dBZ     rate     speed      left\n \
             3/20   0.30000   0.20000        0.50000   1.0e-3    41.3/s      3:05  best\n\
             12/20   1234.60                            1.0e-3"
        );
        let to_beat = "to beat: persistence, loss 0.30000, CSI at 20 dBZ 0.40000";
        assert_eq!(columns.to_beat(&record(1, 0.2)), [to_beat]);
        assert!(columns.to_beat(&Record { scores: Vec::new(), ..record(1, 0.2) }).is_empty());
    }

    #[test]
    fn whatever_the_numbers_a_line_fits_80_columns() {
        let mut scores = scores();
        scores[0].label = "a score with a very long label".into();
        let pace = |speed, left| Pace { samples_per_second: Some(speed), seconds_left: Some(left) };
        for epochs in [None, Some(7), Some(9999), Some(1_000_000)] {
            let columns = Columns::new(&scores, epochs);
            for (loss, speed, left) in [(-1e300, 1e9, 1e9), (1e-300, 0.001, 0.4), (-9999.0, 99_999.0, 172_000.0)] {
                let line = columns.line(&Record { lr: 1e-12, ..record(9999, loss) }, pace(speed, left), true);
                assert!(line.chars().count() <= 80, "{line:?}");
                assert!(columns.head().chars().count() <= 80);
            }
        }
    }

    #[test]
    fn times_are_those_of_a_clock() {
        let times = [0.4, 65.0, 3_725.0, 86_400.0 * 5.5, f64::NAN].map(clock);
        assert_eq!(times, ["0:00", "1:05", "1:02:05", "5 d 12 h", ""]);
    }
}
