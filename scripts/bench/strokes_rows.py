"""Row of the benchmark that asks how well writers are read that training has not seen, beside the same recipe in PyTorch."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass

from measure import HERE
from strokes_in_python import held_out
from train_rows import THREADS, Trainee, alternate, environment, fragua

sys.path.insert(0, str(HERE.parent))
import run_log

FIRST_SEED, EPOCHS, LONG = 42, 40, 60
UNLIMITED = 1_000_000

CONFIG = """\
name: run
device: cpu
precision: fp32
data:
  root: {folder}/datasets
  name: strokes
  source: [path: {{path: {file}}}]
task:
  keypoints:
    prepare: {{streams: {{pen: {{points: 1}}}}, values: [x, y, confidence], normalise: {normalise}}}
    split: {{by: signer, val: {val}}}
{more}"""

# What the network does as it is: no change of the sequences, a constant rate.
PLAIN = """\
    augment: {chances: {time_shift: 0, speed: 0, frame_drop: 0, noise: 0, place: 0}}
    model: {lstm: {}}
train:
  batch: 16
  patience: null
  clip_norm: 1.0
  optimizer: {adamw: {lr: 1.0e-3, weight_decay: 0.01}}
  schedule: constant
  warmup: {epochs: 0}
"""

# The recipe of docs/signs.md.
BEST = """\
    augment:
      {{noise: 0.003, rotate_degrees: 20, scale: 0.2,
       chances: {{time_shift: 0, speed: 0.7, frame_drop: 0.3, noise: 0.5, place: 1}}}}
    differences: [1]
    model: {model}
train:
  batch: {batch}
  patience: null
  optimizer: {{adamw: {{lr: 1.0e-3, weight_decay: 0.05}}}}
  schedule: {{cosine: {{min_lr: 1.0e-5}}}}
  warmup: {{epochs: 2}}
  ema_decay: 0.998
"""


@dataclass
class Told:
    """What a run reached: the share of right answers in the last epoch."""

    accuracy: float


def own_history(_run, folder):
    """What the program's history says of its last epoch."""
    path = folder / "run/history.json"
    try:
        row = json.loads(path.read_text())["epochs"][-1]
        return Told(row["scores"]["accuracy"])
    except (OSError, KeyError, IndexError, ValueError) as wrong:
        raise run_log.Unreadable(f"{path}: {wrong!r}") from wrong


def own_line(run, _folder):
    """What PyTorch's script prints."""
    return Told(json.loads(run.output.splitlines()[-1])["accuracy"])


def strokes_row(options, scratch):
    """Characters from the strokes of a pen, by writers that training has not seen; a round is a seed."""
    print(f"\n## strokes: unseen writers, {options.rounds} seeds from {FIRST_SEED}, {THREADS} threads", flush=True)
    if subprocess.run([HERE / "torch.sh"], check=False).returncode != 0:
        return False
    trainees = contenders(options.strokes, scratch)
    for number in range(options.rounds):
        for trainee in trainees:
            trainee.seed = FIRST_SEED + number
        folder = scratch / str(number)
        folder.mkdir()
        alternate(trainees, 1, folder)
    show(trainees)
    return not any(trainee.failure for trainee in trainees)


def contenders(file, scratch):
    """The program as it is and with two recipes, and PyTorch as the program is."""
    script = HERE / "strokes_in_python.py"
    best = lambda model, batch: BEST.format(model=model, batch=batch)

    def program(name, normalise, more, epochs):
        config = scratch / f"{len(list(scratch.glob('*.yaml')))}.yaml"
        config.write_text(CONFIG.format(folder=scratch, file=file, normalise=normalise, val=writers(file), more=more))
        trainee = Trainee(name, None, own_history)
        trainee.command = lambda folder: fragua(
            config, folder, UNLIMITED, f"seed={trainee.seed}", f"train.epochs={epochs}"
        )
        return trainee

    peer = Trainee("PyTorch lstm", None, own_line)
    flags = ["--epochs", str(EPOCHS), "--threads", str(THREADS)]
    peer.command = lambda _: [sys.executable, script, file, "--seed", str(peer.seed), *flags]
    return [
        program("fragua lstm", "none", PLAIN, EPOCHS),
        peer,
        program("fragua lstm, recipe", "sequence", best("{lstm: {}}", 16), EPOCHS),
        program(
            "fragua conv_transformer", "sequence", best("{conv_transformer: {causal: false, dropout: 0.3}}", 32), LONG
        ),
    ]


def writers(file):
    """The writers that only validate, as a list of the configuration."""
    import numpy as np

    with np.load(file) as arrays:
        signers = arrays["signers"]
    return json.dumps([str(signer) for signer in sorted(set(signers[held_out(signers)].tolist()))])


def show(trainees):
    """The table of what was reached."""
    print(f"{'':<26} {'accuracy':>9}  of each seed")
    for trainee in trainees:
        if not trainee.failure:
            each = [told.accuracy for told in trainee.runs]
            print(f"{trainee.name:<26} {statistics.mean(each):9.3f}  {', '.join(f'{value:.3f}' for value in each)}")
