"""Training of the character classifier in PyTorch, in two ways: what `fragua train` is compared with.

    classify_in_python.py folder IMAGES      torchvision's ImageFolder and transforms, two loader processes
    classify_in_python.py memory IMAGES      all images in memory as bytes, augmented batch by batch

Both train CharCNN_v2 with AdamW, label smoothing and a clipped gradient, on images changed as by the program's default:
rotated, shifted, zoomed, with noise. `folder` is how it is usually written; `memory` is the fastest way that needs nothing but
PyTorch: one gather, one sampling and one noise for a batch, the fused optimizer, no number read from the device in between.

Prints {"images_per_second", "losses", "first_step"}: measured from the step `--skip` on; the time of the first step is in
seconds since 1970.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

# scripts/bench/torch.sh leaves CUDA's large libraries out. Functions that are looked up when they are called never miss them.
sys.setdlopenflags(os.RTLD_LAZY)

import torch
import torch.nn.functional as F
from torch import nn

ROTATE_DEGREES, SHIFT, ZOOM, NOISE = 15.0, 0.1, 0.1, 0.05


class CharCnn(nn.Module):
    CHANNELS, WIDTHS = (1, 32, 64, 128, 256), (2304, 512, 256, 128)

    def __init__(self, classes, dropout=0.2):
        super().__init__()
        for number, (inputs, outputs) in enumerate(zip(self.CHANNELS, self.CHANNELS[1:]), 1):
            setattr(self, f"conv{number}", nn.Conv2d(inputs, outputs, 3, padding=1))
            setattr(self, f"bn{number}", nn.BatchNorm2d(outputs))
        for number, (inputs, outputs) in enumerate(zip(self.WIDTHS, self.WIDTHS[1:]), 1):
            setattr(self, f"fc{number}", nn.Linear(inputs, outputs))
            setattr(self, f"bn_fc{number}", nn.BatchNorm1d(outputs))
        self.fc4 = nn.Linear(self.WIDTHS[-1], classes)
        self.dropout, self.half_dropout = nn.Dropout(dropout), nn.Dropout(dropout / 2)

    def forward(self, images):
        for number in range(1, 5):
            images = F.relu(getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(images)))
            images = self.half_dropout(F.max_pool2d(images, 2)) if number < 4 else self.dropout(images)
        vectors = images.flatten(1)
        for number in range(1, 4):
            vectors = self.dropout(F.relu(getattr(self, f"bn_fc{number}")(getattr(self, f"fc{number}")(vectors))))
        return self.fc4(vectors)


def add_noise(images):
    return (images + NOISE * torch.randn_like(images)).clamp_(0, 1)


def from_folder(folder, batch):
    """Epoch after epoch through DataLoader."""
    from torchvision import datasets, transforms

    torch.set_num_threads(2)
    steps = [
        transforms.Grayscale(),
        transforms.RandomAffine(
            ROTATE_DEGREES,
            translate=(SHIFT, SHIFT),
            scale=(1 - ZOOM, 1 + ZOOM),
            interpolation=transforms.InterpolationMode.BILINEAR,
        ),
        transforms.ToTensor(),
        transforms.Lambda(add_noise),
    ]
    dataset = datasets.ImageFolder(folder, transforms.Compose(steps))
    loader = torch.utils.data.DataLoader(
        dataset, batch, shuffle=True, num_workers=2, drop_last=True, persistent_workers=True
    )

    def batches():
        while True:
            yield from loader

    return len(dataset.classes), batches()


def from_memory(folder, batch):
    """Batches of an order of all images, augmented at once."""
    import numpy as np
    from PIL import Image

    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [(path, number) for number, of_class in enumerate(classes) for path in sorted(of_class.glob("*.png"))]
    images = torch.from_numpy(np.stack([np.asarray(Image.open(path).convert("L")) for path, _ in files]))
    truth = torch.tensor([number for _, number in files])

    def batches():
        while True:
            for places in torch.randperm(len(files)).split(batch):
                if len(places) == batch:
                    yield augmented(images[places]), truth[places]

    return len(classes), batches()


def augmented(levels):
    images = levels.unsqueeze(1).float().div_(255)
    count = len(images)
    within = lambda most: (torch.rand(count) * 2 - 1) * most
    angle, zoom = within(math.radians(ROTATE_DEGREES)), 1 + within(ZOOM)
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    shift = [within(2 * SHIFT), within(2 * SHIFT)]
    rows = [[cos, -sin, -cos * shift[0] + sin * shift[1]], [sin, cos, -sin * shift[0] - cos * shift[1]]]
    grid = F.affine_grid(torch.stack([torch.stack(row, 1) for row in rows], 1), images.shape, align_corners=False)
    return add_noise(F.grid_sample(images, grid, align_corners=False))


def main():
    options = arguments()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    ways = {"folder": from_folder, "memory": from_memory}
    classes, batches = ways[options.way](options.images, options.batch)
    model = CharCnn(classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01, fused=options.way == "memory" or None)
    losses, first_step, began = [], None, None
    for step, (images, truth) in zip(range(options.steps), batches):
        if step == options.skip:
            began = time.perf_counter()
        loss = F.cross_entropy(model(images), truth, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
        first_step = first_step or time.time()
    seconds = time.perf_counter() - began
    rate = (options.steps - options.skip) * options.batch / seconds
    told = {"images_per_second": rate, "losses": [loss.item() for loss in losses], "first_step": first_step}
    print(json.dumps(told))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=["folder", "memory"])
    parser.add_argument("images", type=Path, help="a folder with a folder of PNG files for each class")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--skip", type=int, default=20, help="steps that are not measured")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
