"""Rows of the benchmark for the nowcast in moving coordinates: a training step against PyTorch's, and finding the motion."""

import re
import shutil
import statistics
import subprocess
import sys

import train_rows
from measure import FRAGUA, HERE, measure, verdict
from train_rows import Trainee, alternate, claim, environment, few_cores, fragua

sys.path.insert(0, str(HERE.parent))
import run_log

# Steps are short: more of them, all of one epoch.
STEPS, CHECKED_STEPS = 60, 5
# The same weights and windows without flips must give the same losses except for rounding, or the programs don't do the same.
LOSS_DIFFERENCE = 1e-4
# How much of PyTorch's time a step may take.
STEP_TARGET = 1.0

# The networks, how many of the input frames they see, and the memory format with which PyTorch is quicker.
NETWORKS = {
    "U-Net": ("{unet: {frames: 6, base: 16, widths: [1, 2, 4]}}", 6, ["--channels-last"]),
    "ConvLSTM": ("{convlstm: {frames: 4, hidden: [16, 16], norm: group}}", 4, []),
}
CONFIG = """\
name: run
device: cpu
data:
  root: {folder}/datasets
  name: bench
  source: [synthetic: {{events: 24, frames: 40, grid: 64, levels: 1}}]
task:
  nowcast:
    prepare: {{size: [64, 64]}}
    windows: {{input_frames: 8, target_frames: 7, stride: 1}}
    coordinates: lagrangian
    augment: {{flips: true}}
    loss:
      huber_ssim_weight: 0
      absolute: {{weight: 1.0, above: []}}
      csi: {{weight: 0.35, thresholds: [20, 25, 30, 35, 40, 45]}}
train:
  batch: 8
  shuffle: false
  optimizer: {{adamw: {{lr: 1.0e-5, weight_decay: 1.0e-5}}}}
  checkpoint: {{every_minutes: null, every_steps: null}}
"""

MOTION_FRAMES, MOTION_LEVELS = 30, 18
# The side of a prepared frame, and the frames a second that are aimed at.
MOTION_SIZES = {500: 20.0, 250: None}
MOTION_CONFIG = """\
data:
  root: {folder}/{size}
  name: bench
  source: [synthetic: {{events: 1, frames: {frames}, grid: 500, levels: {levels}}}]
task:
  nowcast:
    prepare: {{size: [{size}, {size}]}}
    windows: {{input_frames: 4, target_frames: 2, stride: 1}}
    coordinates: lagrangian
    model: {{unet: {{frames: 4}}}}
"""
FOUND = re.compile(r"motion of (\d+) frames found in ([\d.]+) s")


def moving_row(options, scratch):
    """The step of training in moving coordinates against PyTorch's, for two networks and precisions."""
    told = f"64 x 64, 8 frames to 7, 8 windows, flips, {options.threads} threads"
    print(f"\n## training step in moving coordinates: {told}", flush=True)
    if subprocess.run([HERE / "torch.sh"], check=False).returncode != 0:
        return False
    config = scratch / "bench.yaml"
    config.write_text(CONFIG.format(folder=scratch))
    quietly([FRAGUA, "prepare", "--config", config], options.threads)
    return all([network_row(name, options, config, scratch / name) for name in NETWORKS])


def network_row(name, options, config, scratch):
    """One network: whether both sides do the same, and how long they take."""
    scratch.mkdir()
    (model, seen, quicker), threads = NETWORKS[name], options.threads
    sets = [f"task.nowcast.model={model}"]
    quietly(fragua(config, scratch, 1, *sets), threads)
    network = scratch / "network.py"
    quietly([FRAGUA, "export", "--checkpoint", scratch / "run", "--output", network], threads)
    sets.append(f"train.init_from={network.with_suffix('.safetensors')}")
    dataset = next((config.parent / "datasets/bench/prepared").glob("*/windows.json")).parent
    script = [sys.executable, HERE / "carried_in_python.py", "--prepared", dataset, "--network", network]
    script += ["--seen-frames", seen, "--threads", threads, *quicker]

    def ours(precision, steps=STEPS, flips=True):
        more = [f"precision={precision}", f"task.nowcast.augment.flips={str(flips).lower()}"]
        command = lambda folder: fragua(config, folder, steps, *sets, *more)
        return Trainee(f"{name}, fragua {precision}", command, train_rows.own_log)

    def torch(precision, steps=STEPS, flips=True):
        # With flips losses can't be compared step by step: then the quicker way to follow the motion will do.
        flags = ["--precision", precision, "--steps", steps, "--flips" if flips else "--exact"]
        command = [str(word) for word in script + flags]
        return Trainee(f"{name}, PyTorch {precision}", lambda _: command, train_rows.own_lines)

    checked = [side("fp32", CHECKED_STEPS, False) for side in (ours, torch)]
    timed = [side(precision) for precision in ("bf16", "fp32") for side in (ours, torch)]
    for trainees, rounds, part in ((checked, 1, "checked"), (timed, options.rounds, "timed")):
        (scratch / part).mkdir()
        alternate(trainees, rounds, scratch / part, threads)
    return judge(name, checked, timed)


