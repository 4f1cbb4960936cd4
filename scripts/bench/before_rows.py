"""Row of the benchmark that compares the program with another build of it, such as the one before a large change.

Both prepare, train and evaluate the same radar data, taking turns. The other build may be anywhere; it finds libtorch as it
was linked.
"""

import statistics
import sys

from measure import FRAGUA, HERE, measure
from train_rows import environment

sys.path.insert(0, str(HERE.parent))
import run_log

# How much slower than the other build the program may be.
SLOWER = 1.03
STEPS, SKIPPED = 60, 5

CONFIG = """\
name: run
device: cpu
precision: fp32
data:
  root: {folder}/datasets
  name: bench
  source: [synthetic: {{events: 8, frames: 60, grid: 64, levels: 2}}]
task: {{nowcast: {{prepare: {{size: [64, 64]}}, windows: {{input_frames: 8, stride: 3}}, model: {{hidden: [16, 16]}}}}}}
train: {{micro_batch: 2, accumulate: 1, epochs: 1}}
"""
PREPARE = """\
data: {{root: {folder}/datasets, name: bench, source: [path: {{path: {volumes}}}]}}
task: {{nowcast: {{}}}}
"""


def before_row(options, scratch, volumes):
    """The program and another build, command by command. `volumes` writes radar volumes, and gives their folder."""
    builds = {"fragua": FRAGUA, "before": options.before.resolve()}
    sources = {kind: volumes(scratch, kind, format=kind, events=2, frames=options.frames // 2) for kind in ("classic", "netcdf4")}
    timed = {}
    print(f"\n## {FRAGUA.name} and {builds['before']}, {options.rounds} rounds", flush=True)
    print(f"{'':<34} {'before':>9} {'now':>9} {'now/before':>10}  by pairs, least..most", flush=True)
    for number in range(options.rounds):
        for name, build in sorted(builds.items(), reverse=number % 2 == 1):
            folder = scratch / f"{number}-{name}"
            folder.mkdir()
            for what, seconds in times(build, folder, sources):
                timed.setdefault(what, {}).setdefault(name, []).append(seconds)
    for what, by_build in timed.items():
        show(what, by_build["before"], by_build["fragua"])
    return True


def times(build, folder, sources):
    """What is measured of one build: its name, and seconds."""
    for kind, volumes in sources.items():
        config = folder / f"{kind}.yaml"
        config.write_text(PREPARE.format(folder=folder / kind, volumes=volumes))
        run = ran([build, "prepare", "--config", config])
        yield f"prepare, {kind}, wall", run.wall
        yield f"prepare, {kind}, CPU", run.cpu
    config = folder / "bench.yaml"
    config.write_text(CONFIG.format(folder=folder))
    ran([build, "prepare", "--config", config])
    output = ["--set", f"output.root={folder}/runs"]
    run = ran([build, "train", "--yes", "--config", config, "--max-steps", str(STEPS), *output])
    yield f"train, {STEPS} steps, wall", run.wall
    yield f"train, {STEPS} steps, CPU", run.cpu
    log = run_log.events(folder / "runs/run")
    yield "a step, by its log", statistics.median(run_log.step_seconds(log, SKIPPED))
    run = ran([build, "evaluate", "--checkpoint", folder / "runs/run"])
    yield "evaluate, wall", run.wall
    yield "evaluate, CPU", run.cpu


def ran(command):
    """The figures of a command that must succeed."""
    run, failure = measure([str(word) for word in command], environment())
    if failure:
        raise SystemExit(f"{' '.join(map(str, command))}: {failure}")
    return run


def show(what, before, now):
    """One line: medians, their ratio, and the ratios of the rounds."""
    one, two = statistics.median(before), statistics.median(now)
    pairs = sorted(after / earlier for after, earlier in zip(now, before))
    told = "met" if statistics.median(pairs) <= SLOWER else f"slower by {statistics.median(pairs) - 1:.1%}"
    print(f"{what:<34} {one:9.3f} {two:9.3f} {statistics.median(pairs):10.3f}  {pairs[0]:.2f}..{pairs[-1]:.2f}  {told}", flush=True)
