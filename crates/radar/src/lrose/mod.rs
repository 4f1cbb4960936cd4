//! Radar volumes in the layout of LROSE's Mdv2NetCDF: which dimensions, variables and attributes a file has. How
//! they become bytes is decided in [`container`]; files are read elsewhere, in [`crate::volume`].

mod carried;
mod classic;
pub mod container;
pub mod forecast;
pub mod grid;
pub mod motion;
pub(crate) mod times;

#[cfg(test)]
mod layout_tests;

use container::{Attribute, Dimension, File, Value, Values, Variable};
use grid::Grid;

/// The step of a stored value.
pub const SCALE_DBZ: f32 = 0.5;
/// What a stored 0 means: MDV keeps bytes from 0 with bias -30, and 127 steps more make them signed.
pub const OFFSET_DBZ: f32 = 33.5;
/// What a missing cell is stored as.
pub const MISSING: i8 = -128;

/// What stored numbers mean: `scale * number + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// The step of a stored number.
    pub scale: f32,
    /// What a stored 0 means.
    pub offset: f32,
}

impl Stored {
    /// Reflectivity as the converter stores it.
    pub const DBZ: Self = Self { scale: SCALE_DBZ, offset: OFFSET_DBZ };

    /// Values between two, which have the smallest and the largest number.
    #[must_use]
    pub fn over(min: f64, max: f64) -> Self {
        let scale = ((max - min) / 254.0) as f32;
        Self { scale, offset: min as f32 + 127.0 * scale }
    }

    /// The stored number that is nearest to a value; `NaN` is missing.
    #[must_use]
    #[inline]
    pub fn packed(self, value: f32) -> i8 {
        if value.is_nan() { MISSING } else { ((value - self.offset) / self.scale).round().clamp(-127.0, 127.0) as i8 }
    }

    /// The value of a stored number; `NaN` if it is missing.
    #[must_use]
    #[inline]
    pub fn unpacked(self, stored: i8) -> f32 {
        if stored == MISSING { f32::NAN } else { f32::from(stored) * self.scale + self.offset }
    }
}

/// The stored value that is nearest to a reflectivity; `NaN` is missing.
#[must_use]
#[inline]
pub fn packed(dbz: f32) -> i8 {
    Stored::DBZ.packed(dbz)
}

/// The reflectivity of a stored value; `NaN` if it is missing.
#[must_use]
#[inline]
pub fn unpacked(stored: i8) -> f32 {
    Stored::DBZ.unpacked(stored)
}

/// One volume: one time of one radar.
#[derive(Clone, Debug)]
pub struct Volume<'a> {
    /// The beginning, the centre and the end of the scan, in seconds since 1970.
    pub scan_seconds: [f64; 3],
    /// For a forecast: its reference time, in seconds since 1970.
    pub forecast_from_seconds: Option<f64>,
    /// The places of the cells.
    pub grid: &'a Grid,
    /// Stored reflectivity in the order level, row (south to north), column (west to east); see [`packed`].
    pub dbz: &'a [i8],
    /// Who made it, and how.
    pub origin: &'a Origin,
}

/// The global attributes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A few words on the content.
    pub title: String,
    /// The owner of the data.
    pub institution: String,
    /// What produced the data: the radar, or the model.
    pub source: String,
    /// How the file was made.
    pub history: String,
    /// References.
    pub references: String,
    /// Anything else.
    pub comment: String,
}

impl Origin {
    pub(crate) fn attributes(&self) -> Vec<Attribute> {
        vec![
            text("Conventions", "CF-1.6"),
            text("history", &self.history),
            text("institution", &self.institution),
            text("references", &self.references),
            text("source", &self.source),
            text("title", &self.title),
            text("comment", &self.comment),
        ]
    }
}

const TIME: usize = 0;
const BOUNDS: usize = 1;
const X0: usize = 2;
const Y0: usize = 3;
const Z0: usize = 4;

impl<'a> Volume<'a> {
    /// The file that holds this volume, ready to be written.
    #[must_use]
    pub fn file(&self) -> File<'a> {
        let grid = self.grid;
        let dimension = |name: &'static str, length| Dimension { name: name.into(), length };
        let mut variables = times::variables(&[self.scan_seconds], self.forecast_from_seconds);
        variables.extend(axes(grid));
        variables.push(grid_mapping(grid));
        variables.push(self.reflectivity());
        File {
            dimensions: vec![
                dimension("time", 1),
                dimension("bounds", 2),
                dimension("x0", grid.x_km.len()),
                dimension("y0", grid.y_km.len()),
                dimension("z0", grid.z_km.len()),
            ],
            attributes: self.origin.attributes(),
            variables,
        }
    }

    fn reflectivity(&self) -> Variable<'a> {
        let mut attributes = packing(Stored::DBZ, self.dbz);
        attributes.extend([
            text("standard_name", "equivalent_reflectivity_factor"),
            text("long_name", "DBZ"),
            text("units", "dBZ"),
            text("coordinates", "lon0 lat0"),
            text("grid_mapping", "grid_mapping_0"),
        ]);
        let dimensions = vec![TIME, Z0, Y0, X0];
        Variable { name: "DBZ".into(), dimensions, attributes, values: Values::Byte(self.dbz.into()) }
    }
}