def judge(name, checked, timed):
    """The figures of a network; whether both sides ran and did the same."""
    train_rows.show_steps(timed)
    print(f"{'':<52} {'is':>9} {'target':>9}  verdict")
    for ours, theirs in zip(timed[::2], timed[1::2]):
        if not (ours.failure or theirs.failure):
            compare(f"time of a step, {ours.name} to PyTorch", ours.runs, theirs.runs)
    if any(trainee.failure for trainee in checked + timed):
        return False
    apart, _ = run_log.worst_difference(*(trainee.runs[0].losses for trainee in checked))
    claim(f"losses apart without flips, {name}", apart, LOSS_DIFFERENCE)
    return apart <= LOSS_DIFFERENCE


def compare(text, ours, theirs):
    """The median of the ratios of the rounds, between which a machine may grow slower, and the ratio of the fastest steps."""
    ratios = sorted(one.seconds / other.seconds for one, other in zip(ours, theirs))
    fastest = min(told.fastest for told in ours) / min(told.fastest for told in theirs)
    ratio = statistics.median(ratios)
    more = f"by pairs {ratios[0]:.2f}..{ratios[-1]:.2f}, fastest steps {fastest:.2f}"
    print(f"{text:<52} {ratio:9.3g} {STEP_TARGET:9.3g}  {verdict(ratio, STEP_TARGET)}; {more}", flush=True)


def motion_row(options, scratch):
    """How fast the motion of whole volumes is found when they are prepared."""
    title = f"motion of {MOTION_FRAMES} volumes of {MOTION_LEVELS} x 500 x 500, {options.threads} threads"
    print(f"\n## {title}", flush=True)
    configs = {size: scratch / f"{size}.yaml" for size in MOTION_SIZES}
    for size, config in configs.items():
        config.write_text(MOTION_CONFIG.format(folder=scratch, size=size, frames=MOTION_FRAMES, levels=MOTION_LEVELS))
        quietly([FRAGUA, "prepare", "--config", config], options.threads)
    rates, seconds = ({size: [] for size in MOTION_SIZES} for _ in range(2))
    for _ in range(options.rounds):
        for size, config in configs.items():
            for kept in (scratch / str(size)).glob("bench/prepared/*.motion"):
                shutil.rmtree(kept)
            with few_cores(options.threads):
                run, failure = measure([FRAGUA, "prepare", "--config", config], environment(options.threads))
            if failure or not (rate := frames_a_second(run.errors)):
                print(f"prepare to {size} x {size}: {failure or 'no word about the motion'}")
                return False
            rates[size].append(rate)
            seconds[size].append(run.cpu)
    print(f"{'prepared size':<24} {'frames/s':>9} {'min..max':>15} {'CPU s':>8} {'target':>8}  verdict")
    for size, target in MOTION_SIZES.items():
        show_motion(size, rates[size], seconds[size], target)
    return True


def show_motion(size, rates, seconds, target):
    """One line; the CPU time is that of the whole command."""
    rate, span = statistics.median(rates), f"{min(rates):.1f}..{max(rates):.1f}"
    told = f" {target:8.1f}  {verdict(target / rate, 1)}" if target else ""
    name = f"{size} x {size}"
    print(f"{name:<24} {rate:9.1f} {span:>15} {statistics.median(seconds):8.2f}{told}", flush=True)


def frames_a_second(messages):
    """What the program says about the motion; `None` if it says nothing."""
    found = FOUND.search(messages)
    return int(found[1]) / float(found[2]) if found and float(found[2]) > 0 else None


def quietly(command, threads):
    """A command that must succeed; its output is shown only if it doesn't."""
    with few_cores(threads):
        run, failure = measure([str(word) for word in command], environment(threads))
    if not run:
        raise SystemExit(f"{' '.join(map(str, command))}: {failure}")
