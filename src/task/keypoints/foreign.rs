//! Weights that another program has left: what their outputs mean, and whether they are those of the configured network.
//!
//! The classes come from `facts`, which this program writes, from `classes` and the like, from `class_mapping.json` beside the
//! file or one folder up, or from the prepared dataset. The sizes of the network come from the shapes of its tensors.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use thiserror::Error;
use tracing::warn;

use super::adapt::{Columns, adapted};
use super::augment::feature::width;
use super::config::{KeypointsConfig, ModelConfig, PointValue};
use super::dataset::Dataset;
use super::exported::CLASSES;
use super::facts::ModelFacts;
use super::model::lstm::Found;
use super::prepare::store_path;
use super::recipe::{Recipe, Stream};
use super::shapes::shapes;
use super::tail::OTHER;
use crate::data::prepare::work::read_at_most;
use crate::native::said;
use crate::native::shortage::is_out_of_memory;
use crate::nn::weights::{Format, Outline, Weights, WeightsError, outline, read_all};
use crate::task::classes::rows::{FACTS, classes};
use crate::util::exit::Exit;
use crate::util::failure::Failed;

/// The layer whose rows are the classes, of every network.
const LAST: &str = "classifier.weight";

/// What a network takes.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    recipe: &'a Recipe,
    differences: &'a [usize],
}

impl<'a> Inputs<'a> {
    /// What the recipe makes of a sequence, with these differences between frames.
    #[must_use]
    pub fn of(recipe: &'a Recipe, differences: &'a [usize]) -> Self {
        Self { recipe, differences }
    }

    /// The streams with the numbers of a frame.
    fn streams(self) -> impl Iterator<Item = (&'a Stream, usize)> {
        let widths = shapes(self.recipe).into_iter().map(move |shape| width(&shape, self.differences));
        self.recipe.streams.iter().zip(widths)
    }
}

/// The most bytes of a list of classes.
const MOST_BYTES: u64 = 64 << 20;

/// Beside the tensors: what was done to them.
const ADAPTED: &str = "adapted";

/// The frames of a usual sequence, if no dataset says.
const FRAMES: usize = 32;

/// Weights that can't be used with this configuration.
#[derive(Debug, Error)]
pub enum ForeignError {
    /// They can't be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// They are of another network, or of other inputs.
    #[error("{file} does not fit the configuration: {}", differences.join("; "))]
    Differs {
        /// The file.
        file: String,
        /// Each with both sides, and what to set.
        differences: Vec<String>,
    },
    /// libtorch refused.
    #[error("libtorch failed: {}", said::error(.0))]
    Torch(tch::TchError),
    /// A list of classes can't be used.
    #[error("{} {reason}; correct it, or remove it if the weights themselves name their classes", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// Why, and what was expected.
        reason: String,
    },
    /// There are more or fewer classes than outputs.
    #[error("{file} has {outputs} outputs, and {from} names {named} classes; {remedy}")]
    Miscounted {
        /// The file.
        file: String,
        /// Its outputs.
        outputs: usize,
        /// What names them.
        from: String,
        /// How many.
        named: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// Nobody says what their outputs are.
    #[error(
        "{file} does not name its {outputs} classes; put {} with the list {:?} in the order of its outputs beside it or one folder \
         up, or prepare the dataset that it was trained on with this configuration, so that they are its classes in order",
        CLASSES.0, CLASSES.1
    )]
    Unnamed {
        /// The file.
        file: String,
        /// How many.
        outputs: usize,
    },
}

impl ForeignError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Weights(error) => error.exit(),
            Self::Torch(error) if is_out_of_memory(&error.to_string()) => Exit::OutOfMemory,
            Self::Torch(_) => Exit::Bug,
            Self::Differs { .. } | Self::List { .. } | Self::Miscounted { .. } | Self::Unnamed { .. } => {
                Exit::DataRefused
            }
        }
    }
}

crate::util::failures!("weights": ForeignError);