/// What stored numbers mean, and the range of those that are there.
pub(crate) fn packing(stored: Stored, numbers: &[i8]) -> Vec<Attribute> {
    // Missing is the smallest number there is: it never is the maximum, and must not be the minimum.
    let strongest = numbers.iter().fold(-127, |strongest: i8, &b| strongest.max(b));
    let weakest = numbers.iter().fold(127, |weakest: i8, &b| weakest.min(if b == MISSING { 127 } else { b }));
    let weakest = weakest.min(strongest);
    vec![
        number("scale_factor", Values::Float(vec![stored.scale].into())),
        number("add_offset", Values::Float(vec![stored.offset].into())),
        number("valid_min", Values::Byte(vec![-127].into())),
        number("valid_max", Values::Byte(vec![127].into())),
        number("_FillValue", Values::Byte(vec![MISSING].into())),
        number("min_value", Values::Float(vec![stored.unpacked(weakest)].into())),
        number("max_value", Values::Float(vec![stored.unpacked(strongest)].into())),
    ]
}

fn axes(grid: &Grid) -> [Variable<'_>; 5] {
    let horizontal = |name, axis, standard_name| {
        vec![text("standard_name", standard_name), text("long_name", name), text("units", "km"), text("axis", axis)]
    };
    let vertical = vec![
        text("standard_name", "altitude"),
        text("long_name", "constant altitude levels"),
        text("units", "km"),
        text("positive", "up"),
        text("axis", "Z"),
    ];
    let degrees = |name, units| vec![text("standard_name", name), text("units", units)];
    let float = |name: &'static str, dimensions: &[usize], attributes, values| {
        let values = Values::Float(std::borrow::Cow::Borrowed(values));
        Variable { name: name.into(), dimensions: dimensions.to_vec(), attributes, values }
    };
    [
        float("x0", &[X0], horizontal("distance to the east", "X", "projection_x_coordinate"), &grid.x_km),
        float("y0", &[Y0], horizontal("distance to the north", "Y", "projection_y_coordinate"), &grid.y_km),
        float("z0", &[Z0], vertical, &grid.z_km),
        float("lat0", &[Y0, X0], degrees("latitude", "degrees_north"), &grid.latitude_degrees),
        float("lon0", &[Y0, X0], degrees("longitude", "degrees_east"), &grid.longitude_degrees),
    ]
}

fn grid_mapping(grid: &Grid) -> Variable<'static> {
    let double = |name, value| number(name, Values::Double(vec![value]));
    Variable {
        name: "grid_mapping_0".into(),
        dimensions: Vec::new(),
        attributes: vec![
            text("grid_mapping_name", "azimuthal_equidistant"),
            double("longitude_of_projection_origin", grid.origin.longitude_degrees),
            double("latitude_of_projection_origin", grid.origin.latitude_degrees),
            double("false_easting", 0.0),
            double("false_northing", 0.0),
            double("earth_radius", grid::EARTH_RADIUS_M),
        ],
        values: Values::Int(vec![0]),
    }
}

pub(crate) fn text(name: &'static str, value: &str) -> Attribute {
    Attribute { name: name.into(), value: Value::Text(value.to_owned()) }
}

pub(crate) fn number(name: &'static str, value: Values<'static>) -> Attribute {
    Attribute { name: name.into(), value: Value::Numbers(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_what_the_converter_keeps() {
        assert_eq!([packed(-30.0), packed(97.0), packed(33.5), packed(34.1)], [-127, 127, 0, 1]);
        assert_eq!(packed(f32::NAN), MISSING);
        assert_eq!(packed(-99.0), -127, "very weak is not missing");
        assert!(unpacked(MISSING).is_nan());
        assert!((-127..=127).all(|stored| packed(unpacked(stored)) == stored));
    }

    #[test]
    fn a_range_has_the_smallest_and_the_largest_number() {
        for (min, max) in [(0.0, 50.0), (0.0, 7.3), (-29.0, 65.0)] {
            let stored = Stored::over(min, max);
            assert_eq!([stored.packed(min as f32), stored.packed(max as f32)], [-127, 127]);
            assert_eq!(stored.unpacked(-127), min as f32, "no rain is exactly 0");
            assert!((-127..=127).all(|number| stored.packed(stored.unpacked(number)) == number));
        }
    }
}
