"""A training step in moving coordinates in PyTorch, as one writes it there: what `fragua train` is compared with.

    carried_in_python.py --prepared FOLDER --network FILE.py [--precision fp32|bf16] [--flips] [--steps 60] ...

The network is the module that `fragua export --format python` writes; its weights are beside it. Each step makes a batch
from frames and motion that are in memory, mirrors and turns each window, follows the motion to the ways of all windows at
once, carries the frames, runs the network (in `torch.autocast` where bf16 is asked for), carries its forecast, and
minimises the absolute error and a soft CSI with AdamW on a clipped gradient. The motion is that which the program found.

Prints a JSON object per step, {"step", "loss", "seconds"}.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from pathlib import Path

# scripts/bench/torch.sh leaves CUDA's large libraries out. Functions that are looked up when they are called never miss them.
sys.setdlopenflags(os.RTLD_LAZY)

import numpy as np
import torch
from torch import nn

# Defaults of the program's configuration.
MIN_DBZ, MAX_DBZ, WIDTH_DBZ = -29.0, 65.0, 1.5
CSI_WEIGHT = 0.35
# As the program has them: cells between followed ones and the longest step in cells.
SPACING, LONGEST_STEP = 4, 8.0
# The layout of the motion beside prepared data: a header, then for each frame 256 counts and the motion at nodes.
HEADER_BYTES, COUNTS, NODE_CELLS = 24, 256, 8


class Windows:
    """The training windows of a prepared dataset of one level in the program's order, in memory."""

    def __init__(self, folder, inputs, targets):
        import zarr

        manifest = json.loads((folder / "windows.json").read_text())
        root, motions = zarr.open_group(folder, mode="r"), motion_of(folder)
        self.frames, self.motion, self.minutes = [], [], []
        first = 0
        for event in manifest["events"]:
            stored, seconds = root[event["path"]]["DBZ"][:, 0], root[event["path"]]["time"][:].astype(np.float64)
            for start in starts(event, len(stored), inputs + targets):
                now, end = start + inputs - 1, start + inputs + targets
                self.frames.append(stored[start:end])
                self.motion.append(motions[first + now])
                self.minutes.append((seconds[start:end] - seconds[now]) / 60)
            first += len(stored)

    def batches(self, size, flips):
        """Windows without end, in order; a last batch of an epoch that is short is left to the next one."""
        random = np.random.default_rng(0)
        whole = len(self.frames) // size * size
        while True:
            for first in range(0, whole, size):
                of = range(first, first + size)
                pairs = [(self.frames[index], self.motion[index]) for index in of]
                if flips:
                    pairs = [flipped(*pair, random) for pair in pairs]
                frames, motion = (torch.from_numpy(np.stack(part)) for part in zip(*pairs))
                minutes = torch.from_numpy(np.stack([self.minutes[index] for index in of])).float()
                yield ((frames.float() - 1) / 254).clamp_(min=0).unsqueeze(2), motion, minutes


def starts(event, frames, length):
    """The first frames of the windows of an event that trains. No window crosses a gap."""
    if event["side"] != "train":
        return []
    ends = [gap["after_frame"] + 1 for gap in event["gaps"]] + [frames]
    return [start for first, end in zip([0] + ends, ends) for start in range(first, end - length + 1)]


