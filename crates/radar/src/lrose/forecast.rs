//! Forecasts in the layout of LROSE's Mdv2NetCDF: one valid time or several, on the grid of the files that the forecast was
//! made from, whatever their axes are called. The numbers come from the caller.

pub use super::carried::{Carried, Plane};
use super::container::{Attribute, Dimension, File, Value, Values, Variable};
use super::{Origin, Stored, TIME, packing, text, times};
use crate::volume::{AttributeValue, Attributes, Axis, GridMapping, Kind};

/// A forecast for one time or several.
#[derive(Clone, Debug)]
pub struct Forecast<'a> {
    /// Names, axes and places of the cells.
    pub carried: &'a Carried,
    /// The time of the newest frame that the forecast is made from, in seconds since 1970.
    pub from_seconds: f64,
    /// The times that are forecast, in seconds since 1970.
    pub valid_seconds: &'a [f64],
    /// The time between two scans: a forecast describes the scan around its valid time.
    pub interval_seconds: f64,
    /// Stored numbers in the order time, level, row, column.
    pub numbers: &'a [i8],
    /// What they mean.
    pub stored: Stored,
    /// Whether the one level is the maximum of the columns.
    pub is_column_maximum: bool,
    /// Who made it, and how.
    pub origin: &'a Origin,
}

const X: usize = 2;
const Y: usize = 3;
const Z: usize = 4;

impl<'a> Forecast<'a> {
    /// The file that holds this forecast, ready to be written.
    #[must_use]
    pub fn file(&self) -> File<'a> {
        let Carried { z, y, x, grid_mapping, places, .. } = self.carried;
        let dimension = |name: &str, length| Dimension { name: name.to_owned().into(), length };
        let half = self.interval_seconds / 2.0;
        let scans: Vec<_> = self.valid_seconds.iter().map(|&valid| [valid - half, valid, valid + half]).collect();
        let mut variables = times::variables(&scans, Some(self.from_seconds));
        let axes = [(x, X, "X"), (y, Y, "Y"), (z, Z, "Z")];
        variables.extend(axes.into_iter().filter_map(|(axis, dimension, letter)| coordinate(axis, dimension, letter)));
        variables.extend(places.iter().map(place));
        variables.extend(grid_mapping.as_ref().map(projection));
        variables.push(self.field());
        File {
            dimensions: vec![
                dimension("time", self.valid_seconds.len()),
                dimension("bounds", 2),
                dimension(&x.name, x.values.len()),
                dimension(&y.name, y.values.len()),
                dimension(z_name(z), z.values.len()),
            ],
            attributes: self.origin.attributes(),
            variables,
        }
    }

    fn field(&self) -> Variable<'a> {
        let Carried { variable, standard_name, long_name, units, grid_mapping, places, .. } = self.carried;
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let mut attributes = packing(self.stored, self.numbers);
        let usual = if self.stored == Stored::DBZ { "equivalent_reflectivity_factor" } else { "" };
        let standard_name = or(standard_name, usual);
        if !standard_name.is_empty() {
            attributes.push(text("standard_name", &standard_name));
        }
        attributes.push(text("long_name", &or(long_name, variable)));
        attributes.push(text("units", &or(units, "dBZ")));
        if self.is_column_maximum {
            attributes.push(text("cell_methods", &format!("{}: maximum", z_name(&self.carried.z))));
        }
        if !places.is_empty() {
            let names: Vec<&str> = places.iter().rev().map(|place| place.name.as_str()).collect();
            attributes.push(text("coordinates", &names.join(" ")));
        }
        if let Some(mapping) = grid_mapping {
            attributes.push(text("grid_mapping", &mapping.variable));
        }
        Variable {
            name: variable.clone().into(),
            dimensions: vec![TIME, Z, Y, X],
            attributes,
            values: Values::Byte(self.numbers.into()),
        }
    }
}

