//! Radar volumes in the layout of LROSE's Mdv2NetCDF: which dimensions, variables and attributes a file has. How they
//! become bytes is the business of [`container`]; reading any layout is not done here.

pub mod classic;
pub mod container;
pub mod grid;
pub mod netcdf4;

use container::{Attribute, Dimension, File, Value, Values, Variable};
use grid::Grid;

/// The step of a stored value.
pub const SCALE_DBZ: f32 = 0.5;
/// What a stored 0 means: MDV keeps bytes from 0 with bias -30, and 127 steps more make them signed.
pub const OFFSET_DBZ: f32 = 33.5;
/// What a missing cell is stored as.
pub const MISSING: i8 = -128;

/// The stored value that is nearest to a reflectivity; `NaN` is missing.
#[must_use]
pub fn packed(dbz: f32) -> i8 {
    if dbz.is_nan() { MISSING } else { ((dbz - OFFSET_DBZ) / SCALE_DBZ).round().clamp(-127.0, 127.0) as i8 }
}

/// The reflectivity of a stored value; `NaN` where it is missing.
#[must_use]
pub fn unpacked(stored: i8) -> f32 {
    if stored == MISSING { f32::NAN } else { f32::from(stored) * SCALE_DBZ + OFFSET_DBZ }
}

/// One volume: one time of one radar.
#[derive(Clone, Debug)]
pub struct Volume<'a> {
    /// When, in seconds since 1970: the beginning, the centre and the end of the scan.
    pub scan_seconds: [f64; 3],
    /// For a forecast: when it was made.
    pub forecast_from_seconds: Option<f64>,
    /// Where the cells lie.
    pub grid: &'a Grid,
    /// Stored reflectivity in the order level, row (south to north), column (west to east); see [`packed`].
    pub dbz: &'a [i8],
    /// Who made it, and how.
    pub origin: &'a Origin,
}

/// The global attributes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What it is, in a few words.
    pub title: String,
    /// Whose it is.
    pub institution: String,
    /// What produced the data: the radar, or the model.
    pub source: String,
    /// How the file came to be.
    pub history: String,
    /// Where to read more.
    pub references: String,
    /// Anything else.
    pub comment: String,
}

const SINCE_1970: &str = "seconds since 1970-01-01T00:00:00Z";
const TIME: usize = 0;
const BOUNDS: usize = 1;
const X0: usize = 2;
const Y0: usize = 3;
const Z0: usize = 4;

