"""Training of the recurrent classifier of sequences in PyTorch: what `fragua train` is compared with.

    signs_in_python.py make FILE             a packed file of sequences with a length of 14 to 48 frames
    signs_in_python.py train FILE            trains on it in the order of the file

The network is the usual one: for hands, body and face a projection and two layers of nn.LSTM over the padded batch, put together
frame by frame, the mean of the real frames, 505 classes; AdamW and a clipped gradient. Batches are padded and made in the
process itself, from arrays that are in memory as a whole: nothing waits for a disk or another process.

`train` prints {"seconds", "losses"}: the median seconds of a step from the step `--skip` on, and all losses.
"""

import argparse
import json
import os
import statistics
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

# scripts/bench/torch.sh leaves CUDA's large libraries out. Functions that are looked up when they are called never miss them.
sys.setdlopenflags(os.RTLD_LAZY)

STREAMS = {"hand": 42, "body": 33, "face": 468}
VALUES, SHORTEST, LONGEST, CLASSES, SAMPLES = 4, 14, 48, 505, 640


def make(path):
    """Each class has a place in hands, body and face, around which its points move."""
    random = np.random.default_rng(7)
    lengths = random.integers(SHORTEST, LONGEST + 1, SAMPLES)
    labels = np.arange(SAMPLES) % CLASSES
    arrays = {}
    for name, points in STREAMS.items():
        places = random.uniform(0.2, 0.8, (CLASSES, points, 2))
        rows = places[np.repeat(labels, lengths)] + random.normal(0, 0.02, (lengths.sum(), points, 2))
        confidence = np.ones((len(rows), points, 1))
        full = np.concatenate([rows, 0 * confidence, confidence], 2).astype(np.float32)
        arrays[name] = full.reshape(len(rows), points * VALUES)
    np.savez(
        path,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        labels=labels.astype(np.int64),
        names=np.array([f"sign {number:03}" for number in range(CLASSES)]),
        ids=np.array([f"{number:05}" for number in range(SAMPLES)]),
        **arrays,
    )


def network(streams=STREAMS, values=VALUES, classes=CLASSES):
    """The usual classifier: `streams` has the points of each, `values` are the numbers of a point."""
    import torch
    from torch import nn

    class Branch(nn.Module):
        def __init__(self, inputs, hidden=256):
            super().__init__()
            wide = [nn.Linear(inputs, 2 * hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(2 * hidden, hidden)]
            narrow = [nn.Linear(inputs, hidden), nn.ReLU()]
            self.project = nn.Sequential(*(wide if inputs > 1000 else narrow))
            self.lstm = nn.LSTM(hidden, hidden, 2, batch_first=True, dropout=0.1)
            self.norm = nn.LayerNorm(hidden)

        def forward(self, frames):
            return self.norm(self.lstm(self.project(frames))[0])

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.branches = nn.ModuleList(Branch(points * values) for points in streams.values())
            self.fusion = nn.Sequential(
                nn.Linear(256 * len(streams), 512), nn.ReLU(), nn.Dropout(0.1), nn.LayerNorm(512)
            )
            self.classify = nn.Sequential(nn.Dropout(0.1), nn.Linear(512, classes))

        def forward(self, streams, lengths):
            read = [branch(stream) for branch, stream in zip(self.branches, streams)]
            frames = self.fusion(torch.cat(read, 2))
            real = torch.arange(frames.shape[1])[None, :] < lengths[:, None]
            return self.classify((frames * real[..., None]).sum(1) / lengths[:, None])

    return Classifier()


def train(options):
    """Prints what the steps took."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    with np.load(options.file) as file:
        offsets, labels = file["offsets"], torch.from_numpy(file["labels"])
        streams = [torch.from_numpy(file[name]) for name in STREAMS]
    order = np.arange(len(labels))

    def batches():
        while True:
            for first in range(0, len(order) - options.batch + 1, options.batch):
                chosen = order[first : first + options.batch]
                spans = [(offsets[sample], offsets[sample + 1]) for sample in chosen]
                padded = [
                    nn.utils.rnn.pad_sequence([stream[start:end] for start, end in spans], batch_first=True)
                    for stream in streams
                ]
                yield padded, torch.tensor([end - start for start, end in spans]), labels[chosen]

    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    autocast = torch.autocast("cpu", torch.bfloat16) if options.precision == "bf16" else nullcontext()
    losses, moments = [], []
    for _, (padded, lengths, truth) in zip(range(options.steps), batches()):
        with autocast:
            logits = model(padded, lengths)
        loss = nn.functional.cross_entropy(logits.float(), truth, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        moments.append(time.perf_counter())
    seconds = [end - start for start, end in zip(moments[options.skip :], moments[options.skip + 1 :])]
    print(json.dumps({"seconds": statistics.median(seconds), "losses": losses}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["make", "train"])
    parser.add_argument("file", type=Path, help="a packed npz file")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--skip", type=int, default=10, help="steps that are not measured")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    make(options.file) if options.what == "make" else train(options)


if __name__ == "__main__":
    main()