/// What is known of a model from a file of weights that another program wrote, from the files beside it, and from the prepared
/// dataset.
///
/// # Errors
/// If the file can't be read, is of another network, or nobody names its classes.
pub fn facts(config: &KeypointsConfig, prepared: &Path, file: &Path) -> Result<Value, Failed> {
    let outline = outline(file).map_err(ForeignError::from)?;
    if let Some(facts) = outline.beside.get(FACTS).filter(|facts| facts.is_object()) {
        return Ok(facts.clone());
    }
    let recipe = Recipe::of(&config.prepare);
    check(config, Inputs::of(&recipe, &config.differences), file, &outline, true)?;
    let name = file.display().to_string();
    let last = outline.shapes.iter().find(|(name, _)| name == LAST).and_then(|(_, shape)| shape.first().copied());
    let outputs =
        last.ok_or_else(|| ForeignError::Differs { file: name.clone(), differences: vec![no_layer(LAST)] })?;
    let dataset = || Dataset::open(&store_path(prepared, &config.prepare), config).ok().map(|dataset| dataset.model);
    let listed = match classes(&outline.beside) {
        Some(classes) => Some((name.clone(), classes)),
        None => beside(file, outputs)?.map(|(path, classes)| (path.display().to_string(), classes)),
    };
    let (from, classes, frames) = match (listed, dataset()) {
        (Some((from, classes)), dataset) => (from, classes, dataset.map_or(FRAMES, |dataset| dataset.frames)),
        (None, Some(ModelFacts { classes, frames, .. })) => {
            warn!(
                "{name} does not name its {outputs} classes: they are taken for those of the prepared dataset in order"
            );
            ("the prepared dataset".into(), classes, frames)
        }
        (None, None) => return Err(ForeignError::Unnamed { file: name, outputs }.into()),
    };
    if classes.len() != outputs {
        let remedy = match from == "the prepared dataset" {
            true => "put the class_mapping.json of its training beside it, or set task.keypoints.tail as it was",
            false => "correct the list",
        };
        return Err(ForeignError::Miscounted { file: name, outputs, from, named: classes.len(), remedy }.into());
    }
    // Its trainer puts the class of all small ones last.
    let other = classes.iter().position(|class| class == OTHER).filter(|place| place + 1 == outputs);
    let differences = config.differences.clone();
    Ok(json!(ModelFacts { classes, recipe, differences, other, frames, temperature: None }))
}

/// The weights of a file as a network with these inputs takes them, with the classes that the files beside it name.
///
/// # Errors
/// If they can't be read, or are of another network.
pub fn weights(config: &KeypointsConfig, inputs: Inputs<'_>, file: &Path) -> Result<Weights, Failed> {
    let mut weights = read_all(file).map_err(ForeignError::from)?;
    let shape = |tensor: &tch::Tensor| tensor.size().iter().map(|side| side.unsigned_abs() as usize).collect();
    let shapes: Vec<(String, Vec<usize>)> =
        weights.tensors.iter().map(|(name, tensor)| (name.clone(), shape(tensor))).collect();
    let outline = Outline { shapes, beside: std::mem::take(&mut weights.beside) };
    check(config, inputs, file, &outline, false)?;
    weights.beside = outline.beside;
    if config.adapt && inputs.differences.is_empty() {
        let (recipe, named) = (inputs.recipe, values(&weights.beside));
        let mut done = Vec::new();
        for stream in &recipe.streams {
            done.extend(adapted(&mut weights, stream, &recipe.values, named.as_deref()).map_err(ForeignError::Torch)?);
        }
        weights.beside.insert(ADAPTED.into(), json!(done));
    }
    if classes(&weights.beside).is_none() {
        let last = outline.shapes.iter().find(|(name, _)| name == LAST).and_then(|(_, shape)| shape.first().copied());
        if let Some((_, classes)) = beside(file, last.unwrap_or(0))? {
            weights.beside.insert("classes".into(), json!(classes));
        }
    }
    Ok(weights)
}

