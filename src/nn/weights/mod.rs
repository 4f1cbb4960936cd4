//! Weight files: named arrays in the safetensors format, which PyTorch and others read. The same format holds the arrays of
//! checkpoints, which decide for themselves how a file gets onto the disk and how it is found whole again.

mod array;
pub mod safetensors;

use std::path::{Path, PathBuf};

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
    #[error("{} is not readable as weights: {problem}; expected a complete safetensors file", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl WeightsError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Fs(error) => error.exit(),
            Self::Read { .. } => Exit::DataRefused,
        }
    }
}

crate::util::failures!("weights": WeightsError);

/// Reads the tensors of a file, of any type, into main memory.
///
/// # Errors
/// If the file does not exist, or is not a complete safetensors file.
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>, WeightsError> {
    let file = std::fs::read(path).map_err(FsError::at("open", path))?;
    let refused = |problem| WeightsError::Read { path: path.into(), problem };
    let (arrays, _) = safetensors::read(&file).map_err(refused)?;
    drop(file);
    tensors(&arrays).map_err(refused)
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