/// A field without levels gets one with the usual name.
fn z_name(z: &Axis) -> &str {
    if z.stated { &z.name } else { "z0" }
}

/// The coordinates of an axis. Cells that are only numbered have none, except levels: TITAN's tools need them.
fn coordinate(axis: &Axis, dimension: usize, letter: &'static str) -> Option<Variable<'static>> {
    if !axis.stated && letter != "Z" {
        return None;
    }
    let name = if letter == "Z" { z_name(axis) } else { &axis.name };
    let or = |text: &str, other: &'static str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let units = or(&axis.units, "km");
    let mut attributes = vec![text("standard_name", &or(&axis.standard_name, usual_name(letter, &units)))];
    if !axis.long_name.is_empty() {
        attributes.push(text("long_name", &axis.long_name));
    }
    attributes.push(text("units", &units));
    if letter == "Z" {
        // Levels run from the bottom up: if the numbers fall, they are pressures or depths.
        let falls = axis.values.first() > axis.values.last();
        attributes.push(text("positive", if falls { "down" } else { "up" }));
    }
    attributes.push(text("axis", letter));
    let exact = axis.values.iter().all(|&value| f64::from(value as f32) == value);
    let values = match exact {
        true => Values::Float(axis.values.iter().map(|&value| value as f32).collect::<Vec<_>>().into()),
        false => Values::Double(axis.values.clone()),
    };
    Some(Variable { name: name.to_owned().into(), dimensions: vec![dimension], attributes, values })
}

/// What LROSE calls an axis for which the file has no standard name.
fn usual_name(letter: &str, units: &str) -> &'static str {
    match (letter, units.starts_with("degree")) {
        ("X", true) => "longitude",
        ("X", false) => "projection_x_coordinate",
        ("Y", true) => "latitude",
        ("Y", false) => "projection_y_coordinate",
        _ => "altitude",
    }
}

fn place(plane: &Plane) -> Variable<'_> {
    Variable {
        name: plane.name.clone().into(),
        dimensions: vec![Y, X],
        attributes: carried(&plane.attributes),
        values: Values::Float(plane.values.as_slice().into()),
    }
}

fn projection(mapping: &GridMapping) -> Variable<'static> {
    Variable {
        name: mapping.variable.clone().into(),
        dimensions: Vec::new(),
        attributes: carried(&mapping.attributes),
        values: Values::Int(vec![0]),
    }
}

fn carried(attributes: &Attributes) -> Vec<Attribute> {
    // These two describe how missing numbers are stored, and here none are missing.
    let kept = attributes.0.iter().filter(|(name, _)| !matches!(name.as_str(), "_FillValue" | "missing_value"));
    kept.map(|(name, value)| attribute(name, value)).collect()
}

fn attribute(name: &str, value: &AttributeValue) -> Attribute {
    let value = match value {
        AttributeValue::Text(text) => Value::Text(text.clone()),
        AttributeValue::Numbers { kind, values } => Value::Numbers(match kind {
            Kind::I8 => Values::Byte(values.iter().map(|&value| value as i8).collect::<Vec<_>>().into()),
            Kind::F32 => Values::Float(values.iter().map(|&value| value as f32).collect::<Vec<_>>().into()),
            Kind::U8 | Kind::I16 | Kind::U16 | Kind::I32 => Values::Int(values.iter().map(|&v| v as i32).collect()),
            _ => Values::Double(values.clone()),
        }),
    };
    Attribute { name: name.to_owned().into(), value }
}

#[cfg(test)]
mod tests {
    use super::super::container::classic_bytes;
    use super::super::{MISSING, number, unpacked};
    use super::*;
    use crate::volume::{RawVolume, Values as Stored, VolumeFile};

    fn axis(name: &str, units: &str, values: &[f64]) -> Axis {
        let text = String::new;
        Axis {
            name: name.into(),
            values: values.to_vec(),
            units: units.into(),
            standard_name: text(),
            long_name: text(),
            stated: true,
        }
    }

