//! The worker trains something that it knows nothing about: the slope of a line through points. Models are counted,
//! since each may fill the memory of a device.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::TrainOptions;
use super::attempt::attempt;
use super::foresee::{Patience, foresee};
use super::place::{Found, Place, find};
use super::subject::{Subject, machine};
use crate::config::{Config, Override, resolve};
use crate::data::loader::{Order, Position};
use crate::data::split::Side;
use crate::metric::better::Better;
use crate::metric::score::ScoreSpec;
use crate::nn::parameters::{Layout, ParameterSpec, Parameters};
use crate::task::testing::SMALLEST;
use crate::task::{Data, LearnerSetting, Prepared, Purpose, Shown};
use crate::train::engine::Feeds;
use crate::train::events::{Event, Heard, Observer};
use crate::train::feed::{Feed, FeedError, Stream};
use crate::train::learner::{Learner, Learning, Samples};
use crate::train::run_folder::RunError;
use crate::train::task::{Depth, Task, TaskError};
use crate::util::failure::Failed;
use crate::util::progress::Silent;
use crate::util::stop::Stop;
use crate::util::surroundings::Surroundings;

/// How many models were created, and how many exist now.
#[derive(Default)]
struct Models {
    built: Cell<usize>,
    alive: Cell<usize>,
}

/// One of them.
struct Model(Rc<Models>);

impl Model {
    fn count(models: &Rc<Models>) -> Self {
        models.built.set(models.built.get() + 1);
        models.alive.set(models.alive.get() + 1);
        Self(Rc::clone(models))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.0.alive.set(self.0.alive.get() - 1);
    }
}

/// y = w x, by least squares. The gradient is written out.
struct Slope {
    parameters: Parameters,
    parts: [ScoreSpec; 1],
    _model: Model,
}

impl Slope {
    fn errors(&self, batch: &Tensor) -> Tensor {
        self.parameters.values().detach() * batch.select(1, 0) - batch.select(1, 1)
    }
}

impl Task for Slope {
    type Sample = [f32; 2];
    type Batch = Tensor;
    type Scores = ();

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    fn parts(&self) -> &[ScoreSpec] {
        &self.parts
    }

    fn name(&self, point: &[f32; 2]) -> String {
        format!("{point:?}")
    }

    fn collate(&self, points: &[[f32; 2]], _place: Option<Position>) -> Result<Tensor, TaskError> {
        Ok(Tensor::from_slice(points.as_flattened()).f_view([-1, 2])?)
    }

    fn step(&mut self, batch: &Tensor, scale: f64) -> Result<Tensor, TaskError> {
        let errors = self.errors(batch);
        let slope = (&errors * batch.select(1, 0)).f_sum(Kind::Float)? * (2.0 * scale);
        drop(self.parameters.gradients().f_add_(&slope)?);
        Ok(errors.f_square()?.f_sum(Kind::Float)?.f_view([1])?)
    }

    fn scores(&self, _depth: Depth) {}

    fn evaluate(&mut self, batch: &Tensor, (): &mut ()) -> Result<Tensor, TaskError> {
        Ok(self.errors(batch).f_square()?.f_sum(Kind::Float)?.f_view([1])?)
    }
}

/// Points on a line.
struct Points {
    models: Rc<Models>,
}

struct Side8(Order);

impl Feed for Side8 {
    type Sample = [f32; 2];

    fn samples(&self) -> usize {
        8
    }

    fn start(&self, position: Position) -> Result<Stream<[f32; 2]>, FeedError> {
        let order = self.0.epoch(position.epoch, 8).to_vec().into_iter().skip(position.next);
        Ok(Box::new(order.map(|place| Ok([place as f32, 2.0 * place as f32]))))
    }
}

impl Data for Points {
    fn samples(&self, side: Side) -> usize {
        if side == Side::Test { 0 } else { 8 }
    }

    fn document(&self) -> Value {
        Value::Null
    }

