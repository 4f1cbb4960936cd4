"""Rows of the benchmark that train: a step against PyTorch's, what checkpoints cost, the way to the first step, a whole run.

The program's times are its own log's, the contender's are its own clock's, memory is the kernel's for both. Contenders run
one after the other, never at the same time, in every round, and each figure is the median over the rounds.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

from measure import FRAGUA, HERE, ROOT, measure, verdict

sys.path.insert(0, str(HERE.parent))
import run_log

THREADS = 2
# What the benchmark itself has caused by preparing may still be in the load of the last minute.
IDLE_LOAD = 1.5
# The first steps of a process are slower: memory is fresh, libraries choose their kernels.
SKIPPED = 3
# The same weights and windows must give the same losses except for rounding, or the programs don't do the same work.
FP32_LOSS_DIFFERENCE, BF16_LOSS_DIFFERENCE = 1e-4, 1e-2

STEP_TARGETS = [
    ("time of a step, fragua bf16 to PyTorch fp32", "seconds", "fragua bf16", "PyTorch fp32", 0.60),
    ("time of a step, fragua bf16 to PyTorch bf16", "seconds", "fragua bf16", "PyTorch bf16", 0.90),
    ("time of a step, fragua fp32 to PyTorch fp32", "seconds", "fragua fp32", "PyTorch fp32", 0.97),
    ("peak memory, fragua bf16 to PyTorch fp32", "peak_mb", "fragua bf16", "PyTorch fp32", 0.45),
]
WAIT_TARGET, SAVE_TARGET, FIRST_STEP_TARGET, DEFAULT_TARGET = 0.02, 0.02, 2.0, 240.0

# The size that the reference implementation was measured at: three layers of 32, 125 x 125 cells, 8 frames to 7.
CONFIG = """\
name: run
device: cpu
data:
  root: {folder}/datasets
  name: bench
  source: [synthetic: {{events: 6, frames: 30, grid: 125, levels: 1}}]
task:
  nowcast:
    prepare: {{size: [125, 125]}}
    windows: {{input_frames: 8, target_frames: 7, stride: 1}}
    model: {{hidden: [32, 32, 32]}}
train:
  micro_batch: 2
  accumulate: 1
  shuffle: false
  optimizer: {{adamw: {{lr: 1.0e-5, weight_decay: 1.0e-5}}}}
  checkpoint: {{every_minutes: null, every_steps: null}}