    fn carried() -> Carried {
        let texts = |entries: &[(&str, &str)]| {
            let entry = |&(name, text): &(&str, &str)| (name.to_owned(), AttributeValue::Text(text.into()));
            Attributes(entries.iter().map(entry).collect())
        };
        let plane = |name: &str, units: &str| Plane {
            name: name.into(),
            attributes: texts(&[("units", units)]),
            values: vec![1.5; 6],
        };
        Carried {
            variable: "DBZH".into(),
            standard_name: String::new(),
            long_name: "reflectivity".into(),
            units: "dBZ".into(),
            z: axis("altitude", "km", &[1.0, 2.0]),
            y: axis("north", "km", &[-0.1, 0.9]),
            x: axis("east", "km", &[-1.0, 0.0, 1.0]),
            grid_mapping: None,
            places: vec![plane("lat", "degrees_north"), plane("lon", "degrees_east")],
        }
    }

    #[test]
    fn what_is_written_is_read_with_its_times_axes_and_places() {
        let origin = Origin {
            title: "t".into(),
            institution: "i".into(),
            source: "s".into(),
            history: "h".into(),
            references: "r".into(),
            comment: "c".into(),
        };
        let carried = carried();
        let dbz: Vec<i8> = (0..24).map(|cell| if cell == 5 { MISSING } else { cell }).collect();
        let valid = [1_357_410_182.0, 1_357_410_364.0];
        let forecast = Forecast {
            carried: &carried,
            from_seconds: 1_357_410_000.0,
            valid_seconds: &valid,
            interval_seconds: 182.0,
            numbers: &dbz,
            stored: crate::lrose::Stored::DBZ,
            is_column_maximum: false,
            origin: &origin,
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.nc");
        std::fs::write(&path, classic_bytes(&forecast.file()).unwrap()).unwrap();
        let volume = VolumeFile::open(&path, "DBZH").unwrap();
        assert_eq!(volume.times(), valid);
        let grid = volume.grid();
        assert_eq!((grid.y.values.as_slice(), grid.x.name.as_str()), (&[-0.1, 0.9][..], "east"));
        assert_eq!(grid.z.standard_name, "altitude");
        assert_eq!(volume.attributes().latitude_longitude, Some(("lat".into(), "lon".into())));
        let mut raw = RawVolume::new();
        volume.read(1, &mut raw).unwrap();
        assert_eq!(raw.values, Stored::I8(dbz[12..].to_vec()));
        assert_eq!(volume.packing().decode(3.0), Some(f64::from(unpacked(3))));
        assert_eq!(volume.packing().decode(f64::from(MISSING)), None);
    }

    #[test]
    fn axes_without_a_standard_name_get_the_usual_one() {
        let name = |letter, units: &str| {
            let written = coordinate(&axis("a", units, &[0.0, 1.0]), 3, letter).unwrap();
            written.attributes[0].value.clone()
        };
        assert_eq!(name("X", "km"), Value::Text("projection_x_coordinate".into()));
        assert_eq!(name("Y", "degrees_north"), Value::Text("latitude".into()));
    }

    #[test]
    fn a_field_without_levels_gets_one_and_numbered_cells_get_no_coordinates() {
        let numbered = Axis { stated: false, ..axis("level", "", &[0.0]) };
        let written = coordinate(&numbered, Z, "Z").unwrap();
        assert_eq!((written.name.as_ref(), written.values), ("z0", Values::Float(vec![0.0].into())));
        assert_eq!(coordinate(&numbered, X, "X"), None);
    }

    #[test]
    fn the_type_of_a_number_stays() {
        let value = AttributeValue::Numbers { kind: Kind::F64, values: vec![6_378_137.0] };
        assert_eq!(attribute("earth_radius", &value), number("earth_radius", Values::Double(vec![6_378_137.0])));
    }
}
