//! Checks for invalid values in the `task.nowcast.model` section that types alone don't catch.

use crate::task::nowcast::config::{
    Attention, ConvLstmConfig, ModelConfig, Norm, NowcastConfig, PredrnnConfig, SimvpConfig, TrajGruConfig, UnetConfig,
};
use crate::util::problem::Problem;
use crate::util::units::count;

/// Places that a cell of a trajectory GRU looks at: published models have up to 13.
const MOST_LINKS: usize = 64;

/// Cells of the largest frame that a memory's attention is trained on, in which every cell looks at every other.
const MOST_TRAINED_CELLS: usize = 32 * 32;

/// Cells of the largest frame that it is used on: a forecast keeps nothing for a backward pass.
const MOST_CELLS: usize = 64 * 64;

impl ModelConfig {
    /// All invalid values in this section.
    #[must_use]
    pub fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let (frames, mut found) = match self {
            Self::ConvLstm(model) => (model.frames, model.problems(config)),
            Self::Unet(model) => (model.frames, model.problems(config)),
            Self::TrajGru(model) => (model.frames, model.problems(config)),
            Self::Simvp(model) => (model.frames, model.problems(config)),
            Self::Predrnn(model) => (model.frames, model.problems(config)),
        };
        found.extend(frames_problem(frames, config.windows.input_frames));
        match self {
            Self::ConvLstm(_) => found,
            _ => found.into_iter().map(|problem| problem.below(self.name())).collect(),
        }
    }

    /// Whether the weights fit frames of one size only.
    #[must_use]
    pub fn is_of_one_size(&self) -> bool {
        matches!(self, Self::ConvLstm(ConvLstmConfig { norm: Norm::Layer, hidden, .. }) if hidden.len() > 1)
    }
}

impl NowcastConfig {
    /// Rows and columns of what is trained on.
    #[must_use]
    pub fn trained_size(&self) -> [usize; 2] {
        self.augment.crop.unwrap_or(self.prepare.size)
    }

    /// The rows or the columns of what is trained on, whichever are fewer.
    fn shorter_side(&self) -> usize {
        let [rows, columns] = self.trained_size();
        rows.min(columns)
    }

    /// What is too small if a network does not fit: with its article.
    fn trained_part(&self) -> &'static str {
        if self.augment.crop.is_some() { "a part of `augment.crop`" } else { "a frame" }
    }

    /// What to write, or what is trained on instead.
    fn or_larger(&self, remedy: &str) -> String {
        let key = if self.augment.crop.is_some() { "augment.crop" } else { "prepare.size" };
        format!("{remedy}, or enlarge `{key}`")
    }
}

fn frames_problem(frames: Option<usize>, input_frames: usize) -> Option<Problem> {
    let frames = frames.filter(|frames| !(1..=input_frames.max(1)).contains(frames))?;
    let message = format!("must be 1 to {input_frames}, the input frames of a window, got {frames}");
    Some(Problem::new("frames", message, "write so many of the last ones, or null"))
}

impl ConvLstmConfig {
    fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.hidden.is_empty() {
            let remedy = "write the channels of each layer: [128, 128, 128]";
            found.push(Problem::new("hidden", "a model needs at least one layer", remedy));
        }
        for (index, _) in self.hidden.iter().enumerate().filter(|(_, channels)| **channels == 0) {
            found.push(Problem::new(
                format!("hidden.{index}"),
                "a layer needs at least 1 channel, got 0",
                "write 32 or so",
            ));
        }
        if self.kernel.is_multiple_of(2) {
            let message = format!("must be odd, so that a frame keeps its size, got {}", self.kernel);
            found.push(Problem::new("kernel", message, "write 3 or 5"));
        }
        found.extend(self.attention_problem(config));
        found
    }

    /// A memory in which every cell looks at every other takes the square of their number.
    fn attention_problem(&self, config: &NowcastConfig) -> Option<Problem> {
        let trained = ("trained on", config.trained_size(), MOST_TRAINED_CELLS);
        let whole = ("used on whole frames of", config.prepare.size, MOST_CELLS);
        let cells = |[rows, columns]: [usize; 2]| rows.saturating_mul(columns);
        let (use_of, [rows, columns], most) =
            [trained, whole].into_iter().find(|(_, size, most)| cells(*size) > *most)?;
        let pairs = |cells: usize| count((cells as u64).saturating_mul(cells as u64), "pair");
        let message = format!(
            "every cell looks at every other: {use_of} {rows} x {columns} cells, {} for each frame and layer, at most {}",
            pairs(rows.saturating_mul(columns)),
            pairs(most)
        );
        let remedy = "set `attention: cbam`, which takes one weight a cell, or lower `prepare.size` or `augment.crop`";
        (self.attention == Attention::Memory).then(|| Problem::new("attention", message, remedy))
    }
}

