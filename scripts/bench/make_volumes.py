"""Writes radar volumes in the layout of LROSE's Mdv2NetCDF, for benchmarks: one file per scan, one folder per event.

    make_volumes.py FOLDER [--format classic|netcdf4] [--events 2] [--frames 30] [--grid 500] [--levels 18]

The echo is a few drifting cells with noise over mostly missing cells, so that it compresses about as real scans do.
"""

import argparse
from datetime import datetime, timedelta, timezone
from pathlib import Path

import netCDF4
import numpy as np

FILL = -128
SCALE, OFFSET = 0.5, 33.5
INTERVAL = timedelta(seconds=182)
ORIGIN_LATITUDE, ORIGIN_LONGITUDE = -34.648, -68.017


def echo(random, frames, levels, grid):
    """int8 volumes (frame, level, row, column): packed as the files hold them."""
    rows, columns = np.mgrid[0:grid, 0:grid].astype(np.float32)
    cells = [(random.uniform(0.2, 0.8, 2) * grid, random.normal(0, 0.004, 2) * grid, random.uniform(0.02, 0.08) * grid)
             for _ in range(6)]
    noise = random.normal(0, 1.5, (levels, grid, grid)).astype(np.float32)
    for frame in range(frames):
        shape = np.zeros((grid, grid), np.float32)
        for centre, speed, radius in cells:
            row, column = centre + frame * speed
            np.maximum(shape, np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * radius**2)), out=shape)
        height = 1 - np.abs(np.arange(levels, dtype=np.float32) / max(levels, 2) - 0.3)
        dbz = 62 * shape[None] * height[:, None, None] + np.roll(noise, 7 * frame, axis=2)
        packed = np.clip(np.round((dbz - OFFSET) / SCALE), FILL + 1, 127).astype(np.int8)
        packed[dbz < 5] = FILL
        yield packed


def write(path, time, volume, container):
    """One file."""
    levels, grid, _ = volume.shape
    kind = {"classic": "NETCDF3_CLASSIC", "netcdf4": "NETCDF4"}[container]
    with netCDF4.Dataset(path, "w", format=kind) as file:
        file.Conventions = "CF-1.6"
        for name, size in {"time": 1, "bounds": 2, "x0": grid, "y0": grid, "z0": levels}.items():
            file.createDimension(name, size)
        axis(file, "time", "f8", [time.timestamp()], standard_name="time", axis="T",
             units="seconds since 1970-01-01T00:00:00Z")
        kilometres = np.arange(grid) - (grid - 1) / 2
        for name, letter in (("x0", "X"), ("y0", "Y")):
            axis(file, name, "f4", kilometres, standard_name=f"projection_{letter.lower()}_coordinate", units="km",
                 axis=letter)
        axis(file, "z0", "f4", np.arange(levels) + 1.0, standard_name="altitude", units="km", axis="Z", positive="up")
        mapping = file.createVariable("grid_mapping_0", "i4")
        mapping.grid_mapping_name = "azimuthal_equidistant"
        mapping.latitude_of_projection_origin = ORIGIN_LATITUDE
        mapping.longitude_of_projection_origin = ORIGIN_LONGITUDE
        geographic(file, kilometres)
        options = {"zlib": True, "shuffle": True, "chunksizes": (1, *volume.shape)} if container == "netcdf4" else {}
        dbz = file.createVariable("DBZ", "i1", ("time", "z0", "y0", "x0"), fill_value=np.int8(FILL), **options)
        dbz.set_auto_maskandscale(False)
        dbz.scale_factor, dbz.add_offset = np.float32(SCALE), np.float32(OFFSET)
        dbz.valid_min, dbz.valid_max = np.int8(-127), np.int8(127)
        dbz.units, dbz.coordinates, dbz.grid_mapping = "dBZ", "lon0 lat0", "grid_mapping_0"
        dbz[0] = volume


def axis(file, name, kind, values, **attributes):
    """A coordinate variable."""
    variable = file.createVariable(name, kind, (name,))
    variable.setncatts(attributes)
    variable[:] = values


def geographic(file, kilometres):
    """Latitude and longitude of each cell, near enough for a benchmark."""
    degrees = kilometres / 111.2
    latitude = np.broadcast_to(ORIGIN_LATITUDE + degrees[:, None], (len(degrees), len(degrees)))
    longitude = ORIGIN_LONGITUDE + degrees[None, :] / np.cos(np.radians(latitude))
    for name, units, values in (("lat0", "degrees_north", latitude), ("lon0", "degrees_east", longitude)):
        variable = file.createVariable(name, "f4", ("y0", "x0"))
        variable.units = units
        variable[:] = values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", choices=["classic", "netcdf4"], default="classic")
    parser.add_argument("--events", type=int, default=2)
    parser.add_argument("--frames", type=int, default=30, help="of an event")
    parser.add_argument("--grid", type=int, default=500)
    parser.add_argument("--levels", type=int, default=18)
    options = parser.parse_args()
    for event in range(options.events):
        begin = datetime(2013, 1, 1, 18, tzinfo=timezone.utc) + timedelta(days=event)
        folder = options.folder / f"{begin:%Y%m%d}"
        folder.mkdir(parents=True)
        for index, volume in enumerate(echo(np.random.default_rng(event), options.frames, options.levels, options.grid)):
            time = begin + index * INTERVAL
            write(folder / f"ncfdata{time:%Y%m%d_%H%M%S}.nc", time, volume, options.format)


if __name__ == "__main__":
    main()
