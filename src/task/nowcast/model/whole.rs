//! A network with what is around it: how it is exported, and how its output becomes a forecast.

use serde_json::{Map, Value, json};
use tch::{Kind, Tensor};

use super::carried::{Seen, leaves_out_missing};
use super::{Ending, Forecaster, Forward, Sizes, named, network, python, script};
use crate::nn::backward::Passed;
use crate::nn::export::Script;
use crate::nn::network::{Io, Network, Port};
use crate::nn::parameters::{Layout, Parameters, ParametersError};
use crate::nn::precision::Precision;
use crate::task::nowcast::config::{Coordinates, NowcastConfig, PrepareConfig};
use crate::util::quantity::Quantity;

const LAYOUT: &str = "batch, time, channels, rows, columns";

/// A model before it has weights.
#[derive(Debug)]
pub struct Model {
    network: Box<dyn Forecaster>,
    sizes: Sizes,
    config: NowcastConfig,
    quantity: Quantity,
}

/// The model that the configuration selects, for values of this quantity.
#[must_use]
pub fn forecaster(config: &NowcastConfig, quantity: &Quantity) -> Model {
    let (network, sizes) = (network(config), Sizes::of(config));
    Model { network, sizes, config: config.clone(), quantity: quantity.clone() }
}

impl Model {
    /// The model over these parameters: it sees every change of them.
    ///
    /// # Errors
    /// If one of its parameters is missing or has another shape.
    pub fn over(&self, parameters: &Parameters) -> Result<Forecasting, ParametersError> {
        Ok(Forecasting {
            network: self.network.over(parameters)?,
            ending: self.network.ending(),
            leads: self.sizes.leads,
        })
    }

    /// The step in which every parameter has a gradient: one later for each layer that starts at zero.
    #[must_use]
    pub fn learns_at(&self) -> u64 {
        1 + u64::from(self.sizes.starts_at_zero()) + self.network.sleeping_layers()
    }

    /// What it is built for.
    #[must_use]
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }
}

impl Network for Model {
    fn layout(&self) -> Layout {
        self.network.layout()
    }

    fn multiplications(&self) -> f64 {
        self.network.multiplications()
    }

    fn describe(&self) -> Io {
        let NowcastConfig { prepare, windows, coordinates, .. } = &self.config;
        let [rows, columns] = self.sizes.size;
        let input = ("frames", windows.input_frames as i64);
        let mut meaning = vec![
            ("normalisation", normalisation(&self.config, &self.quantity)),
            ("levels", json!(prepare.levels)),
            ("missing", json!(prepare.missing)),
            ("method", json!(prepare.method)),
            ("model", self.network.describe()),
        ];
        if *coordinates == Coordinates::Lagrangian {
            meaning.push(("coordinates", json!(coordinates)));
            let motion = "batch, 2, rows, columns: cells per minute towards higher columns, then towards higher rows";
            let minutes = "batch, time + leads: when each frame was taken and each forecast is for, on any clock";
            meaning.push(("beside_frames", json!({"motion": motion, "minutes": minutes})));
        }
        let sizes = [input, ("channels", self.sizes.channels), ("rows", rows), ("columns", columns)];
        Io {
            input: Port::new(LAYOUT, &sizes),
            output: Port::new(LAYOUT, &[("frames", self.sizes.leads)]),
            meaning: meaning.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
            in_pth: Map::new(),
        }
    }

    fn python(&self) -> String {
        named(&python::whole(self.network.python(), &self.sizes, &self.config, self.network.ending()), &self.quantity)
    }

    fn script(&self) -> Option<Script> {
        let mut script = script::whole(self.network.script(), &self.sizes, &self.config, self.network.ending());
        script.code = named(&script.code, &self.quantity);
        for (name, _) in &mut script.network.attributes {
            *name = named(name, &self.quantity);
        }
        Some(script)
    }
}

/// How values become the network's input.
fn normalisation(config: &NowcastConfig, quantity: &Quantity) -> Value {
    let PrepareConfig { min, max, .. } = config.prepare;
    let missing = if leaves_out_missing(config) { "NaN" } else { "0" };
    if quantity.is_reflectivity() {
        let formula =
            format!("(dBZ - min_dbz) / (max_dbz - min_dbz), held within 0 and 1; a missing cell is {missing}");
        return json!({"min_dbz": min, "max_dbz": max, "formula": formula});
    }
    let formula = format!("(value - min) / (max - min), held within 0 and 1; a missing cell is {missing}");
    json!({"min": min, "max": max, "unit": quantity.unit(), "formula": formula})
}

/// A model with its weights.
#[derive(Debug)]
pub struct Forecasting {
    network: Box<dyn Forward>,
    ending: Ending,
    leads: i64,
}

impl Forecasting {
    /// The frames `[b, t, c, y, x]` that follow what is seen, in 0 to 1 and fp32.
    ///
    /// # Panics
    /// As every operation of `tch`, with libtorch's text: if memory runs out, or the frames are not those of the model.
    pub fn forecast(&self, seen: &Seen, precision: Precision) -> Tensor {
        self.unclamped(seen, precision).clamp(0.0, 1.0)
    }

    /// The same for the loss: what is below 0 or above 1 stays so, for a value that was held at the border has no gradient,
    /// and a cell without echo would not be told of growth.
    ///
    /// # Panics
    /// As [`Self::forecast`].
    pub fn unclamped(&self, seen: &Seen, precision: Precision) -> Tensor {
        self.ended(&self.network.forward(seen.frames(), precision), seen)
    }

    /// A pass for training: the unclamped forecast, and what the gradient is computed by.
    ///
    /// # Panics
    /// As [`Self::forecast`].
    pub fn learn(&self, seen: &Seen, precision: Precision) -> (Passed, Tensor) {
        let passed = self.network.learn(seen.frames(), precision);
        let forecast = self.ended(passed.output(), seen);
        (passed, forecast)
    }

    fn ended(&self, output: &Tensor, seen: &Seen) -> Tensor {
        match (seen, self.ending) {
            (Seen::Carried(carried), _) => carried.forecast(output, self.leads),
            (Seen::Frames(_), Ending::Sigmoid) => output.sigmoid(),
            (Seen::Frames(_), Ending::Plain) => output.to_kind(Kind::Float),
        }
    }
}