impl TrajGruConfig {
    fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        let scales = self.hidden.len();
        if scales == 0 {
            found.push(Problem::new("hidden", "a model needs at least one scale", "write [32, 64, 64]"));
        }
        let lists = [("hidden", &self.hidden), ("links", &self.links), ("strides", &self.strides)];
        for (key, list) in lists {
            if list.len() != scales {
                let message = format!("`hidden` has {}, got {}", count(scales as u64, "scale"), list.len());
                found.push(Problem::new(key, message, "write one number for each scale"));
            }
            let zeros = list.iter().enumerate().filter(|(_, number)| **number == 0);
            found.extend(zeros.map(|(index, _)| {
                Problem::new(format!("{key}.{index}"), "must be at least 1, got 0", "write 1 or more")
            }));
        }
        for (index, links) in self.links.iter().enumerate().filter(|(_, links)| **links > MOST_LINKS) {
            let message = format!("a cell looks at {MOST_LINKS} places at most, got {links}");
            found.push(Problem::new(format!("links.{index}"), message, "write 5 to 13"));
        }
        found.extend(self.stride_problem(config));
        found
    }

    /// At a scale of a single row or column there is no way for echo to go.
    fn stride_problem(&self, config: &NowcastConfig) -> Option<Problem> {
        let whole = config.shorter_side();
        let mut shorter = whole;
        for (index, stride) in self.strides.iter().enumerate().filter(|(_, stride)| **stride > 0) {
            if shorter > 0 && shorter.div_ceil(*stride) < 2 {
                let message = format!(
                    "of the {whole} rows or columns of {} {shorter} are left here, and a stride of {stride} leaves 1",
                    config.trained_part()
                );
                let smaller = if shorter > 2 { "write 1 or 2, or fewer scales" } else { "write 1, or fewer scales" };
                return Some(Problem::new(format!("strides.{index}"), message, config.or_larger(smaller)));
            }
            shorter = shorter.div_ceil(*stride);
        }
        None
    }
}

impl UnetConfig {
    fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.base == 0 {
            found.push(Problem::new("base", "a level needs at least 1 channel, got 0", "write 16"));
        }
        if self.widths.is_empty() {
            found.push(Problem::new("widths", "a model needs at least one level", "write [1, 2, 4, 4]"));
        }
        for (index, _) in self.widths.iter().enumerate().filter(|(_, width)| **width == 0) {
            found.push(Problem::new(format!("widths.{index}"), "must be at least 1, got 0", "write 1 or more"));
        }
        let side = config.shorter_side();
        if side > 0 && self.widths.len() > side.ilog2() as usize + 1 {
            let (part, times) = (config.trained_part(), self.widths.len() - 1);
            let message = format!("{part} of {side} rows or columns can't be halved {times} times");
            found.push(Problem::new("widths", message, config.or_larger("write fewer levels, such as [1, 2]")));
        }
        found
    }
}

impl SimvpConfig {
    fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.width == 0 || !self.width.is_multiple_of(2) {
            let message = format!("must be an even number, as its norm has two groups of channels, got {}", self.width);
            found.push(Problem::new("width", message, "write 16 or so"));
        }
        for (key, value, remedy) in
            [("hidden", self.hidden, "write 128 or so"), ("expansion", self.expansion, "write 4")]
        {
            if value == 0 {
                found.push(Problem::new(key, "must be at least 1, got 0", remedy));
            }
        }
        if self.blocks < 2 {
            let message = format!("the first and the last block differ, so two are needed, got {}", self.blocks);
            found.push(Problem::new("blocks", message, "write 6 or so"));
        }
        let side = config.shorter_side();
        if self.halvings == 0 {
            found.push(Problem::new("halvings", "the encoder halves a frame at least once, got 0", "write 2"));
        } else if side > 0 && self.halvings > side.ilog2() as usize {
            let (part, times) = (config.trained_part(), self.halvings);
            let message = format!("{part} of {side} rows or columns can't be halved {times} times");
            found.push(Problem::new("halvings", message, config.or_larger("write 2")));
        }
        found
    }
}

