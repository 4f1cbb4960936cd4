//! The times of a file's frames: from its time axis, else from a scalar time, else from its name.

use std::path::Path;

use super::axes::{FieldDimension, Role, listed_coordinates};
use super::error::VolumeError;
use super::file_name;
use super::header::{Header, Variable};
use super::time::{TimeUnits, looks_like_time};

/// A header, and the numbers of its small variables.
pub(super) struct Known<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its header.
    pub header: &'a Header,
    /// The values of the variables of at most one dimension, in the order of [`Header::variables`].
    pub numbers: &'a [Option<Vec<f64>>],
}

impl Known<'_> {
    /// Whether the frame's time is known from elsewhere than the field's dimensions.
    pub fn has_lone_time(&self, field: &Variable) -> bool {
        self.lone_time(field).is_some() || file_name::time_in_name(self.path).is_some()
    }

    /// Seconds since 1970, one for each frame of the field.
    ///
    /// # Errors
    /// If no time is found, or one is implausible.
    pub fn times(&self, field: &Variable, dimensions: &[FieldDimension]) -> Result<Vec<f64>, VolumeError> {
        let axis = dimensions.iter().find(|dimension| dimension.role == Role::Time);
        let frames = axis.map_or(1, |axis| axis.len);
        if frames == 0 {
            return Err(VolumeError::unusable(
                self.path,
                &field.name,
                "has no frame: its time dimension has length 0; remove the file",
            ));
        }
        let along = axis.and_then(|axis| axis.coordinate).filter(|&index| self.is_time(index));
        if let Some(index) = along.or_else(|| self.lone_time(field).filter(|_| frames == 1)) {
            return self.converted(index, frames);
        }
        match file_name::time_in_name(self.path) {
            Some(time) if frames == 1 => Ok(vec![time]),
            _ => Err(self.no_time(field, frames)),
        }
    }

    fn no_time(&self, field: &Variable, frames: u64) -> VolumeError {
        let problem = if frames > 1 {
            format!(
                "no time for the {frames} frames of \"{}\"; looked for a variable along its first dimension with units like \"seconds since 1970-01-01\"; add one",
                field.name
            )
        } else {
            format!(
                "no time for \"{}\"; looked for a time axis, for a scalar variable \"time\" with units like \"seconds since 1970-01-01\", \
                 and for YYYYMMDD_HHMMSS in the file's name; add one of them",
                field.name
            )
        };
        VolumeError::time(self.path, problem)
    }

    /// The variable that holds the one time of a file: named by the field, or called time by its standard name or its name.
    fn lone_time(&self, field: &Variable) -> Option<usize> {
        let lone =
            |index: &usize| self.is_time(*index) && self.number_of(*index).is_some_and(|numbers| numbers.len() == 1);
        let says = |index: &usize| {
            let variable = &self.header.variables[*index];
            variable.attributes.text("standard_name") == Some("time") || variable.name.eq_ignore_ascii_case("time")
        };
        let listed = listed_coordinates(self.header, field).into_iter().find(lone);
        listed.or_else(|| (0..self.header.variables.len()).find(|index| lone(index) && says(index)))
    }

    fn is_time(&self, index: usize) -> bool {
        let units = self.header.variables.get(index).and_then(|variable| variable.attributes.text("units"));
        units.is_some_and(looks_like_time)
    }

    fn number_of(&self, index: usize) -> Option<&[f64]> {
        self.numbers.get(index)?.as_deref()
    }

    fn converted(&self, index: usize, frames: u64) -> Result<Vec<f64>, VolumeError> {
        let Some(variable) = self.header.variables.get(index) else { return Ok(Vec::new()) };
        let refuse = |problem: String| {
            VolumeError::time(
                self.path,
                format!("time variable \"{}\": {problem}; repair it or remove the file", variable.name),
            )
        };
        let attributes = &variable.attributes;
        let units = TimeUnits::parse(attributes.text("units").unwrap_or_default(), attributes.text("calendar"));
        let units = units.map_err(refuse)?;
        let counts = self.number_of(index).unwrap_or_default();
        if counts.len() as u64 != frames {
            return Err(refuse(format!("it has {} numbers for {frames} frames", counts.len())));
        }
        let missing = |count: f64| {
            ["_FillValue", "missing_value"].iter().any(|name| attributes.number(name).is_some_and(|fill| fill == count))
        };
        let seconds = |&count: &f64| units.seconds(if missing(count) { f64::NAN } else { count });
        counts.iter().map(seconds).collect::<Result<_, _>>().map_err(refuse)
    }
}
