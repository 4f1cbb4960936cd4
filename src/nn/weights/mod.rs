//! Weight files: named arrays in the safetensors format, which PyTorch and others read, and what `torch.save` writes. The
//! safetensors format also holds the arrays of checkpoints, which decide for themselves how a file gets onto the disk and how it is
//! found whole again.

mod array;
pub mod pickle;
pub mod pth;
pub mod safetensors;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tch::{Kind, Tensor};
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::FsError;
pub use array::{ArraySpec, Dtype, NamedArray, NotFinite, differences};

/// A weight file that could not be read.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The disk failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It is not a complete file of this format.
    #[error(
        "{} is not readable as weights: {problem}; expected a complete file of safetensors or of torch.save",
        .path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It is of the format that `torch.save` wrote before PyTorch 1.6.
    #[error(
        "{path} is of the format before PyTorch 1.6 or a plain pickle, which is not read here; in Python, save it again: \
         torch.save(torch.load({path:?}, weights_only=True), {path:?})",
        path = .path.display().to_string()
    )]
    Legacy {
        /// The file.
        path: PathBuf,
    },
}

impl WeightsError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            // Weights are only read, so nothing is wrong with an output folder.
            Self::Fs(error) if error.source.kind() == std::io::ErrorKind::PermissionDenied => Exit::DataRefused,
            Self::Fs(error) => error.exit(),
            Self::Read { .. } | Self::Legacy { .. } => Exit::DataRefused,
        }
    }
}

crate::util::failures!("weights": WeightsError);

/// What a file of weights holds.
#[derive(Debug)]
pub struct Weights {
    /// The tensors by name, of any type, in main memory.
    pub tensors: Vec<(String, Tensor)>,
    /// What is beside them: the metadata of a safetensors file as texts, or what a trainer saved beside its state dict.
    pub beside: Map<String, Value>,
}

/// The names and shapes of tensors.
pub type Shapes = Vec<(String, Vec<usize>)>;

/// What a file of weights says of itself, without its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// The names and shapes of its tensors.
    pub shapes: Shapes,
    /// What is beside them.
    pub beside: Map<String, Value>,
}

/// What wrappers of PyTorch put in front of all names: `DataParallel`, `compile`.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];

/// Reads a file. Prefixes that wrappers of PyTorch put in front of all names are dropped.
///
/// # Errors
/// If the file does not exist, is not complete, or has something that is not known.
pub fn read_all(path: &Path) -> Result<Weights, WeightsError> {
    let file = std::fs::read(path).map_err(FsError::at("open", path))?;
    let refused = |problem| WeightsError::Read { path: path.into(), problem };
    let (mut arrays, beside) = match format(path, &file)? {
        Format::Safetensors => {
            let (arrays, metadata) = safetensors::read(&file).map_err(refused)?;
            (arrays, texts(metadata))
        }
        Format::Pth => {
            let held = pth::read(&file).map_err(refused)?;
            (held.arrays, held.beside)
        }
    };
    drop(file);
    drop_prefixes(arrays.iter_mut().map(|array| &mut array.name).collect());
    Ok(Weights { tensors: tensors(&arrays).map_err(refused)?, beside })
}

/// Reads the tensors of a file.
///
/// # Errors
/// See [`read_all`].
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>, WeightsError> {
    Ok(read_all(path)?.tensors)
}

/// Reads what a file says of itself.
///
/// # Errors
/// See [`read_all`].
pub fn outline(path: &Path) -> Result<Outline, WeightsError> {
    let file = std::fs::read(path).map_err(FsError::at("open", path))?;
    let refused = |problem| WeightsError::Read { path: path.into(), problem };
    let (mut shapes, beside) = match format(path, &file)? {
        Format::Safetensors => {
            let (shapes, metadata) = safetensors::outline(&file).map_err(refused)?;
            (shapes, texts(metadata))
        }
        Format::Pth => pth::outline(&file).map_err(refused)?,
    };
    drop_prefixes(shapes.iter_mut().map(|(name, _)| name).collect());
    Ok(Outline { shapes, beside })
}

/// The format of a file of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Safetensors.
    Safetensors,
    /// What `torch.save` writes.
    Pth,
}

impl Format {
    /// The format of a file, whatever its name says.
    ///
    /// # Errors
    /// If it can't be read, or is of a format that is refused.
    pub fn of(path: &Path) -> Result<Self, WeightsError> {
        let mut start = Vec::new();
        let file = File::open(path).map_err(FsError::at("open", path))?;
        file.take(8).read_to_end(&mut start).map_err(FsError::at("read", path))?;
        format(path, &start)
    }
}