impl PredrnnConfig {
    fn problems(&self, config: &NowcastConfig) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.hidden.is_empty() {
            let remedy = "write the channels of each layer: [64, 64, 64, 64]";
            found.push(Problem::new("hidden", "a model needs at least one layer", remedy));
        } else if self.highway && self.hidden.len() == 1 {
            let message = "the highway is between the first two layers, but there is one layer only";
            found.push(Problem::new("hidden", message, "write two or more layers, or set `highway: false`"));
        }
        let first = self.hidden.first().copied().unwrap_or_default();
        for (index, &channels) in self.hidden.iter().enumerate() {
            let path = format!("hidden.{index}");
            if channels == 0 {
                found.push(Problem::new(path, "a layer needs at least 1 channel, got 0", "write 64 or so"));
            } else if !self.highway && channels != first && first > 0 {
                let message = format!(
                    "without the highway one memory goes through all layers, so they have equally many channels: {first}, \
                     got {channels}"
                );
                found.push(Problem::new(path, message, format!("write {first}, or set `highway: true`")));
            }
        }
        if self.kernel.is_multiple_of(2) {
            let message = format!("must be odd, so that a frame keeps its size, got {}", self.kernel);
            found.push(Problem::new("kernel", message, "write 3 or 5"));
        }
        let side = config.shorter_side();
        if !(1..=side.max(1)).contains(&self.patch) {
            let (part, patch) = (config.trained_part(), self.patch);
            let message = format!("a patch of {part} has 1 to {side} rows and columns, got {patch}");
            let smaller = if side < 4 { "write 1" } else { "write 4, or 1 for every cell by itself" };
            let remedy = if patch == 0 { smaller.to_owned() } else { config.or_larger(smaller) };
            found.push(Problem::new("patch", message, remedy));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: impl FnOnce(&mut NowcastConfig)) -> Vec<Problem> {
        let mut config = NowcastConfig::default();
        change(&mut config);
        config.section_problems()
    }

