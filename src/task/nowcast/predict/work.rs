//! The forecasts for a folder of radar files: plans the work, then reads each event, runs the model, and writes the
//! result. Each step is in its own module.

use std::ops::Range;

use tracing::{debug, error, info};

use super::report::{Made, NotMade, Report};
use super::survey::Refused;
use super::{
    Input, Job, Plan, Planes, PredictError, Refusal, Setting, Source, check_output, forecast, plan, read, write,
};
use crate::task::nowcast::FRAMES;
use crate::task::nowcast::advection::NodeMotion;
use crate::task::nowcast::config::{Levels, NowcastConfig};
use crate::task::nowcast::facts;
use crate::task::nowcast::learner::forecasting;
use crate::task::nowcast::quantize::Quantizer;
use crate::task::nowcast::training::{Frames, Nowcast};
use crate::task::{Model, PredictOptions, Predicted, Shown, load};
use crate::train::fault::in_pieces;
use crate::train::micro_batch::MicroBatchSize;
use crate::train::task::Task;
use crate::util::failure::Failed;
use crate::util::fs::{FsError, create_dir_all};
use crate::util::progress::Stage;
use crate::util::sha256::Digest;
use crate::util::surroundings::Surroundings;

/// Makes the forecasts. Events that are refused are in the result; the others have their files.
///
/// # Errors
/// If there is nothing to forecast, the model can't be used, the disk refuses, or a signal interrupts. Forecasts that were
/// finished before stay.
pub fn predict(
    config: &NowcastConfig,
    model: &Model<'_>,
    options: &PredictOptions,
    around: &Surroundings<'_>,
) -> Result<Predicted, Failed> {
    let quantity = facts::quantity(model.facts);
    let setting = Setting {
        config,
        quantizer: Quantizer::new(config.prepare.min, config.prepare.max)?,
        quantity: &quantity,
        pictures: options.pictures,
        output: &options.output,
        layout: options.layout.unwrap_or_default(),
        stop: around.stop,
    };
    check_output(&options.input, &options.output)?;
    let plan = plan(&options.input, &options.times, &setting)?;
    let mut report =
        Report { model: model.described.to_owned(), unit: quantity.unit().to_owned(), ..Report::default() };
    info!("forecasting with {}", report.model);
    plan.refused.iter().for_each(|refused| refuse(&mut report, refused));
    if !plan.jobs.is_empty() {
        let mut work = Work::new(model, setting)?;
        // An unwritable folder is reported before the work; if everything is refused no folder is left.
        create_dir_all(&options.output).map_err(PredictError::from)?;
        let leads = config.windows.target_frames;
        around.progress.begin(Stage::Predict, Some((plan.jobs.len() * leads) as u64), FRAMES);
        for jobs in batches(&plan, &config.prepare.levels, model.at_once) {
            around.stop.check().map_err(PredictError::from)?;
            work.batch(jobs, &mut report)?;
            around.progress.advance((jobs.len() * leads) as u64);
        }
        around.progress.end(&report.summary());
    }
    let table = if report.forecasts.is_empty() { String::new() } else { report.table() };
    Ok(Predicted { shown: Shown::new(table, &report)?, refused: report.verdict().err().map(Failed::from) })
}

/// Logged at once, so that a user who watches sees it before the end.
fn refuse(report: &mut Report, refused: &Refused) {
    let refused = NotMade::from(refused);
    error!("{}", refused.text());
    report.refused.push(refused);
}

/// Consecutive forecasts of volumes with the same levels that go through the model at once.
fn batches<'a>(plan: &'a Plan, levels: &Levels, at_once: usize) -> impl Iterator<Item = &'a [Job]> {
    let alike = plan.jobs.chunk_by(|one, other| one.shape[0] == other.shape[0]);
    let windows = |jobs: &[Job]| jobs.first().map_or(1, |job| Planes::windows(levels, job.shape[0])).max(1);
    alike.flat_map(move |jobs| jobs.chunks((at_once / windows(jobs)).max(1))).collect::<Vec<_>>().into_iter()
}

/// The model at work.
struct Work<'a> {
    model: &'a Model<'a>,
    setting: Setting<'a>,
    source: Source,
    /// Windows that go through the model at once: as many as in training, fewer if memory runs out.
    at_once: MicroBatchSize,
    /// The model for volumes with this many levels.
    ready: Option<(usize, Nowcast)>,
}

