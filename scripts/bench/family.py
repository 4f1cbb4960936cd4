"""The memory of a process and of all that it started, while they run. Pages that several of them share count once."""

import threading
from pathlib import Path

SECONDS_BETWEEN = 0.2


class Family:
    """Looks at a process until it is left: `with Family(pid) as family`, then `family.peak_mb`."""

    def __init__(self, pid):
        self.pid, self.peak_mb = pid, 0.0
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._left.set()
        self._thread.join()

    def _watch(self):
        while not self._left.wait(SECONDS_BETWEEN):
            self.peak_mb = max(self.peak_mb, sum(share_mb(pid) for pid in members(self.pid)))


def members(pid):
    """A process and its descendants."""
    try:
        children = [line.split() for line in (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))]
    except OSError:
        return [pid]
    return [pid] + [member for some in children for child in some for member in members(int(child))]


def share_mb(pid):
    """The memory of a process, of shared pages its share; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except OSError:
        return 0.0