    fn paths_of(model: TrajGruConfig) -> Vec<String> {
        let found = problems(|config| config.model = ModelConfig::TrajGru(model));
        found.into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn a_trajectory_gru_needs_a_number_of_each_kind_for_each_scale() {
        let default = TrajGruConfig::default;
        assert_eq!(paths_of(default()), [""; 0]);
        let none = TrajGruConfig { hidden: vec![], links: vec![], strides: vec![], frames: None };
        assert_eq!(paths_of(none), ["model.trajgru.hidden"]);
        let uneven = TrajGruConfig { hidden: vec![4, 0], strides: vec![0], ..default() };
        let keys = ["hidden.1", "links", "strides", "strides.0"].map(|key| format!("model.trajgru.{key}"));
        assert_eq!(paths_of(uneven), keys);
        assert_eq!(paths_of(TrajGruConfig { frames: Some(19), ..default() }), ["model.trajgru.frames"]);
        for strides in [vec![2, 2, 80], vec![usize::MAX; 3]] {
            let last = strides.iter().position(|stride| *stride > 2).unwrap();
            assert_eq!(paths_of(TrajGruConfig { strides, ..default() }), [format!("model.trajgru.strides.{last}")]);
        }
        let hidden = TrajGruConfig { hidden: vec![32, usize::MAX, 64], ..default() };
        assert_eq!(paths_of(hidden)[0], "model.trajgru.hidden.0", "its forecaster sees the coarser scale");
        let links = TrajGruConfig { links: vec![9, 9, 65], ..default() };
        assert_eq!(paths_of(links), ["model.trajgru.links.2"]);
    }

    #[test]
    fn the_trained_part_is_what_strides_must_fit() {
        let found = problems(|config| {
            config.model = ModelConfig::TrajGru(TrajGruConfig { strides: vec![5, 3, 2], ..TrajGruConfig::default() });
            config.augment.crop = Some([15, 200]);
        });
        let found: Vec<_> = found.iter().map(|problem| (&*problem.path, &*problem.message)).collect();
        let left = "of the 15 rows or columns of a part of `augment.crop` 3 are left here, and a stride of 3 leaves 1";
        assert_eq!(found, [("model.trajgru.strides.1", left)]);
        let found = problems(|config| {
            config.model = ModelConfig::Predrnn(PredrnnConfig { patch: 20, ..PredrnnConfig::default() });
            config.augment.crop = Some([16, 200]);
        });
        let patch = found.iter().find(|problem| problem.path == "model.predrnn.patch").unwrap();
        assert_eq!(patch.message, "a patch of a part of `augment.crop` has 1 to 16 rows and columns, got 20");
        assert_eq!(patch.remedy, "write 4, or 1 for every cell by itself, or enlarge `augment.crop`");
    }

    #[test]
    fn a_memory_over_many_cells_is_refused_with_the_number_of_their_pairs() {
        let refused = |size: [usize; 2], crop: Option<[usize; 2]>| {
            let found = problems(|config| {
                (config.prepare.size, config.augment.crop) = (size, crop);
                let model = config.model.convlstm();
                (model.attention, model.norm) = (Attention::Memory, Norm::Group);
            });
            let first = found.into_iter().next();
            assert!(first.iter().all(|problem| problem.path == "model.attention"), "{first:?}");
            first.map(|problem| format!("{}; {}", problem.message, problem.remedy))
        };
        assert_eq!(refused([32, 32], None), None);
        assert_eq!(refused([64, 64], Some([32, 32])), None);
        let trained = refused([250, 250], None).unwrap();
        assert!(trained.contains("trained on 250 x 250 cells, 3,906,250,000 pairs"), "{trained}");
        assert!(trained.contains("at most 1,048,576 pairs") && trained.contains("`attention: cbam`"), "{trained}");
        let whole = refused([250, 250], Some([32, 32])).unwrap();
        assert!(whole.contains("used on whole frames of 250 x 250 cells"), "{whole}");
        assert!(refused([33, 32], None).is_some());
        assert!(refused([1 << 14, 1 << 14], None).is_some());
    }

    fn paths(model: ModelConfig) -> Vec<String> {
        let config = NowcastConfig { model, ..NowcastConfig::default() };
        config.section_problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn a_simvp_that_cannot_be_is_refused_at_its_key() {
        let usual = SimvpConfig::default;
        let found = |model: SimvpConfig| paths(ModelConfig::Simvp(model)).join(" ");
        assert_eq!(found(usual()), "");
        assert_eq!(found(SimvpConfig { width: 15, ..usual() }), "model.simvp.width");
        assert_eq!(found(SimvpConfig { width: 0, ..usual() }), "model.simvp.width");
        assert_eq!(found(SimvpConfig { blocks: 1, ..usual() }), "model.simvp.blocks");
        assert_eq!(found(SimvpConfig { frames: Some(19), ..usual() }), "model.simvp.frames");
        assert_eq!(
            found(SimvpConfig { hidden: 0, expansion: 0, halvings: 0, ..usual() }),
            "model.simvp.hidden model.simvp.expansion model.simvp.halvings"
        );
        assert_eq!(found(SimvpConfig { halvings: 7, ..usual() }), "");
        assert_eq!(found(SimvpConfig { halvings: 8, ..usual() }), "model.simvp.halvings");
    }

    #[test]
    fn a_predrnn_that_cannot_be_is_refused_at_its_key() {
        let usual = PredrnnConfig::default;
        let found = |model: PredrnnConfig| paths(ModelConfig::Predrnn(model)).join(" ");
        assert_eq!(found(usual()), "");
        assert_eq!(found(PredrnnConfig { hidden: vec![], ..usual() }), "model.predrnn.hidden");
        assert_eq!(found(PredrnnConfig { hidden: vec![8], ..usual() }), "model.predrnn.hidden");
        assert_eq!(found(PredrnnConfig { hidden: vec![8], highway: false, ..usual() }), "");
        assert_eq!(found(PredrnnConfig { hidden: vec![8, 0], ..usual() }), "model.predrnn.hidden.1");
        assert_eq!(found(PredrnnConfig { hidden: vec![8, 6], ..usual() }), "");
        let uneven = PredrnnConfig { hidden: vec![8, 6, 8], highway: false, ..usual() };
        assert_eq!(found(uneven), "model.predrnn.hidden.1");
        assert_eq!(found(PredrnnConfig { kernel: 4, patch: 0, ..usual() }), "model.predrnn.kernel model.predrnn.patch");
        assert!(found(PredrnnConfig { patch: 251, ..usual() }).starts_with("model.predrnn.patch"));
    }
}
