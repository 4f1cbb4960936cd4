//! Whole archives, honest, hostile and damaged, from the bytes to the folder.

mod build;
mod damaged;
mod honest;
mod hostile;

use super::*;

use crate::util::progress::Silent;
use tempfile::TempDir;

/// A folder in memory, if possible: thousands of archives are unpacked here, each with a sync.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// An archive in a folder, and beside it the folder that it is unpacked in.
pub struct Bench {
    folder: TempDir,
    archive: PathBuf,
}

impl Bench {
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = scratch();
        fs::create_dir(folder.path().join("parent")).unwrap();
        let archive = folder.path().join(name);
        fs::write(&archive, bytes).unwrap();
        Self { folder, archive }
    }

    pub fn parent(&self) -> PathBuf {
        self.folder.path().join("parent")
    }

    pub fn destination(&self) -> PathBuf {
        self.parent().join("raw")
    }

    pub fn unpack(&self, limits: &Limits) -> Result<Manifest, UnpackError> {
        unpack(&self.archive, &self.destination(), limits, &Stop::default(), &Silent)?.commit()
    }

    /// Nothing was left behind, and nothing was written anywhere near.
    pub fn assert_untouched(&self, title: &str) {
        assert_eq!(fs::read_dir(self.parent()).unwrap().count(), 0, "{title}: something was left behind");
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 2, "{title}: something escaped");
    }

    /// The files on the disk, which are those of the manifest.
    pub fn files(&self, manifest: &Manifest) -> Vec<(String, Vec<u8>)> {
        let read = |file: &crate::data::manifest::FileEntry| {
            file.verify(&self.destination()).unwrap();
            (file.path.clone(), fs::read(self.destination().join(&file.path)).unwrap())
        };
        manifest.files.iter().map(read).collect()
    }
}

/// What an honest archive unpacks to.
pub fn unpacked(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let bench = Bench::new(name, bytes);
    let manifest = bench.unpack(&Limits::default()).unwrap();
    bench.files(&manifest)
}

/// Why an archive is refused; asserts that nothing is left of it.
pub fn refusal(title: &str, name: &str, bytes: &[u8], limits: &Limits) -> String {
    let bench = Bench::new(name, bytes);
    let error = match bench.unpack(limits) {
        Ok(_) => panic!("{title}: it was taken"),
        Err(error) => error,
    };
    bench.assert_untouched(title);
    assert_eq!(error.exit(), crate::util::exit::Exit::DataRefused, "{title}: {error}");
    let text = error.to_string();
    assert!(text.contains(name), "{title}: the archive is not named: {text}");
    text
}
