"""Times pysteps and scikit-image measuring forecasts: the same scores, thresholds and scales that fragua measures.

    verification_in_python.py [--windows 4] [--rounds 3] [--leads 7] [--side 250] [--threads 1] [--program COMMAND]

The frames are smooth noise with storms in it; the forecast of a window is what was observed two frames before. With
--program, the words of a command that takes the windows as raw bytes and floats and prints its milliseconds a window
(benches/verification.rs does), both take turns, and the ratio is printed. Needs pysteps, scikit-image and scipy.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

THRESHOLDS_DBZ = [20, 30, 35, 40, 45, 50]
SCALES_PX = [1, 5, 15, 31]
MIN_DBZ, SPAN_DBZ = -29.0, 94.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--leads", type=int, default=7)
    parser.add_argument("--side", type=int, default=250)
    parser.add_argument("--threads", type=int, default=0, help="of each contender; 0 leaves it to them")
    parser.add_argument("--program")
    options = parser.parse_args()
    if options.threads:
        os.environ |= {name: str(options.threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    observed, forecast = frames(options)
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch, "observed.u8"), Path(scratch, "forecast.f32")]
        observed.tofile(files[0])
        forecast.tofile(files[1])
        sizes = [str(size) for size in (options.leads, options.side, options.side)]
        for _ in range(options.rounds):
            began = time.perf_counter()
            scores = measure(observed, forecast)
            theirs.append(1000 * (time.perf_counter() - began) / options.windows)
            if options.program:
                command = [*shlex.split(options.program), *map(str, files), *sizes]
                ours.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]))
    print(f"pysteps and scikit-image  {statistics.median(theirs):9.1f} ms a window; CSI at 20 dBZ {scores['CSI']:.4f}")
    if ours:
        print(f"fragua                    {statistics.median(ours):9.1f} ms a window")
        print(f"they take {statistics.median(theirs) / statistics.median(ours):.1f} times as long")


def frames(options):
    import numpy as np
    from scipy.ndimage import gaussian_filter

    shape = (options.windows, options.leads + 2, options.side, options.side)
    noise = gaussian_filter(np.random.default_rng(42).standard_normal(shape), (0, 1.5, 5, 5))
    share = np.clip(0.35 + 0.22 * noise / noise.std(), 0, 1)
    observed = (1 + np.round(254 * share[:, 2:])).astype("u1")
    forecast = share[:, :-2].astype("<f4")
    return observed, forecast


def measure(observed, forecast):
    from pysteps.verification import detcatscores, detcontscores, spatialscores
    from skimage.metrics import structural_similarity

    cat = {dbz: [detcatscores.det_cat_fct_init(dbz) for _ in range(observed.shape[1])] for dbz in THRESHOLDS_DBZ}
    fss = {
        (dbz, scale): [spatialscores.fss_init(dbz, scale) for _ in range(observed.shape[1])]
        for dbz in THRESHOLDS_DBZ
        for scale in SCALES_PX
    }
    cont = [detcontscores.det_cont_fct_init() for _ in range(observed.shape[1])]
    similarity = 0.0
    for window in range(observed.shape[0]):
        for lead in range(observed.shape[1]):
            share = (observed[window, lead].astype("f4") - 1) / 254
            there, here = MIN_DBZ + SPAN_DBZ * share, MIN_DBZ + SPAN_DBZ * forecast[window, lead]
            for dbz in THRESHOLDS_DBZ:
                detcatscores.det_cat_fct_accum(cat[dbz][lead], here, there)
                for scale in SCALES_PX:
                    spatialscores.fss_accum(fss[dbz, scale][lead], here, there)
            detcontscores.det_cont_fct_accum(cont[lead], here, there)
            similarity += structural_similarity(
                forecast[window, lead], share, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
    names = ["POD", "FAR", "CSI", "BIAS", "HSS", "ETS", "HK"]
    found = [[detcatscores.det_cat_fct_compute(table, names) for table in tables] for tables in cat.values()]
    [[spatialscores.fss_compute(sums) for sums in of_leads] for of_leads in fss.values()]
    [detcontscores.det_cont_fct_compute(sums, ["ME", "MAE", "RMSE"]) for sums in cont]
    return {name: float(value) for name, value in found[0][0].items()}


if __name__ == "__main__":
    main()
