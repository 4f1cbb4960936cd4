"""Row of the benchmark that trains the character classifier: the program, the usual PyTorch, and a careful PyTorch."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass

from measure import FRAGUA, HERE
from train_rows import THREADS, Trainee, alternate, claim, environment, fragua

sys.path.insert(0, str(HERE.parent))
import run_log

STEPS, SKIPPED, BATCH = 150, 20, 64
# Steps at the end whose mean loss tells whether all learned the same. They see other random changes, so it is never equal.
LAST, LOSSES_APART = 50, 0.15

TARGETS = [
    ("images/s, PyTorch with folder and 2 workers to fragua", "rate", "PyTorch folder", 1 / 2),
    ("images/s, PyTorch in memory to fragua", "rate", "PyTorch memory", 1 / 1.3),
    ("peak memory with all processes, fragua to folder", "family_mb", "PyTorch folder", 0.5),
]
FIRST_STEP_TARGET = 2.0

CONFIG = """\
name: run
device: cpu
precision: fp32
data:
  root: {folder}/datasets
  name: bench
  source: [synthetic: {{characters: {{alphabet: {alphabet}, per_class: {per_class}}}}}]
task: {{image_class: {{}}}}
train:
  epochs: 1
  batch: {batch}
  clip_norm: 1.0
  optimizer: {{adamw: {{lr: 2.0e-3, weight_decay: 0.01}}}}
  checkpoint: {{every_minutes: null, every_steps: null}}
"""
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class Told:
    """What one run told."""

    rate: float
    peak_mb: float
    first_step: float
    losses: list
    cpu: float
    family_mb: float


def own_log(run, folder):
    """What the program's log tells of a run."""
    steps = run_log.of_kind(run_log.last_start(run_log.events(folder / "run")), "stepped")
    if len(steps) < STEPS:
        raise run_log.Unreadable(f"{len(steps)} steps in the log, expected {STEPS}")
    one, two = steps[SKIPPED - 1], steps[STEPS - 1]
    rate = (two["seen"] - one["seen"]) / (two["cost"]["seconds"] - one["cost"]["seconds"])
    losses = [dict(step["parts"])["loss"] for step in steps]
    return Told(rate, run.peak_mb, run_log.moment(steps[0]) - run.began, losses, run.cpu, run.family_mb)


def own_line(run, _folder):
    """What PyTorch's script prints."""
    told = json.loads(run.output.splitlines()[-1])
    return Told(told["images_per_second"], run.peak_mb, told["first_step"] - run.began, told["losses"], run.cpu, run.family_mb)


def classifier_row(options, scratch):
    """Training the classifier of characters, batch 64, default augmentation, two threads."""
    print(f"\n## classifier: CharCNN_v2, 62 classes, batch {BATCH}, default augmentation, {THREADS} threads", flush=True)
    if subprocess.run([HERE / "torch.sh"], check=False).returncode != 0:
        return False
    config = scratch / "bench.yaml"
    config.write_text(CONFIG.format(folder=scratch, alphabet=ALPHABET, per_class=200, batch=BATCH))
    prepare = [FRAGUA, "prepare", "--config", config]
    subprocess.run(prepare, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    images = images_of(scratch / "datasets/bench/raw")

    def torch(way):
        flags = ["--batch", str(BATCH), "--steps", str(STEPS), "--skip", str(SKIPPED), "--threads", str(THREADS)]
        command = [sys.executable, HERE / "classify_in_python.py", way, images, *flags]
        return Trainee(f"PyTorch {way}", lambda _: command, own_line)

    ours = Trainee("fragua", lambda folder: fragua(config, folder, STEPS), own_log)
    trainees = [ours, torch("folder"), torch("memory")]
    alternate(trainees, options.rounds, scratch)
    show(trainees)
    return judge({trainee.name: trainee for trainee in trainees if not trainee.failure}) == len(trainees)


def images_of(raw):
    """The folder that holds the folders of the classes."""
    return next(path for path in sorted(raw.rglob("*.png"))).parent.parent


def show(trainees):
    """The table of what was measured."""
    print(f"{'':<24} {'images/s':>9} {'min..max':>15} {'CPU s':>8} {'peak MB':>8} {'all MB':>8} {'first step s':>13}")
    for trainee in trainees:
        if not trainee.failure:
            rates = [told.rate for told in trainee.runs]
            span = f"{min(rates):.0f}..{max(rates):.0f}"
            cpu, peak, all_mb, first = (
                trainee.median(figure) for figure in ("cpu", "peak_mb", "family_mb", "first_step")
            )
            print(f"{trainee.name:<24} {statistics.median(rates):9.0f} {span:>15} {cpu:8.1f} {peak:8.0f} {all_mb:8.0f} {first:13.2f}")


def judge(ran):
    """The targets; returns how many contenders learned what the program learned."""
    print(f"{'':<56} {'is':>9} {'target':>9}  verdict")
    ours, same = ran.get("fragua"), 0
    if ours is None:
        return 0
    for text, figure, name, target in TARGETS:
        if name in ran:
            theirs, own = ran[name].median(figure), ours.median(figure)
            claim(text, theirs / own if figure == "rate" else own / theirs, target)
    claim("seconds until the first step was made", ours.median("first_step"), FIRST_STEP_TARGET)
    final = lambda trainee: statistics.mean(trainee.runs[0].losses[-LAST:])
    for name, trainee in ran.items():
        apart = abs(final(trainee) / final(ours) - 1)
        if trainee is not ours:
            claim(f"mean loss of the last {LAST} steps apart, {name}", apart, LOSSES_APART)
        same += apart <= LOSSES_APART
    return same
