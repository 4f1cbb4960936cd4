//! The ways of combining cells, as a configuration names them. How each works is in `tiled` and `bilinear`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the cells of the radar grid are combined into a cell of the prepared grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The area-weighted mean, in the unit of the data, of the cells that are not missing: of reflectivity, the mean of dBZ.
    Mean,
    /// The same of the reflectivity factor Z, converted back to dBZ.
    MeanZ,
    /// The strongest cell.
    Max,
    /// The cell whose centre is nearest.
    Nearest,
    /// Linear interpolation onto a grid from the first to the last cell centre.
    Bilinear,
}
