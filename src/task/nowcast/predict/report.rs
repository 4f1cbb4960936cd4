//! The results of predicting: a row for each forecast, and what was refused.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::PredictError;
use super::output::Forecast;
use super::survey::Refused;
use crate::report::table::Table;
use crate::task::nowcast::prepare::plan::time_text;

/// Where a forecast is.
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
    /// The times that it is for.
    pub valid_times: Vec<Timestamp>,
    /// The strongest echo at each of these times in dBZ; `null` if there is none.
    pub strongest_dbz: Vec<Option<f32>>,
    /// Levels, rows and columns of a forecast.
    pub shape: [usize; 3],
    /// Where it is.
    #[serde(flatten)]
    pub written: Written,
}

/// A forecast that was not made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotMade {
    /// The event.
    pub event: String,
    /// The time that was asked for; `null` for the end of the event.
    pub at: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// All results.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The model that made them: its run, and the step of its weights.
    pub model: String,
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
        Self {
            event: job.event.clone(),
            reference_time: time(job.from_seconds()),
            frames: job.frames.len(),
            first_frame: time(job.frames.first().map_or(0.0, |frame| frame.seconds)),
            interval_seconds: job.interval_seconds,
            valid_times: forecast.valid_seconds.iter().copied().map(time).collect(),
            strongest_dbz: (0..forecast.dbz.len()).map(|lead| forecast.strongest_dbz(lead)).collect(),
            shape: [levels, job.shape[1], job.shape[2]],
            written,
        }
    }
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
        let headings = ["<event", "<from (UTC)", "frames", "<first", "<last valid", "strongest dBZ", "<place"];
        let mut table = Table::new(&headings);
        for made in &self.forecasts {
            let clock =
                |time: Option<&Timestamp>| time.map_or_else(String::new, |t| t.strftime("%H:%M:%S").to_string());
            let dbz = |strongest: Option<&Option<f32>>| {
                strongest.copied().flatten().map_or_else(|| "none".to_owned(), |dbz| format!("{dbz:.1}"))
            };
            table.row(vec![
                made.event.clone(),
                made.reference_time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                made.frames.to_string(),
                clock(made.valid_times.first()),
                clock(made.valid_times.last()),
                format!("{} to {}", dbz(made.strongest_dbz.first()), dbz(made.strongest_dbz.last())),
                made.written.place.display().to_string(),
            ]);
        }
        table.render()
    }

    /// An error if anything was refused; what was made stays.
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
        let made = crate::util::units::count(self.forecasts.len() as u64, "forecast");
        match self.refused.len() {
            0 => format!("predicted: {made}"),
            refused => format!("predicted: {made}, {refused} refused"),
        }
    }
}

fn time(seconds: f64) -> Timestamp {
    let rounded = Timestamp::from_millisecond((seconds * 1000.0).round() as i64);
    rounded.unwrap_or_else(|_| {
        tracing::warn!("the time {} can't be told", time_text(seconds));
        Timestamp::UNIX_EPOCH
    })
}
