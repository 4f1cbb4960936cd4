"""What a run of the program tells about its training, read from `log.jsonl` in its folder: one event a line.

Only reading and arithmetic; starting and judging runs is elsewhere (gpu_check.py, bench/train_rows.py).
"""

import json
import statistics
from datetime import datetime
from pathlib import Path


class Unreadable(Exception):
    """A log that is not there, or that does not hold what is looked for."""


def events(folder):
    """The events of a run in order. A last line that was cut off is left out, as the program does when it resumes."""
    path = Path(folder) / "log.jsonl"
    try:
        lines = path.read_text().split("\n")
    except FileNotFoundError:
        raise Unreadable(f"{path} is not there: did the run begin to train?") from None
    return [json.loads(line) for line in lines[:-1] if line]


def of_kind(log, kind):
    """The events of one kind."""
    return [event for event in log if event["event"] == kind]


def last_start(log):
    """The events since training was started last, so those of one process."""
    starts = [index for index, event in enumerate(log) if event["event"] == "started"]
    if not starts:
        raise Unreadable("the log has no start of training")
    return log[starts[-1] :]


def moment(event):
    """When an event was, in seconds since 1970."""
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def step_seconds(log, skip):
    """The seconds of each step but the first ones, for steps that follow each other within an epoch of one process."""
    steps = of_kind(last_start(log), "stepped")[skip:]
    pairs = [(one, two) for one, two in zip(steps, steps[1:]) if one["epoch"] == two["epoch"]]
    return [two["cost"]["seconds"] - one["cost"]["seconds"] for one, two in pairs if two["step"] == one["step"] + 1]


def samples_per_second(log, skip):
    """The median over steps of what an epoch's samples passed at."""
    steps = of_kind(last_start(log), "stepped")[skip:]
    rates = [
        (two["seen"] - one["seen"]) / (two["cost"]["seconds"] - one["cost"]["seconds"])
        for one, two in zip(steps, steps[1:])
        if one["epoch"] == two["epoch"]
    ]
    if not rates:
        raise Unreadable(f"the log has {len(steps)} steps after the first {skip}, at least two of one epoch are needed")
    return statistics.median(rates)


def losses(log):
    """The loss of each step, by the number of the step. A step that was made again after a resume counts as made last."""
    return {event["step"]: dict(event["parts"])["loss"] for event in of_kind(log, "stepped")}


def worst_difference(one, other):
    """The largest difference of two losses of the same step, as a share of the first; with the number of steps compared."""
    both = sorted(one.keys() & other.keys())
    if not both:
        raise Unreadable("the two runs have no step in common")
    return max(apart(one[step], other[step]) for step in both), len(both)


def apart(one, other):
    """The difference of two losses as a share of the first; without end where one is no number, which JSON has as null."""
    return float("inf") if one is None or other is None else abs(one - other) / abs(one)
