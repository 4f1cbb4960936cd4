//! What makes no sense in the `task.image_class` section although every type is right.

use super::config::{
    AugmentConfig, ImageClassConfig, LossConfig, ModelConfig, PrepareConfig, ResNetConfig, SplitConfig,
};
use crate::task::classes::class_names::canonical;
use crate::task::limits::share;
use crate::util::problem::Problem;

/// Three poolings halve the image, and the last feature map must not be empty.
const SMALLEST: usize = 8;

/// Larger images are work for another model, and 62,000 of them would not fit into memory.
const LARGEST: usize = 256;

/// The most stages of a residual network: five halvings leave little of an image of 28 rows.
const STAGES: usize = 6;

/// The most channels of a layer.
const WIDEST: usize = 4096;

/// The most blocks of a stage.
const DEEPEST: usize = 100;

/// The most classes.
pub(super) const MOST_CLASSES: usize = 1 << 16;

impl ImageClassConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn section_problems(&self) -> Vec<Problem> {
        let sections = [
            ("prepare", self.prepare.problems()),
            ("split", self.split.problems()),
            ("augment", self.augment.problems()),
            ("model", self.model.problems()),
            ("loss", self.loss.problems()),
        ];
        let below = sections.into_iter().flat_map(|(key, found)| found.into_iter().map(|problem| problem.below(key)));
        self.balance_problems().into_iter().chain(below).collect()
    }

    fn balance_problems(&self) -> Vec<Problem> {
        let remedy = "write 1 for equal classes, or 0.5 for the square root";
        let mut found: Vec<_> = share("balance_power", self.balance_power, 4.0, remedy).into_iter().collect();
        if let Some(beta) = self.balance_beta.filter(|beta| !(*beta > 0.0 && *beta < 1.0)) {
            let message = format!("expected a value between 0 and 1, got {beta}");
            found.push(Problem::new("balance_beta", message, "write 0.999, or null to count by balance_power"));
        }
        found
    }
}

impl PrepareConfig {
    fn problems(&self) -> Vec<Problem> {
        let sides = self.size.into_iter().enumerate().filter(|(_, side)| !(SMALLEST..=LARGEST).contains(side));
        let mut found: Vec<_> = sides
            .map(|(index, side)| {
                let message = format!("an image needs {SMALLEST} to {LARGEST} rows and columns, got {side}");
                Problem::new(format!("size.{index}"), message, "write [rows, columns], such as [28, 28]")
            })
            .collect();
        if self.channels != 1 {
            let message = format!("images become gray, which is 1 channel, got {}", self.channels);
            found.push(Problem::new("channels", message, "write 1; color is turned into gray levels"));
        }
        if let Some(classes) = &self.classes {
            found.extend(listed(classes));
        }
        if self.max_per_class.is_some_and(|most| most < 2) {
            let message = "a class needs an image to train on and one to validate on";
            found.push(Problem::new("max_per_class", message, "write 2 or more, or null for all images"));
        }
        found.extend(share("max_bad_share", self.max_bad_share, 1.0, "write 0.05 for five in a hundred"));
        found
    }
}

/// A list of classes that can't be meant.
fn listed(classes: &[String]) -> Vec<Problem> {
    let mut found = Vec::new();
    for (index, name) in classes.iter().enumerate() {
        let key = format!("classes.{index}");
        if name.trim().is_empty() {
            found.push(Problem::new(&key, "a class needs a name", "write the name of its folder"));
        } else if let Some(first) = classes[..index].iter().find(|first| canonical(first) == canonical(name)) {
            let message = match first == name {
                true => format!("the class {name:?} is listed twice"),
                false => format!("{name:?} is the class {first:?} again"),
            };
            found.push(Problem::new(
                &key,
                message,
                "remove one of them: the place in the list is the number of the class",
            ));
        }
    }
    let limits = [(classes.len() < 2, "at least 2"), (classes.len() > MOST_CLASSES, "at most 65536")];
    for (_, expected) in limits.into_iter().filter(|(is_outside, _)| *is_outside) {
        let message = format!("expected {expected} classes, got {}", classes.len());
        found.push(Problem::new("classes", message, "write `classes: [A_upper, B_upper]`, or null"));
    }
    found
}

impl SplitConfig {
    fn problems(&self) -> Vec<Problem> {
        let shares = [("val_share", self.val_share), ("test_share", self.test_share)];
        let remedy = "write 0.15 for 15 of 100 images of each class";
        let mut found: Vec<_> = shares.into_iter().filter_map(|(key, value)| share(key, value, 0.99, remedy)).collect();
        if found.is_empty() && self.val_share + self.test_share >= 1.0 {
            let message = format!(
                "nothing is left to train on: val_share {} + test_share {} is not below 1",
                self.val_share, self.test_share
            );
            found.push(Problem::new("test_share", message, "lower one of the shares"));
        }
        found
    }
}

