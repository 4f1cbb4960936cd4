//! The rows of a network's last layer, brought into the order of our classes: weights of another program or another dataset have
//! others, or have them in another order.
//!
//! The classes come from `facts`, which this program writes, or from `labels` and the like, which trainers save beside a state
//! dict.

use serde_json::{Map, Value};
use tch::{Kind, Tensor};

use crate::nn::parameters::Parameters;
use crate::nn::weights::Weights;

/// What this program calls what is known of a model.
pub const FACTS: &str = "facts";

/// What trainers call their lists of classes.
const LISTS: [&str; 5] = ["labels", "classes", "class_names", "idx_to_class", "class_to_idx"];

/// Classes that are named in a message.
const MOST_NAMED: usize = 8;

/// The classes of a model, in the order of its outputs, by what its file says beside its tensors.
#[must_use]
pub fn classes(beside: &Map<String, Value>) -> Option<Vec<String>> {
    let own = match beside.get(FACTS) {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        other => other.cloned(),
    };
    let own = own.as_ref().and_then(|facts| list(facts.get("classes")?));
    own.or_else(|| LISTS.iter().find_map(|name| list(beside.get(*name)?)))
}

/// A list of names; names by their numbers; or numbers by their names.
fn list(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let numbered: Vec<(usize, String)> = match value {
        Value::Array(names) => return names.iter().map(text).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(name, value)| match value {
                Value::Number(number) => Some((usize::try_from(number.as_u64()?).ok()?, name.clone())),
                other => Some((name.parse().ok()?, text(other)?)),
            })
            .collect::<Option<_>>()?,
        _ => return None,
    };
    let mut names = vec![None; numbered.len()];
    for (number, name) in numbered {
        *names.get_mut(number)? = Some(name);
    }
    names.into_iter().collect()
}

/// The layer whose rows are the classes, by the name of the last parameter.
#[must_use]
pub fn last_layer(last_parameter: &str) -> String {
    let name = last_parameter;
    name.rsplit_once('.').map_or(name, |(layer, _)| layer).to_owned()
}

/// What is known of our classes when weights are matched with them.
#[derive(Clone, Copy)]
pub struct Naming<'a> {
    /// Our classes, in the order of the model's outputs.
    pub classes: &'a [String],
    /// What people call them.
    pub labels: &'a [String],
    /// What two names of one class have in common.
    pub key: fn(&str) -> String,
    /// The classes that so many outputs usually are, if the weights do not name them.
    pub usual: fn(usize) -> Option<Vec<String>>,
}

/// What became of the rows of the last layer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// What was not found, in words.
    pub doubts: Vec<String>,
    /// What was assumed as the task assumes and reports it when the weights are described, in words.
    pub assumed: Vec<String>,
    /// What else was assumed or arranged, in words.
    pub notes: Vec<String>,
}

/// Brings the rows of the last layer into the order of these classes. Rows of classes that the weights do not know keep the values
/// of `parameters`. If the weights do not name their classes, row i is taken for class i if there are as many, else for the classes
/// that so many outputs usually are.
pub fn arrange(weights: &mut Weights, naming: &Naming<'_>, parameters: &Parameters, layer: &str) -> Rows {
    let ours: Vec<String> = naming.classes.iter().map(|class| (naming.key)(class)).collect();
    let rows = |tensor: &Tensor| tensor.size().first().map_or(0, |rows| rows.unsigned_abs() as usize);
    let has =
        weights.tensors.iter().find(|(name, _)| name == &format!("{layer}.weight")).map(|(_, tensor)| rows(tensor));
    let Some(outputs) = has else { return Rows::default() };
    let keys = |classes: Vec<String>| classes.iter().map(|class| (naming.key)(class)).collect::<Vec<_>>();
    let theirs = match classes(&weights.beside) {
        Some(classes) if classes.len() == outputs => keys(classes),
        other => {
            let usual = (naming.usual)(outputs).map(keys);
            let why = match other {
                Some(classes) => format!("the weights name {} classes for {outputs} outputs", classes.len()),
                None => "the weights do not name their classes".to_owned(),
            };
            if outputs == ours.len() {
                let text =
                    format!("{why}: row i of {layer} is taken for class i, in the order {}", named(naming.labels));
                let is_usual = usual.as_ref() == Some(&ours);
                let (assumed, notes) = if is_usual { (vec![text], vec![]) } else { (vec![], vec![text]) };
                return Rows { assumed, notes, ..Rows::default() };
            }
            let Some(usual) = usual.filter(|usual| usual.iter().any(|class| ours.contains(class))) else {
                return Rows {
                    doubts: vec![format!("{why}, so the rows of {layer} keep their values")],
                    ..Rows::default()
                };
            };
            let text = format!("{why}: its {outputs} rows of {layer} are taken for {}", span(&usual));
            let rows = matched(weights, (&ours, &usual, outputs), parameters, (naming.labels, layer));
            return Rows { notes: [vec![text], rows.notes].concat(), ..rows };
        }
    };
    if theirs == ours {
        return Rows::default();
    }
    matched(weights, (&ours, &theirs, outputs), parameters, (naming.labels, layer))
}

