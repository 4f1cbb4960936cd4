"""Runs docker/dev.sh with stand-ins for cargo, inotifywait and the program, which log their calls."""

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from stand_ins import Tree

SCRIPT = Path(__file__).resolve().parent.parent / "docker/dev.sh"

# Builds at once, fails, or takes long, depending on the file `build`.
CARGO = """#!/usr/bin/env bash
cd "$ROOT"
trap 'echo build ended >>events; exit 143' TERM
echo "cargo $*" >>events
case $(cat build) in
  fails) exit 101 ;;
  long) while :; do sleep 0.02; done ;;
esac
"""

# Sees a change when there is a file `change`, with the exit code in it.
INOTIFYWAIT = """#!/usr/bin/env bash
cd "$ROOT"
echo watching >>events
while [[ ! -s change ]]; do sleep 0.02; done
code=$(cat change)
rm change
exit "$code"
"""

# Trains until it is stopped, or exits at once if the file `program` has an exit code.
PROGRAM = """#!/usr/bin/env bash
cd "$ROOT"
trap 'echo saved >>events; exit 143' TERM
echo "fragua $*" >>events
[[ ! -s program ]] || exit "$(cat program)"
while :; do sleep 0.02; done
"""


class Dev(Tree):
    CHECKOUT = "."

    def setUp(self):
        super().setUp()
        for name, text in (("bin/cargo", CARGO), ("bin/inotifywait", INOTIFYWAIT), ("target/debug/fragua", PROGRAM)):
            self.put(name, text)
        for name in ("src/Cargo.toml", "src/src/main.rs", "build", "events"):
            self.put(name, "")

    def start(self, **more):
        environment = os.environ | {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}", "ROOT": str(self.root), "FRAGUA_DEV_SOURCES": str(self.root / "src"),
            "CARGO_TARGET_DIR": str(self.root / "target"),
        } | more
        self.output = self.root / "output"
        with open(self.output, "w") as output:
            process = subprocess.Popen([SCRIPT, "train"], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.terminate()
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.fail("it did not end on SIGTERM")

    def events(self):
        return (self.root / "events").read_text().splitlines()

    def until(self, is_so):
        super().until(is_so, lambda: f"{self.events()}; {self.output.read_text()}")

    def until_events(self, event, count=1):
        self.until(lambda: self.events().count(event) >= count)

    def test_a_change_ends_the_program_builds_and_starts_it_again(self):
        process = self.start()
        self.until_events("fragua train")
        self.put("change", "0")
        self.until_events("fragua train", 2)
        self.assertEqual(sorted(self.events()), sorted(["watching", "cargo build --bin fragua", "fragua train"] * 2 + ["saved"]))
        self.assertIn("the sources changed", self.output.read_text())
        self.assertEqual(self.end(process), 143)
        self.assertEqual(self.events().count("saved"), 2)

    def test_a_change_while_it_builds_is_not_missed(self):
        self.put("build", "fails")
        self.put("change", "0")
        self.start()
        self.until_events("watching", 2)
        self.assertIn("does not build", self.output.read_text())

    def test_after_the_end_of_the_program_a_change_is_waited_for(self):
        self.put("program", "65")
        self.start()
        self.until(lambda: "ended with exit code 65; waiting for a change" in self.output.read_text())
        self.put("change", "0")
        self.until_events("fragua train", 2)

    def test_where_nothing_can_be_watched_it_ends_and_names_the_remedy(self):
        for code in (1, 2, 127):
            with self.subTest(code=code):
                self.put("events", "")
                self.put("change", str(code))
                process = self.start()
                self.assertEqual(process.wait(30), 1)
                self.assertEqual(self.events().count("cargo build --bin fragua"), 1)
                said = self.output.read_text()
                self.assertIn(f"inotifywait ended with {code}", said)
                self.assertIn("sysctl fs.inotify.max_user_watches", said)
                self.assertNotIn("the sources changed", said)

    def test_where_watching_fails_later_the_program_saves_before_the_end(self):
        process = self.start()
        self.until_events("fragua train")
        self.put("change", "1")
        self.assertEqual(process.wait(30), 1)
        self.assertEqual(self.events()[-1], "saved")

    def test_a_signal_ends_a_build_at_once(self):
        self.put("build", "long")
        for more in ({}, {"FRAGUA_DEV_ONCE": "1"}):
            for number in (signal.SIGTERM, signal.SIGINT):
                with self.subTest(more=more, number=number):
                    self.put("events", "")
                    process = self.start(**more)
                    self.until_events("cargo build --bin fragua")
                    self.until(lambda: more or "watching" in self.events())
                    process.send_signal(number)
                    process.wait(20)
                    self.until_events("build ended")
                    self.assertNotIn("fragua train", self.events())

    def test_once_ends_with_the_code_of_the_build_or_the_program(self):
        self.put("program", "3")
        self.assertEqual(self.start(FRAGUA_DEV_ONCE="1").wait(30), 3)
        self.put("build", "fails")
        self.assertEqual(self.start(FRAGUA_DEV_ONCE="1").wait(30), 101)


if __name__ == "__main__":
    unittest.main()
