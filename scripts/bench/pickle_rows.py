"""Preparing sequences of keypoints: pickles as trainers of signs write them, against Python's own reader of them.

    pickle_rows.py FOLDER           reads every pickle below the folder, and no more
    pickle_rows.py FOLDER FILE      also makes arrays of x, y, z and confidence, and writes them into one file
"""

import json
import os
import pickle
import random
import sys
from pathlib import Path

from measure import FRAGUA, HERE

# A published dataset of signs: so many sequences of so many words, 15 frames each at the median, 340 MB in all.
SEQUENCES, WORDS = 2281, 505
LENGTH, SPREAD, LONGEST = 2.64, 0.45, 77
PARTS = {"pose": 33, "left_hand": 21, "right_hand": 21, "face": 468}
# The share of hands that are not seen: all their points are at the same place.
UNSEEN = 0.2

CONFIG = """\
data:
  root: {root}
  name: signs
  source: [{{path: {{path: {source}}}}}]
task: {{keypoints: {{}}}}
"""


def part(name, points, chance):
    """Where the points of a part are in a frame."""
    if name.endswith("hand") and chance.random() < UNSEEN:
        return {"x": [1.0] * points, "y": [1.0] * points}
    return {"x": [chance.random() for _ in range(points)], "y": [chance.random() for _ in range(points)]}


def pickles(folder):
    """Writes a list of words and a pickle for each sequence; returns their size in MB."""
    chance, words, total = random.Random(42), {}, 0
    folder.mkdir(parents=True)
    for number in range(SEQUENCES):
        word, name = f"word {number % WORDS}", f"sequence_{number}"
        frames = min(LONGEST, max(1, int(chance.lognormvariate(LENGTH, SPREAD))))
        sequence = [{name: part(name, points, chance) for name, points in PARTS.items()} for _ in range(frames)]
        content = pickle.dumps(sequence, protocol=4)
        (folder / f"{name}.pkl").write_bytes(content)
        total += len(content)
        instance = {"keypoints_path": f"./{name}.pkl", "unique_name": name, "source_video_name": "one"}
        words.setdefault(word, {"gloss": word, "instances": []})["instances"].append(instance)
    (folder / "dict.json").write_text(json.dumps(dict(enumerate(words.values()))))
    return total / 1e6


def pickles_row(options, scratch, race, contender):
    """Preparing them, which hashes, reads, checks and stores each; Python hashes and checks nothing."""
    source = scratch / "pickles"
    megabytes = pickles(source)

    def ours(folder):
        config = folder / "bench.yaml"
        config.write_text(CONFIG.format(root=folder / "datasets", source=source))
        return [str(FRAGUA), "prepare", "--config", str(config)]

    def python(folder, *more):
        return [sys.executable, HERE / "pickle_rows.py", source, *(folder / name for name in more)]

    contenders = [
        contender("fragua prepare", ours),
        contender("Python, pickle.load", python),
        contender("Python, into arrays", lambda folder: python(folder, "all.npy"), target=1),
    ]
    title = f"prepare {SEQUENCES} pickles of keypoints ({megabytes:.0f} MB)"
    return race(title, contenders, options.rounds, scratch, "sequences", SEQUENCES)


def rows(sequence):
    """A row for each frame: x, y, z and confidence of every point; z is absent and every point is seen."""
    import numpy as np

    values = [np.array([frame[name]["x"], frame[name]["y"]], np.float32) for frame in sequence for name in PARTS]
    points = np.concatenate(values, axis=1).reshape(2, len(sequence), -1)
    whole = np.stack([*points, np.zeros_like(points[0]), np.ones_like(points[0])], axis=-1)
    return whole.reshape(len(sequence), -1)


def read(folder, into=None):
    """Reads every pickle, and writes all of their rows if a file is given."""
    made = []
    for path in sorted(Path(folder).rglob("*.pkl")):
        with path.open("rb") as file:
            sequence = pickle.load(file)
        if into:
            made.append(rows(sequence))
    if into:
        import numpy as np

        np.save(into, np.concatenate(made))
        os.sync()


if __name__ == "__main__":
    read(*sys.argv[1:3])
