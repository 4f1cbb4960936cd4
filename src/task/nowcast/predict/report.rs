//! The results of predicting: a row for each forecast, and the refused events.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::PredictError;
use super::output::Forecast;
use super::survey::Refused;
use crate::report::table::Table;
use crate::task::nowcast::lrose::Stored;
use crate::task::nowcast::prepare::plan::time_text;
use crate::util::units;

/// How much longer than the shortest the longest interval may be before it is reported.
const UNEVEN: f64 = 1.5;

/// The files of a forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Its folder, or its file.
    pub place: PathBuf,
    /// Its netCDF files.
    pub files: usize,
    /// Its pictures.
    pub pictures: Vec<PathBuf>,
}

/// A forecast that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Made {
    /// The event.
    pub event: String,
    /// When the newest frame was taken that it was made from.
    pub reference_time: Timestamp,
    /// The frames that it was made from.
    pub frames: usize,
    /// When the first of them was taken.
    pub first_frame: Timestamp,
    /// The median interval between them, and between lead times.
    pub interval_seconds: f64,
    /// The shortest and the longest interval between them.
    pub intervals_seconds: [f64; 2],
    /// The times that it is for.
    pub valid_times: Vec<Timestamp>,
    /// The strongest value at each of these times, in the unit of the report; `null` if there is none.
    pub strongest: Vec<Option<f32>>,
    /// The same if that is dBZ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strongest_dbz: Option<Vec<Option<f32>>>,
    /// Levels, rows and columns of a forecast.
    pub shape: [usize; 3],
    /// Its files.
    #[serde(flatten)]
    pub written: Written,
}

/// A forecast that was not made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotMade {
    /// The event.
    pub event: String,
    /// The requested time; `null` for the end of the event.
    pub at: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// All results.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The model that made them: its run, and the step of its weights.
    pub model: String,
    /// The unit of the values that are forecast.
    pub unit: String,
    /// The forecasts.
    pub forecasts: Vec<Made>,
    /// What was refused.
    pub refused: Vec<NotMade>,
}

impl Made {
    /// What is reported about a forecast.
    #[must_use]
    pub fn new(forecast: &Forecast, written: Written) -> Self {
        let job = &forecast.job;
        let levels = forecast.carried.z.values.len();
        let strongest: Vec<Option<f32>> = (0..forecast.numbers.len()).map(|lead| forecast.strongest(lead)).collect();
        Self {
            event: job.event.clone(),
            reference_time: time(job.from_seconds()),
            frames: job.frames.len(),
            first_frame: time(job.frames.first().map_or(0.0, |frame| frame.seconds)),
            interval_seconds: job.interval_seconds,
            intervals_seconds: intervals(job.frames.iter().map(|frame| frame.seconds)),
            valid_times: forecast.valid_seconds.iter().copied().map(time).collect(),
            strongest_dbz: (forecast.stored == Stored::DBZ).then(|| strongest.clone()),
            strongest,
            shape: [levels, job.shape[1], job.shape[2]],
            written,
        }
    }
}

/// The shortest and the longest interval between times; 0 if there is only one.
fn intervals(seconds: impl Iterator<Item = f64>) -> [f64; 2] {
    let seconds: Vec<f64> = seconds.collect();
    let steps = seconds.windows(2).map(|pair| pair[1] - pair[0]);
    let shortest = steps.clone().reduce(f64::min).unwrap_or_default();
    [shortest, steps.reduce(f64::max).unwrap_or_default()]
}

impl From<&Refused> for NotMade {
    fn from(refused: &Refused) -> Self {
        let Refused { event, at_seconds, why } = refused;
        Self { event: event.clone(), at: at_seconds.map(time), reason: why.to_string() }
    }
}

impl NotMade {
    /// One line for people.
    #[must_use]
    pub fn text(&self) -> String {
        let at = self.at.map_or_else(String::new, |at| format!(" at {at}"));
        format!("event {}{at}: {}", self.event, self.reason)
    }
}