impl<'a> Volume<'a> {
    /// The file that holds this volume, ready for any container.
    #[must_use]
    pub fn file(&self) -> File<'a> {
        let grid = self.grid;
        let dimension = |name, length| Dimension { name, length };
        let mut variables = self.times();
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
            attributes: self.global_attributes(),
            variables,
        }
    }

    fn global_attributes(&self) -> Vec<Attribute> {
        vec![
            text("Conventions", "CF-1.6"),
            text("history", &self.origin.history),
            text("institution", &self.origin.institution),
            text("references", &self.origin.references),
            text("source", &self.origin.source),
            text("title", &self.origin.title),
            text("comment", &self.origin.comment),
        ]
    }

    fn times(&self) -> Vec<Variable<'a>> {
        let [start, centre, stop] = self.scan_seconds;
        let mut time = vec![
            text("standard_name", "time"),
            text("long_name", "Data time"),
            text("units", SINCE_1970),
            text("axis", "T"),
        ];
        let bounded = start <= centre && centre <= stop && start != stop;
        if bounded {
            time.push(text("bounds", "time_bounds"));
        }
        time.push(text("comment", "times are centroids of the scans"));
        let mut variables = vec![
            scalar_time("time", centre, time),
            scalar_time("start_time", start, vec![text("long_name", "start_time"), text("units", SINCE_1970)]),
            scalar_time("stop_time", stop, vec![text("long_name", "stop_time"), text("units", SINCE_1970)]),
        ];
        if bounded {
            variables.push(Variable {
                name: "time_bounds",
                dimensions: vec![TIME, BOUNDS],
                attributes: vec![text("comment", "beginning and end of the scan"), text("units", SINCE_1970)],
                values: Values::Double(vec![start, stop]),
            });
        }
        if let Some(from) = self.forecast_from_seconds {
            let name = "forecast_reference_time";
            variables.push(scalar_time(name, from, vec![text("standard_name", name), text("units", SINCE_1970)]));
            let name = "forecast_period";
            let attributes = vec![text("standard_name", name), text("units", "seconds")];
            variables.push(scalar_time(name, centre - from, attributes));
        }
        variables
    }

    fn reflectivity(&self) -> Variable<'a> {
        // Missing is the smallest number there is: it never is the maximum, and must not be the minimum.
        let strongest = self.dbz.iter().fold(-127, |strongest: i8, &b| strongest.max(b));
        let weakest = self.dbz.iter().fold(127, |weakest: i8, &b| weakest.min(if b == MISSING { 127 } else { b }));
        let weakest = weakest.min(strongest);
        Variable {
            name: "DBZ",
            dimensions: vec![TIME, Z0, Y0, X0],
            attributes: vec![
                number("scale_factor", Values::Float(vec![SCALE_DBZ].into())),
                number("add_offset", Values::Float(vec![OFFSET_DBZ].into())),
                number("valid_min", Values::Byte(vec![-127].into())),
                number("valid_max", Values::Byte(vec![127].into())),
                number("_FillValue", Values::Byte(vec![MISSING].into())),
                number("min_value", Values::Float(vec![unpacked(weakest)].into())),
                number("max_value", Values::Float(vec![unpacked(strongest)].into())),
                text("standard_name", "equivalent_reflectivity_factor"),
                text("long_name", "DBZ"),
                text("units", "dBZ"),
                text("coordinates", "lon0 lat0"),
                text("grid_mapping", "grid_mapping_0"),
            ],
            values: Values::Byte(self.dbz.into()),
        }
    }
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
    let float = |name, dimensions: &[usize], attributes, values| {
        let values = Values::Float(std::borrow::Cow::Borrowed(values));
        Variable { name, dimensions: dimensions.to_vec(), attributes, values }
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
        name: "grid_mapping_0",
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

fn scalar_time(name: &'static str, seconds: f64, attributes: Vec<Attribute>) -> Variable<'static> {
    Variable { name, dimensions: vec![TIME], attributes, values: Values::Double(vec![seconds]) }
}

fn text(name: &'static str, value: &str) -> Attribute {
    Attribute { name, value: Value::Text(value.to_owned()) }
}

fn number(name: &'static str, value: Values<'static>) -> Attribute {
    Attribute { name, value: Value::Numbers(value) }
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

    fn variables(scan_seconds: [f64; 3], forecast_from_seconds: Option<f64>) -> Vec<(&'static str, Values<'static>)> {
        let grid = Grid::square(grid::SAN_RAFAEL, 2, 1);
        let origin = || String::from("test");
        let origin = Origin {
            title: origin(),
            institution: origin(),
            source: origin(),
            history: origin(),
            references: origin(),
            comment: origin(),
        };
        let volume = Volume { scan_seconds, forecast_from_seconds, grid: &grid, dbz: &[MISSING; 4], origin: &origin };
        let times = volume.times().into_iter();
        times
            .filter_map(|v| if let Values::Double(d) = v.values { Some((v.name, Values::Double(d))) } else { None })
            .collect()
    }

    #[test]
    fn bounds_are_written_only_where_the_scan_took_time() {
        let names = |scan| variables(scan, None).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names([0.0, 91.0, 182.0]), ["time", "start_time", "stop_time", "time_bounds"]);
        assert_eq!(names([91.0, 91.0, 91.0]), ["time", "start_time", "stop_time"]);
        assert_eq!(names([100.0, 91.0, 182.0]), ["time", "start_time", "stop_time"]);
    }

    #[test]
    fn forecasts_say_when_they_were_made_and_how_far_they_reach() {
        let found = variables([900.0, 900.0, 900.0], Some(300.0));
        assert!(found.contains(&("forecast_reference_time", Values::Double(vec![300.0]))));
        assert!(found.contains(&("forecast_period", Values::Double(vec![600.0]))));
    }
}
