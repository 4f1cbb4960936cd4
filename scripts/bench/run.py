"""Runs the contenders of each row in turn, several rounds, and prints medians and ratios. Called by scripts/bench.sh.

The contenders of one row alternate within each round, so that a machine that grows slower does so for all of them. Each
runs as a process of its own into a folder of its own; wall time, CPU time and peak memory are the kernel's. The data is read
once before, so all find it in the page cache; dirty pages are flushed before each run.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import before_rows
import classify_rows
import moving_rows
import pickle_rows
import signs_rows
import strokes_rows
import train_rows
from measure import FRAGUA, HERE, ROOT, measure, verdict

CONFIG = """\
data:
  root: {root}
  name: bench
  source: [{{path: {{path: {source}}}}}]
task: {{nowcast: {{}}}}
"""


@dataclass
class Contender:
    """A command to time: `command` gives it for a fresh folder to write to. `setup` goes before, and tells what failed.

    `target` is the most that the program's wall time may be of this contender's: 1 / 25 says 25 times as fast. A slow one
    may run fewer rounds than the others.
    """

    name: str
    command: object
    target: float = 0
    rounds: int = 1_000_000
    setup: object = None
    runs: list = field(default_factory=list)
    failure: str = ""


def race(title, contenders, rounds, scratch, unit=None, count=0):
    """Times the contenders in turn and prints the row. Returns whether all of them ran."""
    print(f"\n## {title}", flush=True)
    for contender in contenders:
        if contender.setup:
            contender.failure = contender.setup()
    for number in range(rounds):
        for contender in contenders:
            if contender.failure or number >= contender.rounds:
                continue
            folder = Path(tempfile.mkdtemp(dir=scratch, prefix=f"{number}-"))
            figures, contender.failure = measure(contender.command(folder))
            if figures:
                contender.runs.append(figures)
            shutil.rmtree(folder)
    show(contenders, unit, count)
    return not any(contender.failure for contender in contenders)


def show(contenders, unit, count):
    """The table of a row; the first contender is the program, the ratios are to it."""
    rate = f" {unit + '/s':>12}" if unit else ""
    head = f"{'':<24} {'wall s':>8} {'min..max':>15} {'CPU s':>8} {'peak MB':>8}{rate}"
    print(f"{head} {'x program':>10} {'target':>8}  verdict")
    ours = median(contenders[0], "wall")
    for contender in contenders:
        if contender.failure:
            print(f"{contender.name:<24} {contender.failure}")
            continue
        walls = [run.wall for run in contender.runs]
        wall, span = statistics.median(walls), f"{min(walls):.2f}..{max(walls):.2f}"
        rate = f" {count / wall:12.1f}" if unit else ""
        ratio = f"{wall / ours:10.2f}" if ours else f"{'':>10}"
        cpu, peak = median(contender, "cpu"), median(contender, "peak_mb")
        share, target = ours and ours / wall, contender.target
        told = f" {1 / target:8.2f}  {verdict(share, target)}" if ours and target else ""
        print(f"{contender.name:<24} {wall:8.2f} {span:>15} {cpu:8.2f} {peak:8.0f}{rate} {ratio}{told}", flush=True)


def median(contender, figure):
    """The median of a figure, or None where nothing ran."""
    values = [getattr(run, figure) for run in contender.runs]
    return statistics.median(values) if values and not contender.failure else None


def fragua(verb, source, folder):
    """The program on a dataset, with a configuration of its own in the folder."""
    config = folder / "bench.yaml"
    config.write_text(CONFIG.format(root=folder / "datasets", source=source))
    return [str(FRAGUA), verb, "--config", str(config)]


def volumes(scratch, name, **options):
    """Writes volumes and reads them once."""
    folder = scratch / name
    flags = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    subprocess.run([sys.executable, HERE / "make_volumes.py", folder, *flags], check=True)
    for path in folder.rglob("*.nc"):
        warm(path)
    return folder


def warm(path):
    """Reads a file once, in pieces: the peak memory of this program is the least that the kernel counts for a child."""
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def start_row(options, scratch):
    """What every command takes before it does anything: libtorch registers its operators when it is loaded."""
    contender = Contender("fragua --version", lambda _: [str(FRAGUA), "--version"])
    return race("start and end", [contender], options.rounds, scratch)


def prepare_row(options, scratch, container, xarray_target):
    """Preparing whole volumes against Python, which uses one core."""
    source = volumes(scratch, container, format=container, events=2, frames=options.frames // 2)
    script = HERE / "prepare_in_python.py"

    def python(way, **more):
        command = lambda folder: [sys.executable, script, way, source, folder / "out.zarr"]
        return Contender(f"Python, {way}", command, **more)

    ours = Contender("fragua prepare", lambda folder: fragua("prepare", source, folder))
    contenders = [ours, python("careful", target=1 / 4), python("xarray", target=1 / xarray_target, rounds=1)]
    count = options.frames // 2 * 2
    title = f"prepare {count} volumes of 18 x 500 x 500, netCDF {container}"
    return race(title, contenders, options.rounds, scratch, "frames", count)


def again_row(options, scratch):
    """Preparing again when nothing changed."""
    source = volumes(scratch, "many", events=30, frames=100, grid=64, levels=2)
    kept = scratch / "again"
    kept.mkdir()
    command = [*fragua("prepare", source, kept), "--set", "task.nowcast.prepare.size=[64, 64]"]
    contender = Contender("fragua prepare, again", lambda _: command, setup=lambda: measure(command)[1])
    return race("prepare 3000 files again, nothing changed", [contender], options.rounds, scratch, "files", 3000)


def unpack_row(options, scratch, suffix, pack, unpack, target):
    """Unpacking an archive against tar, both until everything is on disk."""
    source = volumes(scratch, f"packed-{suffix}", events=2, frames=options.frames // 2)
    archive = scratch / f"volumes.{suffix}"
    subprocess.run(["tar", *pack, "-cf", archive, "-C", source.parent, source.name], check=True)
    warm(archive)
    megabytes = sum(path.stat().st_size for path in source.rglob("*.nc")) / 1e6
    shell = 'mkdir "$2/raw" && tar ' + unpack + ' "$1" -C "$2/raw" && sync -f "$2/raw"'
    contenders = [
        Contender("fragua fetch", lambda folder: fragua("fetch", archive, folder)),
        Contender("tar and sync", lambda folder: ["sh", "-c", shell, "sh", archive, folder], target=target),
    ]
    return race(f"unpack {archive.name} ({megabytes:.0f} MB unpacked)", contenders, options.rounds, scratch, "MB", megabytes)


def images_row(options, scratch):
    """Preparing 62,000 small images: each is decoded, hashed and stored."""
    config = scratch / "images.yaml"
    alphabet = "".join(chr(code) for code in [*range(65, 91), *range(97, 123), *range(48, 58)])
    characters = f"{{synthetic: {{characters: {{alphabet: {alphabet}, per_class: 1000}}}}}}"
    config.write_text(f"data: {{root: {scratch}, name: images, source: [{characters}]}}\ntask: {{image_class: {{}}}}\n")
    command = [str(FRAGUA), "prepare", "--config", str(config)]
    failure = measure([str(FRAGUA), "fetch", "--config", str(config)])[1]

    def afresh(_):
        shutil.rmtree(scratch / "images/prepared", ignore_errors=True)
        return command

    contender = Contender("fragua prepare", afresh, setup=lambda: failure)
    return race("prepare 62,000 images of 28 x 28, PNG", [contender], options.rounds, scratch, "images", 62_000)


def loader_row(_options, _scratch):
    """The loader's own benchmark, in its own words."""
    print("\n## loader", flush=True)
    return subprocess.run(["cargo", "bench", "--locked", "--profile", "dev", "--bench", "loader"], cwd=ROOT, check=False).returncode == 0