def motion_of(folder):
    """The motion of all frames, event after event, in cells per minute: (2, y, x) each."""
    kept = folder.with_name(folder.name + ".motion")
    facts = json.loads((kept / "facts.json").read_text())
    nodes = [cells // NODE_CELLS for cells in facts["size"]]
    values = np.fromfile(kept / "0000.shard", np.float32, offset=HEADER_BYTES)
    values = values.reshape(sum(facts["frames"]), COUNTS + 2 * nodes[0] * nodes[1])[:, COUNTS:]
    at_nodes = torch.from_numpy(values.reshape(-1, 2, *nodes).copy())
    return nn.functional.interpolate(at_nodes, scale_factor=NODE_CELLS, mode="bilinear").numpy()


def flipped(frames, motion, random):
    """A window and its motion, mirrored and turned at random."""
    down, across, turn = random.random(3) < 0.5
    if down:
        frames, motion = frames[:, ::-1], motion[:, ::-1] * np.float32([[[1]], [[-1]]])
    if across:
        frames, motion = frames[:, :, ::-1], motion[:, :, ::-1] * np.float32([[[-1]], [[1]]])
    if turn:
        frames, motion = frames.swapaxes(1, 2), motion[::-1].swapaxes(1, 2)
    return frames, motion


def follow(module, motion, minutes):
    """The ways of all windows at once, (b, times, 2, y, x), in as many steps as the fastest motion needs."""
    rows, columns = motion.shape[2:]
    mesh = [-(-(cells - 1) // SPACING) + 1 for cells in (rows, columns)]
    y, x = torch.meshgrid(*(SPACING * torch.arange(cells).to(motion) for cells in mesh), indexing="ij")
    origin = torch.stack([x, y])
    at = lambda place: module.look_up(motion, place[:, 0], place[:, 1])
    fastest, before = motion.abs().amax(), torch.zeros(len(motion))
    way, ways = motion.new_zeros(len(motion), 2, *mesh), []
    for now in minutes.unbind(1):
        steps = max(1, int(torch.ceil(fastest * (now - before).abs().max() / LONGEST_STEP)))
        step = ((now - before) / steps).view(-1, 1, 1, 1)
        before = now
        for _ in range(steps):
            middle = way - step / 2 * at(origin + way)
            way = way - step * at(origin + middle)
        ways.append(way)
    sides = [(cells - 1) * SPACING + 1 for cells in mesh]
    dense = nn.functional.interpolate(torch.stack(ways, 1).flatten(0, 1), sides, mode="bilinear", align_corners=True)
    return dense[:, :, :rows, :columns].unflatten(0, (len(motion), -1))


def follow_exactly(module, motion, minutes):
    """The same window by window, each in as many steps as its own motion needs: as the program does."""
    return torch.stack([module.follow(*window) for window in zip(motion, minutes)])


class Forecast:
    """From frames and motion to the forecast that the loss sees, which isn't held within 0 and 1."""

    def __init__(self, module, ways, frames, autocast):
        self.module, self.network, self.ways = module, module.load().train(), ways
        (self.inputs, self.seen), self.autocast = frames, autocast

    def __call__(self, frames, motion, minutes):
        frames = frames[:, -self.seen :]
        ages = -minutes[:, self.inputs - self.seen : self.inputs - 1].flip(1)
        leads = minutes[:, self.inputs :]
        ahead = self.ways(self.module, motion, leads)
        # At even intervals the way back to a frame is that of a forecast as far ahead.
        is_even = ages.shape[1] <= leads.shape[1] and torch.equal(ages, leads[:, : ages.shape[1]])
        back = ahead[:, : ages.shape[1]] if is_even else self.ways(self.module, motion, ages)
        carried = self.network.carried(frames, back)
        with self.autocast:
            change = self.network.network(carried)
        change, count = change.float(), leads.shape[1]
        grown = frames[:, -1:] + change[:, :count]
        moved = self.module.look_up(grown.flatten(0, 1), *self.module.ends(ahead.flatten(0, 1)))
        return moved.view(grown.shape) + change[:, count:]


class Loss:
    """The absolute error, and the misses and false alarms of soft events, by the constants that the program measured."""

    def __init__(self, folder):
        expected = json.loads(next(folder.glob("expected-*.json")).read_text())["expected"]
        span = MAX_DBZ - MIN_DBZ
        of = lambda each: ((each["threshold"] - MIN_DBZ) / span, torch.tensor(each["csi"]).view(-1, 1, 1, 1), each["event_share"])
        self.thresholds, self.width = [of(each) for each in expected["thresholds"]], WIDTH_DBZ / span

    def __call__(self, forecast, target):
        misplaced = 0
        for threshold, index, share in self.thresholds:
            observed = (target > threshold + 1e-5).float()
            # observed * (1 - soft) + index * (1 - observed) * soft, in fewer passes over the cells
            soft = torch.sigmoid((forecast - threshold) / self.width)
            misplaced = misplaced + (observed + soft * (index - observed * (1 + index))).mean() / share
        return (forecast - target).abs().mean() + CSI_WEIGHT * misplaced / len(self.thresholds)


def imported(path):
    """The module in a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    options = arguments()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16")
    windows = Windows(options.prepared, options.input_frames, options.target_frames)
    ways, frames = follow_exactly if options.exact else follow, (options.input_frames, options.seen_frames)
    forecast = Forecast(imported(options.network), ways, frames, autocast)
    if options.channels_last:
        forecast.network.to(memory_format=torch.channels_last)
    loss_of = Loss(options.prepared)
    parameters = list(forecast.network.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=options.lr, weight_decay=1e-5)
    batches = windows.batches(options.batch, options.flips)
    for step in range(1, options.steps + 1):
        began = time.perf_counter()
        frames, motion, minutes = next(batches)
        prediction = forecast(frames[:, : options.input_frames], motion, minutes)
        loss = loss_of(prediction, frames[:, options.input_frames :])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        print(json.dumps({"step": step, "loss": loss.item(), "seconds": time.perf_counter() - began}), flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prepared", type=Path, required=True, help="a prepared dataset of one level, its motion beside it")
    parser.add_argument("--network", type=Path, required=True, help="the exported module, its weights beside it")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--flips", action="store_true", help="mirror and turn windows at random")
    parser.add_argument("--exact", action="store_true", help="follow each window by itself, which is slower")
    parser.add_argument("--channels-last", action="store_true", help="weights, and so images, with the channels of a cell together")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--input-frames", type=int, default=8)
    parser.add_argument("--seen-frames", type=int, required=True, help="the last ones of the input, which the network sees")
    parser.add_argument("--target-frames", type=int, default=7)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1e-5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
