//! Forecasts for a folder of radar files: what to do is planned, then each event is read, goes through the model, and is
//! written. Not how any of these is done.

use std::ops::Range;
use std::path::PathBuf;

use jiff::Timestamp;
use tracing::{debug, error, info};

use super::{Surroundings, TrainedError, TrainedModel, WorkError};
use crate::task::TaskConfig;
use crate::task::nowcast::config::Levels;
use crate::task::nowcast::predict::report::{Made, NotMade, Report};
use crate::task::nowcast::predict::survey::Refused;
use crate::task::nowcast::predict::{
    Input, Job, Layout, Plan, Planes, PredictError, Refusal, Setting, Source, check_output, forecast, plan, read, write,
};
use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::training::Nowcast;
use crate::train::device::Resolved;
use crate::train::fault::in_pieces;
use crate::train::micro_batch::MicroBatchSize;
use crate::util::fs::create_dir_all;
use crate::util::progress::Unit;

/// What is to be predicted, and where it goes.
#[derive(Clone, Debug)]
pub struct PredictOptions {
    /// A folder with radar files, or with a folder of them for each event.
    pub input: PathBuf,
    /// The folder for the forecasts.
    pub output: PathBuf,
    /// The times to forecast from; none for the end of each event.
    pub times: Vec<Timestamp>,
    /// How a forecast becomes files.
    pub layout: Layout,
    /// Whether pictures are wanted.
    pub pictures: bool,
}

/// Makes the forecasts. Events that are refused are in the report; the others have their files.
///
/// # Errors
/// Where there is nothing to forecast, the model can't be used, the disk refuses, or a signal comes. Forecasts that were
/// finished before stay.
pub fn predict(model: &TrainedModel, options: &PredictOptions, around: &Surroundings<'_>) -> Result<Report, WorkError> {
    let TaskConfig::Nowcast(task) = &model.config.task;
    let setting = Setting {
        config: task,
        quantizer: Quantizer::new(task.prepare.min_dbz, task.prepare.max_dbz)?,
        pictures: options.pictures,
        output: &options.output,
        layout: options.layout,
        stop: around.stop,
    };
    check_output(&options.input, &options.output)?;
    let plan = plan(&options.input, &options.times, &setting)?;
    let mut report = Report { model: model.described(), ..Report::default() };
    info!("forecasting with {}", report.model);
    plan.refused.iter().for_each(|refused| refuse(&mut report, refused));
    if !plan.jobs.is_empty() {
        let mut work = Work::new(model, setting)?;
        // A folder that can't be written is found before the work; where everything is refused none is left.
        create_dir_all(&options.output).map_err(PredictError::from)?;
        around.progress.begin("predict", Some((plan.jobs.len() * task.windows.target_frames) as u64), Unit::Frames);
        for jobs in batches(&plan, &task.prepare.levels, model.config.train.micro_batch_size()) {
            around.stop.check().map_err(PredictError::from)?;
            work.batch(jobs, &mut report)?;
            around.progress.advance((jobs.len() * task.windows.target_frames) as u64);
        }
        around.progress.end(&report.summary());
    }
    Ok(report)
}

/// Told at once: who watches knows before the end.
fn refuse(report: &mut Report, refused: &Refused) {
    let refused = NotMade::from(refused);
    error!("{}", refused.text());
    report.refused.push(refused);
}

/// Consecutive forecasts of volumes with the same levels that go through the model at once.
fn batches<'a>(plan: &'a Plan, levels: &Levels, micro_batch: usize) -> impl Iterator<Item = &'a [Job]> {
    let alike = plan.jobs.chunk_by(|one, other| one.shape[0] == other.shape[0]);
    let windows = |jobs: &[Job]| jobs.first().map_or(1, |job| Planes::windows(levels, job.shape[0])).max(1);
    alike.flat_map(move |jobs| jobs.chunks((micro_batch / windows(jobs)).max(1))).collect::<Vec<_>>().into_iter()
}

/// The model at work.
struct Work<'a> {
    model: &'a TrainedModel,
    setting: Setting<'a>,
    machine: Resolved,
    source: Source,
    /// Windows that go through the model at once: as many as in training, fewer if memory runs out.
    at_once: MicroBatchSize,
    /// The model for volumes with so many levels.
    ready: Option<(usize, Nowcast)>,
}

