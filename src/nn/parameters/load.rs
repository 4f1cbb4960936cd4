//! Taking values from named tensors: all that fit are taken, and the report says what was not.

use std::fmt;

use tch::{Kind, Tensor};

use super::Parameters;

/// What became of the tensors that parameters were loaded from. Its text is for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Parameters that have new values.
    pub loaded: Vec<String>,
    /// Parameters that none of the tensors is for; they keep their values.
    pub missing: Vec<String>,
    /// Parameters whose tensor has another shape, or holds no floating-point numbers; they keep their values.
    pub mismatched: Vec<Mismatch>,
    /// Tensors that are for no parameter.
    pub unexpected: Vec<String>,
}

/// A tensor that does not fit its parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The parameter.
    pub name: String,
    /// What the tensor is: `Float [4, 3]`.
    pub got: String,
    /// What the parameter is.
    pub expected: String,
}

impl LoadReport {
    /// Whether every parameter has a new value and no tensor was left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.mismatched.is_empty() && self.unexpected.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.loaded.len() + self.missing.len() + self.mismatched.len();
        write!(out, "{} of {all} parameters loaded", self.loaded.len())?;
        for mismatch in &self.mismatched {
            write!(out, "; {} has another shape: got {}, expected {}", mismatch.name, mismatch.got, mismatch.expected)?;
        }
        for (what, names) in [("missing", &self.missing), ("unexpected", &self.unexpected)] {
            if !names.is_empty() {
                write!(out, "; {what}: {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}

impl Parameters {
    /// Takes the values of the tensors whose name and shape fit, of any floating-point type, from any device.
    pub fn load_named(&mut self, tensors: &[(String, Tensor)]) -> LoadReport {
        let mut report = LoadReport::default();
        let is_known = |name: &str| self.by_name.contains_key(name);
        report.unexpected.extend(tensors.iter().map(|(name, _)| name.clone()).filter(|name| !is_known(name)));
        for entry in &self.entries {
            let name = entry.spec.name.clone();
            match tensors.iter().find(|(known, _)| *known == name) {
                None => report.missing.push(name),
                Some((_, tensor)) if is_float(tensor) && tensor.size() == entry.spec.shape => {
                    super::part(&self.values, &entry.range, &entry.spec.shape).copy_(&tensor.detach());
                    report.loaded.push(name);
                }
                Some((_, tensor)) => {
                    let got = format!("{:?} {:?}", tensor.kind(), tensor.size());
                    report.mismatched.push(Mismatch { name, got, expected: format!("Float {:?}", entry.spec.shape) });
                }
            }
        }
        report
    }
}

fn is_float(tensor: &Tensor) -> bool {
    matches!(tensor.kind(), Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16)
}
