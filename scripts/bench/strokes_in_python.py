"""The usual recurrent classifier on strokes of a pen in PyTorch: what the program's accuracy on unseen writers is compared with.

    strokes_in_python.py FILE --seed 42 --epochs 40

The recipe is the program's own as it is: AdamW at 1e-3, weight decay 0.01, batches of 16 in a new order in every epoch, smoothed
labels, a clipped gradient, no augmentation. Prints {"accuracy": of the last epoch on the writers that were held out}.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
from signs_in_python import network

# scripts/bench/torch.sh leaves CUDA's large libraries out. Functions that are looked up when they are called never miss them.
sys.setdlopenflags(os.RTLD_LAZY)

# The writers of an alphabet, and those of them that only validate.
WRITERS, HELD_OUT = 20, (16, 17, 18, 19)


def held_out(signers):
    """Which sequences are by writers that training does not see; a writer's number is that in its alphabet, plus 20 for each before."""
    return np.isin(np.asarray(signers) % WRITERS, HELD_OUT)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a packed npz file with the stream pen")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    import torch
    from torch import nn

    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    with np.load(options.file) as file:
        offsets, labels, pen = file["offsets"], torch.from_numpy(file["labels"]), torch.from_numpy(file["pen"])
        unseen, classes = held_out(file["signers"]), len(file["names"])
    sequences = [pen[start:end] for start, end in zip(offsets, offsets[1:])]
    model = network({"pen": 1}, values=pen.shape[1], classes=classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)

    def logits(chosen):
        padded = nn.utils.rnn.pad_sequence([sequences[sample] for sample in chosen], batch_first=True)
        return model([padded], torch.tensor([len(sequences[sample]) for sample in chosen]))

    seen = np.flatnonzero(~unseen)
    for _ in range(options.epochs):
        model.train()
        order = seen[torch.randperm(len(seen)).numpy()]
        for first in range(0, len(order), options.batch):
            chosen = order[first : first + options.batch]
            loss = nn.functional.cross_entropy(logits(chosen), labels[chosen], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    model.eval()
    with torch.no_grad():
        chosen = np.flatnonzero(unseen)
        right = sum(
            int((logits(part).argmax(1) == labels[part]).sum()) for part in np.array_split(chosen, len(chosen) // 64 + 1)
        )
    print(json.dumps({"accuracy": right / len(chosen)}))


if __name__ == "__main__":
    main()