impl<'a> Work<'a> {
    fn new(model: &'a TrainedModel, setting: Setting<'a>) -> Result<Self, WorkError> {
        let name = model.run_name().unwrap_or_else(|| model.weights.display().to_string());
        let source = Source { model: name, digest: model.digest()?.to_string() };
        let at_once = MicroBatchSize::new(model.config.train.micro_batch_size(), 1);
        Ok(Self { model, setting, machine: model.machine()?, source, at_once, ready: None })
    }

    /// Some forecasts, all of volumes with the same levels.
    fn batch(&mut self, jobs: &[Job], report: &mut Report) -> Result<(), WorkError> {
        let mut inputs = Vec::with_capacity(jobs.len());
        for job in jobs {
            match read(job, &self.setting)? {
                Ok(input) => inputs.push(input),
                Err(why) => refuse(report, &refused(job, why)),
            }
        }
        let planes = self.planes(&inputs)?;
        for (input, planes) in inputs.into_iter().zip(planes) {
            let job = input.job.clone();
            match forecast(input, &planes, &self.source, &self.setting) {
                Ok(forecast) => {
                    let written = write(&forecast, &self.setting)?;
                    debug!("{} is written", written.place.display());
                    report.forecasts.push(Made::new(&forecast, written));
                }
                Err(why) => refuse(report, &refused(&job, why)),
            }
        }
        Ok(())
    }

    /// What the model returns for each input: as many windows at once as in training, or fewer if memory runs out.
    fn planes(&mut self, inputs: &[Input]) -> Result<Vec<Planes>, WorkError> {
        let Some(first) = inputs.first() else { return Ok(Vec::new()) };
        let (config, levels) = (self.setting.config, first.job.shape[0]);
        let bytes: Vec<u8> = inputs.iter().flat_map(|input| &input.bytes).copied().collect();
        let windows = inputs.len() * Planes::windows(&config.prepare.levels, levels);
        let (each, mut at_once) = (bytes.len() / windows.max(1), self.at_once.clone());
        let model = self.model_for(levels)?;
        let mut values: Vec<f32> = Vec::new();
        let forecast = |piece: Range<usize>| {
            values.extend(model.forecast(&bytes[piece.start * each..piece.end * each])?);
            Ok(())
        };
        in_pieces(windows, &mut at_once, forecast).map_err(PredictError::from)?;
        self.at_once = at_once;
        let each = values.len() / inputs.len();
        Ok(values.chunks_exact(each.max(1)).map(|values| Planes::new(values.to_vec(), config, levels)).collect())
    }

    fn model_for(&mut self, levels: usize) -> Result<&Nowcast, TrainedError> {
        // With `levels: each` a window has one level, whatever the volume has.
        let levels = if self.setting.config.prepare.levels == Levels::Each { 1 } else { levels };
        let ready = match self.ready.take() {
            Some((of, model)) if of == levels => (of, model),
            _ => {
                let [rows, columns] = self.setting.config.prepare.size;
                (levels, self.model.task([levels, rows, columns], Vec::new(), &self.machine)?)
            }
        };
        Ok(&self.ready.insert(ready).1)
    }
}

fn refused(job: &Job, why: Refusal) -> Refused {
    Refused { event: job.event.clone(), at_seconds: Some(job.from_seconds()), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(levels: &[usize]) -> Plan {
        let job = |&levels: &usize| Job {
            event: String::new(),
            folder: PathBuf::new(),
            frames: Vec::new(),
            shape: [levels, 4, 4],
            interval_seconds: 182.0,
        };
        Plan { jobs: levels.iter().map(job).collect(), refused: Vec::new() }
    }

    fn sizes(plan: &Plan, levels: &Levels, micro_batch: usize) -> Vec<usize> {
        batches(plan, levels, micro_batch).map(<[Job]>::len).collect()
    }

    #[test]
    fn events_of_the_same_levels_go_through_the_model_together() {
        let plan = plan(&[1, 1, 1, 3, 3, 1]);
        assert_eq!(sizes(&plan, &Levels::Each, 2), [2, 1, 1, 1, 1]);
        assert_eq!(sizes(&plan, &Levels::Each, 6), [3, 2, 1]);
        assert_eq!(sizes(&plan, &Levels::Composite, 2), [2, 1, 2, 1]);
    }
}
