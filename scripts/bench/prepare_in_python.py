"""What `fragua prepare` does, in Python, in two ways; both end with everything on disk.

    prepare_in_python.py xarray  SOURCE DESTINATION     as notebooks do it: open_dataset, interp, normalise, float32
    prepare_in_python.py careful SOURCE DESTINATION     as one would after profiling: packed bytes, 2 x 2 mean, uint8
"""

import os
import sys
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

SIZE = 250
MIN_DBZ, MAX_DBZ = -29.0, 65.0


def xarray_frame(path):
    """(level, 250, 250) float32 from 0 to 1, interpolated linearly; missing cells are not a number."""
    import xarray

    with xarray.open_dataset(path) as dataset:
        rows = np.linspace(float(dataset.y0[0]), float(dataset.y0[-1]), SIZE)
        columns = np.linspace(float(dataset.x0[0]), float(dataset.x0[-1]), SIZE)
        dbz = dataset.DBZ.isel(time=0).interp(y0=rows, x0=columns)
        return ((dbz - MIN_DBZ) / (MAX_DBZ - MIN_DBZ)).values.astype(np.float32)


def careful_frame(path):
    """(level, 250, 250) uint8: 0 is missing, 1 to 255 are linear in dBZ; the mean of the 2 x 2 cells that are there."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        variable = file["DBZ"]
        variable.set_auto_maskandscale(False)
        packed = variable[0]
        scale, offset, fill = variable.scale_factor, variable.add_offset, variable._FillValue
    cells = packed.reshape(packed.shape[0], SIZE, packed.shape[1] // SIZE, SIZE, packed.shape[2] // SIZE)
    there = cells != fill
    count = there.sum(axis=(2, 4), dtype=np.float32)
    total = np.where(there, cells, 0).sum(axis=(2, 4), dtype=np.float32)
    dbz = total / np.maximum(count, 1) * np.float32(scale) + np.float32(offset)
    steps = np.clip(np.rint((dbz - MIN_DBZ) * (254 / (MAX_DBZ - MIN_DBZ))), 0, 254) + 1
    return np.where(count > 0, steps, 0).astype(np.uint8)


def prepare(way, source, destination):
    """One Zarr array per event, one chunk per frame, zstd."""
    frame = {"xarray": xarray_frame, "careful": careful_frame}[way]
    root = zarr.open_group(destination, mode="w")
    for event in sorted(path for path in Path(source).iterdir() if path.is_dir()):
        paths = sorted(event.glob("*.nc"))
        array = None
        for index, path in enumerate(paths):
            values = frame(path)
            if array is None:
                shape, chunks = (len(paths), *values.shape), (1, *values.shape)
                array = root.create_array(
                    event.name, shape=shape, chunks=chunks, dtype=values.dtype, compressors=ZstdCodec(level=3)
                )
            array[index] = values
    os.sync()


if __name__ == "__main__":
    prepare(*sys.argv[1:4])