/// The first and the last of the usual classes.
#[must_use]
pub fn span(usual: &[String]) -> String {
    format!("{} to {}, in the usual order", usual[0], usual[usual.len() - 1])
}

/// Moves the rows of the classes that both have.
fn matched(
    weights: &mut Weights,
    (ours, theirs, outputs): (&[String], &[String], usize),
    parameters: &Parameters,
    (labels, layer): (&[String], &str),
) -> Rows {
    let rows = |tensor: &Tensor| tensor.size().first().map_or(0, |rows| rows.unsigned_abs() as usize);
    let pairs: Vec<(i64, i64)> = (0_i64..)
        .zip(ours)
        .filter_map(|(to, class)| Some((to, theirs.iter().position(|known| known == class)? as i64)))
        .collect();
    for part in ["weight", "bias"] {
        let name = format!("{layer}.{part}");
        let Ok(own) = parameters.view(&name) else { continue };
        for (_, tensor) in
            weights.tensors.iter_mut().filter(|(known, tensor)| *known == name && rows(tensor) == outputs)
        {
            if let Ok(moved) = moved(tensor, &own.detach(), &pairs) {
                *tensor = moved;
            }
        }
    }
    report(labels, ours, theirs, layer)
}

fn moved(from: &Tensor, own: &Tensor, pairs: &[(i64, i64)]) -> Result<Tensor, tch::TchError> {
    let (to, rows): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
    let own = own.f_to_device(from.device())?.f_to_kind(Kind::Float)?;
    let rows = from.f_to_kind(Kind::Float)?.f_index_select(0, &Tensor::f_from_slice(&rows)?)?;
    own.f_index_copy(0, &Tensor::f_from_slice(&to)?, &rows)
}

fn report(labels: &[String], ours: &[String], theirs: &[String], layer: &str) -> Rows {
    let new: Vec<String> =
        ours.iter().zip(labels).filter(|(class, _)| !theirs.contains(class)).map(|(_, label)| label.clone()).collect();
    let left: Vec<String> = theirs.iter().filter(|class| !ours.contains(class)).cloned().collect();
    let mut rows = Rows::default();
    if !new.is_empty() {
        let all = ours.len();
        rows.doubts.push(format!(
            "the weights do not know {} of {all} classes, whose rows of {layer} keep their values: {}",
            new.len(),
            named(&new)
        ));
    }
    if !left.is_empty() {
        let all = theirs.len();
        rows.doubts.push(format!(
            "{} of the {all} classes of the weights are not among these: {}",
            left.len(),
            named(&left)
        ));
    }
    if new.len() < ours.len() {
        rows.notes.push(format!("the rows of {layer} were matched by the names of classes"));
    }
    rows
}

/// The first few names.
fn named(names: &[String]) -> String {
    let more = if names.len() > MOST_NAMED { ", ..." } else { "" };
    format!("{}{more}", names[..names.len().min(MOST_NAMED)].join(", "))
}
