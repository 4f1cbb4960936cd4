use super::*;

#[test]
fn real_radar() {
    let archive = Path::new("../shared/data/real-radar.tar.gz");
    let archive = if archive.exists() { archive } else { Path::new("/work/shared/data/real-radar.tar.gz") };
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("raw");
    let unpacked =
        unpack(archive, &into, &Limits::default(), &Stop::default(), &crate::util::progress::Silent).unwrap();
    let manifest = unpacked.commit().unwrap();
    assert_eq!(manifest.files.len(), 132);
    for file in &manifest.files {
        file.verify(&into).unwrap();
    }
}
