//! A netCDF file as a value, and how it becomes a file on disk. What it contains is decided by the caller.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use thiserror::Error;

use super::classic::{self, Version};
use fragua_util::exit::Exit;
use fragua_util::fs::{FsError, partial_name};

/// A netCDF file: fixed dimensions only.
#[derive(Clone, Debug, PartialEq)]
pub struct File<'a> {
    /// In file order.
    pub dimensions: Vec<Dimension>,
    /// The global attributes.
    pub attributes: Vec<Attribute>,
    /// In file order.
    pub variables: Vec<Variable<'a>>,
}

/// A dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: Cow<'static, str>,
    /// How many.
    pub length: usize,
}

/// An attribute of a variable or of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: Value,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Characters.
    Text(String),
    /// One number or several.
    Numbers(Values<'static>),
}

/// A variable with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable<'a> {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Indices into the file's dimensions, slowest first.
    pub dimensions: Vec<usize>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// As many as the product of the dimensions.
    pub values: Values<'a>,
}

/// Numbers of one type. The large ones may be borrowed.
#[derive(Clone, Debug, PartialEq)]
pub enum Values<'a> {
    /// Signed bytes.
    Byte(Cow<'a, [i8]>),
    /// 32-bit integers.
    Int(Vec<i32>),
    /// 32-bit floating point.
    Float(Cow<'a, [f32]>),
    /// 64-bit floating point.
    Double(Vec<f64>),
}

impl Values<'_> {
    /// How many numbers.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Byte(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
        }
    }
}

/// Writes a file under its final name through a partial one. The data is not synced: callers that write thousands of
/// files sync the file system once.
///
/// # Errors
/// If the folder can't be written, or a variable has more or fewer values than its dimensions say.
pub fn write(file: &File<'_>, path: &Path) -> Result<(), ContainerError> {
    let bytes = classic_bytes(file)?;
    let partial = partial_name(path);
    fs::write(&partial, bytes).map_err(FsError::at("write", &partial))?;
    fs::rename(&partial, path).map_err(FsError::at("rename", &partial))?;
    Ok(())
}

/// The bytes of a netCDF classic file: CDF-1, which most readers expect, or CDF-2 if a variable begins past 2 GiB.
///
/// # Errors
/// If a variable has more or fewer values than its dimensions say.
pub fn classic_bytes(file: &File<'_>) -> Result<Vec<u8>, ContainerError> {
    file.check()?;
    let version = if classic::fits(file, Version::Cdf1) { Version::Cdf1 } else { Version::Cdf2 };
    Ok(classic::encode(file, version))
}

impl File<'_> {
    fn check(&self) -> Result<(), ContainerError> {
        for variable in &self.variables {
            let lengths = variable.dimensions.iter().map(|&index| self.dimensions[index].length);
            let expected = lengths.product();
            let got = variable.values.count();
            if got != expected {
                return Err(ContainerError::Count { name: variable.name.to_string(), got, expected });
            }
        }
        Ok(())
    }
}

/// Why a file could not be written.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// The values of a variable don't fit its dimensions.
    #[error("variable {name} has {got} values, its dimensions need {expected}")]
    Count {
        /// The variable.
        name: String,
        /// How many values were given.
        got: usize,
        /// How many its dimensions need.
        expected: usize,
    },
    /// The disk failed.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl ContainerError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Count { .. } => Exit::Bug,
            Self::Fs(error) => error.exit(),
        }
    }
}
