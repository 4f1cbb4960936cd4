//! A netCDF file as a value, and the containers it can be written in. What stands in it is the caller's business.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use thiserror::Error;

use super::{classic, netcdf4};
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

/// What an attribute holds.
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

/// How a file becomes bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Container {
    /// netCDF classic (CDF-1): what Mdv2NetCDF writes unless told otherwise.
    #[default]
    Classic,
    /// netCDF classic with 64-bit offsets (CDF-2).
    Offset64,
    /// netCDF-4 (HDF5), deflated.
    Netcdf4 {
        /// 0 to 9.
        deflate_level: u8,
    },
}

impl Container {
    /// Writes a file under its final name through a partial one. The data is not synced: callers that write thousands of
    /// files sync the file system once.
    ///
    /// # Errors
    /// Where the folder can't be written, or the file does not fit the container.
    pub fn write(self, file: &File<'_>, path: &Path) -> Result<(), ContainerError> {
        file.check()?;
        let partial = partial_name(path);
        match self {
            Self::Classic => write_bytes(&partial, &classic::encode(file, classic::Version::Cdf1)?)?,
            Self::Offset64 => write_bytes(&partial, &classic::encode(file, classic::Version::Cdf2)?)?,
            Self::Netcdf4 { deflate_level } => netcdf4::write(file, &partial, deflate_level)
                .map_err(|source| ContainerError::Netcdf4 { path: path.to_owned(), source })?,
        }
        fs::rename(&partial, path).map_err(FsError::at("rename", &partial))?;
        Ok(())
    }
}

/// The bytes of a netCDF classic file: with 32-bit offsets where they reach, as most readers expect, else with 64-bit ones.
///
/// # Errors
/// Where the values of a variable are not as many as its dimensions make.
pub fn classic_bytes(file: &File<'_>) -> Result<Vec<u8>, ContainerError> {
    file.check()?;
    match classic::encode(file, classic::Version::Cdf1) {
        Err(ContainerError::TooLarge { .. }) => classic::encode(file, classic::Version::Cdf2),
        encoded => encoded,
    }
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    fs::write(path, bytes).map_err(FsError::at("write", path))
}

impl File<'_> {
    fn check(&self) -> Result<(), ContainerError> {
        for variable in &self.variables {
            let expected = self.cells(variable);
            let got = variable.values.count();
            if got != expected {
                return Err(ContainerError::Count { name: variable.name.to_string(), got, expected });
            }
        }
        Ok(())
    }

    /// The product of a variable's dimensions.
    pub(super) fn cells(&self, variable: &Variable<'_>) -> usize {
        variable.dimensions.iter().map(|&index| self.dimensions[index].length).product()
    }
}

/// Why a file could not be written.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// The values of a variable don't fit its dimensions.
    #[error("variable {name} has {got} values, its dimensions make {expected}")]
    Count {
        /// The variable.
        name: String,
        /// How many values came.
        got: usize,
        /// How many its dimensions make.
        expected: usize,
    },
    /// A variable begins past what 32 bits can say.
    #[error("variable {name} begins at byte {offset}, CDF-1 ends at 2147483647; write 64-bit offsets or netCDF-4")]
    TooLarge {
        /// The variable.
        name: String,
        /// Where it would begin.
        offset: u64,
    },
    /// The netCDF library refused.
    #[error("could not write {} as netCDF-4: {source}", path.display())]
    Netcdf4 {
        /// The file.
        path: std::path::PathBuf,
        /// What the library said.
        source: netcdf::Error,
    },
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl ContainerError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Count { .. } => Exit::Bug,
            Self::TooLarge { .. } => Exit::Configuration,
            Self::Netcdf4 { .. } => Exit::DiskIo,
            Self::Fs(error) => error.exit(),
        }
    }
}
