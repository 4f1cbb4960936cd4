//! The axes of a field after normalisation: rows south to north, columns west to east, levels bottom to top.

use std::path::Path;

use super::axes::{FieldDimension, Role};
use super::error::VolumeError;
use super::header::{Header, Variable};

/// Coordinates along one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The name in the file, of the coordinate variable or else of the dimension.
    pub name: String,
    /// One coordinate per cell.
    pub values: Vec<f64>,
    /// Their units, empty if the file has none.
    pub units: String,
    /// Their CF standard name, empty if the file has none.
    pub standard_name: String,
    /// Their description, empty if the file has none.
    pub long_name: String,
    /// Whether the file holds these coordinates. Otherwise they are the cells' numbers.
    pub stated: bool,
}

/// The cells of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Rows, from south to north.
    pub y: Axis,
    /// Columns, from west to east.
    pub x: Axis,
    /// Levels, from bottom to top; a nominal 0 if the field has none.
    pub z: Axis,
}

impl Grid {
    /// Levels, rows and columns.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        [self.z.values.len(), self.y.values.len(), self.x.values.len()]
    }
}

/// An axis as it is after normalisation, and whether the file stores it the other way round.
pub(super) struct Directed {
    /// The axis.
    pub axis: Axis,
    /// Whether the file stores it reversed.
    pub reversed: bool,
}

/// The axis of a dimension of the field. `coordinates` are the numbers of its coordinate variable.
///
/// # Errors
/// If the coordinates are not strictly monotonic, or not as many as the dimension has cells.
pub(super) fn directed(
    path: &Path,
    header: &Header,
    dimension: &FieldDimension,
    coordinates: Option<&[f64]>,
) -> Result<Directed, VolumeError> {
    let variable = dimension.coordinate.and_then(|index| header.variables.get(index));
    let (Some(variable), Some(values)) = (variable, coordinates) else {
        return Ok(Directed { axis: numbered(dimension), reversed: false });
    };
    if values.len() as u64 != dimension.len {
        let problem = format!("has {} numbers, the dimension has {}", values.len(), dimension.len);
        return Err(VolumeError::unusable(path, &variable.name, problem));
    }
    let descending = is_descending(values).map_err(|problem| VolumeError::unusable(path, &variable.name, problem))?;
    let reversed = values.len() > 1 && descending != (dimension.role == Role::Z && points_down(variable));
    let mut axis = stated(variable, values);
    if reversed {
        axis.values.reverse();
    }
    Ok(Directed { axis, reversed })
}

/// The axis of a field that has no levels.
pub(super) fn nominal_level() -> Axis {
    let text = String::new;
    Axis {
        name: "level".into(),
        values: vec![0.0],
        units: text(),
        standard_name: text(),
        long_name: text(),
        stated: false,
    }
}

fn stated(variable: &Variable, values: &[f64]) -> Axis {
    let text = |name| variable.attributes.text(name).unwrap_or_default().trim().to_owned();
    Axis {
        name: variable.name.clone(),
        values: values.to_vec(),
        units: text("units"),
        standard_name: text("standard_name"),
        long_name: text("long_name"),
        stated: true,
    }
}

fn numbered(dimension: &FieldDimension) -> Axis {
    let values = (0..dimension.len).map(|cell| cell as f64).collect();
    Axis { name: dimension.name.clone(), values, ..nominal_level() }
}

fn is_descending(values: &[f64]) -> Result<bool, String> {
    let descending = matches!(values, [first, second, ..] if second < first);
    let in_order = |pair: &[f64]| if descending { pair[1] < pair[0] } else { pair[1] > pair[0] };
    if let Some(place) = values.windows(2).position(|pair| !in_order(pair)) {
        let (one, other) = (values[place], values[place + 1]);
        return Err(format!(
            "is an axis but not monotonic: {one} is followed by {other} at index {}; repair the coordinates or remove the file",
            place + 1
        ));
    }
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(format!("is an axis but holds {value}; repair the coordinates or remove the file")),
        None => Ok(descending),
    }
}

/// Whether larger numbers are further down, as with pressure and depth.
fn points_down(variable: &Variable) -> bool {
    let text = |name| variable.attributes.text(name).unwrap_or_default().trim().to_ascii_lowercase();
    match text("positive").as_str() {
        "down" => true,
        "up" => false,
        _ => {
            matches!(text("standard_name").as_str(), "air_pressure" | "depth")
                || matches!(text("units").as_str(), "pa" | "hpa" | "mb" | "mbar" | "millibar" | "bar" | "atm")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::header::{AttributeValue, Attributes, Kind};

    fn axis(role: Role, values: &[f64], attributes: &[(&str, &str)]) -> Result<Directed, VolumeError> {
        let text = |&(name, value): &(&str, &str)| (name.to_owned(), AttributeValue::Text(value.to_owned()));
        let attributes = Attributes(attributes.iter().map(text).collect());
        let variable = Variable { name: "y0".into(), dimensions: vec![0], kind: Kind::F32, attributes };
        let header = Header { variables: vec![variable], ..Header::default() };
        let dimension = FieldDimension { role, len: 3, name: "y0".into(), coordinate: Some(0) };
        directed(Path::new("scan.nc"), &header, &dimension, Some(values))
    }

    #[test]
    fn axes_that_are_not_monotonic_are_refused() {
        for values in [[0.0, 1.0, 1.0], [0.0, 2.0, 1.0], [3.0, 1.0, 2.0], [0.0, f64::NAN, 2.0]] {
            let error = axis(Role::Y, &values, &[]).err().unwrap().to_string();
            assert!(error.contains("scan.nc: variable \"y0\" is an axis but not monotonic"), "{error}");
        }
        assert!(axis(Role::Y, &[0.0, 1.0, f64::INFINITY], &[]).is_err());
        assert!(axis(Role::Y, &[0.0, 1.0], &[]).is_err());
    }

    #[test]
    fn levels_run_upwards_whatever_their_numbers_do() {
        for (values, attributes, reversed) in [
            ([1.0, 2.0, 3.0], &[("positive", "up")][..], false),
            ([3.0, 2.0, 1.0], &[], true),
            ([1.0, 2.0, 3.0], &[("positive", "down")], true),
            ([3.0, 2.0, 1.0], &[("units", "hPa")], false),
            ([3.0, 2.0, 1.0], &[("units", "hPa"), ("positive", "up")], true),
        ] {
            let directed = axis(Role::Z, &values, attributes).unwrap();
            assert_eq!(directed.reversed, reversed, "{attributes:?}");
        }
        assert!(!axis(Role::Y, &[1.0, 2.0, 3.0], &[("positive", "down")]).unwrap().reversed);
    }
}