impl Report {
    /// A row for each forecast.
    #[must_use]
    pub fn table(&self) -> String {
        let strongest = format!("strongest {}", self.unit);
        let strongest = strongest.trim_end();
        let headings = ["<event", "<newest frame (UTC)", "seen", "<forecast for", strongest, "<place"];
        let mut table = Table::new(&headings);
        for made in &self.forecasts {
            let clock =
                |time: Option<&Timestamp>| time.map_or_else(String::new, |t| t.strftime("%H:%M:%S").to_string());
            let value = |strongest: Option<&Option<f32>>| {
                strongest.copied().flatten().map_or_else(|| "none".to_owned(), |value| format!("{value:.1}"))
            };
            table.row(vec![
                made.event.clone(),
                made.reference_time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                made.frames.to_string(),
                format!("{} to {}", clock(made.valid_times.first()), clock(made.valid_times.last())),
                format!("{} to {}", value(made.strongest.first()), value(made.strongest.last())),
                made.written.place.display().to_string(),
            ]);
        }
        table.render() + &self.uneven()
    }

    /// The forecasts whose frames are unevenly spaced: the model takes the steps as equal.
    fn uneven(&self) -> String {
        let time = |seconds: f64| units::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        let uneven =
            self.forecasts.iter().filter(|made| made.intervals_seconds[1] > UNEVEN * made.intervals_seconds[0]);
        let line = |made: &Made| {
            let [shortest, longest] = made.intervals_seconds.map(time);
            let (event, usual) = (&made.event, time(made.interval_seconds));
            format!("{event}: its frames are {shortest} to {longest} apart, and the model takes each step as {usual}\n")
        };
        uneven.map(line).collect()
    }

    /// An error if anything was refused; finished forecasts stay.
    ///
    /// # Errors
    /// [`PredictError::Refused`].
    pub fn verdict(&self) -> Result<(), PredictError> {
        let refused = self.refused.len();
        match refused {
            0 => Ok(()),
            _ => Err(PredictError::Refused { refused, all: refused + self.forecasts.len() }),
        }
    }

    /// One line that sums it up.
    #[must_use]
    pub fn summary(&self) -> String {
        let made = units::count(self.forecasts.len() as u64, "forecast");
        match self.refused.len() {
            0 => format!("predicted: {made}"),
            refused => format!("predicted: {made}, {refused} refused"),
        }
    }
}

fn time(seconds: f64) -> Timestamp {
    let rounded = Timestamp::from_millisecond((seconds * 1000.0).round() as i64);
    rounded.unwrap_or_else(|_| {
        tracing::warn!("the time {} can't be written", time_text(seconds));
        Timestamp::UNIX_EPOCH
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(event: &str, seconds: &[f64]) -> Made {
        let at = |seconds: f64| time(1_357_410_600.0 + seconds);
        Made {
            event: event.into(),
            reference_time: at(0.0),
            frames: seconds.len(),
            first_frame: at(seconds[0]),
            interval_seconds: 300.0,
            intervals_seconds: intervals(seconds.iter().copied()),
            valid_times: vec![at(300.0), at(600.0)],
            strongest: vec![Some(45.5), None],
            strongest_dbz: None,
            shape: [1, 8, 8],
            written: Written { place: format!("p/{event}").into(), files: 2, pictures: Vec::new() },
        }
    }

    #[test]
    fn the_table_says_what_was_seen_and_what_is_forecast_and_names_uneven_steps() {
        let forecasts =
            vec![made("even", &[0.0, 300.0, 600.0]), made("uneven", &[0.0, 300.0, 900.0]), made("one", &[0.0])];
        let report = Report { model: "m".into(), unit: "dBZ".into(), forecasts, refused: Vec::new() };
        insta::assert_snapshot!(report.table());
    }
}