"""


@dataclass
class Told:
    """The results of one run."""

    seconds: float
    peak_mb: float
    losses: dict
    wait: float | None = None
    fastest: float | None = None


@dataclass
class Trainee:
    """A command that trains: `command` gives it for a fresh folder, `read` extracts the results from the run and that folder."""

    name: str
    command: object
    read: object
    runs: list = field(default_factory=list)
    failure: str = ""

    def median(self, figure):
        """The median of a figure over the rounds, or None where nothing ran."""
        values = [getattr(told, figure) for told in self.runs]
        return statistics.median(values) if values and not self.failure else None


def environment(threads=THREADS):
    """What both contenders see: as many threads as cores, and PyTorch for the one that asks for it."""
    counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    return os.environ | counts | {"PYTHONPATH": str(ROOT / ".tools/python-torch")}


@contextlib.contextmanager
def few_cores(threads=THREADS):
    """As many cores as threads for everything that is started meanwhile, however many the machine has."""
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


def alternate(trainees, rounds, scratch, threads=THREADS):
    """Runs all of them in turn, each time into a fresh folder that is kept until the row is over."""
    if (load := os.getloadavg()[0]) > IDLE_LOAD:
        print(f"other programs are at work here (load {load:.1f}): threads wait for each other, times say little", flush=True)
    for number in range(rounds):
        for index, trainee in enumerate(trainees):
            if trainee.failure:
                continue
            folder = scratch / f"{number}-{index}"
            folder.mkdir()
            with few_cores(threads):
                run, trainee.failure = measure(trainee.command(folder), environment(threads))
            if run:
                try:
                    trainee.runs.append(trainee.read(run, folder))
                except run_log.Unreadable as unreadable:
                    trainee.failure = str(unreadable)
    for trainee in trainees:
        if trainee.failure:
            print(f"{trainee.name:<24} {trainee.failure}")


def prepared(scratch):
    """Writes the configuration of the rows that train and prepares its dataset; the configuration's path."""
    config = scratch / "bench.yaml"
    config.write_text(CONFIG.format(folder=scratch))
    subprocess.run([FRAGUA, "prepare", "--config", config], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return config


def fragua(config, folder, steps, *sets):
    """The program, as many steps long, with its run in the folder."""
    command = [FRAGUA, "train", "--yes", "--config", config, "--max-steps", steps, "--set", f"output.root={folder}"]
    return [str(part) for part in command + [word for change in sets for word in ("--set", change)]]


def own_log(run, folder):
    """The results of a run in the program's log."""
    log = run_log.events(folder / "run")
    waits = [event["cost"]["data_wait"] for event in run_log.of_kind(log, "stepped")]
    seconds = run_log.step_seconds(log, SKIPPED)
    if not seconds:
        raise run_log.Unreadable(f"{len(waits)} steps in the log, more than {SKIPPED + 1} of one epoch are needed")
    return Told(statistics.median(seconds), run.peak_mb, run_log.losses(log), waits[-1], min(seconds))


def own_lines(run, _folder):
    """What PyTorch's script prints."""
    lines = [json.loads(line) for line in run.output.splitlines()]
    steps = [line for line in lines if "step" in line]
    seconds = [step["seconds"] for step in steps[SKIPPED:]]
    losses = {step["step"]: step["loss"] for step in steps}
    return Told(statistics.median(seconds), run.peak_mb, losses, fastest=min(seconds))


def step_row(options, scratch):
    """The step of training against PyTorch's, in time and memory, and the share of time that waits for data."""
    print("\n## training step: 3 ConvLSTM layers of 32, 125 x 125, 8 frames to 7, 2 samples, 2 threads", flush=True)
    if subprocess.run([HERE / "torch.sh"], check=False).returncode != 0:
        return False
    config, weights = prepared(scratch), scratch / "initial.safetensors"
    dataset = next((scratch / "datasets/bench/prepared").glob("*/windows.json")).parent
    script = [sys.executable, HERE / "train_in_python.py"]
    subprocess.run([*script, "--write-weights", weights], env=environment(), check=True)

    def ours(precision):
        sets = [f"precision={precision}", f"train.init_from={weights}"]
        return Trainee(f"fragua {precision}", lambda folder: fragua(config, folder, options.steps, *sets), own_log)

    def torch(precision):
        flags = ["--prepared", dataset, "--weights", weights, "--precision", precision, "--steps", str(options.steps)]
        command = [*script, *flags, "--threads", str(THREADS)]
        return Trainee(f"PyTorch {precision}", lambda _: command, own_lines)

    trainees = [ours("bf16"), torch("fp32"), torch("bf16"), ours("fp32")]
    alternate(trainees, options.rounds, scratch)
    show_steps(trainees)
    return compare({trainee.name: trainee for trainee in trainees if not trainee.failure}) == len(trainees)


def show_steps(trainees):
    """The table of what was measured."""
    print(f"{'':<24} {'s/step':>8} {'min..max':>15} {'peak MB':>8} {'waits':>8}")
    for trainee in trainees:
        if trainee.failure:
            continue
        seconds = [told.seconds for told in trainee.runs]
        span = f"{min(seconds):.3f}..{max(seconds):.3f}"
        wait = f"{trainee.median('wait'):8.2%}" if trainee.runs[0].wait is not None else ""
        print(f"{trainee.name:<24} {trainee.median('seconds'):8.3f} {span:>15} {trainee.median('peak_mb'):8.0f} {wait}")


def compare(ran):
    """The targets, and whether all did the same work; the number of contenders that did."""
    print(f"{'':<52} {'is':>9} {'target':>9}  verdict")
    for text, figure, ours, theirs, target in STEP_TARGETS:
        if ours in ran and theirs in ran:
            claim(text, ran[ours].median(figure) / ran[theirs].median(figure), target)
    if "fragua bf16" in ran:
        claim("share of time that waits for data, fragua bf16", ran["fragua bf16"].median("wait"), WAIT_TARGET)
    reference, same = ran.get("PyTorch fp32"), 0
    for name, trainee in ran.items():
        most = FP32_LOSS_DIFFERENCE if name.endswith("fp32") else BF16_LOSS_DIFFERENCE
        if reference is not None and trainee is not reference:
            apart, _ = run_log.worst_difference(reference.runs[0].losses, trainee.runs[0].losses)
            claim(f"losses apart from PyTorch fp32's, {name}", apart, most)
            same += apart <= most
    return same + (reference is not None)


def claim(text, value, target):
    """One figure that was aimed at."""
    print(f"{text:<52} {value:9.3g} {target:9.3g}  {verdict(value, target)}", flush=True)


def checkpoint_row(options, scratch):
    """What a checkpoint a minute costs, from one after every step: a share that small would drown in noise."""
    print("\n## checkpoints: one after every step against none, at the size of the training step", flush=True)
    config = prepared(scratch)

    def training(name, every):
        sets = ["precision=bf16", f"train.checkpoint.every_steps={every}"]
        return Trainee(name, lambda folder: fragua(config, folder, options.steps, *sets), lambda _, folder: pace(folder))

    often, never = training("after every step", 1), training("none", "null")
    alternate([often, never], options.rounds, scratch)
    if often.failure or never.failure:
        return False
    saves = sum(saved for _, _, saved in often.runs)
    if saves == 0:
        print("no checkpoint was written between two steps")
        return False
    held = [one[0] - other[0] * one[1] / other[1] for one, other in zip(often.runs, never.runs)]
    save = statistics.median(held) / (saves / len(often.runs))
    print(f"{saves} checkpoints, each holds training up for {save * 1000:.1f} ms")
    print(f"{'':<52} {'is':>9} {'target':>9}  verdict")
    claim("share of time at one checkpoint a minute", max(save, 0.0) / 60, SAVE_TARGET)
    return True


def pace(folder):
    """Of a run: the seconds of its steps, their number, and the checkpoints between them."""
    log = run_log.events(folder / "run")
    seconds = run_log.step_seconds(log, SKIPPED)
    steps = [event["step"] for event in run_log.of_kind(log, "stepped")][SKIPPED:]
    saves = [event for event in run_log.of_kind(log, "saving") if steps and steps[0] <= event["step"] < steps[-1]]
    if not seconds:
        raise run_log.Unreadable("the log has too few steps")
    return sum(seconds), len(seconds), len(saves)


def first_step_row(options, scratch):
    """From the start of the process to the first step, where the dataset is prepared."""
    print("\n## start to first step, config.yaml, prepared", flush=True)
    sets = [f"data.root={scratch / 'datasets'}"]
    prepare = [FRAGUA, "prepare", "--config", ROOT / "config.yaml", "--set", *sets]
    subprocess.run(prepare, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sets += ["name=run"]

    def first_step(run, folder):
        stepped = run_log.of_kind(run_log.events(folder / "run"), "stepped")
        if not stepped:
            raise run_log.Unreadable("the log has no step")
        return Told(run_log.moment(stepped[0]) - run.began, run.peak_mb, {})

    contender = Trainee("fragua train", lambda folder: fragua(ROOT / "config.yaml", folder, 1, *sets), first_step)
    alternate([contender], options.rounds, scratch)
    if contender.failure:
        return False
    print(f"{'':<52} {'is':>9} {'target':>9}  verdict")
    claim("seconds until the first step was made", contender.median("seconds"), FIRST_STEP_TARGET)
    return True


def default_row(_options, scratch):
    """The whole default run as a newcomer starts it, once; the set-up and the build are in place."""
    print("\n## scripts/train.sh with config.yaml, from nothing to the end", flush=True)
    command = [str(ROOT / "scripts/train.sh"), "--config", str(ROOT / "config.yaml")]
    run, failure = measure([*command, "--set", f"data.root={scratch}/datasets", "--set", f"output.root={scratch}/runs"])
    if not run:
        print(failure)
        return False
    print(f"{'':<52} {'is':>9} {'target':>9}  verdict")
    claim("seconds", run.wall, DEFAULT_TARGET)
    return True
