//! What a forecast takes over from the files that it was made from: names, axes, projection and places.

use crate::volume::{Attributes, Axis, Grid, GridMapping, RawVolume, Values, VolumeFile};
use std::path::Path;

/// What a forecast takes over from the files that it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// The field's variable.
    pub variable: String,
    /// Its CF standard name.
    pub standard_name: String,
    /// Its description.
    pub long_name: String,
    /// Its units.
    pub units: String,
    /// Levels from the bottom up.
    pub z: Axis,
    /// Rows from south to north.
    pub y: Axis,
    /// Columns from west to east.
    pub x: Axis,
    /// The map projection, if the files name one.
    pub grid_mapping: Option<GridMapping>,
    /// Latitude and longitude of the cells, if the files have them.
    pub places: Vec<Plane>,
}

/// Numbers over rows and columns, such as latitudes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// The name of the variable.
    pub name: String,
    /// All that the file says about it.
    pub attributes: Attributes,
    /// Row by row.
    pub values: Vec<f32>,
}

impl Carried {
    /// Takes everything over from a file. Latitudes and longitudes that can't be read are left out: a forecast without
    /// them is still a forecast.
    #[must_use]
    pub fn of(volume: &VolumeFile) -> Self {
        let attributes = volume.attributes();
        let Grid { y, x, z } = volume.grid().clone();
        let size = [y.values.len(), x.values.len()];
        let places = attributes.latitude_longitude.iter().flat_map(|(latitude, longitude)| [latitude, longitude]);
        Self {
            variable: volume.variable().to_owned(),
            standard_name: attributes.standard_name.clone(),
            long_name: attributes.long_name.clone(),
            units: attributes.units.clone(),
            grid_mapping: attributes.grid_mapping.clone(),
            places: places.filter_map(|name| plane(volume.path(), name, size)).collect(),
            z,
            y,
            x,
        }
    }
}

/// Latitudes or longitudes, turned as the field is.
fn plane(path: &Path, name: &str, size: [usize; 2]) -> Option<Plane> {
    let volume = VolumeFile::open(path, name).ok()?;
    let mut raw = RawVolume::new();
    volume.read(0, &mut raw).ok()?;
    let values = match raw.values {
        Values::F32(values) => values,
        other => other.to_f64().into_iter().map(|value| value as f32).collect(),
    };
    let attributes = volume.attributes().variable.clone();
    (raw.shape == [1, size[0], size[1]]).then(|| Plane { name: name.to_owned(), attributes, values })
}
