"""Runs `cargo test` and ends it if a test hangs.

    deadline.py SECONDS COMMAND...

libtest says once, after a minute, that a test still runs. A test that has not ended so many seconds after that is named, and
all processes of the command are killed. The exit code is that of the command, or 124.
"""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time

LATE = re.compile(r"test (.+) has been running for over \d+ seconds")
ENDED = re.compile(r"test (.+) \.\.\. ")


class Watch:
    """The tests that libtest has called late and that have not ended."""

    def __init__(self, seconds):
        self.seconds, self.late = seconds, {}

    def hear(self, line, now):
        """Takes in a line of the output."""
        if found := LATE.match(line):
            self.late[found[1]] = now
        elif found := ENDED.match(line):
            self.late.pop(found[1], None)

    def hung(self, now):
        """The tests whose time is over."""
        return [test for test, since in self.late.items() if now - since >= self.seconds]


def lines_of(process):
    """The lines that a process writes, in a queue; None at the end."""
    lines = queue.Queue()

    def read():
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def run(seconds, command, out=sys.stdout):
    """Runs the command; its exit code, or 124."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
    lines, watch = lines_of(process), Watch(seconds)
    try:
        while True:
            try:
                line = lines.get(timeout=min(seconds, 1))
            except queue.Empty:
                line = ""
            if line is None:
                return process.wait()
            out.write(line)
            out.flush()
            watch.hear(line, time.monotonic())
            if hung := watch.hung(time.monotonic()):
                out.write(f"deadline: ended, as these tests hang: {', '.join(hung)}\n")
                return 124
    finally:
        # What is left, a hanging test or all of it after a Ctrl-C.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
