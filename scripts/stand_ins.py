"""A folder of stand-ins in which a test calls a real script: filled by the test, removed at its end."""

import tempfile
import time
import unittest
from pathlib import Path


class Tree(unittest.TestCase):
    CHECKOUT = "check out"
    """The folder of the script's checkout; its name has a space, as those of users may have."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.root = self.folder / self.CHECKOUT

    def put(self, name, text):
        """Writes an executable file atomically: a script that runs already must not read half of it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f"{path.name}.new")
        written.write_text(text)
        written.chmod(0o755)
        written.replace(path)

    def until(self, is_so, state):
        """Waits until something is so; after half a minute the test fails and shows the state."""
        for _ in range(3000):
            if is_so():
                return
            time.sleep(0.01)
        self.fail(f"waited in vain: {state()}")