/// The classes that a file beside the weights or one folder up lists.
fn beside(file: &Path, outputs: usize) -> Result<Option<(PathBuf, Vec<String>)>, ForeignError> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let mut folders = absolute.ancestors().skip(1).take(2).map(|folder| folder.join(CLASSES.0));
    let Some(path) = folders.find(|path| path.is_file()) else { return Ok(None) };
    let refused = |reason: String| ForeignError::List { path: path.clone(), reason };
    let bytes = read_at_most(&path, MOST_BYTES).map_err(|error| refused(format!("can't be read: {error}")))?;
    let map: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| refused(format!("is no JSON object: {error}")))?;
    let named = map.get(CLASSES.1).map(|list| Map::from_iter([("classes".to_owned(), list.clone())]));
    let Some(mut names) = classes(named.as_ref().unwrap_or(&map)) else {
        let keys: Vec<&str> = map.keys().take(8).map(String::as_str).collect();
        let found = keys.join(", ");
        return Err(refused(format!(
            "has no classes among [{found}], expected {:?}: a list, or names by numbers",
            CLASSES.1
        )));
    };
    let has_other = map.get("tail_to_other") == Some(&Value::Bool(true));
    if has_other && names.len() + 1 == outputs && !names.iter().any(|name| name == OTHER) {
        names.push(OTHER.to_owned());
    }
    Ok(Some((path.clone(), names)))
}

/// What was done to weights so that they fit, in words. Whoever gives them to a model reports it.
#[must_use]
pub fn adaptations(beside: &Map<String, Value>) -> Vec<String> {
    let texts = beside.get(ADAPTED).and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn no_layer(name: &str) -> String {
    format!("it has no {name}, which the configured network ends with; configure the network that it was trained with")
}

/// Whether these are the weights of the configured network. A network that only starts from them may have other streams.
fn check(
    config: &KeypointsConfig,
    inputs: Inputs<'_>,
    file: &Path,
    outline: &Outline,
    needs_all: bool,
) -> Result<(), ForeignError> {
    let found = Found::of(&outline.shapes);
    let differences = match (&config.model, found) {
        (ModelConfig::Lstm(model), Some(found)) => {
            let sizes = [
                ("hidden", found.hidden, model.hidden),
                ("layers", found.layers, model.layers),
                ("embedding", found.embedding, model.embedding),
            ];
            let size = |(key, found, ours): (&str, usize, usize)| {
                let text = || {
                    format!(
                        "{key} is {found} in it and {ours} in the configuration: set task.keypoints.model.lstm.{key}: {found}"
                    )
                };
                (found != ours).then(text)
            };
            let columns = of_columns(config, inputs, &found, values(&outline.beside).as_deref());
            let is_ordered = Format::of(file).is_ok_and(|format| format == Format::Pth);
            let streams = of_streams(inputs.recipe, &found, is_ordered).filter(|_| needs_all);
            streams.into_iter().chain(columns).chain(sizes.into_iter().filter_map(size)).collect()
        }
        (ModelConfig::ConvTransformer(_), Some(Found { hidden, layers, embedding, .. })) if needs_all => vec![format!(
            "it is of the network lstm, and the configuration has conv_transformer: set task.keypoints.model: {{lstm: {{hidden: \
             {hidden}, layers: {layers}, embedding: {embedding}}}}}"
        )],
        (ModelConfig::Lstm(_), None) if needs_all => {
            vec!["it has no tensors encoder.<stream>_branch.lstm and encoder.fusion, as the network lstm does; configure the \
                  network that it was trained with (task.keypoints.model)"
                .to_owned()]
        }
        _ => Vec::new(),
    };
    match differences.is_empty() {
        true => Ok(()),
        false => Err(ForeignError::Differs { file: file.display().to_string(), differences }),
    }
}

/// The streams, if the file has others, or the same in another order: that of a file of PyTorch is the order in which it joins them.
fn of_streams(recipe: &Recipe, found: &Found, is_ordered: bool) -> Option<String> {
    let theirs: Vec<&str> = found.streams.iter().map(|stream| stream.name.as_str()).collect();
    let ours: Vec<&str> = recipe.streams.iter().map(|stream| stream.name.as_str()).collect();
    let sorted = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort_unstable();
        names
    };
    let is_same = if is_ordered { theirs == ours } else { sorted(&theirs) == sorted(&ours) };
    let all: Vec<String> = found.streams.iter().map(|stream| format!("{} {}", stream.name, stream.inputs)).collect();
    (!is_same).then(|| {
        format!(
            "it has the streams {} (numbers of a frame), and the configuration has {}: set task.keypoints.prepare.streams to the \
             streams of the file, in this order",
            all.join(", "),
            ours.join(", ")
        )
    })
}

