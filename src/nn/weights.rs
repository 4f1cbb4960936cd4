//! Weight files: named fp32 tensors in the safetensors format, which PyTorch and others read. Not checkpoints, which hold
//! the rest of a training too.

use std::fs::File;
use std::path::{Path, PathBuf};

use tch::{Device, Kind, TchError, Tensor};
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::{self, FsError};

/// A weight file that could not be written or read.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The disk failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The tensors could not be written in this format.
    #[error("could not write weights to {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: TchError,
    },
    /// It is no complete file of this format.
    #[error("{} is not readable as weights: {source}; expected a complete safetensors file", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: TchError,
    },
}

impl WeightsError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Fs(error) => error.exit(),
            Self::Write { .. } => Exit::DiskIo,
            Self::Read { .. } => Exit::DataRefused,
        }
    }
}

crate::util::failures!("weights": WeightsError);

/// Writes tensors as fp32, so that a reader sees the old file or the new, never a part.
///
/// # Errors
/// Where the folder can't be written; the old file then stands.
pub fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), WeightsError> {
    let partial = fs::partial_name(path);
    let plain = |tensor: &Tensor| tensor.detach().to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
    let plain: Vec<(&str, Tensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), plain(tensor))).collect();
    // Asks for the place first: the errors of the format don't tell a full disk from a missing folder.
    File::create(&partial).map_err(FsError::at("create", &partial))?;
    Tensor::write_safetensors(&plain, &partial).map_err(|source| WeightsError::Write { path: path.into(), source })?;
    File::open(&partial).and_then(|file| file.sync_all()).map_err(FsError::at("sync", &partial))?;
    Ok(fs::rename(&partial, path)?)
}

/// Reads the tensors of a file, of whatever type they are, into main memory.
///
/// # Errors
/// Where the file is not there, or is no complete safetensors file.
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>, WeightsError> {
    File::open(path).map_err(FsError::at("open", path))?;
    Tensor::read_safetensors(path).map_err(|source| WeightsError::Read { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Vec<(String, Tensor)> {
        let matrix = Tensor::from_slice(&[1.5_f32, -2.0, 3.25, 0.0, 5.0, -6.5]).view([2, 3]);
        vec![("b.turned".into(), matrix.tr()), ("a.half".into(), matrix.to_kind(Kind::BFloat16))]
    }

    #[test]
    fn what_was_written_is_read_as_fp32() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        std::fs::write(&path, "an older file").unwrap();
        write(&path, &weights()).unwrap();
        let mut read = read(&path).unwrap();
        read.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a.half", "b.turned"]);
        assert_eq!((read[0].1.kind(), read[0].1.size()), (Kind::Float, vec![2, 3]));
        let turned: Vec<f32> = read[1].1.flatten(0, -1).try_into().unwrap();
        assert_eq!(turned, [1.5, 0.0, -2.0, 5.0, 3.25, -6.5]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        write(&path, &weights()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 4, 8, 50, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let refused = read(&path).unwrap_err();
            assert_eq!(refused.exit(), Exit::DataRefused, "{length}: {refused}");
            assert!(refused.to_string().contains("weights.safetensors"), "{refused}");
        }
    }

    #[test]
    fn a_missing_file_or_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/weights.safetensors");
        assert!(read(&path).unwrap_err().to_string().starts_with("could not open "));
        assert!(write(&path, &weights()).unwrap_err().to_string().starts_with("could not create "));
    }
}
