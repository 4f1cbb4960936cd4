//! Files in the layout of Mdv2NetCDF as seen by readers that other people wrote.

use std::path::Path;
use std::process::Command;

use super::classic::{Version, encode};
use super::grid::{Grid, SAN_RAFAEL};
use super::{MISSING, Origin, Volume};

fn sample(version: Version) -> Vec<u8> {
    let axis = |cells: i32| (0..cells).map(|cell| (cell - cells / 2) as f32).collect();
    let grid = Grid::new(SAN_RAFAEL, axis(7), axis(5), vec![1.0, 2.0, 3.0]);
    let mut dbz: Vec<i8> = (-50..55).collect();
    dbz[0] = MISSING;
    let word = |text: &str| text.to_owned();
    let origin = Origin {
        title: word("sample"),
        institution: word("none"),
        source: word("test"),
        history: word("written by a test"),
        references: word("none"),
        comment: word("odd"),
    };
    let seconds = 1_357_578_000.0;
    let scan_seconds = [seconds - 91.0, seconds, seconds + 91.0];
    let volume = Volume { scan_seconds, forecast_from_seconds: None, grid: &grid, dbz: &dbz, origin: &origin };
    encode(&volume.file(), version)
}

#[test]
fn scipy_xarray_and_netcdf4_see_the_layout_of_mdv2netcdf_in_both_versions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (python, script) = (root.join("../../.tools/python/bin/python"), root.join("tests/fixtures/lrose/check.py"));
    assert!(python.exists(), "the reference libraries are not installed: run scripts/setup.sh --tests");
    let folder = tempfile::tempdir().unwrap();
    for (name, version) in [("classic", Version::Cdf1), ("offset64", Version::Cdf2)] {
        let path = folder.path().join(format!("{name}.nc"));
        std::fs::write(&path, sample(version)).unwrap();
        let output = Command::new(&python).arg(&script).arg(&path).arg(name).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
