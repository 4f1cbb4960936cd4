//! A network that `torch.jit.load` runs, in Python or C++, with nothing of this program: its code and its weights. The
//! weights are parameters, so that they can be moved to a device, looked at, and trained on.

use std::io::{self, Write};

use super::Weight;
use super::archive::Archive;
use super::code;
use super::pickle::Pickle;
use crate::nn::convlstm::{Architecture, groups};

/// What a network is for, beside its sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Purpose<'a> {
    /// The task: `nowcast`.
    pub task: &'a str,
    /// Frames that it was trained to see.
    pub input_frames: i64,
    /// What 0 stands for, and 1.
    pub range: [f64; 2],
    /// The unit of these, as it stands in names: `dbz`.
    pub unit: &'a str,
}

/// Writes it. `extra` are the files that `torch.jit.load` hands over as `_extra_files`. The weights are those that
/// [`super::weights`] gives.
///
/// # Errors
/// Where the disk fails, or the file would have more than 4 GB.
pub fn write(
    architecture: &Architecture,
    purpose: &Purpose<'_>,
    weights: &[Weight],
    extra: &[(&str, &str)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut objects = Objects { architecture, weights, pickle: Pickle::new() };
    objects.network(purpose);
    let mut archive = Archive::new(out, "network");
    extra.iter().try_for_each(|(name, text)| archive.add(&format!("extra/{name}"), text.as_bytes()))?;
    weights.iter().enumerate().try_for_each(|(index, weight)| archive.add(&format!("data/{index}"), &weight.bytes))?;
    archive.add("data.pkl", &objects.pickle.finish())?;
    archive.add("code/__torch__.py", code::classes(architecture, purpose.unit).as_bytes())?;
    // An empty tuple: there are no tensors that the code names.
    archive.add("constants.pkl", b"\x80\x02).")?;
    archive.add("version", b"3\n")?;
    archive.add("byteorder", b"little")?;
    archive.finish()
}

/// The objects of the network, from the whole to the parameters.
struct Objects<'a> {
    architecture: &'a Architecture,
    weights: &'a [Weight],
    pickle: Pickle,
}

impl Objects<'_> {
    fn network(&mut self, purpose: &Purpose<'_>) {
        let Architecture { channels, frame: [rows, columns], target_frames, kernel, .. } = *self.architecture;
        self.object("Network", |network| {
            network.named("layers");
            network.layers(kernel / 2);
            network.named("head");
            network.affine("Conv", "head", ("padding", 1));
            network.named("task");
            network.pickle.text(purpose.task);
            let input_frames = ("input_frames", purpose.input_frames);
            let sizes = [input_frames, ("target_frames", target_frames), ("channels", channels)];
            for (name, size) in sizes.into_iter().chain([("rows", rows), ("columns", columns)]) {
                network.named(name);
                network.pickle.integer(size);
            }
            for (name, value) in ["min", "max"].into_iter().zip(purpose.range) {
                network.named(&format!("{name}_{}", purpose.unit));
                network.pickle.float(value);
            }
        });
    }

    fn layers(&mut self, padding: i64) {
        let count = self.architecture.hidden.len();
        self.object("Layers", |layers| {
            for layer in 0..count {
                layers.named(&layer.to_string());
                layers.object(code::class(layer, count), |part| part.layer(layer, padding));
            }
        });
    }

    fn layer(&mut self, layer: usize, padding: i64) {
        self.named("conv");
        self.affine("Conv", &format!("layers.{layer}.conv"), ("padding", padding));
        let norm = format!("layers.{layer}.norm");
        if self.weights.iter().any(|weight| weight.name == format!("{norm}.weight")) {
            self.named("norm");
            self.affine("Norm", &norm, ("groups", groups(self.architecture.hidden[layer])));
        }
    }

    /// What has a weight, a bias and a number.
    fn affine(&mut self, class: &str, name: &str, (attribute, value): (&str, i64)) {
        self.object(class, |part| {
            for parameter in ["weight", "bias"] {
                let name = format!("{name}.{parameter}");
                part.named(parameter);
                for (index, weight) in part.weights.iter().enumerate().filter(|(_, weight)| weight.name == name) {
                    part.pickle.tensor(weight, index, true);
                }
            }
            part.named(attribute);
            part.pickle.integer(value);
        });
    }

    fn object(&mut self, class: &str, attributes: impl FnOnce(&mut Self)) {
        self.pickle.begin(class);
        self.named("training");
        self.pickle.flag(false);
        attributes(self);
        self.pickle.end();
    }

    fn named(&mut self, attribute: &str) {
        self.pickle.text(attribute);
    }
}
