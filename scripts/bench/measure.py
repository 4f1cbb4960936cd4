"""Runs one program in its own process and returns the kernel's counts; the checks that every row needs."""

import ctypes
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from family import Family

ROOT = Path(__file__).resolve().parents[2]
FRAGUA = ROOT / "target/debug/fragua"
HERE = Path(__file__).parent
# Processes whose parent has ended become children of this one, so that their time is counted too.
PR_SET_CHILD_SUBREAPER = 36
# How long they may take to end.
LEFT_BEHIND_SECONDS = 5.0


@dataclass
class Run:
    """What the kernel counted for one process and all that it started, and when it began, in seconds since 1970."""

    wall: float
    cpu: float
    peak_mb: float
    began: float
    output: str
    # Of the process and all that it started, looked at a few times a second.
    family_mb: float = 0.0
    # What it wrote to stderr.
    errors: str = ""


def measure(command, env=None):
    """Runs a command to its end; returns its figures, or the reason why there are none."""
    os.sync()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began, clock = time.time(), time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=env)
        with Family(process.pid) as family:
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - clock
        cpu = usage.ru_utime + usage.ru_stime + left_behind()
        process.returncode = os.waitstatus_to_exitcode(status)
        told, wrong = read(output), read(errors)
    if process.returncode != 0:
        return None, f"exit {process.returncode}: " + " | ".join((told + wrong).strip().splitlines()[-3:])
    return Run(wall, cpu, usage.ru_maxrss / 1024, began, told, family.peak_mb, wrong), ""


def left_behind():
    """The CPU time of processes that a program started and did not wait for."""
    until, seconds = time.monotonic() + LEFT_BEHIND_SECONDS, 0.0
    while time.monotonic() < until:
        try:
            process, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if process:
            seconds += usage.ru_utime + usage.ru_stime
        else:
            time.sleep(0.01)
    return seconds


def read(file):
    """All that was written to a file."""
    file.seek(0)
    return file.read().decode(errors="replace")


def verdict(share, target):
    """Whether a share of a contender's time or memory is as small as was aimed at."""
    return "met" if share <= target else f"missed by {share / target - 1:.0%}"
