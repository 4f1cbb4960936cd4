"""Row of the benchmark that trains the recurrent classifier of sequences, beside the same in PyTorch."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass

from measure import FRAGUA, HERE
from train_rows import THREADS, Trainee, alternate, claim, environment, fragua

sys.path.insert(0, str(HERE.parent))
import run_log

STEPS, SKIPPED, BATCH = 100, 10, 16
# Steps at the end whose mean loss tells whether all learned the same. Their weights begin elsewhere, so it is never equal.
LAST, LOSSES_APART = 20, 0.15

IN_ORDER, SORTED = "fragua fp32, in order", "fragua fp32"
TARGETS = [
    ("a step as configured, fp32, to PyTorch fp32", SORTED, "PyTorch fp32", 0.8),
    ("a step as configured, bf16, to PyTorch bf16", "fragua bf16", "PyTorch bf16", 0.8),
    ("a step as configured, bf16, to PyTorch fp32", "fragua bf16", "PyTorch fp32", 0.5),
    ("a step with the same batches, fp32, to PyTorch fp32", IN_ORDER, "PyTorch fp32", 0.8),
]

CONFIG = """\
name: run
device: cpu
data:
  root: {folder}/datasets
  name: bench
  source: [path: {{path: {file}}}]
task:
  keypoints:
    split: {{val_share: 0.0}}
    augment: {{chances: {{time_shift: 0.0, speed: 0.0, frame_drop: 0.0, noise: 0.0, place: 0.0}}}}
train:
  epochs: 3
  batch: {batch}
  clip_norm: 1.0
  optimizer: {{adamw: {{lr: 1.0e-3, weight_decay: 0.01}}}}
  checkpoint: {{every_minutes: null, every_steps: null}}
"""


@dataclass
class Told:
    """What one run told: the median seconds of a step, losses, memory."""

    seconds: float
    losses: list
    peak_mb: float


def own_log(run, folder):
    """What the program's log tells of a run."""
    steps = run_log.of_kind(run_log.last_start(run_log.events(folder / "run")), "stepped")
    if len(steps) < STEPS:
        raise run_log.Unreadable(f"{len(steps)} steps in the log, expected {STEPS}")
    seconds = statistics.median(run_log.step_seconds(run_log.events(folder / "run"), SKIPPED))
    return Told(seconds, [dict(step["parts"])["loss"] for step in steps[:STEPS]], run.peak_mb)


def own_line(run, _folder):
    """What PyTorch's script prints."""
    told = json.loads(run.output.splitlines()[-1])
    return Told(told["seconds"], told["losses"], run.peak_mb)


def signs_row(options, scratch):
    """Training with full streams and 505 classes, sequences of 14 to 48 frames."""
    print(f"\n## signs: three streams, 2 x 256, 505 classes, batch {BATCH}, 14 to 48 frames, {THREADS} threads", flush=True)
    if subprocess.run([HERE / "torch.sh"], check=False).returncode != 0:
        return False
    script, file, config = HERE / "signs_in_python.py", scratch / "signs.npz", scratch / "bench.yaml"
    subprocess.run([sys.executable, script, "make", file], check=True, env=environment())
    config.write_text(CONFIG.format(folder=scratch, file=file, batch=BATCH))
    prepare = [FRAGUA, "prepare", "--config", config]
    subprocess.run(prepare, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def torch(precision):
        flags = ["--precision", precision, "--batch", str(BATCH), "--steps", str(STEPS), "--skip", str(SKIPPED)]
        command = [sys.executable, script, "train", file, *flags, "--threads", str(THREADS)]
        return Trainee(f"PyTorch {precision}", lambda _: command, own_line)

    def program(name, *sets):
        return Trainee(name, lambda folder: fragua(config, folder, STEPS, *sets), own_log)

    trainees = [
        program(SORTED, "precision=fp32"),
        program("fragua bf16", "precision=bf16"),
        program(IN_ORDER, "precision=fp32", "train.shuffle=false"),
        torch("fp32"),
        torch("bf16"),
    ]
    alternate(trainees, options.rounds, scratch)
    show(trainees)
    return judge({trainee.name: trainee for trainee in trainees if not trainee.failure}) == len(trainees)


def show(trainees):
    """The table of what was measured."""
    print(f"{'':<24} {'step s':>9} {'min..max':>15} {'peak MB':>8}")
    for trainee in trainees:
        if not trainee.failure:
            steps = [told.seconds for told in trainee.runs]
            span = f"{min(steps):.3f}..{max(steps):.3f}"
            print(f"{trainee.name:<24} {statistics.median(steps):9.3f} {span:>15} {trainee.median('peak_mb'):8.0f}")


def judge(ran):
    """The targets; returns how many contenders learned what PyTorch learned."""
    print(f"{'':<56} {'is':>9} {'target':>9}  verdict")
    for text, ours, theirs, target in TARGETS:
        if ours in ran and theirs in ran:
            claim(text, ran[ours].median("seconds") / ran[theirs].median("seconds"), target)
    final = lambda trainee: statistics.mean(trainee.runs[0].losses[-LAST:])
    reference, same = ran.get("PyTorch fp32"), 0
    for name, trainee in ran.items():
        apart = abs(final(trainee) / final(reference) - 1) if reference else 1
        if trainee is not reference:
            claim(f"mean loss of the last {LAST} steps apart, {name}", apart, LOSSES_APART)
        same += apart <= LOSSES_APART
    return same