    fn learner(&self, setting: &LearnerSetting<'_>, _purpose: Purpose) -> Result<Box<dyn Learner>, Failed> {
        let layout = Layout { parameters: vec![ParameterSpec::weight("w", &[1, 1])], buffers: Vec::new() };
        let task = Slope {
            parameters: Parameters::new(&layout, setting.seed, Device::Cpu).unwrap(),
            parts: [ScoreSpec::new("loss", "Loss", Better::Lower)],
            _model: Model::count(&self.models),
        };
        let feed = |shuffle| Box::new(Side8(Order { seed: setting.seed, shuffle }));
        let samples = Samples::Training(Feeds { train: feed(true), val: Some(feed(false)) });
        Ok(Box::new(Learning { task, samples, multiplications: 1.0 }))
    }
}

fn config(root: &Path, epochs: usize) -> Config {
    let set = |text: String| Override::set(&text);
    let overrides = [
        set(format!("output.root={}", root.display())),
        set(format!("train.epochs={epochs}")),
        set("train.batch=2".into()),
        set("device=cpu".into()),
        set("precision=fp32".into()),
    ];
    resolve("config.yaml".into(), SMALLEST.into(), &[], &overrides).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn subject(config: &Config, models: &Rc<Models>) -> Subject {
    let prepared = Prepared {
        store: PathBuf::new(),
        fingerprint: "points".into(),
        files: Vec::new(),
        shown: Shown::default(),
        data: Box::new(Points { models: Rc::clone(models) }),
        reading: None,
    };
    Subject::new(config, machine(config).unwrap(), prepared, None).unwrap()
}

/// Records the number of models at each step.
struct Census {
    models: Rc<Models>,
    seen: Rc<RefCell<Vec<usize>>>,
}

impl Observer for Census {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        if matches!(event, Event::Stepped(_)) {
            self.seen.borrow_mut().push(self.models.alive.get());
        }
        Ok(Heard::Ignored)
    }
}

/// The effect of one start of the program: the models that it built, and how many existed at each step.
fn start(config: &Config) -> (usize, Vec<usize>) {
    let (models, seen, stop) = (Rc::new(Models::default()), Rc::default(), Stop::default());
    let console = || Box::new(Census { models: Rc::clone(&models), seen: Rc::clone(&seen) }) as Box<dyn Observer>;
    let options =
        TrainOptions { no_resume: false, allow_change: Vec::new(), notes: None, agree: &|_| true, console: &console };
    let Found::Place(place) = find(config, &options, None).unwrap_or_else(|error| panic!("{error}")) else {
        panic!("nothing to do")
    };
    let subject = subject(config, &models);
    let place: Box<Place> = place;
    if place.is_new() {
        let around = Surroundings { stop: &stop, progress: &Silent };
        foresee(&subject, Patience::Any, &around).unwrap_or_else(|error| panic!("{error}"));
    }
    place.begin(config, &subject).unwrap_or_else(|error| panic!("{error}"));
    attempt(config, &subject, &place, &options, &stop).unwrap_or_else(|failed| panic!("{}", failed.error));
    (models.built.get(), seen.take())
}

/// The weights and the gradient of a model that is set up for training.
fn numbers(learner: &dyn Learner) -> Vec<f32> {
    let parameters = learner.parameters();
    Vec::try_from(Tensor::cat(&[parameters.values().detach(), parameters.gradients()], 0)).unwrap()
}

#[test]
fn a_rehearsal_leaves_its_model_as_it_was() {
    let (root, stop) = (tempfile::tempdir().unwrap(), Stop::default());
    let subject = subject(&config(root.path(), 2), &Rc::default());
    let before = numbers(subject.learner().unwrap().as_ref());
    let around = Surroundings { stop: &stop, progress: &Silent };
    let found = foresee(&subject, Patience::Any, &around).unwrap_or_else(|error| panic!("{error}"));
    assert!(found.rehearsed.unwrap().parts[0].1 > Some(0.0), "it went through the model");
    assert_eq!(numbers(subject.learner().unwrap().as_ref()), before);
}

#[test]
fn one_model_is_built_for_rehearsal_and_training_and_a_resumed_run_has_no_second_one() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(start(&config(root.path(), 2)), (1, vec![1; 8]), "rehearsed and trained with the same one");
    assert_eq!(start(&config(root.path(), 3)), (1, vec![1; 4]), "continued with one");
}