ROWS = {
    "start": start_row,
    "classic": lambda options, scratch: prepare_row(options, scratch, "classic", 25),
    "netcdf4": lambda options, scratch: prepare_row(options, scratch, "netcdf4", 12),
    "again": again_row,
    "images": images_row,
    "pickles": lambda options, scratch: pickle_rows.pickles_row(options, scratch, race, Contender),
    "gzip": lambda options, scratch: unpack_row(options, scratch, "tar.gz", ["--gzip"], "-xzf", 0.7),
    "zstd": lambda options, scratch: unpack_row(options, scratch, "tar.zst", ["--zstd"], "--zstd -xf", 1.1),
    "loader": loader_row,
    "step": train_rows.step_row,
    "checkpoint": train_rows.checkpoint_row,
    "first": train_rows.first_step_row,
    "default": train_rows.default_row,
    "classifier": classify_rows.classifier_row,
    "signs": signs_rows.signs_row,
    "moving": moving_rows.moving_row,
    "motion": moving_rows.motion_row,
}
# Rows that need an option of their own.
MORE_ROWS = {
    "before": lambda options, scratch: before_rows.before_row(options, scratch, volumes),
    "strokes": strokes_rows.strokes_row,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(ROWS), help="which, of: %(default)s; or before, with --before; or strokes, with --strokes")
    parser.add_argument("--before", type=Path, metavar="PROGRAM", help="another build, for the row before")
    parser.add_argument("--strokes", type=Path, metavar="FILE", help="a packed file of strokes by many writers, for the row strokes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=120, help="volumes of a row that holds whole ones")
    parser.add_argument("--steps", type=int, default=12, help="of training in a run of a row that trains")
    parser.add_argument("--threads", type=int, default=train_rows.THREADS, help="of the rows moving and motion")
    parser.add_argument("--scratch", type=Path, help="a folder on the disk to measure (a temporary one is made below it)")
    options = parser.parse_args()
    rows = ROWS | {name: row for name, row in MORE_ROWS.items() if getattr(options, name)}
    unknown = [row for row in options.rows.split(",") if row not in rows]
    if unknown or options.rounds < 1 or options.frames < 2 or options.threads < 1 or options.steps < train_rows.SKIPPED + 2:
        least = f"--rounds from 1, --frames from 2, --threads from 1, --steps from {train_rows.SKIPPED + 2}"
        parser.error(f"unknown rows {unknown}" if unknown else least)
    if any(row == "zstd" for row in options.rows.split(",")) and not shutil.which("zstd"):
        parser.error("tar needs zstd for the row zstd: apt-get install zstd, or name other --rows")
    fine = True
    for row in options.rows.split(","):
        with tempfile.TemporaryDirectory(prefix="fragua-bench-", dir=options.scratch) as scratch:
            fine &= rows[row](options, Path(scratch))
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
