//! What turns gradients into steps, with its rates and decays, and which of them make no sense. How a step is computed is
//! in `train/optimizer`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{below_one, not_negative, positive};
use crate::util::problem::Problem;

/// What turns gradients into steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019).
    Adamw(AdamW),
    /// Adam (Kingma and Ba 2015).
    Adam(Adam),
    /// Gradient descent with momentum.
    Sgd(Sgd),
}

impl Optimizer {
    /// The learning rate that the schedule starts from.
    #[must_use]
    pub fn lr(&self) -> f64 {
        match self {
            Self::Adamw(adamw) => adamw.lr,
            Self::Adam(adam) => adam.lr,
            Self::Sgd(sgd) => sgd.lr,
        }
    }
}

/// Adam with weight decay apart from the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// The learning rate.
    pub lr: f64,
    /// The share of a weight, times the learning rate, that each step takes away. Biases and norms don't decay.
    pub weight_decay: f64,
    /// The decays of the running means of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub eps: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { lr: 1e-5, weight_decay: 1e-5, betas: [0.9, 0.999], eps: 1e-8 }
    }
}

/// Adam, with weight decay as a part of the gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// The learning rate.
    pub lr: f64,
    /// The share of a weight that is added to its gradient. Biases and norms don't decay.
    pub weight_decay: f64,
    /// The decays of the running means of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub eps: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { lr: 1e-3, weight_decay: 0.0, betas: [0.9, 0.999], eps: 1e-8 }
    }
}

/// Gradient descent with momentum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// The learning rate.
    pub lr: f64,
    /// The share of a weight that is added to its gradient. Biases and norms don't decay.
    pub weight_decay: f64,
    /// The share of the last step that is repeated.
    pub momentum: f64,
    /// Whether the gradient is taken as if the momentum had acted already.
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 1e-2, weight_decay: 0.0, momentum: 0.9, nesterov: false }
    }
}

impl Optimizer {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let variant = match self {
            Self::Adamw(adamw) => {
                adaptive(adamw.lr, adamw.weight_decay, adamw.betas, adamw.eps, &mut found);
                "adamw"
            }
            Self::Adam(adam) => {
                adaptive(adam.lr, adam.weight_decay, adam.betas, adam.eps, &mut found);
                "adam"
            }
            Self::Sgd(sgd) => {
                momentum(sgd, &mut found);
                "sgd"
            }
        };
        found.into_iter().map(|problem| problem.below(variant)).collect()
    }
}

fn adaptive(lr: f64, weight_decay: f64, betas: [f64; 2], eps: f64, found: &mut Vec<Problem>) {
    learning_rate(lr, found);
    not_negative("weight_decay", weight_decay, found);
    for (index, beta) in betas.into_iter().enumerate() {
        below_one(&format!("betas.{index}"), beta, "write a decay such as 0.9", found);
    }
    positive("eps", eps, "write a small number such as 1.0e-8", found);
}

fn momentum(sgd: &Sgd, found: &mut Vec<Problem>) {
    learning_rate(sgd.lr, found);
    not_negative("weight_decay", sgd.weight_decay, found);
    below_one("momentum", sgd.momentum, "write a share such as 0.9, or 0 for none", found);
    if sgd.nesterov && sgd.momentum == 0.0 {
        let remedy = "set `momentum` to 0.9 or so, or `nesterov` to false";
        found.push(Problem::new("nesterov", "Nesterov's method needs momentum, which is 0", remedy));
    }
}

fn learning_rate(lr: f64, found: &mut Vec<Problem>) {
    positive("lr", lr, "write a rate such as 1.0e-4", found);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optimizer_out_of_range_is_refused_at_the_key() {
        let paths =
            |optimizer: Optimizer| -> Vec<_> { optimizer.problems().into_iter().map(|problem| problem.path).collect() };
        let adamw = AdamW { lr: 0.0, weight_decay: -1.0, betas: [0.9, 1.0], eps: 0.0 };
        let keys = ["lr", "weight_decay", "betas.1", "eps"];
        assert_eq!(paths(Optimizer::Adamw(adamw)), keys.map(|key| format!("adamw.{key}")));
        let sgd = Sgd { nesterov: true, momentum: 0.0, ..Sgd::default() };
        assert_eq!(paths(Optimizer::Sgd(sgd)), ["sgd.nesterov"]);
    }
}
