//! Weights that another program or another dataset has left: what their outputs mean, and which of them are ours.
//!
//! The classes come from `facts`, which this program writes, or from `labels` and the like, which trainers save beside a state
//! dict. `A`, `A_upper` and `a_upper` are the same class.

use std::path::Path;

use serde_json::{Value, json};
use thiserror::Error;

use super::config::ImageClassConfig;
use super::facts::ModelFacts;
use super::training::network;
use crate::nn::weights::{WeightsError, outline};
use crate::task::classes::class_names::{character, folder};
use crate::task::classes::rows::{FACTS, Naming, classes, last_layer, span};
use crate::util::exit::Exit;
use crate::util::failure::Failed;

/// What networks of so many outputs are taken for, if their weights do not say more: digits, letters and digits, and these with
/// symbols, in the order that the naming of folders has.
const USUAL: [usize; 3] = [10, 62, 94];

/// Weights that do not name their classes.
#[derive(Debug, Error)]
pub enum ForeignError {
    /// They can't be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// They have no layer of outputs.
    #[error(
        "{file} has no {layer}.weight, which the configured network ends with; configure the network that it was trained with"
    )]
    NoOutputs {
        /// The file.
        file: String,
        /// The last layer of the network.
        layer: String,
    },
    /// They name too many or too few of them.
    #[error(
        "{file} names {named} classes, but has {outputs} outputs; correct its list, or list the classes in the order of its \
         outputs: --set 'task.image_class.prepare.classes=[a, b, ...]'"
    )]
    Miscounted {
        /// The file.
        file: String,
        /// The classes that it names.
        named: usize,
        /// Its outputs.
        outputs: usize,
    },
    /// They do not say what their outputs are.
    #[error(
        "{file} does not name its {outputs} classes; list them in the order of its outputs: --set 'task.image_class.prepare.classes=[a, b, ...]'"
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
            Self::NoOutputs { .. } | Self::Miscounted { .. } | Self::Unnamed { .. } => Exit::DataRefused,
        }
    }
}

crate::util::failures!("weights": ForeignError);

/// What is known of a model from a file of weights that another program wrote, and from the configuration.
///
/// # Errors
/// If the file can't be read, is of another network, names too few classes, or none and nobody else does.
pub fn facts(config: &ImageClassConfig, file: &Path) -> Result<Value, Failed> {
    let outline = outline(file).map_err(ForeignError::from)?;
    if let Some(facts) = outline.beside.get(FACTS).filter(|facts| facts.is_object()) {
        return Ok(facts.clone());
    }
    let layout = network(config, &described(config, &["any".into(), "other".into()])?).layout();
    let layer = layout.parameters.last().map_or_else(String::new, |spec| last_layer(&spec.name));
    let name = file.display().to_string();
    let weight = format!("{layer}.weight");
    let shape = outline.shapes.iter().find(|(name, _)| *name == weight).map(|(_, shape)| shape);
    let outputs =
        shape.and_then(|shape| shape.first().copied()).ok_or(ForeignError::NoOutputs { file: name.clone(), layer })?;
    let classes = match (classes(&outline.beside), listed(config), usual(outputs)) {
        (Some(classes), _, _) | (None, Some(classes), _) if classes.len() == outputs => classes,
        (Some(named), Some(classes), _) if classes.len() == outputs => {
            let named = named.len();
            tracing::warn!("{name} names {named} classes for its {outputs} outputs: prepare.classes is used instead");
            classes
        }
        (Some(named), _, _) => {
            return Err(ForeignError::Miscounted { file: name, named: named.len(), outputs }.into());
        }
        (None, _, Some(usual)) => {
            tracing::warn!(
                "{name} does not name its {outputs} classes: they are taken for {}; list others in \
                 task.image_class.prepare.classes",
                span(&usual)
            );
            usual
        }
        _ => return Err(ForeignError::Unnamed { file: name, outputs }.into()),
    };
    Ok(json!(described(config, &classes)?))
}

/// The facts of a model with these classes, which takes images as the configuration says.
fn described(config: &ImageClassConfig, classes: &[String]) -> Result<ModelFacts, Failed> {
    let folders: Vec<String> = classes.iter().map(|class| folder_of(class)).collect();
    let labels: Vec<String> = folders.iter().map(|folder| key(folder)).collect();
    let prepare = &config.prepare;
    let inverted = prepare.invert == super::config::Invert::Always;
    Ok(ModelFacts::read(&json!({
        "classes": folders, "labels": labels, "size": prepare.size, "fit": prepare.fit, "transposed": prepare.transpose,
        "packed_transposed": prepare.transpose, "background": prepare.background, "inverted": inverted,
    }))?)
}

