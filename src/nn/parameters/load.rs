//! Taking values from named tensors: all that fit are taken, and the report says what was not.

use std::collections::HashSet;
use std::fmt;

use tch::{Kind, Tensor};

use super::spec::Numbers;
use super::{Parameters, part};
use crate::util::units::listed;

/// What happened to each tensor that a model was loaded from. Its text is for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Parameters and buffers that have new values.
    pub loaded: Vec<String>,
    /// Parameters and buffers without a matching tensor; they keep their values.
    pub missing: Vec<String>,
    /// Parameters and buffers whose tensor has another shape or type; they keep their values.
    pub mismatched: Vec<Mismatch>,
    /// Tensors that match nothing in the model.
    pub unexpected: Vec<String>,
    /// What else the file does not have, or has too much, in words: rows of classes.
    pub doubts: Vec<String>,
    /// What was assumed as whoever uses the file by itself has been told already, in words.
    pub assumed: Vec<String>,
    /// What else was assumed or arranged, in words.
    pub notes: Vec<String>,
}

/// A tensor that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The parameter or buffer.
    pub name: String,
    /// What the tensor is: `Float [4, 3]`.
    pub got: String,
    /// What the model has there.
    pub expected: String,
}

impl LoadReport {
    /// Whether everything has a new value and no tensor was left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.doubts.is_empty() && self.has_all()
    }

    /// Whether the tensors are those of the model, whatever they mean.
    fn has_all(&self) -> bool {
        self.missing.is_empty() && self.mismatched.is_empty() && self.unexpected.is_empty()
    }

    /// Why it is not complete, in words.
    #[must_use]
    pub fn misfit(&self) -> String {
        if self.has_all() { self.doubts.join("; ") } else { self.to_string() }
    }
}

/// Tensors of a kind that are named; the rest is counted.
const MOST_NAMED: usize = 5;

impl fmt::Display for LoadReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.loaded.len() + self.missing.len() + self.mismatched.len();
        write!(out, "{} of {all} parameters loaded", self.loaded.len())?;
        for mismatch in self.mismatched.iter().take(MOST_NAMED) {
            write!(out, "; {} has another shape: got {}, expected {}", mismatch.name, mismatch.got, mismatch.expected)?;
        }
        if let Some(more) = self.mismatched.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
            write!(out, "; {more} more have another shape")?;
        }
        for (what, names) in [("missing", &self.missing), ("unexpected", &self.unexpected)] {
            if !names.is_empty() {
                write!(out, "; {what}: {}", listed(names, MOST_NAMED))?;
            }
        }
        self.doubts.iter().chain(&self.assumed).chain(&self.notes).try_for_each(|words| write!(out, "; {words}"))
    }
}

impl Parameters {
    /// Takes the values of the tensors whose name and shape fit, of any floating-point type, from any device. Counters take
    /// whole numbers too.
    pub fn load_named(&mut self, tensors: &[(String, Tensor)]) -> LoadReport {
        let mut report = LoadReport::default();
        let parameters = self
            .entries
            .iter()
            .map(|entry| (&entry.spec.name, Numbers::Float, part(&self.values, &entry.range, &entry.spec.shape)));
        let buffers = self.buffer_parts().into_iter().map(|(spec, place)| (&spec.name, spec.numbers, place));
        let mut known = HashSet::new();
        for (name, numbers, mut place) in parameters.chain(buffers) {
            known.insert(name.as_str());
            match tensors.iter().find(|(other, _)| other == name) {
                None => report.missing.push(name.clone()),
                Some((_, tensor)) if is_of(numbers, tensor.kind()) && tensor.size() == place.size() => {
                    tch::no_grad(|| place.copy_(&tensor.detach()));
                    report.loaded.push(name.clone());
                }
                Some((_, tensor)) => {
                    let got = format!("{:?} {:?}", tensor.kind(), tensor.size());
                    let expected = format!("{} {:?}", kind(numbers), place.size());
                    report.mismatched.push(Mismatch { name: name.clone(), got, expected });
                }
            }
        }
        let unexpected = tensors.iter().map(|(name, _)| name).filter(|name| !known.contains(name.as_str()));
        report.unexpected.extend(unexpected.cloned());
        report
    }
}

fn is_of(numbers: Numbers, kind: Kind) -> bool {
    let is_float = matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16);
    is_float || (numbers == Numbers::Whole && kind == Kind::Int64)
}

fn kind(numbers: Numbers) -> &'static str {
    match numbers {
        Numbers::Float => "Float",
        Numbers::Whole => "Int64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_report_names_the_first_few_and_counts_the_rest() {
        let names = |count: usize| (0..count).map(|number| format!("t{number}")).collect::<Vec<_>>();
        let mismatch = |name: String| Mismatch { name, got: "Float [1]".into(), expected: "Float [2]".into() };
        let report = LoadReport {
            missing: names(7),
            unexpected: names(5),
            mismatched: names(8).into_iter().map(mismatch).collect(),
            ..LoadReport::default()
        };
        let text = report.to_string();
        assert!(text.contains("t4 has another shape: got Float [1], expected Float [2]; 3 more have"), "{text}");
        assert!(text.ends_with("; missing: t0, t1, t2, t3, t4 and 2 more; unexpected: t0, t1, t2, t3, t4"), "{text}");
    }

    #[test]
    fn weights_of_other_classes_do_not_fit_though_all_their_tensors_do() {
        let doubts = vec!["one class is not known".to_owned()];
        let report = LoadReport { loaded: vec!["t".into()], doubts, ..LoadReport::default() };
        assert_eq!((report.is_complete(), report.misfit().as_str()), (false, "one class is not known"));
    }
}
