//! Files in the layout of Mdv2NetCDF as programs see them that were written by others.

use std::path::Path;

use fragua::task::nowcast::lrose::container::{Container, ContainerError};
use fragua::task::nowcast::lrose::grid::{Grid, SAN_RAFAEL};
use fragua::task::nowcast::lrose::{MISSING, Origin, Volume};

use crate::program::python;

fn write_sample(path: &Path, container: Container) -> Result<(), ContainerError> {
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
    container.write(&volume.file(), path)
}

#[test]
fn scipy_xarray_and_netcdf4_see_the_layout_of_mdv2netcdf_in_every_container() {
    let folder = tempfile::tempdir().unwrap();
    let containers = [
        ("classic", Container::Classic),
        ("offset64", Container::Offset64),
        ("netcdf4", Container::Netcdf4 { deflate_level: 4 }),
    ];
    for (name, container) in containers {
        let path = folder.path().join(format!("{name}.nc"));
        write_sample(&path, container).unwrap();
        python("tests/fixtures/lrose/check.py", &[path.to_str().unwrap(), name]);
    }
}
