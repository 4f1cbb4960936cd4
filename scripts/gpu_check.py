"""Checks a built program on a machine with an NVIDIA GPU, and measures it there. Started by gpu_check.sh, which says how.

Three checks, each on its own runs in a temporary folder, over synthetic storms that the program makes itself:

    agree    training with the same seed in fp32, bf16 and fp16 on the GPU has the losses of fp32 on the CPU
    resume   a run moves from the GPU to the CPU and back, and has the losses of one that stayed
    speed    sequences per second, GPU memory and utilisation at the reference system's sizes

Only Python's own library is used, so that it runs where nothing but the program is installed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import run_log

ROOT = Path(__file__).resolve().parents[1]
NO_GPU = 3
SAMPLE_MILLISECONDS = 200

# How far the loss of a step may be from that of fp32 on the CPU, as a share of it, in the worst step of a short run. The
# loss is a mean over 57,000 cells, so rounding errors of single products, 5e-4 in TF32 (what cuDNN makes of fp32) and fp16,
# 4e-3 in bf16, mostly cancel: bf16 on a CPU stays within 4e-5. The loss falls by 2e-2 meanwhile, so that weights which are
# not trained, or wrongly, are far outside.
TOLERANCES = {"fp32": 1e-3, "bf16": 2e-3, "fp16": 2e-3}
# fp16's loss scaler leaves out steps until it has found its scale, and each leaves the weights an update behind. The loss
# falls fastest at the beginning: this many times as fast as on average.
STEEPNESS = 3
# The reference system's speed on an H200 in fp32, at the first size of SIZES.
REFERENCE = ("8 to 7", "fp32", 10.6)

CONFIG = """\
name: {name}
precision: {precision}
data:
  root: {root}
  name: {dataset}
  source: [synthetic: {{events: 4, frames: {frames}, grid: {grid}, levels: 1}}]
task:
  nowcast:
    prepare: {{size: [{grid}, {grid}]}}
    windows: {{input_frames: {inputs}, target_frames: 7, stride: 1}}
    model: {{hidden: {hidden}}}
train:
  epochs: 1000
  micro_batch: {batch}
  accumulate: 1
  patience: null
  max_retries: 0
  optimizer: {{adamw: {{lr: {lr}, weight_decay: 1.0e-5}}}}
  checkpoint: {{every_minutes: null, every_steps: null, keep_last: 1, keep_best: 1}}
output:
  root: {root}/runs
"""


@dataclass(frozen=True)
class Size:
    """What is trained, but for precision and device."""

    name: str
    grid: int
    hidden: str
    inputs: int
    batch: int
    frames: int
    steps: int
    lr: float = 1e-5


# Small enough for a CPU, large enough that every kernel has something to do; a learning rate that moves the loss.
AGREE = Size("small", 64, "[16, 16]", 8, 2, 40, 24, 3e-4)
REHEARSED_AGREE = Size("small", 16, "[4, 4]", 8, 2, 40, 24, 3e-4)
SIZES = [
    Size("8 to 7", 250, "[128, 128, 128]", 8, 16, 100, 14),
    Size("18 to 7", 250, "[128, 128, 128]", 18, 16, 110, 14),
]
REHEARSED = [Size("8 to 7", 16, "[4, 4]", 8, 2, 40, 10), Size("18 to 7", 16, "[4, 4]", 18, 2, 50, 10)]
WARM_UP_STEPS = 4


class Failed(Exception):
    """A check that can't go on."""


