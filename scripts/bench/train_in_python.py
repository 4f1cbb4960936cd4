"""The training step of the reference system in PyTorch, as one writes it there: what `fragua train` is compared with.

    train_in_python.py [--prepared FOLDER] [--weights FILE] [--precision fp32|bf16] [--steps 12] ...

A stack of ConvLSTM layers with LayerNorm between them, a convolution and a sigmoid for all target frames at once; half
weighted Huber, half 1 - SSIM by torchmetrics; AdamW on a clipped gradient; `torch.autocast` where bf16 is asked for, with
the loss in fp32. The reference system's gradient checkpointing, which trades time for memory, is left out. Written apart
from the Rust code; the same weights and windows give the same losses, which the benchmark checks.

Prints a JSON object per step, {"step", "loss", "gradient_norm", "seconds"}, and at the end {"peak_mb"}.
"""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

# scripts/bench/torch.sh leaves CUDA's large libraries out. Functions that are looked up when they are called never miss them.
sys.setdlopenflags(os.RTLD_LAZY)

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from torchmetrics.functional.image import structural_similarity_index_measure

# Defaults of the program's configuration: dBZ that are 0 and 1 to the model, and above which an echo is strong.
MIN_DBZ, MAX_DBZ, HIGH_DBZ, HIGH_WEIGHT = -29.0, 65.0, 8.6, 10.0
SSIM_WEIGHT, HUBER_DELTA = 0.5, 1.0


class Layer(nn.Module):
    """A recurrent layer: from frames (b, t, c, y, x) to a hidden state for each of them, normalised if configured."""

    def __init__(self, inputs, hidden, size, normalise):
        super().__init__()
        self.hidden = hidden
        self.conv = nn.Conv2d(inputs + hidden, 4 * hidden, 3, padding=1)
        if normalise:
            self.norm = nn.LayerNorm([hidden, *size])

    def forward(self, frames):
        batch, _, _, rows, columns = frames.shape
        hidden = cell = frames.new_zeros(batch, self.hidden, rows, columns)
        states = []
        for frame in frames.unbind(1):
            gates = self.conv(torch.cat([frame, hidden], dim=1))
            into, forget, out, new = gates.chunk(4, dim=1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(new)
            hidden = torch.sigmoid(out) * torch.tanh(cell)
            states.append(hidden)
        states = torch.stack(states, dim=1)
        return self.norm(states) if hasattr(self, "norm") else states


class ConvLstm(nn.Module):
    """Parameters have the names and shapes of the program's weight files."""

    def __init__(self, hidden, size, target_frames):
        super().__init__()
        inputs = [1, *hidden]
        self.layers = nn.ModuleList(
            Layer(inputs[index], channels, size, index + 1 < len(hidden)) for index, channels in enumerate(hidden)
        )
        self.head = nn.Conv2d(hidden[-1], target_frames, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, frames):
        for layer in self.layers:
            frames = layer(frames)
        return torch.sigmoid(self.head(frames[:, -1])).unsqueeze(2)


def loss_of(prediction, target):
    """Both halves of the loss, in fp32."""
    high = (HIGH_DBZ - MIN_DBZ) / (MAX_DBZ - MIN_DBZ)
    weights = torch.where(target > high, HIGH_WEIGHT, 1.0)
    huber = (F.huber_loss(prediction, target, reduction="none", delta=HUBER_DELTA) * weights).mean()
    similarity = structural_similarity_index_measure(prediction.flatten(0, 1), target.flatten(0, 1), data_range=1.0)
    return (1 - SSIM_WEIGHT) * huber + SSIM_WEIGHT * (1 - similarity)


def prepared_windows(folder, frames, stride):
    """The training windows of a prepared dataset of one level in the program's order, as stored: uint8 (t, y, x)."""
    import zarr

    manifest = json.loads((folder / "windows.json").read_text())
    root, windows = zarr.open_group(folder, mode="r"), []
    for event in manifest["events"]:
        if event["side"] != "train":
            continue
        stored = root[event["path"]]["DBZ"][:, 0]
        # No window crosses a gap: windows start again after it.
        for segment in np.split(stored, [gap["after_frame"] + 1 for gap in event["gaps"]]):
            windows += [segment[start : start + frames] for start in range(0, len(segment) - frames + 1, stride)]
    return windows


def random_windows(frames, size, count):
    """Smooth fields, for a look at the speed without a dataset."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (frames, *size), dtype=np.uint8) for _ in range(count)]


def batches(windows, size):
    """Windows without end, in order; a last batch of an epoch that is short is left to the next one."""
    whole = len(windows) // size * size
    while True:
        for first in range(0, whole, size):
            yield np.stack(windows[first : first + size])


def normalised(stored):
    """From stored bytes, 0 missing and else 1 to 255, to 0 to 1; missing is no echo."""
    return ((torch.from_numpy(stored).float() - 1) / 254).clamp_(min=0).unsqueeze(2)


def main():
    options = arguments()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    size, frames = [options.size, options.size], options.input_frames + options.target_frames
    model = ConvLstm(options.hidden, size, options.target_frames)
    if options.write_weights:
        save_file({name: value.detach() for name, value in model.named_parameters()}, options.write_weights)
        return
    if options.weights:
        model.load_state_dict(load_file(options.weights))
    if options.prepared:
        windows = prepared_windows(options.prepared, frames, options.stride)
    else:
        windows = random_windows(frames, size, 4 * options.batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, weight_decay=1e-5)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16")
    for step, stored in zip(range(1, options.steps + 1), batches(windows, options.batch)):
        began = time.perf_counter()
        batch = normalised(stored)
        with autocast:
            prediction = model(batch[:, : options.input_frames])
        loss = loss_of(prediction.float(), batch[:, options.input_frames :])
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        told = {"step": step, "loss": loss.item(), "gradient_norm": norm.item(), "seconds": time.perf_counter() - began}
        print(json.dumps(told), flush=True)
    print(json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prepared", type=Path, help="a prepared dataset of one level; without it the frames are noise")
    parser.add_argument("--weights", type=Path, help="a safetensors file with the weights to begin with")
    parser.add_argument("--write-weights", type=Path, help="write initial weights there and end")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=125, help="rows and columns of a frame")
    parser.add_argument("--hidden", type=lambda text: [int(part) for part in text.split(",")], default=[32, 32, 32])
    parser.add_argument("--input-frames", type=int, default=8)
    parser.add_argument("--target-frames", type=int, default=7)
    parser.add_argument("--stride", type=int, default=1, help="frames between the starts of two windows")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
