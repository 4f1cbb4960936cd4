//! What is reported of a loss: the loss itself, Huber and SSIM always, each other term if any phase has it. A validation
//! measures all of it, a step of training what has a weight.

use tch::{Kind, Tensor};

use super::config::Term;
use crate::metric::better::Better;
use crate::metric::score::{ScoreSpec, Show};
use crate::task::nowcast::config::LossConfig;

/// The loss of each sample with its parts, fp32 vectors `[b]` on the device: reading them waits for it.
#[derive(Debug)]
pub struct LossParts {
    /// What training makes small, with its graph.
    pub loss_b: Tensor,
    /// The weighted Huber loss, without a graph, if it was measured.
    pub huber_b: Option<Tensor>,
    /// The structural similarity, without a graph, if it was measured; 1 if nothing is known.
    pub ssim_b: Option<Tensor>,
    /// The other terms that are reported, without their weights and without a graph, in the order of [`Reported`]; those that
    /// were measured.
    pub terms_b: Vec<Option<Tensor>>,
}

impl LossParts {
    /// The sums over the samples of all parts that were measured, as one vector without a graph, in the order of
    /// [`Reported::specs`].
    pub fn sums(&self) -> Tensor {
        let loss_b = self.loss_b.detach();
        let others = [&self.huber_b, &self.ssim_b].into_iter().chain(&self.terms_b);
        let parts: Vec<&Tensor> = std::iter::once(&loss_b).chain(others.flatten()).collect();
        Tensor::stack(&parts, 0).sum_dim_intlist(1, false, Kind::Float)
    }
}

/// Which parts are reported. Every validation of a training reports the same ones: what the loss of a phase does not have is
/// measured all the same, with the settings of the first phase that has it. So curves of validations have no gaps, and a part
/// that weights are compared by is never better only because a phase does not have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reported {
    /// Each term, with the settings of the first loss that has it.
    terms: Vec<(Term, LossConfig)>,
}

impl Reported {
    /// The parts of these losses.
    #[must_use]
    pub fn of<'a>(losses: impl IntoIterator<Item = &'a LossConfig>) -> Self {
        let losses: Vec<&LossConfig> = losses.into_iter().collect();
        let first = |term: Term| Some((term, (*losses.iter().find(|loss| term.is_in(loss))?).clone()));
        Self { terms: Term::ALL.into_iter().filter_map(first).collect() }
    }

    /// How many parts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.specs().len()
    }

    /// What they are; the first is the loss.
    #[must_use]
    pub fn specs(&self) -> Vec<ScoreSpec> {
        let spec = |name, label, better, meaning| ScoreSpec::new(name, label, better).meaning(meaning);
        let huber = "absolute error, squared where it is small, that counts more at strong echoes; 0 is perfect";
        let always = [
            loss_spec(),
            spec("huber", "Huber loss", Better::Lower, huber).shown(Show::Drawn),
            spec("ssim", "SSIM", Better::Higher, "structural similarity of frames; 1 is perfect").shown(Show::Drawn),
        ];
        let term = |(term, _): &(Term, LossConfig)| {
            let (name, label, meaning) = match term {
                Term::Absolute => (
                    "absolute_loss",
                    "Absolute error",
                    "absolute error that counts more at strong echoes; 0 is perfect",
                ),
                Term::Csi => {
                    ("csi_loss", "CSI loss", "misses and false alarms per event, as a CSI weighs them; 0 is perfect")
                }
                Term::Fss => {
                    ("fss_loss", "FSS loss", "difference of the shares of events within squares; 0 is perfect")
                }
            };
            spec(name, label, Better::Lower, meaning).shown(Show::Drawn)
        };
        always.into_iter().chain(self.terms.iter().map(term)).collect()
    }

    /// Which of them have a weight in a loss, which a step of training measures, in the order of [`Self::specs`].
    #[must_use]
    pub fn weighted(&self, loss: &LossConfig) -> Vec<bool> {
        let terms = self.terms.iter().map(|(term, _)| loss.weight(*term));
        let weights = std::iter::once(1.0).chain(loss.huber_ssim_weights()).chain(terms);
        weights.map(|weight| weight != 0.0).collect()
    }

    /// Each term that is reported, with the settings that it has in the loss of a phase.
    pub(super) fn settings<'a>(&'a self, loss: &'a LossConfig) -> impl Iterator<Item = (Term, &'a LossConfig)> {
        self.terms.iter().map(move |(term, first)| (*term, if term.is_in(loss) { loss } else { first }))
    }
}

/// What the loss itself is.
#[must_use]
pub fn loss_spec() -> ScoreSpec {
    ScoreSpec::new("loss", "Loss", Better::Lower).meaning("what training minimises").shown(Show::First)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::nowcast::config::{AbsoluteConfig, CsiConfig};

    fn names(reported: &Reported) -> Vec<String> {
        reported.specs().into_iter().map(|spec| spec.name).collect()
    }

    #[test]
    fn what_any_phase_has_is_reported_in_all_with_the_settings_of_the_first_that_has_it() {
        let plain = LossConfig::default();
        assert_eq!(names(&Reported::of([&plain])), ["loss", "huber", "ssim"]);
        let [one, other] = [0.5, 3.0].map(|width| LossConfig {
            csi: Some(CsiConfig { width, ..CsiConfig::default() }),
            ..LossConfig::default()
        });
        let last = LossConfig { absolute: Some(AbsoluteConfig::default()), ..LossConfig::default() };
        let reported = Reported::of([&plain, &one, &other, &last]);
        assert_eq!(names(&reported), ["loss", "huber", "ssim", "absolute_loss", "csi_loss"]);
        assert_eq!(reported.count(), 5);
        let width = |loss| {
            reported
                .settings(loss)
                .find_map(|(term, settings)| (term == Term::Csi).then(|| settings.csi.as_ref().unwrap().width))
        };
        assert_eq!([&plain, &one, &other, &last].map(|loss| width(loss).unwrap()), [0.5, 0.5, 3.0, 0.5]);
    }
}