class Check:
    """What the checks share: the program, the device in question, a folder, and what was found."""

    def __init__(self, fragua, device, folder, rehearsal):
        self.fragua, self.device, self.folder, self.rehearsal = fragua, device, folder, rehearsal
        self.small, self.sizes = (REHEARSED_AGREE, REHEARSED) if rehearsal else (AGREE, SIZES)
        self.failures = []

    def train(self, name, size, precision, device, steps):
        """Trains until this many steps are made, or continues the run of that name; its log."""
        config = self.folder / f"{name}.yaml"
        dataset = f"storms-{size.grid}-{size.frames}"
        config.write_text(
            CONFIG.format(
                name=name, precision=precision, root=self.folder, dataset=dataset, grid=size.grid, hidden=size.hidden,
                inputs=size.inputs, batch=size.batch, frames=size.frames, lr=size.lr
            )
        )
        command = [self.fragua, "train", "--yes", "--config", config, "--device", device, "--max-steps", steps]
        ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            tail = "\n  ".join((ended.stdout + ended.stderr).strip().splitlines()[-12:])
            raise Failed(f"{' '.join(str(part) for part in command[1:])} ended with {ended.returncode}:\n  {tail}")
        try:
            return run_log.events(self.folder / "runs" / name)
        except run_log.Unreadable as unreadable:
            raise Failed(str(unreadable)) from None

    def device_of(self, name):
        """What a run says that it computed on."""
        return json.loads((self.folder / "runs" / name / "run.json").read_text())["used"]["device"]

    def hold(self, fine, text):
        """Tells whether something is as it should be."""
        print(f"{'ok' if fine else 'FAILED':<7} {text}", flush=True)
        if not fine:
            self.failures.append(text)

    def agree(self):
        """The losses on the device in each precision against those of fp32 on the CPU."""
        steps = self.small.steps
        print(f"## agree: {steps} steps on {self.device} against fp32 on the CPU, same seed", flush=True)
        reference = run_log.losses(self.train("agree-cpu", self.small, "fp32", "cpu", steps))
        first, last = (statistics.mean(part) for part in ends(reference))
        self.hold(last < first, f"the loss on the CPU falls, from {first:.4f} to {last:.4f}")
        for precision in TOLERANCES:
            try:
                self.agree_in(precision, reference, (first - last) / first)
            except (Failed, run_log.Unreadable) as failed:
                self.hold(False, f"{precision}: {failed}")

    def agree_in(self, precision, reference, fall):
        """One precision; `fall` is the share that the reference's loss falls by."""
        name, steps = f"agree-{precision}", self.small.steps
        log = self.train(name, self.small, precision, self.device, steps)
        device = self.device_of(name)
        self.hold(("cpu" in device.lower()) == (self.device == "cpu"), f"{precision}: the run says that it computed on {device}")
        apart, compared = run_log.worst_difference(reference, run_log.losses(log))
        skipped = len(run_log.of_kind(log, "skipped"))
        allowed = TOLERANCES[precision] + STEEPNESS * max(fall, 0.0) / steps * skipped
        text = f"{precision}: losses of {compared} steps within {apart:.1e}, allowed {allowed:.1e}; {skipped} steps left out"
        self.hold(apart <= allowed and compared + skipped == steps and compared >= steps // 2, text)

    def resume(self):
        """A run that is continued on another device, twice, against one that stayed on the device."""
        print(f"## resume: a third on {self.device}, a third on the CPU, a third on {self.device}", flush=True)
        third = self.small.steps // 3
        stayed = run_log.losses(self.train("stayed", self.small, "fp32", self.device, 3 * third))
        for part, device in enumerate([self.device, "cpu", self.device], start=1):
            log = self.train("moved", self.small, "fp32", device, part * third)
            began = run_log.of_kind(log, "started")[-1]["step"]
            self.hold(began == (part - 1) * third, f"on {device} it resumes after step {began}")
        apart, compared = run_log.worst_difference(stayed, run_log.losses(log))
        tolerance = TOLERANCES["fp32"]
        text = f"losses of {compared} steps within {apart:.1e} of a run that stayed, allowed {tolerance:.0e}"
        self.hold(apart <= tolerance and compared == 3 * third, text)

    def speed(self):
        """Sequences per second at the reference system's sizes."""
        print(f"## speed: sequences per second on {self.device}, without the first {WARM_UP_STEPS} steps", flush=True)
        print(f"{'frames':<8} {'precision':<9} {'grid':>5} {'hidden':<16} {'asked':>5} {'used':>5} {'seq/s':>8} {'s/step':>8} "
              f"{'data':>6} {'GPU MiB':>8} {'busy':>5}")
        for size in self.sizes:
            for precision in TOLERANCES:
                try:
                    self.speed_of(size, precision)
                except (Failed, run_log.Unreadable) as failed:
                    self.hold(False, f"{size.name}, {precision}: {failed}")

    def speed_of(self, size, precision):
        """One line of the table."""
        name = f"speed-{size.inputs}-{precision}"
        with Watch(self.device) as watch:
            log = self.train(name, size, precision, self.device, size.steps)
        rate = run_log.samples_per_second(log, WARM_UP_STEPS)
        seconds = statistics.median(run_log.step_seconds(log, WARM_UP_STEPS))
        steps = run_log.of_kind(log, "stepped")
        begin, end = run_log.moment(steps[WARM_UP_STEPS]), run_log.moment(steps[-1])
        memory, busy = watch.figures(begin, end)
        last = steps[-1]
        used = last["micro_batch"]
        print(f"{size.name:<8} {precision:<9} {size.grid:>5} {size.hidden:<16} {size.batch:>5} {used:>5} {rate:8.2f} {seconds:8.3f} "
              f"{last['cost']['data_wait']:6.1%} {memory:>8} {busy:>5}", flush=True)
        if (size.name, precision) == REFERENCE[:2] and not self.rehearsal:
            print(f"         the reference system, fp32 on an H200: {REFERENCE[2]} seq/s; this is {rate / REFERENCE[2]:.2f} times that")


class Watch:
    """Samples memory and utilisation of the GPU by nvidia-smi while something runs; nothing where there is no GPU."""

    def __init__(self, device):
        self.samples, self.process, self.thread = [], None, None
        self.number = device.partition(":")[2] or "0" if device.startswith("cuda") else None

    def __enter__(self):
        if self.number is not None:
            query = ["nvidia-smi", "--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits"]
            command = [*query, f"--id={self.number}", f"--loop-ms={SAMPLE_MILLISECONDS}"]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self.thread = threading.Thread(target=self.collect, daemon=True)
            self.thread.start()
        return self

    def collect(self):
        """Keeps each line with its time."""
        for line in self.process.stdout:
            if (sample := parse_sample(line)) is not None:
                self.samples.append((time.time(), *sample))

    def __exit__(self, *_):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.thread.join()

    def figures(self, begin, end):
        """The peak memory, above what was used before, and the mean utilisation between two moments, as text."""
        return summary(self.samples, begin, end)


def parse_sample(line):
    """MiB and percent of one line of nvidia-smi; none if it reports none, as within a MIG slice."""
    try:
        memory, busy = (float(part) for part in line.split(","))
    except ValueError:
        return None
    return memory, busy


def summary(samples, begin, end):
    """Peak memory above that of the first sample, and mean utilisation between two moments; a dash for what is not known."""
    if not samples:
        return "-", "-"
    memory = f"{max(sample[1] for sample in samples) - samples[0][1]:.0f}"
    within = [sample[2] for sample in samples if begin <= sample[0] <= end]
    return memory, f"{statistics.mean(within):.0f}%" if within else "-"


def ends(losses):
    """The losses of the first and of the last quarter of the steps."""
    ordered = [losses[step] for step in sorted(losses)]
    quarter = max(len(ordered) // 4, 1)
    return ordered[:quarter], ordered[-quarter:]


def gpus():
    """What nvidia-smi says of each GPU; empty where there is none."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [line.strip() for line in told.splitlines() if line.strip()]


def arguments():
    checks = ["agree", "resume", "speed"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--on", default="cuda", help="cuda, cuda:N, or cpu for a rehearsal of the same steps [default: cuda]")
    parser.add_argument("--only", default=",".join(checks), help="some of the checks, with commas [default: %(default)s]")
    parser.add_argument("--keep", type=Path, help="a folder that keeps datasets, runs and logs; it must not exist")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := [name for name in options.only if name not in checks]:
        parser.error(f"unknown checks {unknown}")
    if options.on != "cpu" and options.on.partition(":")[0] != "cuda":
        parser.error("--on takes cuda, cuda:N or cpu")
    if options.keep and options.keep.exists():
        parser.error(f"{options.keep} exists; name a folder that does not")
    return options


def main():
    options = arguments()
    fragua = os.environ.get("FRAGUA", str(ROOT / "target/debug/fragua"))
    rehearsal = options.on == "cpu"
    if not rehearsal:
        found = gpus()
        if not found:
            print("gpu_check: nvidia-smi finds no GPU here; nothing was checked. `--on cpu` rehearses the steps", file=sys.stderr)
            return NO_GPU
        print("GPU: " + "; ".join(found))
    if shutil.which(fragua) is None:
        print(f"gpu_check: error: {fragua} is no program; build it, or name one: FRAGUA=/app/bin/fragua", file=sys.stderr)
        return 2
    if options.keep:
        options.keep.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="fragua-gpu-check-") as scratch:
        folder = (options.keep or Path(scratch)).resolve()
        check = Check(fragua, options.on, folder, rehearsal)
        for name in options.only:
            try:
                getattr(check, name)()
            except (Failed, run_log.Unreadable) as failed:
                check.hold(False, f"{name}: {failed}")
    told = f"{len(check.failures)} checks failed" if check.failures else "all is well"
    print(f"gpu_check: {told}" + (", in a rehearsal on the CPU: this says nothing about a GPU" if rehearsal else ""))
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main())