/// The columns of the first layers that are not those of the configuration. What to set is said once for all that it helps.
fn of_columns(
    config: &KeypointsConfig,
    inputs: Inputs<'_>,
    found: &Found,
    named: Option<&[PointValue]>,
) -> Vec<String> {
    let mut by_remedy: Vec<(String, Vec<String>)> = Vec::new();
    let differs = |stream| of_stream(config, inputs, stream, (found, named));
    for (text, remedy) in inputs.streams().filter_map(differs) {
        match by_remedy.iter_mut().find(|(known, _)| *known == remedy) {
            Some((_, texts)) => texts.push(text),
            None => by_remedy.push((remedy, vec![text])),
        }
    }
    by_remedy.into_iter().map(|(remedy, texts)| format!("{}: {remedy}", texts.join("; "))).collect()
}

/// The columns of the first layer of a stream, if they are not those of the configuration, and what to set.
fn of_stream(
    config: &KeypointsConfig,
    Inputs { recipe, differences }: Inputs<'_>,
    (stream, ours): (&Stream, usize),
    (found, named): (&Found, Option<&[PointValue]>),
) -> Option<(String, String)> {
    let theirs = found.streams.iter().find(|known| known.name == stream.name)?;
    let (theirs, points) = (usize::try_from(theirs.inputs).ok()?, stream.points);
    let columns = Columns::of(theirs, points, named).filter(|_| differences.is_empty());
    let is_same = theirs == ours && named.is_none_or(|named| named == recipe.values);
    let adapts = config.adapt && columns.is_some() && ours == points * recipe.values.len();
    if is_same || adapts {
        return None;
    }
    let Stream { name, .. } = stream;
    let head = format!("encoder.{name}_branch.input_proj has {theirs} columns");
    let configured = format!("the configuration gives {ours} = {points} x {}", ours / points.max(1));
    Some(match columns {
        Some(Columns { values, .. }) => {
            let names: Vec<&str> = values.iter().map(|value| value.name()).collect();
            let remedy = format!(
                "set task.keypoints.prepare.values: [{}], or task.keypoints.adapt: true to copy the columns of the values that \
                 both have",
                names.join(", ")
            );
            (format!("{head} = {points} points x {} values, {configured}", values.len()), remedy)
        }
        None if !differences.is_empty() => (
            format!("{head}, and the configuration gives {ours} with the differences {differences:?}"),
            "set task.keypoints.differences and prepare.values to those that it was trained with".to_owned(),
        ),
        None => (format!("{head}, {configured}"), of_points(name, theirs, &recipe.values)),
    })
}

/// The values of a point that this program has written beside the weights.
fn values(beside: &Map<String, Value>) -> Option<Vec<PointValue>> {
    let facts = match beside.get(FACTS)? {
        Value::String(text) => serde_json::from_str(text).ok()?,
        facts => facts.clone(),
    };
    Some(ModelFacts::read(&facts).ok()?.recipe.values)
}

fn of_points(name: &str, columns: usize, values: &[PointValue]) -> String {
    let per_point = values.len().max(1);
    match columns % per_point {
        0 => format!("set task.keypoints.prepare.streams.{name}.points: {}", columns / per_point),
        _ => "set task.keypoints.prepare.streams and values to those that it was trained with".to_owned(),
    }
}

#[cfg(test)]
mod tests;