/// The format by the first bytes.
fn format(path: &Path, file: &[u8]) -> Result<Format, WeightsError> {
    match () {
        () if pth::is_archive(file) => Ok(Format::Pth),
        () if pth::is_legacy(file) => Err(WeightsError::Legacy { path: path.into() }),
        () => Ok(Format::Safetensors),
    }
}

fn texts(metadata: safetensors::Metadata) -> Map<String, Value> {
    metadata.into_iter().map(|(name, text)| (name, Value::String(text))).collect()
}

fn drop_prefixes(mut names: Vec<&mut String>) {
    while let Some(prefix) = PREFIXES.iter().find(|prefix| names.iter().all(|name| name.starts_with(**prefix))) {
        if names.is_empty() {
            return;
        }
        names.iter_mut().for_each(|name| drop(name.drain(..prefix.len())));
    }
}

/// Arrays as tensors in main memory.
///
/// # Errors
/// What makes no tensor, in words.
pub fn tensors(arrays: &[NamedArray]) -> Result<Vec<(String, Tensor)>, String> {
    let tensor = |array: &NamedArray| {
        let size: Vec<i64> = array.shape.iter().map(|&size| size as i64).collect();
        let tensor = Tensor::f_from_data_size(&array.bytes, &size, kind(array.dtype));
        Ok((array.name.clone(), tensor.map_err(|error| format!("{} makes no tensor: {error}", array.name))?))
    };
    arrays.iter().map(tensor).collect()
}

fn kind(dtype: Dtype) -> Kind {
    match dtype {
        Dtype::Bool => Kind::Bool,
        Dtype::U8 => Kind::Uint8,
        Dtype::I32 => Kind::Int,
        Dtype::I64 => Kind::Int64,
        Dtype::Bf16 => Kind::BFloat16,
        Dtype::F16 => Kind::Half,
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
    }
}

// Files are little-endian, and numbers are copied as they are in memory.
const _: () = assert!(cfg!(target_endian = "little"));

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of two tensors that libtorch has written.
    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("weights.safetensors");
        let matrix = Tensor::from_slice(&[1.5_f32, -2.0, 3.25, 0.0, 5.0, -6.5]).view([2, 3]);
        let half = matrix.to_kind(Kind::BFloat16);
        Tensor::write_safetensors(&[("b.plain", &matrix), ("a.half", &half)], &path).unwrap();
        path
    }

    #[test]
    fn tensors_are_read_as_libtorch_has_written_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let mut found = read(&path).unwrap();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let [(half_name, half), (name, plain)] = &found[..] else { panic!("{found:?}") };
        assert_eq!((half_name.as_str(), half.kind(), half.size()), ("a.half", Kind::BFloat16, vec![2, 3]));
        assert_eq!((name.as_str(), plain.kind(), plain.size()), ("b.plain", Kind::Float, vec![2, 3]));
        assert_eq!(Vec::<f32>::try_from(plain.flatten(0, -1)).unwrap(), [1.5, -2.0, 3.25, 0.0, 5.0, -6.5]);
        assert_eq!(half.double_value(&[1, 2]), -6.5);
    }

    #[test]
    fn every_type_of_number_becomes_its_tensor() {
        let array =
            |dtype: Dtype, bytes: &[u8]| NamedArray { name: "a".into(), dtype, shape: vec![1], bytes: bytes.into() };
        for (dtype, bytes, value) in [
            (Dtype::Bool, &[1_u8][..], 1.0),
            (Dtype::U8, &[200], 200.0),
            (Dtype::I32, &(-7_i32).to_le_bytes(), -7.0),
            (Dtype::I64, &(1_i64 << 40).to_le_bytes(), (1_i64 << 40) as f64),
            (Dtype::Bf16, &[0x80, 0x3f], 1.0),
            (Dtype::F16, &[0x00, 0xc0], -2.0),
            (Dtype::F32, &0.25_f32.to_le_bytes(), 0.25),
            (Dtype::F64, &0.1_f64.to_le_bytes(), 0.1),
        ] {
            let found = tensors(&[array(dtype, bytes)]).unwrap();
            assert_eq!(found[0].1.to_kind(Kind::Double).double_value(&[0]), value, "{dtype}");
        }
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 4, 8, 50, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let refused = read(&path).unwrap_err();
            assert_eq!(refused.exit(), Exit::DataRefused, "{length}: {refused}");
            assert!(refused.to_string().contains("weights.safetensors"), "{refused}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = read(&folder.path().join("none/weights.safetensors")).unwrap_err();
        assert!(refused.to_string().starts_with("could not open "), "{refused}");
    }
}