/// The classes that the configuration lists.
fn listed(config: &ImageClassConfig) -> Option<Vec<String>> {
    config.prepare.classes.clone()
}

/// The classes of so many outputs, if that is clear.
fn usual(outputs: usize) -> Option<Vec<String>> {
    let characters = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(SYMBOLS.chars());
    let all: Vec<String> = characters.filter_map(folder).collect();
    USUAL.contains(&outputs).then(|| if outputs == 10 { all[52..62].to_vec() } else { all[..outputs].to_vec() })
}

/// The symbols in the order of their classes.
const SYMBOLS: &str = "!@#$%&*()-_+=[]{};:'\",.<>/?|~`¡¿";

/// The folder that a class is known by: that of its character, if it is one.
fn folder_of(class: &str) -> String {
    let mut letters = class.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => folder(letter).unwrap_or_else(|| class.to_owned()),
        _ => class.to_owned(),
    }
}

/// What two names of a class have in common: its character, or the name.
pub fn key(class: &str) -> String {
    character(class).map_or_else(|| class.to_owned(), |(_, character)| character.to_string())
}

/// The classes of a model, as weights are matched with them.
pub fn naming(facts: &ModelFacts) -> Naming<'_> {
    Naming { classes: &facts.classes, labels: &facts.labels, key, usual }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;
    use crate::nn::parameters::Parameters;
    use crate::nn::weights::Weights;
    use crate::task::classes::rows::{Rows, arrange};

    fn facts(classes: &[&str]) -> ModelFacts {
        let classes: Vec<String> = classes.iter().map(|&class| class.into()).collect();
        described(&ImageClassConfig::default(), &classes).unwrap()
    }

    /// Weights of a last layer whose row i has the value i + 1, and a bias of its negative.
    fn weights(rows: i64, beside: Value) -> Weights {
        let values = (Tensor::arange(rows, (Kind::Float, Device::Cpu)) + 1.0).view([rows, 1]);
        let tensors =
            vec![("fc4.weight".to_owned(), values.repeat([1, 128])), ("fc4.bias".to_owned(), -values.flatten(0, -1))];
        Weights { tensors, beside: beside.as_object().cloned().unwrap_or_default() }
    }

    /// The parameters of a network with these classes, all of them 0.
    fn parameters(facts: &ModelFacts) -> (Parameters, String) {
        let layout = network(&ImageClassConfig::default(), facts).layout();
        let parameters = Parameters::new(&layout, 1, Device::Cpu).unwrap();
        tch::no_grad(|| drop(parameters.values().fill_(0.0)));
        let layer = last_layer(parameters.names().last().unwrap());
        (parameters, layer)
    }

    fn arranged(classes: &[&str], mut weights: Weights) -> (Vec<f64>, Rows) {
        let facts = facts(classes);
        let (parameters, layer) = parameters(&facts);
        let rows = arrange(&mut weights, &naming(&facts), &parameters, &layer);
        let first = weights.tensors[0].1.select(1, 0).to_kind(Kind::Double);
        assert_eq!(
            Vec::<f64>::try_from(&weights.tensors[1].1.to_kind(Kind::Double)).unwrap(),
            Vec::<f64>::try_from(-&first).unwrap()
        );
        (Vec::try_from(first).unwrap(), rows)
    }

    #[test]
    fn rows_are_matched_by_the_names_of_classes_whatever_they_are_called() {
        for beside in [
            json!({"labels": ["b", "A", "0"]}),
            json!({"classes": ["b_lower", "a_upper", "0_digit"]}),
            json!({"idx_to_class": {"0": "b", "1": "A", "2": "0"}}),
            json!({"class_to_idx": {"A_upper": 1, "b_lower": 0, "0_digit": 2}}),
            json!({"facts": {"classes": ["b_lower", "A_upper", "0_digit"]}, "labels": ["x", "y", "z"]}),
            json!({"facts": "{\"classes\": [\"b_lower\", \"A_upper\", \"0_digit\"]}"}),
        ] {
            let (rows, report) = arranged(&["A_upper", "b_lower", "0_digit"], weights(3, beside.clone()));
            assert_eq!(rows, [2.0, 1.0, 3.0], "{beside}");
            assert_eq!((report.doubts.len(), report.notes.len()), (0, 1), "{report:?}");
        }
    }

    #[test]
    fn new_classes_keep_their_values_and_both_differences_are_reported() {
        let (rows, report) =
            arranged(&["A_upper", "B_upper", "c_lower"], weights(3, json!({"labels": ["c", "7", "A"]})));
        assert_eq!(rows, [3.0, 0.0, 1.0]);
        assert_eq!(
            report.doubts,
            [
                "the weights do not know 1 of 3 classes, whose rows of fc4 keep their values: B",
                "1 of the 3 classes of the weights are not among these: 7"
            ]
        );
        let (rows, report) =
            arranged(&["A_upper", "B_upper"], weights(5, json!({"labels": ["B", "x", "y", "z", "A"]})));
        assert_eq!((rows, report.doubts.len()), (vec![5.0, 1.0], 1));
    }

    #[test]
    fn the_same_classes_change_nothing_and_unnamed_ones_are_reported() {
        let (rows, report) = arranged(&["A_upper", "b_lower"], weights(2, json!({"labels": ["A", "b"]})));
        assert_eq!((rows, report), (vec![1.0, 2.0], Rows::default()));
        for beside in [json!({}), json!({"labels": {"3": "A", "1": "b"}}), json!({"labels": 7})] {
            let (rows, report) = arranged(&["A_upper", "b_lower"], weights(2, beside));
            assert_eq!((rows, report.notes.len()), (vec![1.0, 2.0], 1));
            assert!(report.notes[0].contains("do not name their classes"), "{report:?}");
        }
        let (rows, report) = arranged(&["A_upper", "b_lower"], weights(2, json!({"labels": ["A"]})));
        assert_eq!(rows, [1.0, 2.0]);
        assert!(report.notes[0].starts_with("the weights name 1 classes for 2 outputs: row i of fc4"), "{report:?}");
        let (rows, report) = arranged(&["A_upper", "b_lower"], weights(3, json!({})));
        assert_eq!((rows.len(), report.doubts.len()), (3, 1), "and left for the report of shapes");
        assert!(report.doubts[0].ends_with("name their classes, so the rows of fc4 keep their values"), "{report:?}");
    }

    #[test]
    fn unnamed_outputs_of_a_usual_number_are_the_usual_classes() {
        let (rows, report) = arranged(&["b_lower", "A_upper", "0_digit", "cat"], weights(62, json!({})));
        assert_eq!(rows, [28.0, 1.0, 53.0, 0.0]);
        assert_eq!(
            report.notes[0],
            "the weights do not name their classes: its 62 rows of fc4 are taken for A to 9, in the usual order"
        );
        assert!(report.doubts[0].contains("do not know 1 of 4 classes"), "{report:?}");
        let (rows, report) = arranged(&["cat", "dog"], weights(62, json!({})));
        assert_eq!((rows.len(), report.doubts.len()), (62, 1), "of none of these classes");
        let usual = usual(10).unwrap();
        let ten: Vec<&str> = usual.iter().map(String::as_str).collect();
        let (_, report) = arranged(&ten, weights(10, json!({})));
        assert_eq!((report.assumed.len(), report.notes.len()), (1, 0), "`facts` has reported it");
    }

    #[test]
    fn as_many_names_as_outputs_are_expected_unless_the_configuration_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.safetensors");
        let header = json!({
            "__metadata__": {"facts": json!({"classes": ["a", "b", "c"]}).to_string()},
            "fc4.weight": {"dtype": "F32", "shape": [10, 128], "data_offsets": [0, 5120]},
        });
        let header = header.to_string();
        let parts = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 5120]];
        std::fs::write(&file, parts.concat()).unwrap();
        let refused = super::facts(&ImageClassConfig::default(), &file).unwrap_err();
        assert_eq!(refused.exit(), Exit::DataRefused);
        assert!(refused.to_string().contains("names 3 classes, but has 10 outputs"), "{refused}");
        let mut config = ImageClassConfig::default();
        config.prepare.classes = Some((0..10).map(|number| format!("c{number}")).collect());
        assert_eq!(super::facts(&config, &file).unwrap()["classes"][9], "c9");
    }

    #[test]
    fn symbols_have_the_order_of_their_classes() {
        let usual = usual(94).unwrap();
        let ordered = crate::task::classes::class_names::ordered(usual.clone());
        assert_eq!(usual, ordered.into_iter().map(|class| class.folder).collect::<Vec<_>>());
        assert_eq!((super::usual(10).unwrap()[0].as_str(), super::usual(26)), ("0_digit", None));
    }
}
