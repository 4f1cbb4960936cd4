"""How soon a training ends after SIGTERM, on a disk that takes long to confirm what is written.

    scripts/slow_disk.py [--program target/debug/fragua] [--delay 0.6] [--rounds 10] [--task nowcast|characters]

Every fsync, fdatasync, syncfs and sync_file_range is delayed by strace (apt-get install strace). Each round trains on synthetic
data, is stopped at another moment, ends, and is resumed; at the end the losses must be those of a training that ran through.
Docker kills ten seconds after its signal.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import run_log

SYNCS = "fsync,fdatasync,sync,syncfs,sync_file_range"
STOPPED, DOCKER_SECONDS = 128 + signal.SIGTERM, 10.0
CONFIGS = {
    "nowcast": """\
data: {source: [synthetic: {events: 6, frames: 40, grid: 48, levels: 1}]}
task: {nowcast: {prepare: {size: [48, 48]}, windows: {input_frames: 6, target_frames: 4, stride: 1}, model: {hidden: [16, 16]}}}
train: {epochs: 400, micro_batch: 2, accumulate: 1, checkpoint: {every_steps: 7}}
""",
    "characters": """\
data: {source: [synthetic: {characters: {alphabet: ABCDEFGH, per_class: 60}}]}
task: {image_class: {}}
train: {epochs: 4000, batch: 32, checkpoint: {every_steps: 7}}
""",
}
COMMON = "name: slow\ndevice: cpu\nprecision: fp32\n"


def main():
    options = arguments()
    random.seed(1)
    with tempfile.TemporaryDirectory(prefix="fragua-slow-disk-", dir=options.scratch) as scratch:
        folder = Path(scratch)
        (folder / "config.yaml").write_text(COMMON + CONFIGS[options.task])
        run([options.program, "prepare"], folder)
        took = [stopped(options, folder) for _ in range(options.rounds)]
        log = run_log.events(folder / "model_output/slow")
        last = max(run_log.losses(log))
        run([options.program, "train", "--yes", "--name", "through", "--max-steps", str(last)], folder)
        through = run_log.losses(run_log.events(folder / "model_output/through"))
        difference, steps = run_log.worst_difference(run_log.losses(log), through)
    within = sum(seconds < DOCKER_SECONDS for seconds in took)
    print(f"seconds from signal to end: {min(took):.1f} to {max(took):.1f}, median {statistics.median(took):.1f}; {within} of {len(took)} within ten")
    print(f"losses of {steps} steps: {'equal to' if difference == 0 else f'{difference:.1e} apart from'} those of a training that was never stopped")
    sys.exit(0 if within == len(took) and difference == 0 else 1)


def stopped(options, folder):
    """Trains with a slow disk until a random moment; the seconds from the signal to the end."""
    delay = f"inject={SYNCS}:delay_enter={int(options.delay * 1e6)}"
    command = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={SYNCS}", "-e", delay, options.program, "train", "--yes"]
    before = steps(folder)
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as strace:
        wait_for(lambda: steps(folder) > before, strace)
        time.sleep(random.uniform(0.0, 4.0))
        traced = int(Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split()[0])
        began = time.monotonic()
        os.kill(traced, signal.SIGTERM)
        told = strace.communicate()[1].decode(errors="replace")
        took = time.monotonic() - began
    if strace.returncode not in (STOPPED, -signal.SIGTERM):
        raise SystemExit(f"exit {strace.returncode}, expected {STOPPED}: {told.strip().splitlines()[-3:]}")
    print(f"stopped at step {steps(folder)} within {took:.1f} s", flush=True)
    return took


def steps(folder):
    """How many steps the run has made."""
    try:
        return max(run_log.losses(run_log.events(folder / "model_output/slow")), default=0)
    except run_log.Unreadable:
        return 0


def wait_for(condition, process, seconds=120):
    """Waits until something is so."""
    until = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            told = process.stderr.read().decode(errors="replace") if process.poll() is not None else "no step in two minutes"
            process.kill()
            raise SystemExit(f"the training did not begin: {told}")
        time.sleep(0.1)


def run(command, folder):
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=Path(__file__).parents[1] / "target/debug/fragua")
    parser.add_argument("--delay", type=float, default=0.6, help="seconds that each of them takes longer")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--task", choices=CONFIGS, default="nowcast")
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    options.program = options.program.resolve()
    if not shutil.which("strace"):
        parser.error("strace is not installed: apt-get install strace")
    return options


if __name__ == "__main__":
    main()