impl AugmentConfig {
    fn problems(&self) -> Vec<Problem> {
        let limits = [
            ("rotate_degrees", self.rotate_degrees, 180.0, "write 15"),
            ("shear_degrees", self.shear_degrees, 60.0, "write 10"),
            ("shift", self.shift, 1.0, "write 0.1 for a tenth of the image"),
            ("zoom", self.zoom, 0.9, "write 0.1 for a tenth larger or smaller"),
            ("hflip", self.hflip, 1.0, "write 0.5 to mirror every other image, or 0 for none"),
            ("elastic_px", self.elastic_px, 1000.0, "write 34, or 0 for none"),
            ("blur_px", self.blur_px, 20.0, "write 1.0, or 0 for none"),
            ("blur_probability", self.blur_probability, 1.0, "write 0.5 for every other image"),
            ("brightness", self.brightness, 1.0, "write 0.2"),
            ("contrast", self.contrast, 1.0, "write 0.2"),
            ("tone_probability", self.tone_probability, 1.0, "write 0.3 for three images in ten"),
            ("erase_probability", self.erase_probability, 1.0, "write 0.15, or 0 for none"),
            ("noise", self.noise, 1.0, "write 0.05 for a twentieth of the full scale"),
        ];
        let mut found: Vec<_> =
            limits.into_iter().filter_map(|(key, value, most, remedy)| share(key, value, most, remedy)).collect();
        if !(0.1..=40.0).contains(&self.elastic_sigma_px) {
            let message = format!("expected a value from 0.1 to 40, got {}", self.elastic_sigma_px);
            found.push(Problem::new("elastic_sigma_px", message, "write 4"));
        }
        if !(1..=LARGEST).contains(&self.erase_px) {
            let message = format!("expected a value from 1 to {LARGEST}, got {}", self.erase_px);
            found.push(Problem::new("erase_px", message, "write 6; erase_probability switches holes off"));
        }
        found
    }
}

impl ModelConfig {
    fn problems(&self) -> Vec<Problem> {
        let remedy = "write 0.2, or 0 for none";
        match self {
            Self::CharCnn(model) => share("char_cnn.dropout", model.dropout, 0.95, remedy).into_iter().collect(),
            Self::Resnet(model) => {
                let dropout = share("dropout", model.dropout, 0.95, remedy);
                model.sizes().into_iter().chain(dropout).map(|problem| problem.below("resnet")).collect()
            }
        }
    }
}

impl ResNetConfig {
    fn sizes(&self) -> Vec<Problem> {
        let counted = |key: &str, list: &[usize], most: usize, example: &str| {
            let wrong = list.iter().enumerate().filter(|(_, value)| !(1..=most).contains(*value));
            let problem = |(index, value): (usize, &usize)| {
                Problem::new(format!("{key}.{index}"), format!("expected 1 to {most}, got {value}"), example.to_owned())
            };
            wrong.map(problem).collect::<Vec<_>>()
        };
        let mut found = counted("widths", &self.widths, WIDEST, "write [64, 128, 256, 512]");
        found.extend(counted("blocks", &self.blocks, DEEPEST, "write [2, 2, 2, 2]"));
        if !(1..=WIDEST).contains(&self.hidden) {
            let message = format!("expected 1 to {WIDEST}, got {}", self.hidden);
            found.push(Problem::new("hidden", message, "write 256"));
        }
        let (widths, blocks) = (self.widths.len(), self.blocks.len());
        if widths != blocks || !(1..=STAGES).contains(&widths) {
            let message = format!("expected as many stages as in `widths`, 1 to {STAGES}, got {blocks} and {widths}");
            found.push(Problem::new("blocks", message, "give both lists a number for each stage"));
        }
        found
    }
}

impl LossConfig {
    /// Everything in this section that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        share("label_smoothing", self.label_smoothing, 0.99, "write 0.1, or 0 for none").into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_problems() {
        assert_eq!(ImageClassConfig::default().section_problems(), []);
    }

    #[test]
    fn every_mistake_is_reported_with_its_key() {
        let mut config = ImageClassConfig::default();
        config.prepare.size = [4, 4000];
        config.prepare.channels = 3;
        config.prepare.classes = Some(["A_upper", "B_upper", "a_upper"].map(str::to_owned).to_vec());
        config.prepare.max_per_class = Some(1);
        config.prepare.max_bad_share = f64::NAN;
        config.split = SplitConfig { val_share: 0.6, test_share: 0.5 };
        config.augment.zoom = 1.5;
        config.augment.erase_px = 0;
        config.augment.elastic_sigma_px = 0.0;
        config.balance_power = -1.0;
        config.balance_beta = Some(1.0);
        config.loss.label_smoothing = -0.1;
        let keys: Vec<_> = config.section_problems().into_iter().map(|problem| problem.path).collect();
        assert_eq!(
            keys,
            [
                "balance_power",
                "balance_beta",
                "prepare.size.0",
                "prepare.size.1",
                "prepare.channels",
                "prepare.classes.2",
                "prepare.max_per_class",
                "prepare.max_bad_share",
                "split.test_share",
                "augment.zoom",
                "augment.elastic_sigma_px",
                "augment.erase_px",
                "loss.label_smoothing"
            ]
        );
    }

    #[test]
    fn stages_of_a_residual_network_must_match() {
        let problems = |widths: &[usize], blocks: &[usize]| {
            let model = ResNetConfig { widths: widths.into(), blocks: blocks.into(), ..ResNetConfig::default() };
            let config = ImageClassConfig { model: ModelConfig::Resnet(model), ..ImageClassConfig::default() };
            config.section_problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        assert_eq!(problems(&[64, 128], &[2, 2]), Vec::<String>::new());
        assert_eq!(problems(&[64, 0], &[2, 2]), ["model.resnet.widths.1"]);
        assert_eq!(problems(&[64, 128], &[2]), ["model.resnet.blocks"]);
        assert_eq!(problems(&[], &[]), ["model.resnet.blocks"]);
    }
}