impl<'a> Work<'a> {
    fn new(model: &'a Model<'a>, setting: Setting<'a>) -> Result<Self, Failed> {
        let digest = Digest::of_file(model.weights).map_err(FsError::at("read", model.weights))?;
        let source =
            Source { kind: setting.config.model.title(), model: model.name.to_owned(), digest: digest.to_string() };
        let at_once = MicroBatchSize::new(model.at_once, 1);
        Ok(Self { model, setting, source, at_once, ready: None })
    }

    /// Some forecasts, all of volumes with the same levels.
    fn batch(&mut self, jobs: &[Job], report: &mut Report) -> Result<(), Failed> {
        let mut inputs = Vec::with_capacity(jobs.len());
        for job in jobs {
            match read(job, &self.setting)? {
                Ok(input) => inputs.push(input),
                Err(why) => refuse(report, &refused(job, why)),
            }
        }
        let planes = self.planes(&inputs)?;
        for (input, (planes, motions)) in inputs.into_iter().zip(planes) {
            let job = input.job.clone();
            match forecast(input, (&planes, &motions), &self.source, &self.setting) {
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

    /// What the model returns for each input, and the motion of its windows if frames were carried along one: as many
    /// windows at once as in training, or fewer if memory runs out.
    fn planes(&mut self, inputs: &[Input]) -> Result<Vec<(Planes, Vec<NodeMotion>)>, Failed> {
        let Some(first) = inputs.first() else { return Ok(Vec::new()) };
        let (config, levels) = (self.setting.config, first.job.shape[0]);
        let bytes: Vec<u8> = inputs.iter().flat_map(|input| &input.bytes).copied().collect();
        let windows = inputs.len() * Planes::windows(&config.prepare.levels, levels);
        let (each, mut at_once) = (bytes.len() / windows.max(1), self.at_once.clone());
        let of_input = |input: &Input| vec![input.minutes(config.windows.target_frames); windows / inputs.len()];
        let minutes: Vec<Vec<f32>> = inputs.iter().flat_map(of_input).collect();
        let model = self.model_for(levels)?;
        let (mut values, mut motions): (Vec<f32>, Vec<NodeMotion>) = Default::default();
        let forecast = |piece: Range<usize>| {
            let (more, along) = model.forecast(&bytes[piece.start * each..piece.end * each], &minutes[piece])?;
            values.extend(more);
            motions.extend(along);
            Ok(())
        };
        in_pieces(windows, &mut at_once, forecast).map_err(PredictError::from)?;
        self.at_once = at_once;
        let [each, moving] = [values.len(), motions.len()].map(|all| all / inputs.len());
        let of_input = |(number, values): (usize, &[f32])| {
            let motions = motions[number * moving..][..moving].to_vec();
            (Planes::new(values.to_vec(), config, levels), motions)
        };
        Ok(values.chunks_exact(each.max(1)).enumerate().map(of_input).collect())
    }

    fn model_for(&mut self, levels: usize) -> Result<&Nowcast, Failed> {
        let config = self.setting.config;
        // With `levels: each` a window has one level, however many the volume has.
        let levels = if config.prepare.levels == Levels::Each { 1 } else { levels };
        let ready = match self.ready.take() {
            Some((of, model)) if of == levels => (of, model),
            _ => {
                let [rows, columns] = config.prepare.size;
                let (shape, quantity) = ([levels, rows, columns], self.setting.quantity.clone());
                let frames = Frames { shape, events: Vec::new(), quantity, known: None };
                let mut model = forecasting(config, &self.model.setting, frames)?;
                load(self.model.weights, |weights| model.parameters_mut().load_named(&weights.tensors))?;
                (levels, model)
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
    use std::path::PathBuf;

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

    fn sizes(plan: &Plan, levels: &Levels, at_once: usize) -> Vec<usize> {
        batches(plan, levels, at_once).map(<[Job]>::len).collect()
    }

    #[test]
    fn events_of_the_same_levels_go_through_the_model_together() {
        let plan = plan(&[1, 1, 1, 3, 3, 1]);
        assert_eq!(sizes(&plan, &Levels::Each, 2), [2, 1, 1, 1, 1]);
        assert_eq!(sizes(&plan, &Levels::Each, 6), [3, 2, 1]);
        assert_eq!(sizes(&plan, &Levels::Composite, 2), [2, 1, 2, 1]);
    }
}
