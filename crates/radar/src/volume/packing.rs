//! From stored numbers to physical values, as CF and the NetCDF Users Guide define packing and missing data.
//!
//! If netCDF4-python and xarray differ, this reader does what netCDF4-python does: numbers outside the valid range are
//! missing, and so is the default fill value of the type if the file names none - except for bytes, for which every
//! number may be data. One rule follows the Users Guide: a valid range of real numbers for packed integers is in
//! physical values.

use std::path::Path;

use super::error::VolumeError;
use super::header::{AttributeValue, Attributes, Kind, Variable};
use super::values::Values;

/// How the stored numbers of a variable become physical values.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    /// The factor, 1 if the file has none.
    pub scale: f64,
    /// What is added, 0 if the file has none.
    pub offset: f64,
    /// Stored numbers that mean "missing", after conversion to unsigned.
    pub missing: Vec<f64>,
    /// The smallest and the largest stored number that is valid.
    pub valid_stored: [f64; 2],
    /// The smallest and the largest physical value that is valid.
    pub valid_physical: [f64; 2],
    /// What is added to a negative number if signed integers hold unsigned ones.
    pub unsigned_span: Option<f64>,
}

/// Every number is valid.
const ALL: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

impl Packing {
    /// The physical value of a stored number, or `None` if it is missing or not valid.
    #[must_use]
    #[inline]
    pub fn decode(&self, stored: f64) -> Option<f64> {
        let stored = self.unsigned(stored);
        let within = |value: f64, [least, most]: [f64; 2]| (least..=most).contains(&value);
        if self.missing.contains(&stored) || !within(stored, self.valid_stored) {
            return None;
        }
        let value = stored * self.scale + self.offset;
        (value.is_finite() && within(value, self.valid_physical)).then_some(value)
    }

    /// The physical values of stored numbers, NaN if they are missing or not valid.
    #[must_use]
    pub fn physical(&self, stored: &Values) -> Vec<f32> {
        let decode = |stored: f64| self.decode(stored).map_or(f32::NAN, |value| value as f32);
        // There are few bytes and many cells.
        let table = |first: i32| (first..first + 256).map(|stored| decode(f64::from(stored))).collect::<Vec<f32>>();
        match stored {
            Values::I8(values) => {
                let table = table(-128);
                values.iter().map(|&stored| table[(i32::from(stored) + 128) as usize]).collect()
            }
            Values::U8(values) => {
                let table = table(0);
                values.iter().map(|&stored| table[usize::from(stored)]).collect()
            }
            other => other.to_f64().into_iter().map(decode).collect(),
        }
    }

    fn unsigned(&self, stored: f64) -> f64 {
        match self.unsigned_span {
            Some(span) if stored < 0.0 => stored + span,
            _ => stored,
        }
    }

    /// Reads the attributes of a variable.
    pub(super) fn of(path: &Path, variable: &Variable) -> Result<Self, VolumeError> {
        let attributes = &variable.attributes;
        let factor = |name: &str, default: f64| match attributes.get(name) {
            None => Ok(default),
            Some(AttributeValue::Numbers { values, .. }) if values.len() == 1 && values[0].is_finite() => Ok(values[0]),
            Some(_) => Err(VolumeError::unusable(path, &variable.name, format!("has a {name} that is not one number"))),
        };
        let scale = factor("scale_factor", 1.0)?;
        if scale == 0.0 {
            return Err(VolumeError::unusable(
                path,
                &variable.name,
                "has a scale_factor of 0, which makes all values equal",
            ));
        }
        let mut packing = Self {
            scale,
            offset: factor("add_offset", 0.0)?,
            missing: Vec::new(),
            valid_stored: ALL,
            valid_physical: ALL,
            unsigned_span: unsigned_span(variable),
        };
        packing.missing = missing(variable).into_iter().map(|stored| packing.unsigned(stored)).collect();
        packing.set_valid_range(variable);
        Ok(packing)
    }

    fn set_valid_range(&mut self, variable: &Variable) {
        for (name, place) in [("valid_min", 0), ("valid_max", 1), ("valid_range", 0), ("valid_range", 1)] {
            let Some(AttributeValue::Numbers { kind, values }) = variable.attributes.get(name) else { continue };
            let expected = if name == "valid_range" { 2 } else { 1 };
            let index = if name == "valid_range" { place } else { 0 };
            let Some(&limit) = values.get(index).filter(|limit| values.len() == expected && !limit.is_nan()) else {
                continue;
            };
            if variable.kind.is_integer() && !kind.is_integer() {
                self.valid_physical[place] = limit;
            } else {
                self.valid_stored[place] = self.unsigned(limit);
            }
        }
    }
}

/// Signed integers that hold unsigned ones say so with the attribute `_Unsigned`, as netCDF classic has no such type.
fn unsigned_span(variable: &Variable) -> Option<f64> {
    let says = variable.attributes.text("_Unsigned").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    match variable.kind {
        Kind::I8 if says => Some(256.0),
        Kind::I16 if says => Some(65_536.0),
        Kind::I32 if says => Some(4_294_967_296.0),
        _ => None,
    }
}

