//! The files of `tests/fixtures/volume/hostile`: each is refused for its own reason.

use std::path::Path;

use super::VolumeFile;

fn refusal(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume/hostile").join(name);
    VolumeFile::open(&path, "DBZ").err().map_or_else(|| format!("{name} was opened"), |error| error.to_string())
}

/// The libraries follow links and read other files without asking. Only another process survives the crash of
/// `no_text_in_heap.nc`: see the tests of the program.
#[test]
fn nothing_leads_out_of_a_file_or_in_circles() {
    for (name, told) in [
        ("group_in_itself.nc", "group \"/g/again\" is in the file twice, or within itself"),
        ("root_in_itself.nc", "group \"/again\" is in the file twice, or within itself"),
        ("symbolic_link.nc", "\"/again\" is a symbolic link"),
        ("other_file.nc", "\"/other\" leads to another file"),
        ("external_storage.nc", "the data of \"/DBZ\" is in another file"),
        ("virtual.nc", "the data of \"/DBZ\" is put together from other files"),
        ("deep.nc", "it nests groups more than 32 deep"),
    ] {
        let refusal = refusal(name);
        assert!(refusal.contains(told) && refusal.contains("nccopy"), "{name}: {refusal}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/volume/hostile/text_in_heap.nc");
    VolumeFile::open(&path, "DBZ").unwrap();
}
