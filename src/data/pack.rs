//! A folder packed into one archive whose bytes depend on the content alone: sorted names, no times, no owners.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use thiserror::Error;

use crate::util::exit::Exit;
use crate::util::fs::{self, FsError, partial_name};
use crate::util::stop::{Stop, Stopped};

/// An archive that could not be written.
#[derive(Debug, Error)]
pub enum PackError {
    /// A file can't be packed under its name.
    #[error("could not pack {}: {source}", path.display())]
    Write {
        /// The file or the archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder can't be read, or the archive can't get its name.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A stop was requested.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PackError {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Write { source, .. } => Exit::for_write_error(source),
            Self::Fs(error) => error.exit(),
            Self::Stopped(stopped) => stopped.exit(),
        }
    }
}

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// `.tar.gz`
    TarGz,
    /// `.tar.zst`
    TarZst,
}

impl Packing {
    /// By the archive's name.
    #[must_use]
    pub fn of(archive: &Path) -> Option<Self> {
        let name = archive.file_name()?.to_str()?.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match () {
            () if ends(&[".tar.gz", ".tgz"]) => Some(Self::TarGz),
            () if ends(&[".tar.zst", ".tar.zstd", ".tzst"]) => Some(Self::TarZst),
            () => None,
        }
    }
}

/// Packs the files below a folder, under the folder's own name. Hidden names are left out: they are incomplete.
///
/// # Errors
/// If a file can't be read, the archive can't be written, or a stop is requested.
pub fn pack(folder: &Path, archive: &Path, packing: Packing, stop: &Stop) -> Result<(), PackError> {
    let partial = partial_name(archive);
    let failed = |source| PackError::Write { path: archive.to_owned(), source };
    let file = BufWriter::new(File::create(&partial).map_err(failed)?);
    let mut file = match packing {
        Packing::TarGz => {
            let encoder = GzEncoder::new(file, Compression::new(6));
            append_all(folder, encoder, stop)?.finish().map_err(failed)?
        }
        Packing::TarZst => {
            let encoder = zstd::Encoder::new(file, 3).map_err(failed)?;
            append_all(folder, encoder, stop)?.finish().map_err(failed)?
        }
    };
    file.flush().map_err(failed)?;
    file.get_ref().sync_all().map_err(failed)?;
    fs::rename(&partial, archive)?;
    Ok(())
}

fn append_all<W: Write>(folder: &Path, out: W, stop: &Stop) -> Result<W, PackError> {
    let mut builder = Builder::new(out);
    let root = folder.file_name().map_or_else(|| PathBuf::from("data"), PathBuf::from);
    append_folder(&mut builder, folder, &root, stop)?;
    builder.into_inner().map_err(|source| PackError::Write { path: folder.to_owned(), source })
}

fn append_folder<W: Write>(builder: &mut Builder<W>, folder: &Path, name: &Path, stop: &Stop) -> Result<(), PackError> {
    append(builder, folder, name, EntryType::Directory)?;
    for entry in sorted_names(folder).map_err(FsError::at("list", folder))? {
        stop.check()?;
        let (path, name) = (folder.join(&entry), name.join(&entry));
        if path.is_dir() {
            append_folder(builder, &path, &name, stop)?;
        } else {
            append(builder, &path, &name, EntryType::Regular)?;
        }
    }
    Ok(())
}

fn sorted_names(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    names.sort();
    Ok(names)
}

fn append<W: Write>(builder: &mut Builder<W>, path: &Path, name: &Path, kind: EntryType) -> Result<(), PackError> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    let failed = |source| PackError::Write { path: path.to_owned(), source };
    if kind == EntryType::Directory {
        header.set_mode(0o755);
        header.set_size(0);
        return builder.append_data(&mut header, name, io::empty()).map_err(failed);
    }
    let file = File::open(path).map_err(failed)?;
    header.set_mode(0o644);
    header.set_size(file.metadata().map_err(failed)?.len());
    builder.append_data(&mut header, name, BufReader::new(file)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("radar/b/2.nc", "two"), ("radar/a/1.nc", "one"), ("radar/.c.partial/3.nc", "half")] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    fn packed(folder: &Path, name: &str) -> Vec<u8> {
        let archive = folder.join(name);
        pack(&folder.join("radar"), &archive, Packing::of(&archive).unwrap(), &Stop::default()).unwrap();
        std::fs::read(archive).unwrap()
    }

    #[test]
    fn the_bytes_depend_on_the_content_alone() {
        let (first, second) = (folder(), folder());
        for name in ["out.tar.gz", "out.tar.zst"] {
            assert_eq!(packed(first.path(), name), packed(second.path(), name));
        }
    }

    #[test]
    fn archives_hold_the_complete_files_in_order() {
        let folder = folder();
        let gzip = flate2::read::GzDecoder::new(std::io::Cursor::new(packed(folder.path(), "out.tgz")));
        let zstd = zstd::Decoder::new(std::io::Cursor::new(packed(folder.path(), "out.tar.zst"))).unwrap();
        for reader in [Box::new(gzip) as Box<dyn Read>, Box::new(zstd)] {
            let mut found = Vec::new();
            for entry in tar::Archive::new(reader).entries().unwrap() {
                let mut entry = entry.unwrap();
                let mut content = String::new();
                entry.read_to_string(&mut content).unwrap();
                found.push((entry.path().unwrap().to_str().unwrap().to_owned(), content));
            }
            let found: Vec<_> = found.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
            let expected =
                [("radar", ""), ("radar/a", ""), ("radar/a/1.nc", "one"), ("radar/b", ""), ("radar/b/2.nc", "two")];
            assert_eq!(found, expected);
        }
    }
}