fn missing(variable: &Variable) -> Vec<f64> {
    let attributes: &Attributes = &variable.attributes;
    let mut missing: Vec<f64> = Vec::new();
    for name in ["_FillValue", "missing_value"] {
        missing.extend(attributes.numbers(name).unwrap_or_default().iter().filter(|value| !value.is_nan()));
    }
    if attributes.numbers("_FillValue").is_none() {
        missing.extend(default_fill(variable.kind).filter(|_| variable.kind.size() > 1));
    }
    match variable.kind {
        // A fill value of -999.9 in double precision is stored as the nearest float.
        Kind::F32 => missing.into_iter().map(|value| f64::from(value as f32)).collect(),
        _ => missing,
    }
}

/// What netCDF writes into cells that were never written if the variable names no fill value (`netcdf.h`, `NC_FILL_*`).
pub(super) fn default_fill(kind: Kind) -> Option<f64> {
    Some(match kind {
        Kind::I8 => -127.0,
        Kind::U8 => 255.0,
        Kind::I16 => -32_767.0,
        Kind::U16 => 65_535.0,
        Kind::I32 => -2_147_483_647.0,
        Kind::U32 => 4_294_967_295.0,
        Kind::F32 | Kind::F64 => 9.969_209_968_386_869e36,
        Kind::I64 | Kind::U64 | Kind::Text | Kind::Other => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packing(kind: Kind, attributes: &[(&str, Kind, &[f64])]) -> Packing {
        let numbers = attributes
            .iter()
            .map(|&(name, kind, values)| (name.to_owned(), AttributeValue::Numbers { kind, values: values.to_vec() }));
        let attributes = Attributes(numbers.collect());
        let variable = Variable { name: "DBZ".into(), dimensions: vec![], kind, attributes };
        Packing::of(Path::new("f.nc"), &variable).unwrap()
    }

    #[test]
    fn volumes_of_bytes_become_reflectivity() {
        let packing = packing(
            Kind::I8,
            &[
                ("scale_factor", Kind::F32, &[0.5]),
                ("add_offset", Kind::F32, &[33.5]),
                ("valid_min", Kind::I8, &[-127.0]),
                ("valid_max", Kind::I8, &[127.0]),
                ("_FillValue", Kind::I8, &[-128.0]),
            ],
        );
        let decoded = [-128.0, -127.0, 0.0, 127.0].map(|stored| packing.decode(stored));
        assert_eq!(decoded, [None, Some(-30.0), Some(33.5), Some(97.0)]);
    }

    #[test]
    fn bytes_without_a_fill_value_are_all_data() {
        assert_eq!(packing(Kind::I8, &[]).decode(-127.0), Some(-127.0));
        assert_eq!(packing(Kind::U8, &[]).decode(255.0), Some(255.0));
        assert_eq!(packing(Kind::I16, &[]).decode(-32_767.0), None);
    }

    #[test]
    fn numbers_that_are_not_numbers_are_missing() {
        let packing = packing(Kind::F32, &[]);
        assert_eq!([f64::NAN, f64::INFINITY].map(|stored| packing.decode(stored)), [None, None]);
        assert_eq!(packing.decode(f64::from(9.969_21e36_f32)), None);
    }

    #[test]
    fn several_missing_values_count_in_the_precision_of_the_data() {
        let packing = packing(Kind::F32, &[("missing_value", Kind::F64, &[-999.9, -888.0])]);
        assert_eq!(packing.decode(f64::from(-999.9_f32)), None);
        assert_eq!(packing.decode(-888.0), None);
        assert_eq!(packing.decode(-999.0), Some(-999.0));
    }

    #[test]
    fn a_valid_range_of_real_numbers_is_physical() {
        let stored =
            packing(Kind::I16, &[("scale_factor", Kind::F32, &[0.1]), ("valid_range", Kind::I16, &[-10.0, 100.0])]);
        assert_eq!((stored.decode(-11.0), stored.decode(101.0)), (None, None));
        let physical = packing(Kind::I16, &[("scale_factor", Kind::F32, &[0.5]), ("valid_min", Kind::F32, &[-10.0])]);
        assert_eq!((physical.decode(-20.0), physical.decode(-21.0)), (Some(-10.0), None));
    }

    #[test]
    fn signed_numbers_can_hold_unsigned_ones() {
        let mut variable =
            Variable { name: "Z".into(), dimensions: vec![], kind: Kind::I8, attributes: Attributes::default() };
        variable.attributes.0 = vec![
            ("_Unsigned".into(), AttributeValue::Text("true".into())),
            ("_FillValue".into(), AttributeValue::Numbers { kind: Kind::I8, values: vec![-1.0] }),
            ("valid_range".into(), AttributeValue::Numbers { kind: Kind::I8, values: vec![2.0, -3.0] }),
        ];
        let packing = Packing::of(Path::new("f.nc"), &variable).unwrap();
        assert_eq!([-1.0, -2.0, -3.0, 2.0, 1.0].map(|s| packing.decode(s)), [None, None, Some(253.0), Some(2.0), None]);
    }

    #[test]
    fn a_factor_of_zero_or_of_text_is_refused() {
        for value in
            [AttributeValue::Text("0.5".into()), AttributeValue::Numbers { kind: Kind::F32, values: vec![0.0] }]
        {
            let attributes = Attributes(vec![("scale_factor".into(), value)]);
            let variable = Variable { name: "DBZ".into(), dimensions: vec![], kind: Kind::I8, attributes };
            let error = Packing::of(Path::new("f.nc"), &variable).unwrap_err().to_string();
            assert!(error.contains("DBZ") && error.contains("scale_factor"), "{error}");
        }
    }
}
