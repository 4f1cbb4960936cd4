"""Times pysteps' extrapolation nowcast (dense Lucas-Kanade motion and semi-Lagrangian extrapolation, both with defaults).

    advection_in_python.py FOLDER [--half] [--leads 12] [--rounds 7] [--threads 1] [--program COMMAND]

FOLDER holds the frames of one event as netCDF files with a field DBZ; the first three are the input. --half takes means
of 2 x 2 cells. With --program, the words of a command that takes the frames as raw floats and prints its milliseconds
(crates/radar/benches/advection.rs does), both take turns, and the ratio is printed. Needs pysteps, OpenCV and netCDF4.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--leads", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="of each contender; 0 leaves it to them")
    parser.add_argument("--program")
    options = parser.parse_args()
    if options.threads:
        os.environ |= {name: str(options.threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    warnings.simplefilter("ignore")
    import cv2
    import numpy as np
    from netCDF4 import Dataset
    from pysteps.motion.lucaskanade import dense_lucaskanade
    from pysteps.nowcasts.extrapolation import forecast

    if options.threads:
        cv2.setNumThreads(options.threads)
    read = lambda path: np.ma.filled(Dataset(path)["DBZ"][0, 0].astype(np.float64), np.nan)
    frames = np.stack([read(path) for path in sorted(options.folder.glob("*.nc"))[:3]])
    if options.half:
        count, rows, columns = frames.shape
        frames = np.nanmean(frames.reshape(count, rows // 2, 2, columns // 2, 2), axis=(2, 4))
    theirs, ours = [], []
    with tempfile.NamedTemporaryFile(suffix=".f32") as raw:
        frames.astype("<f4").tofile(raw.name)
        rows, columns = frames.shape[1:]
        for _ in range(options.rounds):
            began = time.perf_counter()
            forecast(frames[-1], dense_lucaskanade(frames), options.leads)
            theirs.append(1000 * (time.perf_counter() - began))
            if options.program:
                command = [*shlex.split(options.program), raw.name, str(rows), str(columns), str(options.leads)]
                ours.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]))
    print(f"pysteps   {statistics.median(theirs):8.1f} ms ({min(theirs):.1f}..{max(theirs):.1f})")
    if ours:
        print(f"advection {statistics.median(ours):8.1f} ms ({min(ours):.1f}..{max(ours):.1f})")
        print(f"pysteps takes {statistics.median(theirs) / statistics.median(ours):.1f} times as long")


if __name__ == "__main__":
    main()
